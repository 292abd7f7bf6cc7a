"""What is locked for the snapshot: devices, pinned releases, and what makes environments of old Pythons."""

from __future__ import annotations

import planned_locks
import pytest
from closures import Trial, describe_trial, pending_trials
from packaging.requirements import Requirement

from envlock.target import LINUX_X86_64, MACOS_ARM64, PLATFORMS, WINDOWS_X86_64, Platform


def described(trial: Trial) -> str:
    return f"{' '.join(trial.requested)} on {trial.target.python}"


@pytest.mark.parametrize(
    ("python", "platform", "named"),
    [
        ("3.7", LINUX_X86_64, {"tensorflow for cpu": "tensorflow==1.15.5", "tensorflow for cuda": "tensorflow-gpu==1.15.5"}),
        ("3.12", LINUX_X86_64, {"tensorflow for cuda": "tensorflow[and-cuda]==2.18.1"}),
        # The last patch release of the line has no wheel for that Python.
        ("3.7", LINUX_X86_64, {"tensorflow for cpu": "tensorflow-cpu==2.11.0"}),
        ("3.9", MACOS_ARM64, {"tensorflow for metal": "tensorflow-macos==2.12.0 tensorflow-metal<0.9,>=0.8"}),
    ],
)  # fmt: skip
def test_each_line_is_asked_for_on_each_device_that_it_is_built_for(
    python: str, platform: Platform, named: dict[str, str]
) -> None:
    trials = list(planned_locks.plan_device_trials([python], platform))

    for subject, requested in named.items():
        assert requested in {" ".join(trial.requested) for trial in trials if trial.subject == subject}


@pytest.mark.parametrize(
    ("pinned", "pythons", "platform", "planned"),
    [
        pytest.param(
            "keras<2.2.6,>2.2.3",
            ["3.7", "3.8"],
            LINUX_X86_64,
            [
                "tensorflow==1.13.2 keras==2.2.5 on 3.7",
                "tensorflow==1.14.0 keras==2.2.5 on 3.7",
                "tensorflow==1.15.5 keras==2.2.5 on 3.7",
                "tensorflow==1.13.2 keras==2.2.4 on 3.7",
                "tensorflow==1.14.0 keras==2.2.4 on 3.7",
                "tensorflow==1.15.5 keras==2.2.4 on 3.7",
            ],
            id="beside each line that it is paired with",
        ),
        pytest.param(
            "keras==2.0.5",
            ["3.7"],
            WINDOWS_X86_64,
            [
                "tensorflow==1.13.2 keras==2.0.5 on 3.7",
                "tensorflow==1.14.0 keras==2.0.5 on 3.7",
                "tensorflow==1.15.5 keras==2.0.5 on 3.7",
            ],
            id="without a wheel",
        ),
        pytest.param(
            "keras==1.1.2",
            ["3.6"],
            LINUX_X86_64,
            ["tensorflow==1.4.1 keras==1.1.2 h5py<3 on 3.6"],
            id="older than every line",
        ),
        pytest.param(
            "keras==2.4.1",
            ["3.8"],
            LINUX_X86_64,
            ["tensorflow==2.2.3 keras==2.4.1 on 3.8"],
            id="requires a member of the family by name",
        ),
        pytest.param(
            "keras-nlp<0.16.2,>=0.15.1",
            ["3.11"],
            LINUX_X86_64,
            ["tensorflow-cpu==2.17.1 keras-nlp==0.16.1 on 3.11", "tensorflow-cpu==2.17.1 keras-nlp==0.15.1 on 3.11"],
            id="beside the line of its time, and not where it was yanked",
        ),
    ],
)
def test_what_projects_pin_is_asked_for(
    pinned: str, pythons: list[str], platform: Platform, planned: list[str]
) -> None:
    trials = planned_locks.plan_pinned_trials(Requirement(pinned), pythons, platform)

    assert [described(trial) for trial in trials] == planned


def test_the_corrected_bounds_of_both_hold_beside_a_pin() -> None:
    trials = planned_locks.plan_pinned_trials(Requirement("keras==2.2.4"), ["3.6"], LINUX_X86_64)

    trial = next(trial for trial in trials if trial.requested[0] == "tensorflow==1.10.1")
    assert trial.requested == ["tensorflow==1.10.1", "keras==2.2.4", "h5py<3"]
    assert [str(constraint) for constraint in trial.constraints] == ["h5py<3", "pyyaml<6"]


def test_what_makes_environments_of_old_pythons_is_locked_for_the_one_that_runs_it() -> None:
    (trial,) = planned_locks.plan_tool_trials(["2.7", "3.5", "3.12"], LINUX_X86_64)

    assert describe_trial(trial) == {
        "subject": "virtualenv",
        "version": "20.21.1",
        "requested": ["virtualenv==20.21.1"],
        "python": "3.10",
        "platform": "linux_x86_64",
    }


def test_each_kind_of_trial_is_planned_for_each_platform_and_its_outcome_found_again() -> None:
    roots = {
        "scope": {"pythons": ["2.7", "3.12"]},
        "root": [{"locked": ["keras-cv"], "pinned": ["keras>=3.14"]}],
    }

    trials = [*planned_locks.plan_locks(roots), *planned_locks.plan_pins(roots)]

    subjects = {"tensorflow", "tensorflow for cpu", "keras-cv", "keras", "virtualenv"}
    planned = {(trial.subject, trial.target.platform) for trial in trials}
    assert planned >= {(subject, platform) for subject in subjects for platform in PLATFORMS}
    assert pending_trials(trials, map(describe_trial, trials), again=False) == []
