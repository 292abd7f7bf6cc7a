"""A command starts without what it does not use: imports are most of the time that a short one takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ASSETS = Path(__file__).parents[1] / "assets"
SLOW = {"packaging.specifiers", "packaging.requirements", "subprocess", "hashlib", "envlock.formats.protobuf_text"}
STARTED = """
import sys
from envlock.cli import main
try:
    main(sys.argv[1:])
finally:
    sys.stderr.write(" ".join(sys.modules))
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["inspect", str(ASSETS / "keras" / "tf-2.6-sequential.h5")],
        ["inspect", str(ASSETS / "keras" / "tf-2.15-functional.keras")],
        ["inspect", str(ASSETS / "graphs" / "2.3" / "frozen.pb")],
        ["inspect", str(ASSETS / "saved_model" / "2.6")],
    ],
    ids=lambda words: Path(words[-1]).name,
)
def test_a_short_command_does_not_import_what_is_slow(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", STARTED, *words], capture_output=True, text=True, check=True)

    assert SLOW.isdisjoint(done.stderr.split())
