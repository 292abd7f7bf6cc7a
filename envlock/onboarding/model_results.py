"""Model + environment -> ModelResult: it is loaded there, unless something stands against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from envlock.checking import NoLoaderError, check_there
from envlock.environment.installed import InstalledEnvironment
from envlock.errors import UsageError
from envlock.formats.text import one_line, printable
from envlock.inspection.findings import own_objects
from envlock.isolation.choice import UnstartablePythonError
from envlock.loading import Loading
from envlock.onboarding.models import Model
from envlock.onboarding.order import Order
from envlock.onboarding.results import ModelResult
from envlock.onboarding.seen import Seen, question_of, read_seen, write_seen
from envlock.own_code.definitions import find_definitions
from envlock.pipeline.outcome import Outcome
from envlock.reporter import Reporter
from envlock.verification import Verification


def in_order_of_loading(models: Iterable[Model], order: Order) -> list[Model]:
    """Those first that can be loaded as it is ordered: an environment is made for the first."""
    return sorted(models, key=lambda model: (obstacle_for(model, order) is not None, model.name))


def obstacle_for(model: Model, order: Order) -> str | None:
    """Why the model is not loaded, in the terms of this command; ``None`` where it is."""
    if not order.makes_environments:
        return _own_obstacle(model, order) or "no environment was asked for"
    return _own_obstacle(model, order) or (None if order.verifies else "it was not asked for")


def code_for(model: Model, order: Order) -> Path | None:
    """The folder of the project, where it defines all that the model needs and its code may be run."""
    names = [item.name for item in own_objects(model.inspection.custom) if item.kind != "operation"]
    if not names or not order.trusts_code:
        return None
    return order.project if find_definitions(order.project, names).keys() >= set(names) else None


def result_of(model: Model, outcome: Outcome, order: Order) -> ModelResult:
    """Of the model that the environment was made for."""
    if outcome.verification is not None:
        return replace(_result(model, outcome.verification), is_recalled=outcome.is_recalled)
    reason = obstacle_for(model, order) or one_line(outcome.unverified or "")
    return ModelResult(model=model, state="not-verified", reason=reason)


def check_model(
    model: Model, environment: InstalledEnvironment | None, order: Order, reporter: Reporter
) -> ModelResult:
    """Load another model there, unless that was seen before; ``None`` for a lock alone."""
    obstacle = obstacle_for(model, order)
    if obstacle is not None or environment is None:
        return ModelResult(model=model, state="not-verified", reason=obstacle or "")
    folder = environment.executable.parent.parent
    code = code_for(model, order)
    question = question_of(model.inspection, folder, code=code, trusts_code=order.trusts_code)
    seen = read_seen(folder)
    if question in seen.verifications:
        return replace(_result(model, seen.verifications[question]), is_recalled=True)
    try:
        verification = check_there(_loading(model, order), environment, reporter).verification
    except (UsageError, NoLoaderError, UnstartablePythonError) as error:
        return ModelResult(model=model, state="failed", reason=str(error))
    result = _result(model, verification)
    # What failed may be healed without a change to any of this.
    if result.state == "verified":
        write_seen(folder, Seen(verifications={**seen.verifications, question: verification}))
    return result


def _result(model: Model, verification: Verification) -> ModelResult:
    if verification.loads and verification.predicts is not False:
        return ModelResult(model=model, state="verified", verification=verification)
    if verification.code_errors:
        reason = f"the code of the project cannot be imported: {'; '.join(verification.code_errors)}"
        return ModelResult(model=model, state="not-verified", verification=verification, reason=one_line(reason))
    reason = one_line(verification.error or "no reason given")
    return ModelResult(model=model, state="failed", verification=verification, reason=reason)


def _loading(model: Model, order: Order) -> Loading:
    return Loading(inspection=model.inspection, code=code_for(model, order), trusts_code=order.trusts_code)


def _own_obstacle(model: Model, order: Order) -> str | None:
    """What there is about the model itself."""
    if model.inspection.provenance.content == "weights":
        return f"it holds weights alone: envlock from-model {model.name} --code DIR --builder NAME proves them"
    obstacle = _loading(model, order).obstacle
    names = [item.name for item in own_objects(model.inspection.custom)]
    if obstacle is None or not names:
        return obstacle
    needed = f"it needs the definitions of {', '.join(map(printable, names))}"
    found = find_definitions(order.project, names)
    lacking = [name for name in names if name not in found]
    if lacking:
        return f"{needed}, and no file of the project defines {', '.join(map(printable, lacking))}"
    places = ", ".join(f"{item.file.relative_to(order.project)}, line {item.line}" for item in found.values())
    return f"{needed} ({places}): --trust runs them"
