"""A command starts without what it does not use: imports are most of the time that a short one takes."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from envlock.cli import COMMANDS, main

ASSETS = Path(__file__).parents[1] / "assets"
SLOW = {
    "dataclasses",
    "envlock.cli.database",
    "envlock.cli.fetch",
    "envlock.formats.protobuf_text",
    "envlock.knowledge.accelerators",
    "envlock.knowledge.tpu",
    "hashlib",
    "packaging.requirements",
    "packaging.specifiers",
    "shutil",
    "subprocess",
    "threading",
}
STARTED = """
import sys
from envlock.cli import main
try:
    main(sys.argv[1:])
finally:
    sys.stderr.write(" ".join(sys.modules))
"""


NEEDED_BY_ZIPFILE = {"shutil", "threading"}


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        pytest.param(["inspect", str(ASSETS / "keras" / "tf-2.6-sequential.h5")], set(), id="HDF5"),
        pytest.param(["inspect", str(ASSETS / "keras" / "tf-2.15-functional.keras")], NEEDED_BY_ZIPFILE, id="archive"),
        pytest.param(["inspect", str(ASSETS / "graphs" / "2.3" / "frozen.pb")], set(), id="graph"),
        pytest.param(["inspect", str(ASSETS / "saved_model" / "2.6")], set(), id="SavedModel"),
        pytest.param(["explain", str(ASSETS / "keras" / "tf-2.6-sequential.h5")], {"dataclasses"}, id="explanation"),
        pytest.param(["--help"], {"dataclasses", "envlock.cli.database", "envlock.cli.fetch", "shutil"}, id="overview"),
    ],
)
def test_a_short_command_does_not_import_what_is_slow(words: list[str], needed: set[str]) -> None:
    done = subprocess.run([sys.executable, "-c", STARTED, *words], capture_output=True, text=True, check=True)

    assert SLOW.intersection(done.stderr.split()) <= needed


def test_a_program_that_calls_it_keeps_its_garbage_collection(capsys: pytest.CaptureFixture[str]) -> None:
    before = gc.get_threshold(), gc.get_freeze_count()

    main(["inspect", str(ASSETS / "example" / "model.h5")])

    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_every_command_goes_by_the_name_that_it_is_found_by() -> None:
    assert [load().name for load in COMMANDS.values()] == list(COMMANDS)
