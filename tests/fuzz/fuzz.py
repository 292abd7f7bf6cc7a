"""Coverage-guided fuzzing of one target with atheris, until it is stopped or finds something.

    python -m tests.fuzz.fuzz hdf5 -max_total_time=600 -rss_limit_mb=512 -timeout=10

What follows the name of the target goes to libFuzzer. Its corpus starts from the assets and is kept nowhere; an input
that breaks something is left in the folder for temporary files.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["envlock"]):
    from tests.fuzz.targets import TARGETS, Target

from envlock.errors import EnvlockError


def main(arguments: list[str]) -> None:
    """Fuzz the target that the first argument names."""
    targets = {target.name: target for target in TARGETS}
    if len(arguments) < 2 or arguments[1] not in targets:
        sys.exit(f"usage: {arguments[0]} TARGET [libFuzzer options]; targets: {', '.join(targets)}")
    target = targets[arguments[1]]
    with tempfile.TemporaryDirectory() as corpus:
        _write_corpus(target, Path(corpus))
        findings = f"-artifact_prefix={tempfile.gettempdir()}/envlock-{target.name}-"
        atheris.Setup([arguments[0], findings, *arguments[2:], corpus], lambda data: _run(target, data))
        atheris.Fuzz()


def _write_corpus(target: Target, folder: Path) -> None:
    for number, seed in enumerate(target.seeds()):
        (folder / str(number)).write_bytes(seed)


def _run(target: Target, data: bytes) -> None:
    with contextlib.suppress(EnvlockError):
        target.run(data)


if __name__ == "__main__":
    main(sys.argv)
