"""A stamp is read first, counts where it fits the model, and is as hostile as the model."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envlock import recording
from envlock.candidates import EnvironmentCandidate, Wishes, propose_candidates
from envlock.checking import Check
from envlock.errors import ArtifactError, OccupiedPathError, UsageError
from envlock.inspection import Inspection, inspect
from envlock.loadability import judge
from envlock.pipeline.from_model import from_model
from envlock.recording import SCHEMA, describe_files, find_files, render_stamp, subject_of
from envlock.reporter import SilentReporter
from envlock.stamping import StampBreaksModelError, Stamped, stamp_artifact
from envlock.stamps import MEMBER, Stamp, known_distributions, parse_stamp
from envlock.target import LINUX_X86_64
from envlock.verification import Verification
from tests.diagnosis.environments import make_environment
from tests.stand_ins import StandIn, pins_of
from tests.world import GOOD

ASSETS = Path(__file__).parent / "assets"
MODEL = ASSETS / "keras/tf-2.3-functional.h5"
ARCHIVE = ASSETS / "keras/tf-2.15-functional.keras"
SAVED_MODEL = ASSETS / "saved_model/2.6"
INSTALLED = {"tensorflow_cpu": "2.4.1", "numpy": "1.19.5", "six": "1.15.0", "ours": "1.0"}


def render(artifact: Path, *, python: str = "3.8.18", verified: bool = True, **distributions: str) -> str:
    """The text of a stamp that fits the artifact."""
    return render_stamp(
        "as a test needs it",
        [
            ("", [("schema", SCHEMA), ("time", "2026-01-02T03:04:05Z"), ("verified", verified)]),
            ("artifact", describe_files(find_files(subject_of(str(artifact))))),
            ("environment", [("python", python), ("platform", "Linux x86_64")]),
            ("environment.distributions", [*distributions.items()]),
            ("verification", [("loader", "tf.keras"), ("how", "load_model(path)")] if verified else []),
        ],
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model of TensorFlow 2.3 or 2.4, without a stamp."""
    return Path(shutil.copy(MODEL, tmp_path / "model.h5"))


@pytest.fixture
def stamped(model: Path) -> Callable[..., Inspection]:
    """Writes a stamp beside the model, and reads both."""

    def write(**fields: Any) -> Inspection:
        beside = {"tensorflow-cpu": "2.4.1", "numpy": "1.19.5", **fields.pop("installed", {})}
        Path(f"{model}.envlock.toml").write_text(render(model, **fields, **beside))
        return inspect(model)

    return write


def told(inspection: Inspection) -> list[str]:
    """What is said of stamps."""
    return [item.message for item in inspection.findings if "stamp" in item.reference]


# --- reading -------------------------------------------------------------------------------------------------


def test_a_stamp_that_fits_says_where_the_model_was_seen_to_load(stamped: Callable[..., Inspection]) -> None:
    found = stamped()

    assert told(found) == [
        "its stamp says: seen to load with tensorflow-cpu 2.4.1 on Python 3.8.18 on 2026-01-02",
    ]
    assert found.stamp is not None
    assert found.stamp.distributions == {"numpy": Version("1.19.5"), "tensorflow-cpu": Version("2.4.1")}


def test_what_was_only_recorded_is_not_called_verified(stamped: Callable[..., Inspection]) -> None:
    assert told(stamped(verified=False)) == [
        "its stamp says: saved with tensorflow-cpu 2.4.1 on Python 3.8.18 on 2026-01-02, and not loaded again"
    ]


def test_a_model_that_was_changed_has_no_stamp(model: Path, stamped: Callable[..., Inspection]) -> None:
    stamped()
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)

    found = inspect(model)

    assert found.stamp is None
    assert told(found) == [
        "model.h5.envlock.toml is the stamp of another model, or this one was changed since: it is ignored"
    ]


