"""The same command once more: what was seen before counts as long as nothing has changed since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from envlock.candidates import Wishes
from envlock.cli.documents import outcome_document
from envlock.cli.rendering import render_outcome
from envlock.environment.kernel import Kernel
from envlock.errors import NoCandidateError
from envlock.knowledge.pairings import release_for_tensorflow
from envlock.pipeline.outcome import Outcome
from envlock.verification.record import RECORD_NAME
from tests.world import GOOD, World


def test_what_was_verified_is_told_with_its_time_and_not_done_again(world: World) -> None:
    first = world.run()

    second = world.run()

    assert world.times == 1
    assert (first.is_recalled, second.is_recalled) == (False, True)
    assert second.verified == first.verified
    assert second.lock == first.lock


def test_what_was_resolved_is_not_asked_for_again(world: World) -> None:
    world.run()
    asked = len(world.resolver.asked)

    world.run()

    assert len(world.resolver.asked) == asked


def touch(world: World) -> dict[str, Any]:
    world.request.artifact.touch()
    (world.packages / "notes.txt").touch()
    return {}


def change_model(world: World) -> dict[str, Any]:
    with world.request.artifact.open("ab") as stream:
        stream.write(b"\0")
    return {}


def change_code(world: World) -> dict[str, Any]:
    with world.code.open("a") as stream:
        stream.write("# more\n")
    return {}


def install_more(world: World) -> dict[str, Any]:
    (world.packages / "more-1.0.dist-info").mkdir()
    return {}


def damage_record(world: World) -> dict[str, Any]:
    (world.packages.parents[2] / RECORD_NAME).write_text("{")
    return {}


def run_unverified(world: World) -> dict[str, Any]:
    world.run(verifies=False)
    return {}


CHANGES = [
    pytest.param(run_unverified, 0, id="a-run-between-that-does-not-verify"),
    pytest.param(touch, 0, id="nothing-but-times"),
    pytest.param(lambda _: {"command": ("envlock", "-v")}, 0, id="how-it-was-called"),
    pytest.param(change_model, 1, id="the-model"),
    pytest.param(change_code, 1, id="the-code"),
    pytest.param(install_more, 1, id="what-is-installed"),
    pytest.param(damage_record, 1, id="the-record"),
    pytest.param(lambda _: {"trusts_code": True}, 1, id="whether-code-is-trusted"),
    pytest.param(lambda _: {"besides": (Requirement("scipy"),)}, 1, id="the-lock"),
    pytest.param(lambda _: {"verifies_again": True}, 1, id="nothing-but-it-is-asked-for"),
    pytest.param(lambda _: {"clears": True}, 1, id="nothing-but-all-is-to-be-made-anew"),
]


@pytest.mark.parametrize(("change", "times"), CHANGES)
def test_the_model_is_loaded_again_where_anything_that_matters_has_changed(
    change: Callable[[World], dict[str, Any]], times: int, world: World
) -> None:
    world.run()

    outcome = world.run(**change(world))

    assert world.times == 1 + times
    assert outcome.is_recalled is (times == 0)


def test_another_database_makes_all_of_it_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run()
    monkeypatch.setattr("envlock.verification.record.database_digest", lambda: "another")

    assert not world.run().is_recalled


def test_an_environment_that_failed_before_is_not_built_again(world: World) -> None:
    world.answers.append(replace(GOOD, loads=False, predicts=None, error="TypeError: no\nmore"))
    first = world.run()
    assert world.times == 2

    second = world.run()

    assert world.times == 2
    assert second.attempts == first.attempts
    assert [attempt.error for attempt in second.attempts] == ["TypeError: no more"]
    assert second.is_recalled


def test_an_environment_that_cannot_be_installed_is_not_installed_again(world: World) -> None:
    world.refusals.append("no such file")
    first = world.run()
    assert world.installations == 2

    second = world.run()

    assert world.installations == 2
    assert second.attempts == first.attempts
    assert [(attempt.stage, attempt.error) for attempt in second.attempts] == [("installation", "no such file")]
    assert second.is_recalled


@pytest.mark.parametrize(
    "changes", [{"verifies_again": True}, {"find_links": (Path("wheels"),)}], ids=["asked again", "from elsewhere"]
)
def test_what_may_help_an_installation_has_it_tried_again(changes: dict[str, Any], world: World) -> None:
    world.refusals.append("no such file")
    world.run()

    assert world.run(**changes).attempts == ()


def test_a_model_that_loads_and_cannot_be_called_is_remembered_as_such(world: World) -> None:
    silent = replace(GOOD, predicts=False, error="ValueError: no")
    world.answers.extend([silent] * 9)
    first = world.run()
    times = world.times

    second = world.run()

    assert first.verification is not None
    assert not first.verification.predicts
    assert world.times == times
    assert (second.verified, second.is_recalled) == (first.verified, True)


# --- what the code imports -----------------------------------------------------------------------------------


def write_code(world: World, source: str) -> None:
    world.code.write_text(f"{source}\nclass Scale: pass\n")


def test_what_the_code_imports_is_in_the_lock_and_what_is_not_known_is_not(world: World) -> None:
    write_code(world, "import json, scipy.stats, made_up_module, pip, keras\ntry: import cv2\nexcept ImportError: pass")

    outcome = world.run()

    supplies = {need.first.module: outcome.supply_of(need) for need in outcome.needs}
    assert supplies == {
        "scipy.stats": "added",
        "made_up_module": "unknown",
        "pip": "locked",
        "keras": "chosen",
        "cv2": "left-out",
    }
    assert {pin.name for pin in outcome.lock.pins} == {"pip", "scipy", "tensorflow-cpu"}
    assert "# Asked for: tensorflow-cpu==2.15.1, scipy\n" in outcome.lock_text


def test_what_the_person_names_for_an_import_is_not_asked_for_twice(world: World) -> None:
    write_code(world, "import scipy")

    outcome = world.run(besides=(Requirement("scipy<2"),))

    assert outcome.lock.requirements == ("tensorflow-cpu==2.15.1", "scipy<2")


def test_code_that_does_not_go_with_the_model_is_named_with_its_line(world: World) -> None:
    write_code(world, "\nimport torch")

    with pytest.raises(NoCandidateError) as caught:
        world.run(wishes=Wishes(python="3.10", prefer="saver"))

    assert str(caught.value) == (
        "tensorflow-cpu 2.15.1 on Python 3.10 does not go with torch "
        f"(your code imports it: {world.code}, line 2): offline has no torch"
    )


def test_an_add_on_that_the_code_imports_is_the_one_of_the_tensorflow(world: World) -> None:
    write_code(world, "import tensorflow_addons")

    outcome = world.run(wishes=Wishes(python="3.10", tensorflow=SpecifierSet("==2.10.*")))

    release = release_for_tensorflow("tensorflow-addons", "2.10")
    assert release is not None
    assert outcome.lock.requirements == ("tensorflow-cpu==2.10.1", f"tensorflow-addons=={release.version}")


# --- what is told --------------------------------------------------------------------------------------------


def rows_of(outcome: Outcome, label: str) -> list[str]:
    """The rows of the report under *label*."""
    lines = render_outcome(outcome).splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith(f"  {label} ")), len(lines))
    following = takewhile(lambda line: line.startswith(" " * 16), lines[first + 1 :])
    return [line[16:] for line in (*lines[first : first + 1], *following)]


def test_the_report_tells_each_import_with_its_place_and_what_serves_it(world: World) -> None:
    write_code(world, "import scipy.stats, made_up_module, pip, tensorflow\ntry: import cv2\nexcept ImportError: pass")

    assert rows_of(world.run(), "your code") == [
        f"imports made_up_module ({world.code}, line 1): which distribution brings it is not known; name it with --with",
        f"imports cv2 ({world.code}, line 2): not in the lock, since the code can do without; --with opencv-python adds it",
        f"imports pip ({world.code}, line 1): pip is in the lock anyway",
        f"imports scipy.stats ({world.code}, line 1): scipy is in the lock for it",
    ]


def test_the_report_tells_when_the_model_was_verified(world: World) -> None:
    verified = world.run().verified
    assert verified is not None
    day, time = verified.time.rstrip("Z").split("T")

    assert rows_of(world.run(), "verified") == [
        f"the model loads and computes finite numbers, already verified on {day} at {time} UTC, "
        "and nothing has changed since, isolated by limits, which does not hide your files or keep them from being "
        "changed or bar the network"
    ]


def test_the_document_tells_definitions_imports_and_whether_it_was_verified_before(world: World) -> None:
    write_code(world, "import scipy.stats")
    first = world.run()
    assert first.verified is not None

    document = outcome_document(world.run())

    assert {name: document[name] for name in ("already_verified", "verified_at", "code", "kernel")} == {
        "already_verified": True,
        "verified_at": first.verified.time,
        "code": {
            "builder": None,
            "definitions": [{"name": "Scale", "file": str(world.code), "line": 2, "module": "scaling"}],
            "imports": [
                {
                    "module": "scipy.stats",
                    "file": str(world.code),
                    "line": 1,
                    "distribution": "scipy",
                    "supply": "added",
                }
            ],
        },
        "kernel": None,
    }


def test_a_kernel_is_made_when_all_else_is(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))

    outcome = world.run(kernel="old-model")

    folder = tmp_path / "jupyter" / "kernels" / "old-model"
    assert outcome.kernel == Kernel(
        name="old-model", title="tensorflow-cpu 2.15.1 on Python 3.10 (project)", folder=folder
    )
    assert render_outcome(outcome).endswith(
        "or in Jupyter, with the kernel old-model: tensorflow-cpu 2.15.1 on Python 3.10 (project)\n"
    )
    with pytest.raises(NoCandidateError):
        world.run(kernel="never-made", besides=(Requirement("absent"),))
    assert [path.name for path in folder.parent.iterdir()] == ["old-model"]
