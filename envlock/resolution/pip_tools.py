"""Resolution by ``pip-compile`` of pip-tools, over the person's index as their pip is configured."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.requirements import Requirement

from envlock.errors import EnvlockError, ResolutionError, UsageError
from envlock.formats.pinned_requirements import PinnedRequirement, read_pinned_requirements
from envlock.formats.text import without_credentials
from envlock.knowledge.pip_tools import find_pip_tools
from envlock.pip_process import unreachable_for_pip
from envlock.reporter import Reporter, SilentReporter
from envlock.resolution.distributions import rank_wheel
from envlock.resolution.interface import Pin, PinnedFile, Resolution, UnservedTargetError
from envlock.target import Target, platform_here
from envlock.uv_process import UvError, run_uv

_PROBE = Path(__file__).parents[1] / "probes" / "list_index_files.py"
_ACTION = "resolving with pip-tools"


class PipToolsResolver:
    """The resolver of pip, run by pip-tools on a Python of the target's line.

    uv installs pip-tools into its cache, once for each line.
    """

    name = "pip-tools"
    needs_interpreter = True
    asks_index = True

    def __init__(self, reporter: Reporter | None = None) -> None:
        """Tell *reporter* what is going on: a lock of TensorFlow takes up to some minutes."""
        self._reporter = reporter or SilentReporter()

    def resolve(
        self,
        requirements: Sequence[Requirement],
        *,
        constraints: Sequence[Requirement],
        target: Target,
        interpreter: Path | None,
        kept: Sequence[Requirement] = (),
    ) -> Resolution:
        """See :class:`envlock.resolution.interface.Resolver`; source distributions are taken where no wheel satisfies.

        Raises:
            UsageError: The target is another machine than this one.
        """
        asked = f"{', '.join(map(str, requirements))} on Python {target.python}"
        if target.platform != platform_here():
            raise UsageError(
                f"pip-tools resolves for the machine that it runs on, which is not {target.platform.label}",
                hint="take --engine uv, which resolves for any",
            )
        tool = _command(asked, target, interpreter)
        # In a folder of its own: the settings of the project that one happens to stand in are not the lock's.
        with TemporaryDirectory(prefix="envlock-") as folder:
            with self._reporter.step("resolving with pip-compile"):
                pinned = _compile(tool, requirements, constraints, kept, asked, Path(folder))
            with self._reporter.step("listing the files of every release"):
                listed = _list_files(tool, pinned, asked, folder)
        return Resolution(pins=tuple(_combine(pinned, listed, asked, target)), engine=self.name)


def _command(asked: str, target: Target, interpreter: Path | None) -> list[str]:
    """The arguments of uv, up to the program of pip-tools that is to run.

    Raises:
        UnservedTargetError: No pip-tools runs on Python of that line, or no such Python is at hand.
    """
    pair = find_pip_tools(target.python)
    if pair is None:
        problem = f"pip-tools does not resolve for Python {target.python}"
        raise UnservedTargetError(asked, problem, hint="take --engine uv")
    if interpreter is None:
        problem = f"pip-tools resolves on Python {target.python} alone, and none is at hand"
        hint = f"install Python {target.python}, or take --engine uv"
        raise UnservedTargetError(asked, problem, hint=hint)
    # Isolated from a pip-tools that the person may have installed with uv.
    options = ["--isolated", "--python", str(interpreter), "--from", pair.pip_tools, "--with", pair.pip]
    return ["tool", "run", "--quiet", *options]


def _compile(
    tool: Sequence[str],
    requirements: Sequence[Requirement],
    constraints: Sequence[Requirement],
    kept: Sequence[Requirement],
    asked: str,
    folder: Path,
) -> list[PinnedRequirement]:
    # The pins in its output are kept by pip-compile, but for those that are in conflict.
    (folder / "pinned.txt").write_text("".join(f"{item}\n" for item in kept), encoding="utf-8")
    (folder / "constraints.txt").write_text("".join(f"{item}\n" for item in constraints), encoding="utf-8")
    # pip-tools 6 has no option --constraint.
    lines = ["-c constraints.txt", *map(str, requirements)]
    (folder / "requirements.in").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    arguments = [
        *("pip-compile", "requirements.in", "--output-file", "pinned.txt"),
        # Only then pip tells what a conflict is caused by.
        "--verbose",
        "--resolver=backtracking",
        *("--allow-unsafe", "--strip-extras", "--annotate", "--annotation-style=line", "--no-header"),
        # Addresses of indexes may hold credentials.
        "--no-emit-options",
        "--pip-args=--prefer-binary",
    ]
    _run([*tool, *arguments], asked, folder)
    return list(read_pinned_requirements((folder / "pinned.txt").read_text(encoding="utf-8")))


def _list_files(tool: Sequence[str], pinned: Sequence[PinnedRequirement], asked: str, folder: str) -> Mapping[str, Any]:
    """The files that the index has for that Python, by distribution: pip-compile tells no more than their hashes."""
    names = json.dumps({pin.name: str(pin.version) for pin in pinned})
    listed: Mapping[str, Any] = json.loads(_run([*tool, "python", str(_PROBE)], asked, Path(folder), text=names))
    return listed


def _run(arguments: Sequence[str], asked: str, folder: Path, *, text: str = "") -> str:
    return run_uv(
        arguments,
        action=_ACTION,
        place="the cache of uv",
        text=text,
        folder=str(folder),
        explain=lambda output: explain_failure(output, asked),
    )


def _combine(
    pinned: Iterable[PinnedRequirement], listed: Mapping[str, Any], asked: str, target: Target
) -> Iterator[Pin]:
    """The pins with their files, sorted by name. Of a distribution with wheels the source is left out."""
    for pin in sorted(pinned, key=lambda pin: pin.name):
        # Where several indexes have a file, the first counts for pip as well.
        files = {file["name"]: file for file in reversed(listed[pin.name])}
        wheels = [name for name in files if name.endswith(".whl")]
        chosen = [name for name in wheels if rank_wheel(name, target) is not None]
        if not wheels:
            # As PEP 625 has it, where a release has several.
            chosen = sorted(files, key=lambda name: (not name.endswith(".tar.gz"), name))[:1]
        if not chosen:
            problem = f"the index lists no file of {pin.name} {pin.version} that serves every {target.platform.label}"
            raise _refusal(asked, problem, "take --engine uv")
        yield Pin(
            name=pin.name,
            version=pin.version,
            files=tuple(_pinned_file(files[name]) for name in sorted(chosen)),
            via=pin.via,
            is_source=not wheels,
        )


def _pinned_file(file: Mapping[str, str]) -> PinnedFile:
    return PinnedFile(name=file["name"], sha256=file["sha256"], url=without_credentials(file["url"]))


def _refusal(asked: str, problem: str, hint: str) -> ResolutionError:
    error = ResolutionError(asked, problem)
    error.hint = hint
    return error


# --- what went wrong -----------------------------------------------------------------------------------------

# pip passes an index over that does not answer, and then misses what only that one has. `total` counts down to 0.
_NO_ANSWER = re.compile(r"Retry\(total=0,.* after connection broken by '\w+\(['\"]?(?:<[^>]+>: )?(.*?)['\"]?\)': ")
_BROKEN_TRANSFER = re.compile(r"\w*(?:Connection|Timeout|Proxy|SSL)\w*")
_BROKEN_BUILD = re.compile(r"MetadataGenerationFailed|FailedToPrepareCandidate|InstallationSubprocessError")
_NOTHING_FOUND = re.compile(r"ERROR: Could not find a version that satisfies the requirement (.+) \(from versions: ")
_TOO_DEEP = re.compile(r"ResolutionTooDeep\w*")

_CAUSES = re.compile(r"^ *The conflict is caused by:\n((?: +\S.*\n)+)", re.MULTILINE)
_RAISED = re.compile(r"^Traceback .*\n(?: .*\n)+(?:\w+\.)*(?P<kind>\w+)(?:: (?P<detail>.*))?", re.MULTILINE)
_UNDER_WAY = re.compile(r"^ *(?:Collecting|Processing) (?:\S*/)?(\S+)", re.MULTILINE)
_LAST_PRINTED = re.compile(r"^ *(\S.*)\n *\[end of output\]", re.MULTILINE)


def explain_failure(output: str, asked: str) -> EnvlockError | None:
    """The error that *output*, what pip-tools wrote, amounts to; ``None`` where it was not pip-tools that failed."""
    output = without_credentials(output)
    *_, raised = [None, *_RAISED.finditer(output)]
    if raised is None:
        return None
    kind, detail = raised["kind"], raised["detail"] or raised["kind"]
    if silence := _NO_ANSWER.search(output):
        return unreachable_for_pip(_ACTION, silence[1])
    if _BROKEN_TRANSFER.fullmatch(kind):
        return unreachable_for_pip(_ACTION, detail)
    if causes := _CAUSES.search(output):
        return ResolutionError(asked, f"{_enumerate_causes(causes[1])} contradict each other")
    if missed := _NOTHING_FOUND.search(output):
        return ResolutionError(asked, f"the index has no release of {missed[1]} for this Python")
    if _BROKEN_BUILD.fullmatch(kind):
        return ResolutionError(asked, _describe_build(output, detail))
    if _TOO_DEEP.fullmatch(kind):
        return _refusal(asked, "pip gave up the search", "pin more of what you ask for, such as its numpy")
    return UvError(_ACTION, detail)


# More of them do not make a conflict any clearer.
_MOST_CAUSES = 6


def _enumerate_causes(text: str) -> str:
    """The lines of pip, such as ``requests 2.31.0 depends on idna<4 and >=2.5``, as a list of requirements."""
    causes = list(dict.fromkeys(_describe_cause(line.strip()) for line in text.splitlines()))
    *others, last = causes if len(causes) <= _MOST_CAUSES else [*causes[:_MOST_CAUSES], "others"]
    return f"{', '.join(others)} and {last}" if others else last


def _describe_cause(line: str) -> str:
    if wanted := re.fullmatch(r"The user requested (\(constraint\) )?(.+)", line):
        return f"{wanted[2]} ({'a bound in force' if wanted[1] else 'asked for'})"
    if needed := re.fullmatch(r"(\S+ \S+) depends on (.+)", line):
        return f"{needed[2].replace(' and ', ',')} (required by {needed[1]})"
    return line


def _describe_build(output: str, detail: str) -> str:
    *_, name = ["a source distribution", *_UNDER_WAY.findall(output)]
    *_, reason = [detail, *_LAST_PRINTED.findall(output)]
    return f"{name} does not build: {reason}"
