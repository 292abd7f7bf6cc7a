"""The page about a project, whatever its files are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envlock.onboarding.order import Order
from envlock.onboarding.page import render_page
from envlock.onboarding.results import Conflict, Onboarding
from envlock.onboarding.smoke import ImportedModule, SmokeTest
from envlock.project.interface import Place
from envlock.target import LINUX_X86_64
from tests.onboarding.conftest import Workshop
from tests.onboarding.projects import TENSORFLOW_2_3


def page_of(onboarding: Onboarding, folder: Path) -> str:
    order = Order(project=folder, folder=folder, platform=LINUX_X86_64, resolvers=())
    return render_page(onboarding, order).partition("\n")[2]


def test_the_page_tells_what_the_project_is_and_what_was_seen(workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, "models/a.h5")
    workshop.put("keras/tf-2.3-weights.h5", "models/weights.h5")
    workshop.write("requirements.txt", "tensorflow==1.3.0\n")
    workshop.write("bad.h5", "")
    smoke = SmokeTest(
        modules=(
            ImportedModule(name="old.train", outcome="imported"),
            ImportedModule(
                name="old.plots",
                outcome="missing",
                missing="nobody",
                error="ModuleNotFoundError: No module named 'nobody'",
                place=Place(Path("old/plots.py"), 3),
            ),
        ),
        isolation=None,
    )

    onboarding = replace(workshop.onboard(), smoke=smoke, untested="")

    assert (
        page_of(onboarding, workshop.folder)
        == """\
# Working on old

Era: 2017-08-16 (tensorflow 1.3.0, which requirements.txt, line 1 asks for).

| Model | Saved by | Environment |
| --- | --- | --- |
| `bad.h5` | cannot be read | none |
| `models/a.h5` | tf.keras 2.3 or 2.4 | `.venv` |
| `models/weights.h5` | tf.keras 2.3 or 2.4 | `.venv` |

## Environments

### `.venv`: TensorFlow 2.4.4 on Python 3.8

2 distributions, pinned by hash in `requirements-tensorflow-2.4.txt`.

```sh
# in the folder old
. .venv/bin/activate
```

```python
from layers import Scale
custom_objects = {'Custom>Scale': Scale}
path = 'models/a.h5'
```

## What was seen

- `models/a.h5` loads and computes, isolated by limits, which does not hide your files or keep them from being changed or bar the network
- `models/weights.h5` is **not verified**: it holds weights alone: envlock from-model models/weights.h5 --code DIR --builder NAME proves them
- bad.h5: expected a saved model, found an empty file
- 1 of 2 modules of the project are imported
- `old.plots`: missing: old/plots.py, line 3: ModuleNotFoundError: No module named 'nobody'

## What does not fit

- requirements.txt, line 1, asks for tensorflow==1.3.0: models/a.h5 needs TensorFlow 2.3 or newer
"""
    )


@pytest.mark.parametrize(
    "name",
    ["a`b.h5", "a|b.h5", "<script>x</script>.h5", "![x](https:example.com).h5", "a\nb.h5", "a\x1b[31mb.h5", "``a``.h5"],
)
def test_names_of_files_are_text_on_the_page(name: str, workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, name)

    onboarding = workshop.onboard()
    message = (*onboarding.conflicts, Conflict(f"{name}: does not fit"))
    page = page_of(replace(onboarding, conflicts=message), workshop.folder)

    assert "\x1b" not in page
    spans = [line for line in page.splitlines() if "script" in line or "example.com" in line]
    # In a code span, behind a backslash, or in a block of code.
    assert all("`" in line or "\\" in line or line.startswith("path = ") for line in spans)
    assert len(page.splitlines()) == len(page_of(onboarding, workshop.folder).splitlines()) + 4


def test_a_run_for_locks_leaves_the_page_about_environments_that_stand_there(workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, "a.h5")
    workshop.onboard()
    (workshop.folder / ".venv/envlock.json").touch()
    page = workshop.folder / "ONBOARDING.md"
    before = page.read_text()

    onboarding = workshop.onboard(makes_environments=False)

    assert onboarding.page is None
    assert page.read_text() == before
    assert workshop.notes.notes[-1] == f"{page}: tells of the environments beside it, and stays as it is"
