"""The page of failures says what the table says."""

from __future__ import annotations

import failures_page

from envlock.knowledge.failures import Failure, Fix, all_failures


def test_the_page_in_the_documentation_is_that_of_the_table() -> None:
    assert failures_page.PAGE.read_text(encoding="utf-8") == failures_page.render(all_failures())


def test_a_failure_is_shown_with_its_conditions_fixes_and_threads() -> None:
    failure = Failure(
        id="too-new",
        title="a release that is too new",
        stage="load",
        rank="cause",
        cause="It is too new.",
        fixes=(
            Fix(kind="constraint", value="numpy<2", message="Go back."),
            Fix(kind="environment", value="tensorflow", message="Make another environment."),
        ),
        when=({"numpy": ">=2", "tf-keras": "absent"}, {"python": ">=3.12"}),
        is_conflict=True,
        sources=("keras-team/keras#1", "run-2026-11"),
        observed="2026-11-21",
    )

    page = failures_page.render([failure])

    assert page.partition("## When the model is loaded\n\n")[2].partition("\n## ")[0] == """\
### a release that is too new (2026-11-21)

`too-new`. It is too new.

Only with `numpy>=2` and no `tf-keras`, or `python>=3.12`.

- Go back. `numpy<2`
- Make another environment.

Reported in [keras-team/keras#1](https://github.com/keras-team/keras/issues/1).
"""  # fmt: skip
