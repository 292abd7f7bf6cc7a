"""The parts of the experiment that need no environment: its plan, its journal, its tables and its scores."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envlock.interpreters import Interpreter
from envlock.knowledge.loaders import all_loaders
from envlock.loadability import Reason, Verdict
from tests.matrix import run_matrix
from tests.matrix.experiment import Artifact, Environment, Loader, plan_trials, read_environments, trials_of
from tests.matrix.journal import add_report, find_artifacts, key_of, read_journal, read_report
from tests.matrix.observations import describe_outcome, normalize_error, tabulate
from tests.matrix.probes.shares import SHARES
from tests.matrix.run_matrix import UnusableEnvironmentError, load_all
from tests.matrix.score_predictions import HALVES, Comparison, compare, half_of, misses_of, score

KERAS = Loader(environment="tf-2.3", implementation="tf.keras", line="2.3")
TENSORFLOW = Loader(environment="tf-2.3", implementation="tensorflow", line="2.3")
STANDALONE = Loader(environment="keras-2.3.1", implementation="keras", line="2.3")
ENVIRONMENT = Environment(name="tf-2.3", python="3.8", requirements=(), saver="tf.keras", loaders=(KERAS,))


def artifact(subject: str, kind: str) -> Artifact:
    return Artifact(path=Path(f"tf-2.3/{subject}.{kind}"), saver="tf-2.3", subject=subject, kind=kind)


def row(subject: str, loader: str, *, error: str | None = None, definitions: bool = False) -> dict[str, object]:
    return {
        "saver": "tf-2.3",
        "artifact": f"{subject}.h5",
        "subject": subject,
        "kind": "h5",
        "loader": loader,
        "definitions": definitions,
        "ok": error is None,
        "how": "load_model",
        "error": error,
        "seconds": 0.1,
    }


# --- the plan ------------------------------------------------------------------------------------------------------


def test_every_loader_of_the_experiment_is_a_row_of_the_output_of_explain() -> None:
    known = {(loader.implementation, loader.line) for loader in all_loaders()}

    assert [
        loader.name
        for environment in read_environments()
        for loader in environment.loaders
        if (loader.implementation, loader.line) not in known
    ] == []


def test_names_of_environments_are_different() -> None:
    names = [environment.name for environment in read_environments()]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("loader", "kinds"),
    [
        (KERAS, ["h5", "keras", "json", "weights", "saved-model"]),
        (STANDALONE, ["h5", "keras", "json", "weights"]),
        (TENSORFLOW, ["saved-model", "checkpoint", "frozen-graph"]),
    ],
    ids=["tf.keras", "keras", "tensorflow"],
)
def test_a_loader_is_given_the_kinds_that_it_has_a_way_to_load(loader: Loader, kinds: list[str]) -> None:
    all_kinds = ["h5", "keras", "json", "weights", "saved-model", "checkpoint", "frozen-graph"]

    assert [kind for kind in all_kinds if loader.reads(kind)] == kinds


def test_what_needs_definitions_is_tried_without_them_first_and_with_them_last() -> None:
    trials = plan_trials([artifact("custom_layer", "h5"), artifact("model_functional", "h5")], ENVIRONMENT, done=())

    assert [(trial.artifact.subject, trial.has_definitions) for trial in trials] == [
        ("custom_layer", False),
        ("model_functional", False),
        ("custom_layer", True),
    ]


def test_tensorflow_alone_is_given_no_definitions() -> None:
    trials = trials_of(artifact("custom_layer", "saved-model"), TENSORFLOW)

    assert [trial.has_definitions for trial in trials] == [False]


def test_all_kinds_of_a_subject_are_in_the_same_share_of_a_run() -> None:
    kinds = {artifact("layer_LSTM", kind).share for kind in ("h5", "keras")}

    assert len(kinds) == 1
    assert {artifact(f"layer_{number}", "h5").share for number in range(100)} == set(range(SHARES))


def test_what_is_in_the_journal_is_not_tried_again() -> None:
    [first, second] = plan_trials([artifact("custom_layer", "h5")], ENVIRONMENT, done=())

    assert plan_trials([artifact("custom_layer", "h5")], ENVIRONMENT, done={first.key}) == [second]


# --- the run ---------------------------------------------------------------------------------------------------------

# Stands in for the probe: answers by the name of the artifact.
LOADER = """
import json, os, sys, time
for line in sys.stdin:
    path = json.loads(line)["path"]
    if "import" in path:
        sys.exit(3)
    print(json.dumps({"begins": path}), flush=True)
    if "crash" in path:
        os.kill(os.getpid(), 9)
    if "exit" in path:
        sys.exit(4)
    if "slow" in path:
        time.sleep(60)
    print(json.dumps({"ok": True, "how": "load_model", "error": None, "seconds": 0.0}), flush=True)
