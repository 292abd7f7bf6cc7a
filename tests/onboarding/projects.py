"""Projects made by hand for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from envlock.candidates import possible_pythons
from envlock.onboarding.models import read_models
from envlock.onboarding.planning import Plan, plan_environments
from envlock.onboarding.serving import Terms
from envlock.project.interface import (
    ApiUse,
    Era,
    ModuleImport,
    Place,
    Project,
    PythonStatement,
    RequirementStatement,
)
from envlock.reporter import SilentReporter
from envlock.target import LINUX_X86_64

ASSETS = Path(__file__).parent.parent / "assets"

EVERYWHERE = Terms(
    platform=LINUX_X86_64, pythons=frozenset(possible_pythons()), at_hand=frozenset(possible_pythons()[2:])
)
"""All Pythons can be had, those from 3.6 on are here."""

KERAS_2_2 = "keras/keras-2.2.4-functional.h5"
TENSORFLOW_2_3 = "keras/tf-2.3-functional.h5"
KERAS_3 = "keras/tf-2.21-functional.keras"


def project(*artifacts: str, root: Path = ASSETS, era: date | None = None, **fields: Any) -> Project:
    kinds = ("requirements", "indexes", "pythons", "uses", "imports", "modules", "unread")
    usual: dict[str, Any] = dict.fromkeys(kinds, ())
    told = Era(day=era, source="the last commit") if era is not None else None
    return Project(root=root, artifacts=[root / name for name in artifacts], era=told, **(usual | fields))


def asks(*texts: str, file: str = "requirements.txt", **fields: Any) -> list[RequirementStatement]:
    """One line of a file for each of *texts*."""
    usual: dict[str, Any] = {"strength": "declared"}
    return [
        RequirementStatement(requirement=Requirement(text), place=Place(Path(file), line), **(usual | fields))
        for line, text in enumerate(texts, start=1)
    ]


def asks_for_python(text: str, *, strength: Any = "declared") -> PythonStatement:
    return PythonStatement(versions=SpecifierSet(text), place=Place(Path("setup.py"), 7), strength=strength)


def uses(name: str, distribution: str, releases: str) -> ApiUse:
    return ApiUse(
        name=name, place=Place(Path("train.py"), 3), distribution=distribution, releases=SpecifierSet(releases)
    )


def imports(*modules: str, is_conditional: bool = False) -> list[ModuleImport]:
    return [
        ModuleImport(module=module, place=Place(Path("train.py"), line), is_conditional=is_conditional)
        for line, module in enumerate(modules, start=1)
    ]


def plan(found: Project, terms: Terms = EVERYWHERE, **options: Any) -> Plan:
    models = read_models(found.artifacts, found.root, SilentReporter())
    return plan_environments(models.read, found, terms, **options)


def settings(made: Plan) -> Sequence[str]:
    return [environment.setting.name for environment in made.environments]
