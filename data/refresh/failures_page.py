"""Rewrite ``docs/reference/failures.md``: the failures of ``data/failures.toml`` for people to read.

python data/refresh/failures_page.py
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from envlock.knowledge.failures import STAGES, Failure, Fix, all_failures

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "failures.md"

_HEADINGS = {
    "install": "When it is installed",
    "import": "When it is imported",
    "file": "When the artifact is opened",
    "load": "When the model is loaded",
    "call": "When the model is called",
    "device": "On the device",
}

_LITERAL = frozenset({"constraint", "load-argument", "environment-variable", "command"})
"""Kinds of fixes whose value is typed as it stands."""

_INTRODUCTION = """\
<!-- Written by data/refresh/failures_page.py. -->
# Why models do not load

`envlock diagnose` knows these failures by the text of their errors and by the releases that are installed; they are
the rows of `data/failures.toml`. A day behind a title is the day on which the failure was made in a real environment,
recognised by what was printed, and mended by its fix.
"""


def main() -> None:
    PAGE.write_text(render(all_failures()), encoding="utf-8")


def render(failures: Sequence[Failure]) -> str:
    """The page, in the order of stages and, within one, of the table."""
    parts = [_INTRODUCTION]
    for stage in STAGES:
        parts.append(f"## {_HEADINGS[stage]}\n")
        parts.extend("\n".join(_section(item)) for item in failures if item.stage == stage)
    return "\n".join(parts)


def _section(failure: Failure) -> Iterator[str]:
    observed = f" ({failure.observed})" if failure.observed else ""
    yield f"### {failure.title}{observed}\n"
    yield f"`{failure.id}`. {failure.cause}\n"
    if failure.when:
        yield f"Only with {', or '.join(map(_conditions, failure.when))}.\n"
    yield from map(_fix, failure.fixes)
    threads = [source for source in failure.sources if "#" in source]
    if threads:
        yield f"\nReported in {', '.join(map(_link, threads))}."
    yield ""


def _conditions(conditions: Mapping[str, str]) -> str:
    return " and ".join(
        f"`{name}{specifier}`" if specifier != "absent" else f"no `{name}`" for name, specifier in conditions.items()
    )


def _fix(fix: Fix) -> str:
    return f"- {fix.message} `{fix.value}`" if fix.kind in _LITERAL else f"- {fix.message}"


def _link(thread: str) -> str:
    repository, _, number = thread.partition("#")
    return f"[{thread}](https://github.com/{repository}/issues/{number})"


if __name__ == "__main__":
    main()