"""


@pytest.fixture
def probes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a stand-in for the probe that loads."""
    (tmp_path / "load_artifacts.py").write_text(LOADER, encoding="utf-8")
    monkeypatch.setattr(run_matrix, "_PROBES", tmp_path)
    return tmp_path


def test_a_run_goes_on_behind_what_ends_its_process_or_takes_too_long(
    probes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_matrix, "TIME_LIMIT", 2.0)
    subjects = ["first", "crash", "second", "slow", "exit", "last"]
    trials = plan_trials([artifact(subject, "h5") for subject in subjects], ENVIRONMENT, done=())

    rows = list(load_all(Path(sys.executable), ENVIRONMENT, trials, probes))

    assert [(row["subject"], row["ok"], row["error"]) for row in rows] == [
        ("first", True, None),
        ("crash", False, "killed by signal 9"),
        ("second", True, None),
        ("slow", False, "no answer within 2 seconds"),
        ("exit", False, "ended with status 4"),
        ("last", True, None),
    ]


def test_an_environment_that_begins_with_nothing_is_given_up(probes: Path) -> None:
    trials = trials_of(artifact("import", "h5"), KERAS)

    with pytest.raises(UnusableEnvironmentError) as caught:
        list(load_all(Path(sys.executable), ENVIRONMENT, trials, probes))

    assert (caught.value.environment, str(caught.value)) == ("tf-2.3", "its process begins with no artifact")


def test_artifacts_are_found_by_what_their_saver_expects(tmp_path: Path) -> None:
    folder = tmp_path / "tf-2.3"
    folder.mkdir()
    (folder / "layer_LSTM.h5").touch()
    (folder / "stray.h5").touch()
    (folder / "layer_LSTM.h5.expected.json").write_text(json.dumps({"subject": "layer_LSTM", "kind": "h5"}))

    assert find_artifacts(folder) == [
        Artifact(path=folder / "layer_LSTM.h5", saver="tf-2.3", subject="layer_LSTM", kind="h5")
    ]


def test_what_a_saver_says_of_each_share_is_put_together(tmp_path: Path) -> None:
    first = {"shares": [0], "saved": ["a.h5"], "failed": {}, "versions": {"keras": "2.4.0"}, "seconds": 1.2}
    second = {
        "shares": [2],
        "saved": ["b.h5"],
        "failed": {"c.h5": "E: no"},
        "versions": {"keras": "2.4.0"},
        "seconds": 0.3,
    }
    add_report(tmp_path, "tf-2.3", first)
    add_report(tmp_path, "tf-2.3", second)

    assert read_report(tmp_path, "tf-2.3") == {
        "shares": [0, 2],
        "saved": ["a.h5", "b.h5"],
        "failed": {"c.h5": "E: no"},
        "versions": {"keras": "2.4.0"},
        "seconds": 1.5,
    }


