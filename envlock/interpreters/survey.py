"""Executables -> the CPython interpreters among them, newest first, and what cannot serve with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.version import Version

from envlock.interpreters.interface import TIME_LIMIT, Interpreter, SkippedInterpreter, Survey
from envlock.interpreters.memory import keep, recall
from envlock.interpreters.question import Facts, NoAnswerError, ask

_MOST_AT_ONCE = 16


def survey_executables(
    executables: Mapping[Path, str], *, time_limit: float = TIME_LIMIT, refresh: bool = False
) -> Survey:
    """Describe *executables*, given with the source of each.

    *time_limit* (seconds) holds for each of them. With *refresh*, all are asked, whatever they have said before.
    """
    known = {} if refresh else recall(executables)
    answers, silent = _ask_all([path for path in executables if path not in known], time_limit)
    if answers:
        keep(answers)
    interpreters: list[Interpreter] = []
    skipped = [SkippedInterpreter(executable=path, reason=reason) for path, reason in silent.items()]
    # In the order of the sources: where two have the same installation, the first tells where it is from.
    for path, source in executables.items():
        facts = known.get(path) or answers.get(path)
        if facts is None:
            continue
        if obstacle := _find_obstacle(facts):
            skipped.append(SkippedInterpreter(executable=path, reason=obstacle))
        else:
            interpreters.append(_interpreter(facts, source))
    return Survey(interpreters=_fold(interpreters), skipped=tuple(sorted(skipped, key=lambda item: item.executable)))


def _ask_all(executables: list[Path], time_limit: float) -> tuple[dict[Path, Facts], dict[Path, str]]:
    """What answers, and the reason of what does not."""
    if not executables:
        return {}, {}
    from concurrent.futures import ThreadPoolExecutor

    def ask_one(executable: Path) -> Facts | str:
        try:
            return ask(executable, time_limit=time_limit)
        except NoAnswerError as error:
            return str(error)

    with ThreadPoolExecutor(max_workers=_MOST_AT_ONCE) as pool:
        told = dict(zip(executables, pool.map(ask_one, executables), strict=True))
    answers = {path: answer for path, answer in told.items() if not isinstance(answer, str)}
    return answers, {path: answer for path, answer in told.items() if isinstance(answer, str)}


def _interpreter(facts: Facts, source: str) -> Interpreter:
    version = Version(facts["version"])
    return Interpreter(
        executable=Path(facts["executable"]),
        version=version,
        line=f"{version.major}.{version.minor}",
        system=facts["system"],
        machine=facts["machine"],
        libc=facts["libc"],
        bits=facts["bits"],
        prefix=Path(facts["prefix"]),
        source=source,
    )


def _find_obstacle(facts: Facts) -> str:
    """Why no TensorFlow wheel fits, as one clause; empty where one may."""
    if facts["implementation"] != "CPython":
        return f"{facts['implementation']}, not CPython"
    if "t" in facts["abi_flags"]:
        return "a free-threaded build"
    if "d" in facts["abi_flags"]:
        return "a debug build"
    if facts["bits"] != 64:
        return f"a {facts['bits']}-bit build"
    if facts["system"] == "linux" and not facts["libc"].startswith("glibc"):
        return "built for another C library than glibc"
    return ""


def _fold(interpreters: Iterable[Interpreter]) -> tuple[Interpreter, ...]:
    """One for each version of each installation, newest first."""
    folded: dict[tuple[Path, Version], Interpreter] = {}
    for interpreter in interpreters:
        folded.setdefault((interpreter.prefix, interpreter.version), interpreter)
    by_path = sorted(folded.values(), key=lambda found: found.executable)
    return tuple(sorted(by_path, key=lambda found: found.version, reverse=True))
