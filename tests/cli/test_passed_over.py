"""A better environment whose Python is not here is told once, with the way to get it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from envlock.candidates import Wishes
from envlock.cli.rendering import render_outcome
from tests.world import ASSETS, World

BEST = "tensorflow-cpu 2.4.4 on Python 3.8, the better one: its Python is not here"


@pytest.mark.parametrize(
    ("commands", "told"),
    [
        pytest.param(
            {"3.8": "uv python install 3.8", "3.9": "uv python install 3.9"},
            [f"{BEST}; get it with: uv python install 3.8"],
            id="the best one can be had",
        ),
        pytest.param(
            {"3.9": "uv python install 3.9"},
            [
                BEST,
                "tensorflow-cpu 2.5.3 on Python 3.9, better than this one as well: its Python is not here; get it with:"
                " uv python install 3.9",
            ],
            id="another can be had",
        ),
        pytest.param({}, [BEST], id="none can be had"),
    ],
)
def test_what_is_better_is_told_once(
    commands: dict[str, str], told: list[str], world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envlock.pipeline.from_model.command_to_get", lambda python: commands.get(python, ""))
    model = Path(shutil.copy(ASSETS / "keras/tf-2.3-functional.h5", tmp_path))

    report = render_outcome(world.run(artifact=model, code=None, wishes=Wishes()))

    assert [line[16:] for line in report.splitlines() if "its Python is not here" in line] == told
