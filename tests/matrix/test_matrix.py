"""The parts of the experiment that need no environment: its plan, its journal, its tables and its scores."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from envlock.artifacts import read_provenance
from envlock.dating import date_artifact
from envlock.interpreters import Interpreter
from envlock.knowledge.loaders import all_loaders
from envlock.loadability import Reason, Verdict
from tests.matrix import run_matrix
from tests.matrix.experiment import Artifact, Environment, Loader, plan_trials, read_environments, trials_of
from tests.matrix.journal import Row, add_report, find_artifacts, is_saved, key_of, read_journal, read_report
from tests.matrix.observations import Observation, describe_outcome, normalize_error, read_observations, tabulate
from tests.matrix.packing import Packer, unpack
from tests.matrix.probes.packages import carries_code, needs_definitions
from tests.matrix.probes.shares import SHARES, is_one_in_three, share_of
from tests.matrix.run_matrix import Laboratory, UnusableEnvironmentError, batches_of, load_all
from tests.matrix.score_dating import Dating, date_all, summary
from tests.matrix.score_predictions import (
    HALVES,
    Comparison,
    compare,
    half_of,
    is_comparable,
    misses_of,
    predict,
    score,
)

KERAS = Loader(environment="tf-2.3", implementation="tf.keras", line="2.3", python="3.8")
TENSORFLOW = Loader(environment="tf-2.3", implementation="tensorflow", line="2.3", python="3.8")
STANDALONE = Loader(environment="keras-2.3.1", implementation="keras", line="2.3", python="3.8")
ENVIRONMENT = Environment(name="tf-2.3", python="3.8", requirements=(), saver="tf.keras", loaders=(KERAS,))


def artifact(subject: str, kind: str) -> Artifact:
    return Artifact(path=Path(f"tf-2.3/{subject}.{kind}"), saver="tf-2.3", subject=subject, kind=kind)


def row(subject: str, loader: str, *, error: str | None = None, definitions: bool = False) -> Row:
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


def test_what_was_made_with_a_package_is_loaded_where_it_is_with_its_import_and_without() -> None:
    made, plain = artifact("text_normalize", "saved-model"), artifact("model_functional", "saved-model")
    with_text = replace(TENSORFLOW, packages=frozenset({"tensorflow_text"}))
    tried = {
        (trial.artifact.subject, trial.loader.packages == with_text.packages, trial.has_definitions)
        for loader in (TENSORFLOW, with_text)
        for one in (made, plain)
        for trial in trials_of(one, loader)
    }

    assert tried == {
        ("text_normalize", True, False),
        ("text_normalize", True, True),
        ("model_functional", False, False),
    }


def test_a_process_loads_with_one_loader_and_a_bounded_number_of_artifacts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_matrix, "BATCH", 2)
    both = replace(ENVIRONMENT, loaders=(KERAS, TENSORFLOW))
    trials = plan_trials([artifact(f"layer_{number}", "saved-model") for number in range(3)], both, done=())

    assert [[trial.loader.implementation for trial in batch] for batch in batches_of(trials)] == [
        ["tf.keras", "tf.keras"],
        ["tf.keras"],
        ["tensorflow", "tensorflow"],
        ["tensorflow"],
    ]


def test_all_kinds_of_a_subject_are_in_the_same_share_of_a_run() -> None:
    kinds = {artifact("layer_LSTM", kind).share for kind in ("h5", "keras")}

    assert len(kinds) == 1
    assert {artifact(f"layer_{number}", "h5").share for number in range(100)} == set(range(SHARES))


def test_a_third_of_the_subjects_is_spread_over_all_shares() -> None:
    subjects = [f"network_{number}" for number in range(600)]
    thirds = [sum(is_one_in_three(name) for name in subjects if share_of(name) == share) for share in range(SHARES)]

    assert all(20 <= third <= 50 for third in thirds)


def test_what_a_subject_needs_is_in_its_name() -> None:
    names = ["custom_layer", "network_custom_mixture", "code_expression", "network_code_dueling", "network_customs"]

    assert [name for name in names if needs_definitions(name)] == ["custom_layer", "network_custom_mixture"]
    assert [name for name in names if carries_code(name)] == ["code_expression", "network_code_dueling"]


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
    first = {"saved": ["a.h5"], "failed": {}, "versions": {"keras": "2.4.0"}, "seconds": 1.2}
    second = {
        "saved": ["b.h5"],
        "failed": {"c.h5": "E: no"},
        "versions": {"keras": "2.4.0"},
        "seconds": 0.3,
    }
    add_report(tmp_path, "tf-2.3", first, share=0, subjects="")
    add_report(tmp_path, "tf-2.3", second, share=2, subjects="")

    assert read_report(tmp_path, "tf-2.3") == {
        "shares": [0, 2],
        "parts": {},
        "saved": ["a.h5", "b.h5"],
        "failed": {"c.h5": "E: no"},
        "versions": {"keras": "2.4.0"},
        "seconds": 1.5,
    }


def test_a_share_is_saved_when_all_its_subjects_are_and_a_part_of_it_by_itself(tmp_path: Path) -> None:
    part = {"saved": ["network_unet.h5"], "failed": {}, "versions": {}, "seconds": 0.0}
    whole = part | {"saved": ["layer_LSTM.h5", "network_unet.h5"]}

    def done() -> list[tuple[str, int]]:
        return [(text, share) for text in ("", "network_") for share in (0, 1) if is_saved(tmp_path, "a", share, text)]

    add_report(tmp_path, "a", part, share=0, subjects="network_")
    of_part = done()
    add_report(tmp_path, "a", whole, share=0, subjects="")

    assert (of_part, done()) == ([("network_", 0)], [("", 0), ("network_", 0)])
    assert read_report(tmp_path, "a")["saved"] == ["layer_LSTM.h5", "network_unet.h5"]


def test_a_report_without_parts_is_one_of_whole_shares(tmp_path: Path) -> None:
    (tmp_path / "a.saved.json").write_text('{"shares": [0], "saved": []}', encoding="utf-8")

    assert (is_saved(tmp_path, "a", 0, ""), is_saved(tmp_path, "a", 0, "network_")) == (True, False)


def test_a_run_can_be_of_subjects_alone_whose_names_hold_a_text(tmp_path: Path) -> None:
    for subject in ("layer_LSTM", "network_unet"):
        path = tmp_path / "work" / "tf-2.3" / f"{subject}.h5.expected.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"subject": subject, "kind": "h5"}), encoding="utf-8")

    with ExitStack() as made:
        laboratory = Laboratory(tmp_path / "work", tmp_path, made, subjects="network_")
        pending = [
            trial.artifact.subject
            for share in range(SHARES)
            for trial in laboratory.pending([ENVIRONMENT], ENVIRONMENT, share)
        ]

    assert pending == ["network_unet"]


def test_a_last_line_that_was_cut_short_is_left_out_of_the_journal(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    whole = row("layer_LSTM", KERAS.name)
    journal.write_text(json.dumps(whole) + "\n" + json.dumps(whole)[:20], encoding="utf-8")

    assert read_journal(journal) == [whole]


def test_an_outcome_is_known_by_what_its_trial_is_known_by() -> None:
    [trial] = trials_of(artifact("model_functional", "h5"), KERAS)

    assert key_of(row("model_functional", KERAS.name)) == trial.key


# --- tables ------------------------------------------------------------------------------------------------------------

ASSETS = Path(__file__).parents[1] / "assets"


def of_file(path: str, subject: str) -> Artifact:
    return Artifact(path=ASSETS / path, saver="tf-2.3", subject=subject, kind="h5")


FUNCTIONAL = of_file("keras/tf-2.3-functional.h5", "layer_LSTM")
CUSTOM = of_file("custom_layer/model.h5", "custom_layer")


def outcome(artifact: Artifact, loader: str, *, error: str | None = None, definitions: bool = False) -> Row:
    return row(artifact.subject, loader, error=error, definitions=definitions) | {"artifact": artifact.path.name}


def test_a_table_holds_each_outcome_once_and_its_place_for_each_loader() -> None:
    rows = [
        outcome(FUNCTIONAL, "b"),
        outcome(FUNCTIONAL, "a", error="ValueError: no"),
        outcome(CUSTOM, "a", error="ValueError: no"),
        outcome(CUSTOM, "a", definitions=True),
    ]

    table = tabulate(rows, [CUSTOM, FUNCTIONAL], order=["a", "never", "b"])

    assert (table["loaders"], table["outcomes"]) == (["a", "b"], ["ValueError: no", "ok: load_model"])
    assert [(row["subject"], row["kind"], row["tried"], row.get("definitions")) for row in table["artifacts"]] == [
        ("custom_layer", "h5", [0, -1], [1, -1]),
        ("layer_LSTM", "h5", [0, 1], None),
    ]


def test_the_last_outcome_of_a_trial_counts() -> None:
    rows = [outcome(FUNCTIONAL, "a", error="ValueError: no"), outcome(FUNCTIONAL, "a")]

    assert tabulate(rows, [FUNCTIONAL], order=["a"])["outcomes"] == ["ok: load_model"]


def test_what_was_not_tried_is_not_in_a_table() -> None:
    assert (
        tabulate([outcome(FUNCTIONAL, "a")], [CUSTOM, FUNCTIONAL], order=["a"])["artifacts"][0]["subject"]
        == "layer_LSTM"
    )


def test_what_cannot_be_read_says_why_in_its_table(tmp_path: Path) -> None:
    damaged = Artifact(path=tmp_path / "layer_LSTM.h5", saver="tf-2.3", subject="layer_LSTM", kind="h5")
    damaged.path.write_bytes(b"")

    [row_of_damaged] = tabulate([outcome(damaged, "a")], [damaged], order=["a"])["artifacts"]

    assert row_of_damaged == {
        "subject": "layer_LSTM",
        "kind": "h5",
        "unreadable": "not-a-model: <path>: expected a saved model, found an empty file",
        "tried": [0],
    }


def test_observations_are_read_as_they_were_made(tmp_path: Path) -> None:
    rows = [outcome(CUSTOM, KERAS.name, error="ValueError: no"), outcome(CUSTOM, KERAS.name, definitions=True)]
    table = tabulate(rows, [CUSTOM], order=[KERAS.name])
    (tmp_path / "tf-2.3.json").write_text(json.dumps(table), encoding="utf-8")

    [read] = read_observations(tmp_path)

    assert (read.saver, read.subject, read.kind, read.loader.name) == ("tf-2.3", "custom_layer", "h5", KERAS.name)
    assert (read.outcomes, read.is_loaded) == (("ValueError: no", "ok: load_model"), True)


MODELS = sorted(
    path.relative_to(ASSETS).as_posix()
    for pattern in ("keras/*.h5", "keras/*.keras", "architecture/*.json", "saved_model/[0-9]*", "graphs/[0-9]*/*.pb")
    for path in ASSETS.glob(pattern)
)


@pytest.mark.parametrize("model", MODELS)
def test_a_packed_artifact_is_dated_and_judged_as_the_artifact_itself(model: str) -> None:
    original = read_provenance(ASSETS / model)
    packer = Packer()
    row_of_model = json.loads(json.dumps(packer.pack(original)))
    packed = unpack(row_of_model, json.loads(json.dumps(packer.pools())))

    assert date_artifact(packed) == date_artifact(original)
    assert predict(packed) == predict(original)


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


READ = read_provenance(FUNCTIONAL.path)


def observation(subject: str, *outcomes: str, loader: Loader = KERAS, kind: str = "h5") -> Observation:
    return Observation(saver="tf-2.3", subject=subject, kind=kind, provenance=READ, loader=loader, outcomes=outcomes)


def verdict(name: str, *reasons: Reason) -> dict[tuple[str, str], Verdict]:
    loader = next(item for item in all_loaders() if (item.implementation, item.line) == ("tf.keras", "2.3"))
    return {("tf.keras", "2.3"): Verdict(loader=loader, verdict=name, reasons=reasons)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdicts", "subject", "predicted"),
    [
        (verdict("loads"), "layer_LSTM", True),
        (verdict("fails"), "layer_LSTM", False),
        (verdict("unknown"), "layer_LSTM", None),
        (verdict("needs-code"), "custom_layer", True),
        (verdict("needs-code"), "layer_LSTM", False),
        ({}, "layer_LSTM", None),
    ],
    ids=["loads", "fails", "unknown", "needs code that there is", "needs code that there is not", "unreadable"],
)
def test_a_verdict_predicts_success_failure_or_nothing(
    verdicts: dict[tuple[str, str], Verdict], subject: str, predicted: bool | None
) -> None:
    assert compare(observation(subject, "ok: load_model"), verdicts).predicted is predicted


def test_a_model_loads_where_it_loads_with_the_definitions_that_it_needs() -> None:
    tried = observation("custom_layer", "ValueError: Unknown layer: Scale", "ok: load_model")

    assert compare(tried, verdict("needs-code")).observed is True


def test_the_cause_of_a_wrong_failure_is_its_reason_and_that_of_a_wrong_success_the_error() -> None:
    reason = Reason(reference="unknown-key", message="Dense of tf.keras 2.3 does not accept scale")

    wrong_failure = compare(observation("layer_LSTM", "ok: load_model"), verdict("fails", reason))
    wrong_success = compare(observation("layer_LSTM", "ValueError: no"), verdict("loads"))

    assert [cause for cause, _ in misses_of([wrong_failure, wrong_success])] == [
        "fails: ValueError: no",
        "loads: unknown-key: Dense of tf.keras 2.3 does not accept scale",
    ]


@pytest.mark.parametrize(
    ("tried", "says_something"),
    [
        pytest.param(observation("layer_LSTM", "ValueError: no"), True, id="one trial"),
        pytest.param(observation("custom_layer", "ValueError: no", "ok: load_model"), True, id="both trials"),
        pytest.param(observation("custom_layer", "ValueError: no"), False, id="one trial of two"),
        pytest.param(observation("custom_layer", "ok: f", loader=TENSORFLOW), False, id="no verdict"),
        pytest.param(
            observation("layer_LSTM", "NotBuiltError: AttributeError: no such layer", kind="weights"),
            False,
            id="weights of a model that this Keras cannot build",
        ),
        pytest.param(
            observation("layer_LSTM", "ValueError: shapes", kind="weights"), True, id="weights that do not fit"
        ),
        pytest.param(observation("layer_LSTM", "outputs differ by 1", kind="json"), True, id="JSON of something else"),
    ],
)
def test_an_observation_is_compared_where_it_says_something_about_the_artifact(
    tried: Observation, says_something: bool
) -> None:
    assert is_comparable(tried, verdict("loads")) is says_something


@pytest.mark.parametrize(("python", "is_meant"), [("3.6", True), ("3.8", False)])
def test_a_verdict_on_bytecode_speaks_of_the_pythons_that_it_is_for(python: str, is_meant: bool) -> None:
    bytecode = read_provenance(ASSETS / "keras" / "tf-1.15-lambda.h5")
    tried = replace(
        observation("code_expression", "ok: load_model"), provenance=bytecode, loader=replace(KERAS, python=python)
    )

    assert is_comparable(tried, verdict("loads")) is is_meant


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


def test_rules_are_written_from_one_share_and_judged_on_the_others() -> None:
    subjects = [f"layer_{number}" for number in range(200)]

    assert {half: {share_of(name) for name in subjects if half_of(name) == half} for half in HALVES} == {
        "rules": {0},
        "judging": set(range(1, SHARES)),
    }


# --- the dates ---------------------------------------------------------------------------------------------------------


def test_the_saver_of_an_artifact_is_looked_for_with_and_without_its_recorded_versions(tmp_path: Path) -> None:
    table = tabulate([outcome(FUNCTIONAL, KERAS.name)], [FUNCTIONAL], order=[KERAS.name])
    (tmp_path / "tf-2.3.json").write_text(json.dumps(table), encoding="utf-8")

    with_labels, without_labels = date_all(tmp_path)

    assert (with_labels.has_labels, with_labels.window, with_labels.is_inside) == (True, 2, True)
    assert (without_labels.has_labels, without_labels.is_inside) == (False, True)
    assert without_labels.window > 2


def test_windows_are_summed_up_over_what_is_dated_at_all() -> None:
    datings = [
        Dating(saver="a", subject="b", kind="h5", has_labels=True, window=window, is_inside=window != 4)
        for window in (0, 1, 1, 2, 4)
    ]

    assert summary(datings) == "     5      4   0.750       2     3"


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