def test_a_last_line_that_was_cut_short_is_left_out_of_the_journal(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    whole = row("layer_LSTM", KERAS.name)
    journal.write_text(json.dumps(whole) + "\n" + json.dumps(whole)[:20], encoding="utf-8")

    assert read_journal(journal) == [whole]


def test_an_outcome_is_known_by_what_its_trial_is_known_by() -> None:
    [trial] = trials_of(artifact("model_functional", "h5"), KERAS)

    assert key_of(row("model_functional", KERAS.name)) == trial.key


# --- tables ------------------------------------------------------------------------------------------------------------


def test_a_table_holds_each_outcome_once_and_its_place_for_each_loader() -> None:
    rows = [
        row("layer_LSTM", "b"),
        row("layer_LSTM", "a", error="ValueError: no"),
        row("custom_layer", "a", error="ValueError: no"),
        row("custom_layer", "a", definitions=True),
    ]

    assert tabulate(rows, order=["a", "never", "b"]) == {
        "loaders": ["a", "b"],
        "outcomes": ["ValueError: no", "ok: load_model"],
        "artifacts": [
            {"subject": "custom_layer", "kind": "h5", "tried": [0, -1], "definitions": [1, -1]},
            {"subject": "layer_LSTM", "kind": "h5", "tried": [0, 1]},
        ],
    }


def test_the_last_outcome_of_a_trial_counts() -> None:
    table = tabulate([row("layer_LSTM", "a", error="ValueError: no"), row("layer_LSTM", "a")], order=["a"])

    assert table["outcomes"] == ["ok: load_model"]


def test_a_model_that_loads_and_computes_something_else_has_an_error() -> None:
    assert describe_outcome(row("layer_LSTM", "a", error="outputs differ by 0.25")) == "outputs differ by <number>"


@pytest.mark.parametrize(
    ("error", "normalized"),
    [
        ("OSError: No file at /somewhere/else/model.h5", "OSError: No file at <path>"),
        ("TypeError: <Layer object at 0x7f12ab34cd56>", "TypeError: <Layer object at <address>>"),
        ("OSError: (read failed: time = Sat Nov  7 17:07:32 2026", "OSError: (read failed: time = <time>"),
        ("ValueError: two\n  lines", "ValueError: two lines"),
        ("ValueError: 1/2 of a/b", "ValueError: 1/2 of a/b"),
        ("E: " + "x" * 200, "E: " + "x" * 117),
    ],
)
def test_errors_lose_what_differs_from_one_run_to_the_next(error: str, normalized: str) -> None:
    assert normalize_error(error) == normalized


# --- scores --------------------------------------------------------------------------------------------------------------


def verdict(name: str, *reasons: Reason) -> dict[tuple[str, str], Verdict]:
    loader = next(item for item in all_loaders() if (item.implementation, item.line) == ("tf.keras", "2.3"))
    return {("tf.keras", "2.3"): Verdict(loader=loader, verdict=name, reasons=reasons)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdicts", "needs_definitions", "predicted"),
    [
        (verdict("loads"), False, True),
        (verdict("fails"), False, False),
        (verdict("unknown"), False, None),
        (verdict("needs-code"), True, True),
        (verdict("needs-code"), False, False),
        ({}, False, None),
        ("damaged: it is cut short", False, None),
    ],
    ids=["loads", "fails", "unknown", "needs code that there is", "needs code that there is not", "none", "unreadable"],
)
def test_a_verdict_predicts_success_failure_or_nothing(
    verdicts: dict[tuple[str, str], Verdict] | str, needs_definitions: bool, predicted: bool | None
) -> None:
    found = compare([row("layer_LSTM", KERAS.name)], verdicts, KERAS, needs_definitions=needs_definitions)

    assert found.predicted is predicted


def test_a_model_loads_where_it_loads_with_the_definitions_that_it_needs() -> None:
    rows = [
        row("custom_layer", KERAS.name, error="ValueError: Unknown layer: Scale"),
        row("custom_layer", KERAS.name, definitions=True),
    ]

    assert compare(rows, verdict("needs-code"), KERAS, needs_definitions=True).observed is True


def test_the_cause_of_a_wrong_failure_is_its_reason_and_that_of_a_wrong_success_the_error() -> None:
    reason = Reason(reference="unknown-key", message="Dense of tf.keras 2.3 does not accept scale")
    loads, fails = row("layer_LSTM", KERAS.name), row("layer_LSTM", KERAS.name, error="ValueError: no")

    wrong_failure = compare([loads], verdict("fails", reason), KERAS, needs_definitions=False)
    wrong_success = compare([fails], verdict("loads"), KERAS, needs_definitions=False)

    assert [cause for cause, _ in misses_of([wrong_failure, wrong_success])] == [
        "fails: ValueError: no",
        "loads: unknown-key: Dense of tf.keras 2.3 does not accept scale",
    ]


def test_a_score_counts_what_came_true_and_what_did_not() -> None:
    def comparisons(predicted: bool | None, observed: bool, count: int) -> list[Comparison]:
        item = Comparison(
            saver="a", subject="b", kind="h5", loader="c", predicted=predicted, observed=observed, cause=""
        )
        return [item] * count

    found = score(
        [
            *comparisons(True, True, 9),
            *comparisons(True, False, 1),
            *comparisons(False, False, 3),
            *comparisons(False, True, 3),
            *comparisons(None, True, 2),
        ]
    )

    assert str(found) == "0.900 0.750 0.500 0.750      16       2"


def test_a_score_of_nothing_has_no_shares() -> None:
    assert str(score([])) == "    -     -     -     -       0       0"


def test_all_kinds_and_savers_of_a_subject_are_in_the_same_half() -> None:
    halves = [half_of(f"layer_{number}") for number in range(200)]

    assert halves == [half_of(f"layer_{number}") for number in range(200)]
    assert {half: halves.count(half) > 80 for half in HALVES} == {"rules": True, "judging": True}


# --- the scripts that run elsewhere ------------------------------------------------------------------------------------


def test_the_scripts_that_run_in_other_pythons_keep_to_the_syntax_of_python_2(
    require_interpreter: Callable[[str], Interpreter],
) -> None:
    scripts = sorted(str(path) for path in (Path(__file__).parent / "probes").glob("*.py"))
    check = "import sys\nfor path in sys.argv[1:]: compile(open(path).read(), path, 'exec')"

    done = subprocess.run(
        [require_interpreter("2.7").executable, "-c", check, *scripts], capture_output=True, text=True, check=False
    )

    assert done.stderr == ""