@pytest.mark.parametrize(
    ("is_same", "told_deep"),
    [
        (True, "its stamp says: saved with no TensorFlow on Python 3.8.18 on 2026-01-02, and not loaded again"),
        (False, "model.h5.envlock.toml is the stamp of another model, or this one was changed since: it is ignored"),
    ],
    ids=["its own", "another's"],
)
def test_a_large_model_is_read_whole_only_where_its_stamp_is_gone_by(
    is_same: bool, told_deep: str, model: Path
) -> None:
    with model.open("r+b") as stream:
        stream.truncate(2**24)
        Path(f"{model}.envlock.toml").write_text(render(model, verified=False))
        stream.seek(-1, 2)
        stream.write(b"\0" if is_same else b"\1")

    quick, found = inspect(model, is_quick=True), inspect(model)

    assert (quick.stamp, told(quick)) == (
        None,
        [
            "its stamp says: saved with no TensorFlow on Python 3.8.18 on 2026-01-02, and not loaded again; "
            "the digest of the model, which is large, was not compared"
        ],
    )
    assert (found.stamp is not None, told(found)) == (is_same, [told_deep])


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (SCHEMA, "envlock/stamp/9", f"is no stamp of the kind {SCHEMA}"),
        (
            "[artifact]",
            "[artifact",
            "is no TOML: Expected ']' at the end of a table declaration (at line 6, column 10)",
        ),
        ("bytes = ", "bytes = -1.5 # ", "lacks the size of the model, or whether it was verified"),
        ("verified = true", 'verified = "yes"', "lacks the size of the model, or whether it was verified"),
        ('time = "2026', 'time = "20-26', "has no such time: '20-26-01-02T03:04:05Z'"),
        ('python = "3.8.18"', 'python = "3.8; rm -rf"', "does not say which Python it was"),
        ('loader = "tf.keras"', 'loader = "os.system"', "has no such loader: 'os.system'"),
        ('how = "', 'how = "\\u001b\\n', "has no such how: '\\x1b\\nload_model(path)'"),
    ],
)
def test_a_stamp_that_is_odd_is_named_and_ignored(
    old: str, new: str, problem: str, model: Path, stamped: Callable[..., Inspection]
) -> None:
    stamped()
    place = Path(f"{model}.envlock.toml")
    assert old in place.read_text()
    place.write_text(place.read_text().replace(old, new))

    found = inspect(model)

    assert (found.stamp, told(found)) == (
        None,
        [f"model.h5.envlock.toml: {problem}: it is ignored".replace("\\", "\\")],
    )


@pytest.mark.parametrize("obstacle", ["folder", "pipe", "huge"])
def test_whatever_stands_in_its_place_is_not_waited_for(obstacle: str, model: Path) -> None:
    place = Path(f"{model}.envlock.toml")
    if obstacle == "folder":
        place.mkdir()
    elif obstacle == "pipe":
        import os

        os.mkfifo(place)
    else:
        place.write_bytes(b"#" * 2**20)

    (problem,) = told(inspect(model))

    assert problem.endswith(": it is ignored")


@given(st.binary() | st.text().map(str.encode))
def test_any_text_is_a_stamp_or_refused_in_one_line(text: bytes) -> None:
    assert "\n" not in refusal_of(text)


LINES = st.sampled_from(render(MODEL, numpy="1.19.5").splitlines())
VALUES = st.text(max_size=20) | st.integers() | st.booleans() | st.lists(st.integers(), max_size=3)


@given(st.lists(LINES | st.tuples(LINES, VALUES).map(lambda pair: f"{pair[0].partition('=')[0]}= {pair[1]!r}")))
def test_any_stamp_that_was_tampered_with_is_one_or_refused_in_one_line(lines: list[str]) -> None:
    assert "\n" not in refusal_of("\n".join(lines).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "a." * 100_000 + "b = 1",
        "x = " + "{a=" * 50_000,
        "n = " + "9" * 100_000,
        "x = '''" + "'" * 9,
        "[a]\n" * 65,
    ],
)
def test_a_text_that_is_made_to_hurt_is_refused(text: str) -> None:
    assert refusal_of(text.encode())


def refusal_of(text: bytes) -> str:
    """Why it is no stamp; empty where it is one."""
    try:
        assert isinstance(parse_stamp(text, where="stamp"), Stamp)
    except ArtifactError as error:
        return str(error)
    return ""


# --- what is asked for -----------------------------------------------------------------------------------


def test_only_what_the_database_knows_is_ever_asked_for(stamped: Callable[..., Inspection]) -> None:
    hostile = {
        "../../etc/passwd": "1.0",
        "numpy @ https://example.com/numpy.whl": "1.0",
        "tensorflow-cpu; rm -rf ~": "1.0",
        "evil-distribution": "1.0",
        "six": "99.0",
        "wrapt": "1.12.1 --index-url https://example.com",
        "gast": "0.3.3",
    }
    stamp = stamped(installed=hostile).stamp

    assert stamp is not None
    assert known_distributions(stamp) == {
        "gast": Version("0.3.3"),
        "numpy": Version("1.19.5"),
        "tensorflow-cpu": Version("2.4.1"),
    }


@pytest.fixture
def candidates(stamped: Callable[..., Inspection]) -> Callable[..., tuple[EnvironmentCandidate, ...]]:
    """What is proposed for the model with its stamp."""

    def propose(wishes: Wishes | None = None, **fields: Any) -> tuple[EnvironmentCandidate, ...]:
        found = stamped(**fields)
        return propose_candidates(
            found.provenance,
            found.saver,
            judge(found.provenance, found.saver),
            found.custom,
            platform=LINUX_X86_64,
            pythons={"3.8", "3.13"},
            wishes=wishes or Wishes(),
            stamp=found.stamp,
        )

    return propose


