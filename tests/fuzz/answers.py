"""What commands say of hostile input beyond ``inspect``: explanations, diagnoses, scripts, and the reading of projects.

Whatever a person sees has to leave the terminal alone, and what Python runs has to be Python.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.version import Version

from envlock.candidates import possible_pythons
from envlock.cli.diagnose_output import diagnosis_document, render_diagnosis
from envlock.cli.explain_output import explanation_document, render_explanation
from envlock.cli.from_project_output import onboarding_document, render_onboarding
from envlock.cli.rendering import describe_artifact
from envlock.dating import date_artifact
from envlock.diagnosis.causes import Cause
from envlock.diagnosis.diagnose import Diagnosis
from envlock.diagnosis.observations import Observations
from envlock.diagnosis.predictions import predict
from envlock.diagnosis.recognition import recognise_causes
from envlock.diagnosis.traceback_text import read_traceback
from envlock.environment.installed import InstalledEnvironment
from envlock.explanation import Explanation, explain_inspection
from envlock.explanation.page import render_page
from envlock.inspection import Inspection
from envlock.inspection.findings import find_findings
from envlock.loadability import find_custom_objects
from envlock.loader_script import Surroundings, render_loader_script
from envlock.locks import Lock
from envlock.onboarding.conflicts import explain_addresses, explain_indexes
from envlock.onboarding.models import read_models
from envlock.onboarding.order import Order
from envlock.onboarding.page import render_page as render_onboarding_page
from envlock.onboarding.planning import plan_environments
from envlock.onboarding.results import Onboarding
from envlock.onboarding.serving import Terms
from envlock.onboarding.wanted import find_wanted
from envlock.project import read_project
from envlock.provenance import Provenance
from envlock.reporter import SilentReporter
from envlock.target import LINUX_X86_64, Target

ENVIRONMENT = InstalledEnvironment(
    executable=Path("/environment/bin/python"),
    base=Path("/usr/bin/python3.8"),
    python=Version("3.8.18"),
    folders=(),
    personal_folders=(),
    distributions={"h5py": Version("2.10.0"), "numpy": Version("1.24.0"), "tensorflow": Version("2.4.4")},
    remains={},
    elsewhere=frozenset(),
)
EVERYWHERE = frozenset(possible_pythons())


def answer_all(provenance: Provenance) -> None:
    """What ``explain``, ``diagnose`` and the script of ``docker`` make of an artifact that could be read."""
    saver = date_artifact(provenance)
    custom = find_custom_objects(provenance, saver)
    findings = find_findings(provenance, saver, custom)
    inspection = Inspection(provenance=provenance, saver=saver, custom=custom, findings=findings)
    explanation = explain_inspection(inspection, platform=LINUX_X86_64)
    leave_the_terminal_alone(render_explanation(explanation, verbose=True))
    leave_the_terminal_alone(render_page(explanation, kind=describe_artifact(provenance)))
    json.dumps(explanation_document(explanation))
    observed = Observations(
        path=provenance.path, artifact=inspection, damage=None, environment=ENVIRONMENT, traceback=None
    )
    _tell(observed, tuple(predict(observed)))
    _write_script(inspection, explanation)


def recognise_traceback(data: bytes) -> None:
    """What ``diagnose --traceback`` makes of whatever a person pastes."""
    traceback = read_traceback(io.BytesIO(data))
    observed = Observations(path=None, artifact=None, damage=None, environment=ENVIRONMENT, traceback=traceback)
    _tell(observed, recognise_causes(traceback, observed))


def read_project_with(name: str) -> Callable[[bytes], None]:
    """What ``from-project`` makes, before anything is resolved, of a project that holds a hostile file called *name*."""

    def run(data: bytes) -> None:
        with TemporaryDirectory() as folder:
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            _plan(Path(folder))

    return run


def _tell(observed: Observations, causes: Sequence[Cause]) -> None:
    diagnosis = Diagnosis(observed=observed, causes=tuple(causes), verification=None, copy=None)
    leave_the_terminal_alone(render_diagnosis(diagnosis))
    json.dumps(diagnosis_document(diagnosis))


def _write_script(inspection: Inspection, explanation: Explanation) -> None:
    if not explanation.choices:
        return
    candidate = explanation.choices[0]
    script = render_loader_script(
        inspection,
        candidate,
        Lock(
            artifact=inspection.provenance.path.name,
            loader=candidate.loader.name,
            requirements=(),
            constraints=(),
            target=Target(python=candidate.target.python, platform=LINUX_X86_64),
            pins=(),
            evidence=(),
            engine="offline",
            database="0" * 64,
        ),
        verification=None,
        definitions={},
        builder=None,
        mapping=None,
        surroundings=Surroundings(
            script_path=Path("/image/load_model.py"), lock_path=Path("/image/requirements.txt"), environment_path=None
        ),
    )
    compile(script, "load_model.py", "exec")


def _plan(root: Path) -> None:
    project = read_project(root)
    terms = Terms(platform=LINUX_X86_64, pythons=EVERYWHERE, at_hand=EVERYWHERE)
    models = read_models(project.artifacts, project.root.absolute(), SilentReporter())
    for planned in plan_environments(models.read, project, terms).environments:
        find_wanted(project, planned.setting, LINUX_X86_64, keeps_pins=True)
    onboarding = Onboarding(
        project=project,
        models=models,
        environments=(),
        unserved=(),
        conflicts=(*explain_indexes(project), *explain_addresses(project)),
        smoke=None,
        untested="no environment was made",
        page=None,
    )
    order = Order(project=root, folder=root, platform=LINUX_X86_64, resolvers=())
    leave_the_terminal_alone(render_onboarding(onboarding))
    leave_the_terminal_alone(render_onboarding_page(onboarding, order))
    json.dumps(onboarding_document(onboarding))


def leave_the_terminal_alone(text: str) -> None:
    """Make sure that nothing in *text* acts on a terminal."""
    if not text.replace("\n", "").isprintable():
        raise AssertionError(f"the report holds characters that act on a terminal: {text!a}")
