"""What the README shows is what the program says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envlock.cli import main

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="argparse words help otherwise from Python 3.13 on")
def test_the_help_is_the_real_one(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        main(["from-model", "--help"])

    assert f"$ envlock from-model --help\n{capsys.readouterr().out}```" in (ROOT / "README.md").read_text(
        encoding="utf-8"
    )