def test_what_was_stamped_is_tried_first_and_once(candidates: Callable[..., tuple[EnvironmentCandidate, ...]]) -> None:
    found = candidates()

    names = [candidate.name for candidate in found]
    assert names[0].startswith("tensorflow-cpu 2.4.1")
    assert names[0].endswith("on Python 3.8")
    assert found[0].stamp is not None
    assert [candidate.stamp for candidate in found[1:]] == [None] * len(found[1:])
    assert len(set(names)) == len(names)


def test_a_stamp_of_an_environment_that_is_expected_to_fail_is_believed_first(
    candidates: Callable[..., tuple[EnvironmentCandidate, ...]],
) -> None:
    first, *_ = candidates(installed={"tensorflow-cpu": "2.2.0"})

    assert (str(first.tensorflow.version), first.verdict.verdict) == ("2.2.0", "fails")


def test_keras_is_that_of_the_stamp(candidates: Callable[..., tuple[EnvironmentCandidate, ...]]) -> None:
    first, *_ = candidates(
        python="3.12.1", installed={"tensorflow-cpu": "2.18.0", "tf-keras": "2.18.0", "keras": "3.6.0"}
    )

    assert first.name == "tensorflow 2.18.0 + tf-keras 2.18.0 on Python 3.12"


@pytest.mark.parametrize(
    "wishes",
    [Wishes(tensorflow=SpecifierSet("==2.3.*")), Wishes(python="3.7"), Wishes(prefer="newest")],
    ids=["TensorFlow", "Python", "newest"],
)
def test_what_the_person_asks_for_goes_before_the_stamp(
    wishes: Wishes, candidates: Callable[..., tuple[EnvironmentCandidate, ...]]
) -> None:
    assert [candidate.stamp for candidate in candidates(wishes) if candidate.stamp is not None] == []


@pytest.mark.parametrize("installed", [{"tensorflow-cpu": "99.0"}, {"tensorflow-cpu": "not a version"}])
def test_a_stamp_that_names_no_release_changes_nothing(
    installed: dict[str, str], candidates: Callable[..., tuple[EnvironmentCandidate, ...]]
) -> None:
    assert [candidate.stamp for candidate in candidates(installed=installed) if candidate.stamp is not None] == []


def test_the_lock_pins_what_the_stamp_pins(stamped: Callable[..., Inspection], request_to: Any, model: Path) -> None:
    stamped(installed={"pip": "23.1", "six": "1.15.0"})
    request = replace(request_to(StandIn(releases={"pip": ["23.1", "24.0"]})), artifact=model, wishes=Wishes())
    assert request.lock_path is not None

    outcome = from_model(request, SilentReporter())

    assert outcome.candidate.stamp is not None
    assert pins_of(request.lock_path)["tensorflow-cpu"] == "2.4.1"
    if "pip" in known_distributions(outcome.candidate.stamp):
        assert pins_of(request.lock_path)["pip"] == "23.1"


# --- writing -------------------------------------------------------------------------------------------------


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Verification]:
    """What becomes of loading a model, time after time; it is good at all later times."""
    given: list[Verification] = []
    monkeypatch.setattr("envlock.checking.verify", lambda *_, **__: given.pop(0) if given else GOOD)
    return given


@pytest.fixture
def stamp_it(answers: list[Verification], tmp_path: Path) -> Callable[..., Stamped]:
    """Stamps a model with an environment of TensorFlow 2.4."""
    make_environment(tmp_path / ".venv", **INSTALLED)

    def write(artifact: Path, **options: Any) -> Stamped:
        return stamp_artifact(artifact, tmp_path / ".venv", SilentReporter(), **options)

    return write


def test_what_was_verified_is_found_again(model: Path, stamp_it: Callable[..., Stamped]) -> None:
    written = stamp_it(model)

    found = inspect(model).stamp
    assert written.place == Path(f"{model}.envlock.toml")
    assert isinstance(written.check, Check)
    assert found is not None
    assert (found.is_verified, str(found.python), found.loader, found.how) == (True, "3.8.18", GOOD.loader, GOOD.how)
    assert found.distributions == {
        name.replace("_", "-"): Version(version) for name, version in sorted(INSTALLED.items())
    }


def test_a_model_that_does_not_load_is_not_stamped(
    model: Path, answers: list[Verification], stamp_it: Callable[..., Stamped]
) -> None:
    answers.append(replace(GOOD, loads=False))

    assert stamp_it(model).place is None
    assert not Path(f"{model}.envlock.toml").exists()


LOCK = """\
# Locked by envlock: for a test
numpy==1.19.5 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
six=={}
"""


