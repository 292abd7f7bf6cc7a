"""Causes that are the same become one, and the most likely comes first."""

from __future__ import annotations

from typing import Any

from packaging.requirements import Requirement

from envlock.diagnosis.causes import Cause, Remedy, merge


def cause(reference: str, **fields: Any) -> Cause:
    values: dict[str, Any] = {"title": reference, "explanation": f"{reference}.", "likelihood": "predicted"}
    return Cause(reference=reference, **(values | fields))


def references(*causes: Cause) -> list[str]:
    return [item.reference for item in causes]


INSTALL = Remedy(
    kind="constraint", message="install", commands=("pip install h5py<3",), requirements=(Requirement("h5py<3"),)
)
AGAIN = Remedy(
    kind="constraint",
    message="again",
    commands=("uv pip install h5py==2.10",),
    requirements=(Requirement("h5py==2.10"),),
)
ANEW = Remedy(kind="environment", message="anew", commands=("envlock from-model model.h5",))


def test_the_most_likely_comes_first_and_else_the_order_is_kept() -> None:
    recognised = [
        cause("a", likelihood="recognised"),
        cause("b", likelihood="confirmed"),
        cause("c", likelihood="recognised"),
    ]
    expected = [cause("d"), cause("e", likelihood="confirmed")]

    assert references(*merge(recognised, expected)) == ["b", "e", "a", "c", "d"]


def test_what_decides_comes_before_what_is_as_likely() -> None:
    recognised = [cause("a", likelihood="confirmed")]
    expected = [cause("b", likelihood="confirmed", is_decisive=True), cause("c", is_decisive=True)]

    assert references(*merge(recognised, expected)) == ["b", "a", "c"]


def test_two_of_one_reference_are_one_cause_that_is_confirmed() -> None:
    recognised = cause("a", likelihood="recognised", evidence=("the error says so", "both"), remedies=(INSTALL,))
    expected = cause("a", evidence=("both", "h5py 3 is installed"), remedies=(AGAIN, ANEW), is_decisive=True)

    assert merge([recognised], [expected]) == (
        cause(
            "a",
            likelihood="confirmed",
            evidence=("the error says so", "both", "h5py 3 is installed"),
            remedies=(AGAIN, ANEW),
            is_decisive=True,
        ),
    )


def test_an_error_that_names_what_the_artifact_names_is_about_it() -> None:
    recognised = cause("a", likelihood="recognised", names=frozenset({"Scale", "layer"}))
    expected = cause("b", names=frozenset({"Scale"}), evidence=("it is in the artifact",))

    assert merge([recognised], [expected]) == (
        cause(
            "a",
            likelihood="confirmed",
            evidence=("b.", "it is in the artifact"),
            names=frozenset({"Scale", "layer"}),
        ),
    )


def test_two_predictions_do_not_confirm_each_other() -> None:
    (found,) = merge([], [cause("a", evidence=("one",)), cause("a", evidence=("other",))])

    assert (found.likelihood, found.evidence) == ("predicted", ("one", "other"))
