"""A first handful of the damaged inputs, on every run of the tests; `python -m tests.fuzz.mutate` runs masses."""

from __future__ import annotations

import random

import pytest

from envlock.errors import EnvlockError
from tests.fuzz.mutate import Tally, make_input, run_batch
from tests.fuzz.mutations import mutate
from tests.fuzz.targets import TARGETS, Target


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_damaged_input_gives_a_result_or_an_error_of_envlock(target: Target) -> None:
    tally = run_batch(target, range(100))

    assert (tally.inputs, tally.tracebacks, tally.slow) == (100, {}, {})


def is_read(target: Target, seed: bytes) -> bool:
    try:
        target.run(seed)
    except EnvlockError:
        return False
    return True


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_there_is_a_seed_that_can_be_read(target: Target) -> None:
    assert any(is_read(target, seed) for seed in target.seeds())


def test_an_input_is_repeated_by_its_number() -> None:
    target, seeds = TARGETS[0], TARGETS[0].seeds()

    assert make_input(target, seeds, 7) == make_input(target, seeds, 7)
    assert len({make_input(target, seeds, number) for number in range(20)}) == 20


def test_anything_but_an_error_of_envlock_is_counted_with_its_input() -> None:
    def fail(data: bytes) -> None:
        raise KeyError(len(data))

    tally = run_batch(Target(name="broken", seeds=lambda: (b"seed",), run=fail), range(3))

    assert not tally.is_clean
    assert sorted(tally.tracebacks.values())[0] == 0


def test_tallies_add_up() -> None:
    tally = Tally(inputs=1, refused={"damaged-file": 1}, slowest=0.5, peak_memory=10)

    tally.add(Tally(inputs=2, read=1, refused={"damaged-file": 1}, slowest=0.1, peak_memory=20))

    assert tally == Tally(inputs=3, read=1, refused={"damaged-file": 2}, slowest=0.5, peak_memory=20)
    assert tally.is_clean


@pytest.mark.parametrize("seed", [b"", b"x", bytes(100)])
def test_mutation_takes_seeds_of_any_size(seed: bytes) -> None:
    for number in range(300):
        assert isinstance(mutate([seed], random.Random(number)), bytes)  # noqa: S311
