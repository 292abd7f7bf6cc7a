"""From a saved model to a lock, with stand-ins for the resolvers: who is asked what, what is kept, what is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envlock.candidates import Wishes
from envlock.errors import NetworkError, NoCandidateError, OccupiedPathError, ResolutionError, UsageError
from envlock.pipeline import MAXIMUM_REFUSALS, Request, check_lock, from_model, from_model_for_each
from envlock.reporter import SilentReporter
from envlock.resolution import ConflictError, Pin, PinnedFile, Resolution, UnservedTargetError
from envlock.target import LINUX_X86_64, Target
from envlock.writers import WRITERS, Differences

EXAMPLE = Path(__file__).parent / "assets" / "example" / "model.h5"
REQUIREMENTS_TXT, PYLOCK_TOML, CONSTRAINTS_TXT = WRITERS


@dataclass
class StandIn:
    """Takes what is kept, or the newest of its releases that satisfies; what it has none of is there as it is pinned."""

    name: str = "offline"
    releases: dict[str, list[str]] = field(default_factory=lambda: {"pip": ["23.1", "23.2", "24.0"]})
    error: Exception | None = None
    has_addresses: bool = False
    needs_interpreter: bool = False
    asked: list[tuple[list[str], list[str], list[str]]] = field(default_factory=list)
    """Requirements, constraints and kept pins of every question."""

    @property
    def asks_index(self) -> bool:
        return self.name != "offline"

    def resolve(
        self,
        requirements: Sequence[Requirement],
        *,
        constraints: Sequence[Requirement],
        target: Target,
        interpreter: Path | None,
        kept: Sequence[Requirement] = (),
    ) -> Resolution:
        del target, interpreter
        self.asked.append(tuple([str(item) for item in items] for items in (requirements, constraints, kept)))
        if self.error is not None:
            raise self.error
        pins = [self._pin(item, constraints, kept) for item in requirements]
        return Resolution(pins=tuple(sorted(pins, key=lambda pin: pin.name)), engine=self.name)

    def _pin(self, requirement: Requirement, constraints: Sequence[Requirement], kept: Sequence[Requirement]) -> Pin:
        bounds = [item.specifier for item in (requirement, *constraints) if item.name == requirement.name]
        pinned = [item.version for item in requirement.specifier if item.operator == "=="]
        fitting = [
            version
            for version in self.releases.get(requirement.name, pinned)
            if all(bound.contains(version) for bound in bounds)
        ]
        if not fitting:
            error = ResolutionError(f"{requirement}", f"{self.name} has no {requirement}")
            error.hint = "take --engine uv" if requirement.name not in self.releases else "ask for another"
            raise error
        preferred = [item.specifier for item in kept if item.name == requirement.name]
        fitting.sort(key=lambda version: any(item.contains(version) for item in preferred))
        name = f"{requirement.name.replace('-', '_')}-{fitting[-1]}-py3-none-any.whl"
        url = f"https://index.example/{name}" if self.has_addresses else None
        file = PinnedFile(name=name, sha256=sha256(name.encode()).hexdigest(), url=url)
        return Pin(name=requirement.name, version=Version(fitting[-1]), files=(file,), via=())


class Notes(SilentReporter):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def request_to(tmp_path: Path) -> Any:
    """A request for a lock alone, of one candidate unless something else is wished."""

    def make(*resolvers: StandIn, **fields: Any) -> Request:
        usual: dict[str, Any] = {
            "artifact": EXAMPLE,
            "platform": LINUX_X86_64,
            "resolvers": resolvers,
            "writer": REQUIREMENTS_TXT,
            "lock_path": tmp_path / "requirements.txt",
            "environment_path": None,
            "wishes": Wishes(tensorflow=SpecifierSet("==2.4.*"), prefer="saver"),
        }
        return Request(**(usual | fields))

    return make


def wanted(*texts: str) -> tuple[Requirement, ...]:
    return tuple(map(Requirement, texts))


def pins_of(path: Path) -> dict[str, str]:
    return {name: str(version) for name, version in REQUIREMENTS_TXT.read_pins(path.read_text()).items()}


# --- who is asked --------------------------------------------------------------------------------------------


def test_the_first_resolver_with_a_solution_is_the_only_one_asked(request_to: Any) -> None:
    first, second = StandIn(), StandIn("uv")

    outcome = from_model(request_to(first, second), Notes())

    assert first.asked == [(["tensorflow-cpu==2.4.4", "pip"], ["protobuf<3.21"], [])]
    assert second.asked == []
    assert outcome.lock.engine == "offline"


def test_what_the_first_does_not_know_the_next_is_asked_for_beside_what_the_first_knows(request_to: Any) -> None:
    first, second = StandIn(), StandIn("uv", {"pip": ["24.0", "25.0"], "pandas": ["1.2"]})
    reporter = Notes()

    outcome = from_model(request_to(first, second, besides=wanted("pandas")), reporter)

    assert second.asked == [
        (["tensorflow-cpu==2.4.4", "pip", "pandas"], ["protobuf<3.21"], ["pip==24.0", "tensorflow-cpu==2.4.4"])
    ]
    assert reporter.notes == ["tensorflow-cpu 2.4.4 on Python 3.8: offline has no pandas; asking uv"]
    assert outcome.lock.engine == "uv"


def test_bounds_of_the_person_hold_beside_those_that_are_known(request_to: Any) -> None:
    first = StandIn()

    from_model(request_to(first, constraints=wanted("pip<24", "pandas<2")), Notes())

    assert first.asked == [(["tensorflow-cpu==2.4.4", "pip"], ["protobuf<3.21", "pip<24", "pandas<2"], [])]


def test_what_only_the_index_knows_cannot_be_had_without_it(request_to: Any, tmp_path: Path) -> None:
    unreachable = StandIn("uv", error=NetworkError("resolving", "no route"))

    with pytest.raises(NetworkError) as caught:
        from_model(request_to(StandIn(), unreachable, besides=wanted("pandas")), Notes())

    assert str(caught.value) == "offline has no pandas; asking uv: the package index cannot be reached: no route"
    assert len(unreachable.asked) == 1
    assert list(tmp_path.iterdir()) == []


def test_without_the_index_the_next_candidate_is_taken_from_what_is_known(request_to: Any) -> None:
    first = StandIn(releases={"pip": ["24.0"], "tensorflow-cpu": ["2.3.4"]})
    unreachable = StandIn("uv", error=NetworkError("resolving", "no route"))

    outcome = from_model(request_to(first, unreachable, wishes=Wishes()), Notes())

    assert outcome.candidate.name == "tensorflow-cpu 2.3.4 on Python 3.8"
    assert [attempt.stage for attempt in outcome.attempts] == ["resolution"]


REFUSALS = [
    pytest.param(("offline",), "pandas", "offline has no pandas", "take --engine uv", id="only the first is asked"),
    pytest.param(("offline", "uv"), "pip<1", "offline has no pip<1", "ask for another", id="the first knows why"),
]


@pytest.mark.parametrize(("names", "beside", "error", "hint"), REFUSALS)
def test_why_nothing_resolves_is_said_with_what_to_change(
    names: Sequence[str], beside: str, error: str, hint: str, request_to: Any, tmp_path: Path
) -> None:
    resolvers = [StandIn(name) for name in names]

    with pytest.raises(NoCandidateError) as caught:
        from_model(request_to(*resolvers, besides=wanted(beside)), Notes())

    assert str(caught.value) == f"tensorflow-cpu 2.4.4 on Python 3.8 does not go with {beside}: {error}"
    assert caught.value.hint == hint
    assert list(tmp_path.iterdir()) == []


def test_the_last_answer_is_told_where_the_first_only_points_to_it(request_to: Any) -> None:
    last = ResolutionError("pandas", "the index has no pandas")

    with pytest.raises(NoCandidateError) as caught:
        from_model(request_to(StandIn(), StandIn("uv", error=last), besides=wanted("pandas")), Notes())

    assert str(caught.value).endswith("on Python 3.8 does not go with pandas: the index has no pandas")
    assert caught.value.hint == ""


def test_addresses_are_asked_of_the_next_for_the_versions_that_were_found(request_to: Any, tmp_path: Path) -> None:
    first, second = StandIn(), StandIn("uv", has_addresses=True)

    from_model(request_to(first, second, writer=PYLOCK_TOML, lock_path=tmp_path / "pylock.toml"), Notes())

    assert second.asked == [
        (["tensorflow-cpu==2.4.4", "pip"], ["protobuf<3.21"], ["pip==24.0", "tensorflow-cpu==2.4.4"])
    ]
    assert "https://index.example/pip-24.0-py3-none-any.whl" in (tmp_path / "pylock.toml").read_text()


def test_credentials_are_neither_told_nor_locked(request_to: Any, tmp_path: Path) -> None:
    beside = wanted("pandas @ https://me:secret@index.example/pandas.whl")
    refusal = ResolutionError(f"{beside[0]} on Python 3.8", "not served")
    reporter = Notes()
    with pytest.raises(NoCandidateError) as caught:
        from_model(request_to(StandIn(), StandIn("uv", error=refusal), besides=beside), reporter)
    assert "secret" not in f"{reporter.notes} {caught.value}"

    from_model(request_to(StandIn(releases={"pip": ["24.0"], "pandas": ["1.2"]}), besides=beside), Notes())

    text = (tmp_path / "requirements.txt").read_text()
    assert "@ https://index.example/pandas.whl" in text
    assert "secret" not in text


# --- what is kept --------------------------------------------------------------------------------------------


@pytest.fixture
def locked(request_to: Any) -> Request:
    """A request whose lock is there, with an older pip than the newest."""
    request: Request = request_to(StandIn(releases={"pip": ["23.1"]}))
    from_model(request, Notes())
    return replace(request, resolvers=(StandIn(),))


def test_a_lock_made_twice_is_the_same_byte_for_byte(request_to: Any, tmp_path: Path) -> None:
    from_model(request_to(StandIn()), Notes())
    before = (tmp_path / "requirements.txt").read_bytes()

    from_model(request_to(StandIn()), Notes())

    assert (tmp_path / "requirements.txt").read_bytes() == before


UPGRADES = [
    pytest.param({}, "23.1", id="nothing is upgraded"),
    pytest.param({"upgrades": True}, "24.0", id="all is"),
    pytest.param({"upgraded": frozenset({"pip"})}, "24.0", id="this one is"),
    pytest.param({"upgraded": frozenset({"six"})}, "23.1", id="another one is"),
]


@pytest.mark.parametrize(("fields", "version"), UPGRADES)
def test_pins_are_kept_unless_they_are_to_be_upgraded(fields: dict[str, Any], version: str, locked: Request) -> None:
    from_model(replace(locked, **fields), Notes())

    assert pins_of(locked.lock_path) == {"pip": version, "tensorflow-cpu": "2.4.4"}


def test_a_pin_that_was_edited_by_hand_is_kept(locked: Request) -> None:
    locked.lock_path.write_text(locked.lock_path.read_text().replace("pip==23.1", "pip==23.2"))

    from_model(locked, Notes())

    assert pins_of(locked.lock_path)["pip"] == "23.2"


def test_a_pin_without_a_solution_is_chosen_anew_and_that_is_said(locked: Request) -> None:
    locked.lock_path.write_text(locked.lock_path.read_text().replace("pip==23.1", "pip==1.0"))
    reporter = Notes()

    from_model(locked, reporter)

    assert pins_of(locked.lock_path)["pip"] == "24.0"
    assert reporter.notes == [f"{locked.lock_path}: not all of its pins can be kept: pip==1.0 is now 24.0"]


def test_pins_beside_another_tensorflow_are_not_kept(locked: Request) -> None:
    reporter = Notes()

    from_model(replace(locked, wishes=Wishes(tensorflow=SpecifierSet("==2.3.*"))), reporter)

    assert pins_of(locked.lock_path) == {"pip": "24.0", "tensorflow-cpu": "2.3.4"}
    assert reporter.notes == [f"{locked.lock_path}: is for another TensorFlow, all versions are chosen anew"]


def test_an_upgrade_of_what_is_not_pinned_is_named(locked: Request) -> None:
    reporter = Notes()

    from_model(replace(locked, upgraded=frozenset({"numpi"})), reporter)

    assert reporter.notes == [f"--upgrade-package numpi: {locked.lock_path} pins no such distribution"]


def test_a_lock_of_another_format_gives_way_and_its_pins_are_kept(locked: Request) -> None:
    from_model(replace(locked, writer=CONSTRAINTS_TXT), Notes())

    text = locked.lock_path.read_text()
    assert CONSTRAINTS_TXT.is_ours(text)
    assert "pip==23.1\n" in text
    with pytest.raises(UsageError) as caught:
        check_lock(locked, Notes())
    assert str(caught.value) == f"{locked.lock_path}: holds constraints.txt, not requirements.txt"


# --- how many are tried --------------------------------------------------------------------------------------


class Conflicting(StandIn):
    """Resolves beside one TensorFlow alone."""

    def __init__(self, name: str, serving: str, *, is_certain: bool = True, says: str = "no six beside {}") -> None:
        super().__init__(name)
        self.serving, self.is_certain, self.says = serving, is_certain, says

    def resolve(self, requirements: Sequence[Requirement], **question: Any) -> Resolution:
        resolution = super().resolve([requirements[0]], **question)
        if str(requirements[0]) != self.serving:
            explanation, names = self.says.format(requirements[0]), frozenset({"six"})
            raise ConflictError(
                "",
                explanation,
                hint="drop six" if self.is_certain else "take --engine uv",
                names=names,
                parents=frozenset(),
                is_certain=self.is_certain,
            )
        return resolution


def test_a_late_candidate_is_reached_however_many_have_no_resolution(request_to: Any) -> None:
    first, second = Conflicting("offline", "tensorflow-cpu==2.10.1"), StandIn("uv")
    reporter = Notes()

    outcome = from_model(request_to(first, second, wishes=Wishes(), besides=wanted("six>=2")), reporter)

    assert outcome.candidate.name == "tensorflow-cpu 2.10.1 on Python 3.10"
    assert len(outcome.attempts) == len(first.asked) - 1 > 10
    assert second.asked == []
    assert reporter.notes == []


def test_candidates_that_fail_for_one_wish_are_told_in_one_sentence(request_to: Any) -> None:
    with pytest.raises(NoCandidateError) as caught:
        from_model(request_to(Conflicting("offline", ""), wishes=Wishes(), besides=wanted("six>=2")), Notes())

    others = len(caught.value.attempts) - 1
    assert str(caught.value) == (
        f"tensorflow-cpu 2.4.4 on Python 3.8 and {others} more do not go with six>=2: no six beside tensorflow-cpu==2.4.4"
    )
    assert caught.value.hint == "drop six"


@pytest.mark.parametrize(
    ("says", "times"), [("no six beside {}", MAXIMUM_REFUSALS), ("no six", 2)], ids=["differing", "alike"]
)
def test_the_index_is_not_asked_for_ever(says: str, times: int, request_to: Any) -> None:
    first = Conflicting("offline", "", is_certain=False)
    second = Conflicting("uv", "", is_certain=False, says=says)

    with pytest.raises(NoCandidateError):
        from_model(request_to(first, second, wishes=Wishes(), besides=wanted("six>=2")), Notes())

    assert len(second.asked) == times


def test_where_the_index_alone_may_be_asked_candidates_end_with_its_answers(request_to: Any) -> None:
    alone = Conflicting("uv", "", is_certain=False)

    with pytest.raises(NoCandidateError) as caught:
        from_model(request_to(alone, wishes=Wishes(), besides=wanted("six>=2")), Notes())

    assert len(caught.value.attempts) == MAXIMUM_REFUSALS


def test_an_engine_that_does_not_know_the_target_has_not_the_last_word_alone(request_to: Any) -> None:
    unable = UnservedTargetError("", "uv does not resolve for Python 3.8", hint="take another --python-version")

    with pytest.raises(NoCandidateError) as caught:
        from_model(request_to(StandIn(), StandIn("uv", error=unable), besides=wanted("pandas")), Notes())

    assert str(caught.value).endswith(": offline has no pandas, and uv does not resolve for Python 3.8")
    assert caught.value.hint == "take another --python-version"


# --- several at once -----------------------------------------------------------------------------------------


def test_several_locks_are_written_together_or_not_at_all(request_to: Any, tmp_path: Path) -> None:
    good = request_to(StandIn(), lock_path=tmp_path / "good.txt")
    bad = request_to(StandIn(error=ResolutionError("", "none")), lock_path=tmp_path / "bad.txt")

    with pytest.raises(NoCandidateError):
        from_model_for_each([good, bad], Notes())
    assert list(tmp_path.iterdir()) == []

    (tmp_path / "bad.txt").write_text("mine\n")
    with pytest.raises(OccupiedPathError):
        from_model_for_each([good, bad], Notes())
    assert good.resolvers[0].asked == [good.resolvers[0].asked[0]]


def test_a_lock_without_a_place_is_in_the_outcome_alone(request_to: Any, tmp_path: Path) -> None:
    outcome = from_model(request_to(StandIn(), lock_path=None), Notes())

    assert outcome.lock_text == REQUIREMENTS_TXT.render(outcome.lock)
    assert list(tmp_path.iterdir()) == []


# --- what is compared ----------------------------------------------------------------------------------------

UNCHANGED = Differences(added=(), removed=(), changed=(), other_files=())


def test_a_lock_that_would_be_made_again_is_fresh(locked: Request) -> None:
    assert check_lock(locked, Notes()) == UNCHANGED


def test_a_check_says_what_would_change_and_writes_nothing(locked: Request) -> None:
    before = locked.lock_path.read_bytes()

    differences = check_lock(replace(locked, upgrades=True, besides=wanted("six==1.16.0")), Notes())

    assert differences == replace(
        UNCHANGED,
        added=(("six", Version("1.16.0")),),
        changed=(("pip", Version("23.1"), Version("24.0")),),
    )
    assert locked.lock_path.read_bytes() == before
    assert [path.name for path in locked.lock_path.parent.iterdir()] == ["requirements.txt"]


def test_a_hash_that_was_altered_makes_a_lock_stale(locked: Request) -> None:
    text = locked.lock_path.read_text()
    digest = sha256(b"pip-23.1-py3-none-any.whl").hexdigest()
    assert digest in text
    locked.lock_path.write_text(text.replace(digest, "0" * 64))

    assert check_lock(locked, Notes()) == replace(UNCHANGED, other_files=("pip",))


@pytest.mark.parametrize("text", [None, "tensorflow\n"], ids=["absent", "of somebody else"])
def test_where_there_is_no_lock_of_ours_there_is_nothing_to_check(
    text: str | None, request_to: Any, tmp_path: Path
) -> None:
    request = request_to(StandIn())
    if text is not None:
        request.lock_path.write_text(text)

    with pytest.raises(UsageError) as caught:
        check_lock(request, Notes())

    assert str(caught.value) == f"{request.lock_path}: there is no lock to check"
    assert caught.value.hint == "leave --check out to make it"