@pytest.mark.parametrize(("six", "hashed"), [("1.15.0", 1), ("1.16.0", 0)])
def test_the_hashes_of_the_lock_beside_the_environment_go_in_where_it_is_that_of_it(
    six: str, hashed: int, model: Path, stamp_it: Callable[..., Stamped], tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text(LOCK.format(six))

    assert stamp_it(model).hashed == hashed
    text = Path(f"{model}.envlock.toml").read_text()
    assert text.count('numpy = ["sha256:aa", "sha256:bb"]') == hashed


@pytest.mark.parametrize("make", ["file", "link", "folder"])
def test_what_somebody_else_put_there_stays(
    make: str, model: Path, stamp_it: Callable[..., Stamped], tmp_path: Path
) -> None:
    place = Path(f"{model}.envlock.toml")
    if make == "file":
        place.write_text("mine")
    elif make == "link":
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.mkdir()

    with pytest.raises(OccupiedPathError) as caught:
        stamp_it(model)

    assert caught.value.hint == "move it away: a stamp is found by its name"
    assert not (tmp_path / "elsewhere").exists()


def test_an_older_stamp_is_replaced(model: Path, stamp_it: Callable[..., Stamped]) -> None:
    recording.stamp(str(model))

    stamp_it(model)

    found = inspect(model).stamp
    assert found is not None
    assert found.is_verified


# --- inside the model ----------------------------------------------------------------------------------------


def test_a_keras_archive_keeps_its_members_where_they_are(tmp_path: Path, stamp_it: Callable[..., Stamped]) -> None:
    model = Path(shutil.copy(ARCHIVE, tmp_path))
    with zipfile.ZipFile(model) as archive:
        before = {item.filename: item.header_offset for item in archive.infolist()}

    for _ in range(2):
        assert stamp_it(model, is_inside=True).place == model

    with zipfile.ZipFile(model) as archive:
        after = {item.filename: item.header_offset for item in archive.infolist()}
        assert archive.testzip() is None
    del after[MEMBER]
    assert after == before
    found = inspect(model, is_deep=True)
    assert found.stamp is not None
    assert found.stamp.is_verified
    assert sorted(path.name for path in tmp_path.iterdir()) == [".venv", model.name]


def test_a_stamp_inside_does_not_fit_another_archive(tmp_path: Path, stamp_it: Callable[..., Stamped]) -> None:
    model = Path(shutil.copy(ARCHIVE, tmp_path))
    stamp_it(model, is_inside=True)
    with zipfile.ZipFile(model) as archive:
        text = archive.read(MEMBER)
    other = Path(shutil.copy(ASSETS / "keras/tf-2.21-functional.keras", tmp_path))
    with zipfile.ZipFile(other, "a") as archive:
        archive.writestr(MEMBER, text)

    found = inspect(other)

    assert found.stamp is None
    assert told(found) == [
        f"envlock.toml in {other.name} is the stamp of another model, or this one was changed since: it is ignored"
    ]


def test_a_saved_model_has_it_among_its_extra_assets(tmp_path: Path, stamp_it: Callable[..., Stamped]) -> None:
    model = shutil.copytree(SAVED_MODEL, tmp_path / "model")

    written = stamp_it(model / "saved_model.pb", is_inside=True)

    assert written.place == model / "assets.extra/envlock.toml"
    moved = model.rename(tmp_path / "moved")
    found = inspect(moved)
    assert found.stamp is not None
    assert recording.stamp(str(moved)) == f"{moved}.envlock.toml"


@pytest.mark.parametrize("kind", ["archive", "folder"])
def test_a_model_that_does_not_load_with_its_stamp_is_as_it_was(
    kind: str, tmp_path: Path, answers: list[Verification], stamp_it: Callable[..., Stamped]
) -> None:
    model = tmp_path / "model.keras"
    shutil.copy(ARCHIVE, model) if kind == "archive" else shutil.copytree(SAVED_MODEL, model)
    before = [(name, Path(path).read_bytes()) for name, path in find_files(str(model))]
    answers += [GOOD, replace(GOOD, loads=False, error="ValueError: what is that?")]

    with pytest.raises(StampBreaksModelError) as caught:
        stamp_it(model, is_inside=True)

    assert str(caught.value) == (
        f"{model}: does not load with the stamp inside, and is left as it was: ValueError: what is that?"
    )
    assert [(name, Path(path).read_bytes()) for name, path in find_files(str(model))] == before
    assert not (model / "assets.extra").exists()


def test_other_kinds_hold_no_stamp(model: Path, stamp_it: Callable[..., Stamped]) -> None:
    with pytest.raises(UsageError) as caught:
        stamp_it(model, is_inside=True)

    assert str(caught.value) == f"--inside is for SavedModels and .keras archives, and {model} is none but keras-hdf5"
