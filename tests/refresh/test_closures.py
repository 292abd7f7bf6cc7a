"""Verified closures: what is tried in which order, what is written down, and what becomes a table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import closures
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from envlock.knowledge.releases import line_of
from envlock.target import LINUX_AARCH64, LINUX_X86_64, MACOS_ARM64, Platform, Target

PYTHONS = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")


@pytest.fixture(scope="module")
def names() -> list[str]:
    return [trial.name for trial in closures.plan_trials(PYTHONS, LINUX_X86_64)]


def trial(version: str, python: str = "3.8") -> closures.Trial:
    return closures.Trial(
        subject="tensorflow",
        version=Version(version),
        requirements=(Requirement(f"tensorflow-cpu=={version}"),),
        constraints=(Requirement("protobuf<3.21"),),
        target=Target(python=python, platform=LINUX_X86_64),
    )


def row(version: str, python: str = "3.8", **more: Any) -> dict[str, Any]:
    outcome = {
        "observed": "2026-11-21",
        "pins": {"tensorflow-cpu": version},
        "did": {"import": "ok", "h5": "ok"},
        "how": {"h5": "load_model(path)"},
        "engine": "uv",
        "seconds": 40.0,
    }
    return closures.describe_trial(trial(version, python)) | outcome | more


# --- order -------------------------------------------------------------------------------------------------------


def test_the_newest_line_on_its_newest_python_comes_first(names: list[str]) -> None:
    assert names[:2] == [
        "tensorflow: tensorflow-cpu==2.21.0 on 3.13",
        "tensorflow: tensorflow-cpu==2.20.0 on 3.13",
    ]


def test_every_line_is_tried_on_one_python_before_any_is_on_a_second(names: list[str]) -> None:
    oldest = names.index("tensorflow: tensorflow==1.4.1 h5py<3 on 3.6")

    assert names.index("tensorflow: tensorflow-cpu==2.15.1 on 3.11") < oldest
    assert names.index("tensorflow: tensorflow-cpu==2.15.1 on 3.10") > oldest


def test_subjects_come_in_the_order_of_their_worth_and_further_pairings_last(names: list[str]) -> None:
    subjects = [name.partition(":")[0] for name in names]

    assert list(dict.fromkeys(subjects)) == list(closures.subjects())
    assert names.index("keras: tensorflow-cpu==2.16.2 keras==3.15.1 on 3.12") > names.index(
        "tensorflow-probability: tensorflow-cpu==2.4.4 tensorflow-probability==0.12.2 on 3.8"
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("tf-keras: tensorflow==2.18.1 tf-keras==2.18.0 on 3.12", id="the member that metadata demands"),
        pytest.param("keras: tensorflow==1.15.5 keras==2.2.5 on 3.7", id="the newest TensorFlow it runs on"),
        pytest.param("keras: tensorflow==1.4.1 keras==1.2.2 h5py<3 setuptools<82 on 3.6", id="without a wheel"),
        pytest.param("tensorflow-addons: tensorflow-cpu==2.10.1 tensorflow-addons==0.18.0 on 3.10", id="built against"),
        pytest.param(
            "tensorflow-addons: tensorflow-gpu==2.0.0 tensorflow-addons==0.6.0 on 3.7", id="one exact release"
        ),
        pytest.param(
            "tensorflow-text: tensorflow==2.11.1 tensorflow-text==2.11.0 setuptools<82 on 3.10", id="a declared range"
        ),
        pytest.param("tensorflow-hub: tensorflow-cpu==2.4.4 tensorflow-hub==0.12.0 on 3.8", id="the line of its time"),
    ],
)
def test_a_subject_is_tried_beside_the_tensorflow_that_it_belongs_to(name: str, names: list[str]) -> None:
    assert name in names


@pytest.mark.parametrize(
    ("python", "platform", "line", "release"),
    [
        pytest.param("2.7", LINUX_X86_64, "1.15", "tensorflow-cpu==1.15.0", id="the only one for Python 2.7"),
        pytest.param("2.7", LINUX_X86_64, "2.0", "tensorflow==2.0.0", id="of 2.0 for Python 2.7"),
        pytest.param("3.5", LINUX_X86_64, "2.3", "tensorflow-cpu==2.3.1", id="the last for Python 3.5"),
        pytest.param("3.7", LINUX_X86_64, "1.15", "tensorflow==1.15.5", id="the last of all"),
        pytest.param("3.10", LINUX_AARCH64, "2.11", "tensorflow==2.11.0", id="a later one needs what is not there"),
        pytest.param("3.8", MACOS_ARM64, "2.13", "tensorflow==2.13.0", id="a later one has no library for that Python"),
    ],
)
def test_the_last_release_of_a_line_is_tried_that_the_target_can_install(
    python: str, platform: Platform, line: str, release: str
) -> None:
    trials = closures.plan_trials([python], platform)

    of_line = next(item for item in trials if item.subject == "tensorflow" and line_of(item.version) == line)
    assert of_line.requested == [release]
    assert release.endswith(f"=={of_line.version}")


def test_each_earlier_patch_release_is_tried_on_its_newest_python_after_all_else(names: list[str]) -> None:
    of_line = [name for name in names if name.startswith("tensorflow: tensorflow-cpu==2.9.")]
    newest = [name for name in names if name.endswith("tensorflow-cpu==2.21.0 on 3.10")]

    assert of_line[4:] == [f"tensorflow: tensorflow-cpu==2.9.{patch} on 3.10" for patch in (2, 1, 0)]
    assert names.index(newest[0]) < names.index(of_line[4])


def test_the_best_trial_of_each_line_is_its_last_release_on_its_newest_python() -> None:
    trials = closures.plan_best_trials("tensorflow-model-optimization", PYTHONS, LINUX_X86_64)

    assert [trial.name.partition(": ")[2] for trial in trials][-3:] == [
        "tensorflow-cpu==2.5.3 tensorflow-model-optimization==0.6.0 on 3.9",
        "tensorflow-cpu==2.12.1 tensorflow-model-optimization==0.7.5 on 3.11",
        "tensorflow==2.21.0 tensorflow-model-optimization==0.8.1 on 3.13",
    ]


def test_releases_that_belong_to_no_line_are_left_out(names: list[str]) -> None:
    assert not [name for name in names if "==1.3." in name or "keras==2.4" in name or "tf-keras==2.15" in name]


def test_a_trial_carries_the_bounds_that_metadata_lacks(names: list[str]) -> None:
    trials = {item.name: item for item in closures.plan_trials(["3.8"], LINUX_X86_64)}

    constraints = trials["tensorflow: tensorflow-cpu==2.4.4 on 3.8"].constraints

    assert [str(bound) for bound in constraints] == ["protobuf<3.21"]


# --- journal -----------------------------------------------------------------------------------------------------


def test_the_last_outcome_of_a_trial_counts(tmp_path: Path) -> None:
    journal = closures.Journal(tmp_path)
    for outcome in (row("2.4.4", error="h5: no"), row("2.3.4"), row("2.4.4")):
        journal.append(outcome)

    assert closures.Journal(tmp_path).rows() == [row("2.4.4"), row("2.3.4")]


def test_a_bound_that_was_learned_makes_no_other_trial(tmp_path: Path) -> None:
    journal = closures.Journal(tmp_path)
    cured = row("1.10.1", "3.6", requested=["tensorflow==1.10.1", "h5py<3"])
    for outcome in (row("1.10.1", "3.6", error="import: ImportError: no h5py"), cured):
        journal.append(outcome)

    assert journal.rows() == [cured]


def test_half_an_outcome_of_a_killed_run_is_forgotten(tmp_path: Path) -> None:
    closures.Journal(tmp_path).append(row("2.4.4"))
    with (tmp_path / "closures.jsonl").open("a") as stream:
        stream.write('{"subject": "tens')

    resumed = closures.Journal(tmp_path)
    resumed.append(row("2.3.4"))

    assert resumed.rows() == [row("2.4.4"), row("2.3.4")]


@pytest.mark.parametrize(("again", "versions"), [(False, ["2.5.3"]), (True, ["2.3.4", "2.5.3"])])
def test_what_stands_in_the_journal_is_not_tried_again_unless_it_failed(again: bool, versions: list[str]) -> None:
    trials = [trial("2.4.4"), trial("2.3.4"), trial("2.5.3")]
    rows = [row("2.4.4"), row("2.3.4", error="h5: no")]

    pending = closures.pending_trials(trials, rows, again=again)

    assert [str(item.version) for item in pending] == versions


def test_every_outcome_is_written_down_when_it_comes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = closures.Journal(tmp_path)

    def try_out(item: closures.Trial) -> dict[str, Any]:
        if item.version == Version("2.5.3"):
            raise closures.DiskFullError("the disk is full")
        return row(str(item.version))

    with pytest.raises(closures.DiskFullError):
        closures.run([trial("2.4.4"), trial("2.5.3"), trial("2.3.4")], try_out, journal, jobs=1)

    assert journal.rows()[0] == row("2.4.4")
    assert (
        capsys.readouterr().err.splitlines()[0] == "1/3 tensorflow: tensorflow-cpu==2.4.4 on 3.8 (40 s): ok: import, h5"
    )


# --- probe -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "answer"),
    [
        pytest.param("print('{\"did\": {}}')", {"did": {}}, id="an answer"),
        pytest.param("raise ValueError('no')", "ValueError: no", id="an exception"),
        pytest.param("import os; os.kill(os.getpid(), 11)", "killed by signal 11", id="a signal"),
        pytest.param("raise SystemExit(3)", "ended with exit status 3", id="an exit status"),
    ],
)
def test_a_probe_gives_its_answer_or_how_it_ended(program: str, answer: object, tmp_path: Path) -> None:
    script = tmp_path / "probe.py"
    script.write_text(program)

    assert closures.Probe(Path(sys.executable), tmp_path, {}).run(script) == answer


class PreparedProbe(closures.Probe):
    """Gives prepared answers by stage."""

    answers: dict[str, Any]

    def __init__(self, **answers: Any) -> None:
        super().__init__(Path("python"), Path(), {})
        self.__dict__["answers"] = answers

    def run(self, script: Path, *arguments: str) -> Any:
        del script
        return self.answers[arguments[0]]


SAVED = {"did": {"import": "ok", "h5": "ok", "keras": "OSError: no"}, "how": {}}


@pytest.mark.parametrize(
    ("loaded", "outcome"),
    [
        pytest.param(
            {"did": {"import": "ok", "h5": "ok"}, "how": {"h5": "load_model(path)"}},
            {"did": {"import": "ok", "h5": "ok", "keras": "OSError: no"}, "how": {"h5": "load_model(path)"}},
            id="each task of the second",
        ),
        pytest.param(
            "killed by signal 11",
            {"did": {"import": "ok", "h5": "in the second process: killed by signal 11", "keras": "OSError: no"}},
            id="a second that dies",
        ),
        pytest.param(
            {"did": {"import": "ImportError: no"}, "how": {}},
            {"did": {"import": "ok", "h5": "in the second process: ImportError: no", "keras": "OSError: no"}},
            id="a second that does not import",
        ),
    ],
)
def test_what_one_process_saved_counts_as_another_loads_it(loaded: object, outcome: object) -> None:
    assert closures.save_and_load(PreparedProbe(save=SAVED, load=loaded), "tensorflow") == outcome


def test_an_environment_without_the_subject_says_so() -> None:
    script = Path(closures.__file__).parent / "probes" / "save_and_load.py"

    done = subprocess.run([sys.executable, script, "save", "tensorflow", "."], capture_output=True, check=True)

    assert json.loads(done.stdout)["did"] == {"import": "ModuleNotFoundError: No module named 'tensorflow'"}


# --- tables ------------------------------------------------------------------------------------------------------


def select(outcome: dict[str, Any], **more: Any) -> dict[str, Any]:
    columns = ("subject", "version", "requested", "python", "platform", "observed", "pins", "did")
    return {column: outcome[column] for column in columns} | more


def test_closures_stand_sorted_by_version_and_python(tmp_path: Path) -> None:
    closures.assemble([row("2.10.1", "3.10"), row("2.4.4"), row("2.10.1", "3.9")], tmp_path, allow_fewer=False)

    assert json.loads((tmp_path / "tensorflow.json").read_text()) == {
        "generator": "data/refresh/closures.py",
        "source": "run-2026-11",
        "rows": 3,
        "closures": [select(row("2.4.4")), select(row("2.10.1", "3.9")), select(row("2.10.1", "3.10"))],
    }


def test_what_failed_stands_apart_with_its_error_and_keeps_its_curated_reason(tmp_path: Path) -> None:
    bad = row("2.4.4", did={"import": "ImportError: no"}, error="import: ImportError: no")
    closures.assemble([bad, row("2.3.4")], tmp_path, allow_fewer=False)
    failed = tmp_path / "failed.json"
    table = json.loads(failed.read_text())
    assert table["closures"] == [select(bad, error=bad["error"])]

    table["closures"][0]["reason"] = "the wheel is broken"
    failed.write_text(json.dumps(table))
    closures.assemble([bad, row("2.3.4")], tmp_path, allow_fewer=False)

    assert json.loads(failed.read_text())["closures"] == [select(bad, error=bad["error"], reason="the wheel is broken")]


def test_a_subject_that_would_lose_closures_is_refused(tmp_path: Path) -> None:
    closures.assemble([row("2.4.4"), row("2.3.4")], tmp_path, allow_fewer=False)

    with pytest.raises(SystemExit, match="refused to replace 2 rows by 1; --allow-fewer insists"):
        closures.assemble([row("2.4.4")], tmp_path, allow_fewer=False)
