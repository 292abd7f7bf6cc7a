"""ImageRequest -> Plan: the lock, the base image that suits it, what is copied, and what all that implies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

from packaging.specifiers import SpecifierSet

from envlock.formats.text import printable
from envlock.images.base_image import base_for, implications_of, named_base, serving_base
from envlock.images.interface import BaseImage, ImageRequest, NoImageError
from envlock.images.names import CODE, LOCK, MODEL, SCRIPT
from envlock.images.parts import Part, code_part, code_root, links_out_of, model_part, place_of_model
from envlock.inspection import Inspection, inspect
from envlock.inspection.findings import own_objects
from envlock.knowledge.base_images import ImageDevice
from envlock.knowledge.releases import line_of
from envlock.loader_script import Surroundings, render_loader_script
from envlock.networks.mapping import find_mapping
from envlock.own_code.definitions import Definition
from envlock.pipeline.from_model import prepare_lock
from envlock.pipeline.outcome import Outcome
from envlock.pipeline.request import Request
from envlock.reporter import Reporter

SERVED_VERSION = "1"
"""TensorFlow Serving takes the version of a model from the name of its folder."""

_EDITOR_GLIBC = (2, 28)
"""What the server of Visual Studio Code asks of a container since its release 1.99."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is written, but for the digests of what is copied."""

    request: ImageRequest
    outcome: Outcome
    base: BaseImage
    notes: tuple[str, ...]
    parts: tuple[Part, ...]
    script: str | None = None
    """``None`` where TensorFlow Serving loads the model."""

    @property
    def has_gpu(self) -> bool:
        """Whether the image computes on a GPU."""
        return _device(self.request) == "cuda"


def plan_python(request: ImageRequest, reporter: Reporter) -> Plan:
    """An image with a Python in which the model loads.

    Raises:
        ArtifactError: The artifact is damaged, hostile, or no model.
        NoCandidateError: Nothing loads it on the platform of the image.
        NoImageError: No base image is known.
        UsageError: The code that was passed lacks what the model needs.
        NetworkError: The index is needed and cannot be reached.
    """
    outcome, base = _lock_for_base(request, reporter)
    code = request.lock.code
    parts = [code_part(code, besides=request.folder)] if code is not None else []
    if request.holds_model:
        parts.append(model_part(outcome.inspection.provenance))
    script = _script(outcome, request)
    notes = [
        *implications_of(base, outcome.candidate, _device(request), request.today),
        *_notes_on_base(base, outcome, request),
        *_notes_on_loading(outcome),
        *_notes_on_code(request),
    ]
    return Plan(request=request, outcome=outcome, base=base, notes=tuple(notes), parts=tuple(parts), script=script)


def plan_serving(request: ImageRequest, reporter: Reporter) -> Plan:
    """An image of TensorFlow Serving with the model in it.

    Raises:
        ArtifactError: The artifact is damaged, hostile, or no model.
        NoCandidateError: Nothing loads it on the platform of the image.
        NoImageError: TensorFlow Serving does not take it, or no image of it is known.
        NetworkError: The index is needed and cannot be reached.
    """
    _refuse_to_serve(inspect(request.lock.artifact), request)
    outcome = prepare_lock(request.lock, reporter)
    if request.base is not None:
        base = named_base(request.base)
    else:
        base = serving_base(outcome.candidate, request.lock.platform, _device(request))
    parts = [model_part(outcome.inspection.provenance, within=SERVED_VERSION)] if request.holds_model else []
    notes = implications_of(base, outcome.candidate, _device(request), request.today)
    return Plan(request=request, outcome=outcome, base=base, notes=tuple(notes), parts=tuple(parts))


def _device(request: ImageRequest) -> ImageDevice:
    return "cuda" if request.lock.wishes.device == "cuda" else "cpu"


# --- the base image and the lock for it ----------------------------------------------------------------------


def _lock_for_base(request: ImageRequest, reporter: Reporter) -> tuple[Outcome, BaseImage]:
    outcome = prepare_lock(request.lock, reporter)
    if request.base is not None:
        return outcome, named_base(request.base)
    base = base_for(outcome.candidate, _device(request))
    fitting = _fit(request.lock, outcome, base)
    return (outcome if fitting is request.lock else prepare_lock(fitting, reporter)), base


def _fit(request: Request, outcome: Outcome, base: BaseImage) -> Request:
    """*request* for the Python and the glibc of *base*; itself where the *outcome* is for these.

    Raises:
        NoImageError: Another Python was asked for.
    """
    platform, wishes = request.platform, request.wishes
    if base.system is not None and base.system.glibc < platform.minimum:
        platform = replace(platform, minimum=base.system.glibc)
    if base.python is not None and base.python != outcome.candidate.target.python:
        if wishes.python is not None:
            raise NoImageError(
                f"{base.reference} has Python {base.python}, and you asked for {wishes.python}",
                hint="leave --python-version out, or name another image with --base",
            )
        line = SpecifierSet(f"=={line_of(outcome.candidate.tensorflow.version)}.*")
        wishes = replace(wishes, python=base.python, tensorflow=line & wishes.tensorflow if wishes.tensorflow else line)
    if (platform, wishes) == (request.platform, request.wishes):
        return request
    return replace(request, platform=platform, wishes=wishes)


# --- the script ----------------------------------------------------------------------------------------------


def _script(outcome: Outcome, request: ImageRequest) -> str:
    """The script that loads the model from where it lies in the image, which is laid out like the folder."""
    folder, inspection, builder = request.folder.absolute(), outcome.inspection, outcome.builder
    provenance = inspection.provenance
    moved = provenance._replace(path=folder / MODEL / place_of_model(provenance))
    return render_loader_script(
        inspection._replace(provenance=moved),
        outcome.candidate,
        outcome.lock,
        verification=None,
        mapping=find_mapping(provenance.path, provenance, outcome.candidate.tensorflow.line),
        definitions={name: _move(item, request) for name, item in outcome.definitions.items()},
        builder=_move(builder, request) if builder is not None else None,
        surroundings=Surroundings(script_path=folder / SCRIPT, lock_path=folder / LOCK, environment_path=None),
    )


def _move(definition: Definition, request: ImageRequest) -> Definition:
    """*definition* where its copy lies."""
    if request.lock.code is None:
        return definition
    root, copies = code_root(request.lock.code), request.folder.absolute() / CODE
    return replace(
        definition,
        file=copies / definition.file.absolute().relative_to(root),
        root=copies / definition.root.absolute().relative_to(root),
    )


# --- what a person should know -------------------------------------------------------------------------------


def _notes_on_base(base: BaseImage, outcome: Outcome, request: ImageRequest) -> Iterator[str]:
    if request.base is not None:
        yield (
            f"{base.reference} has to have Python {outcome.lock.target.python}, pip, and glibc "
            f"{'.'.join(map(str, outcome.lock.target.platform.minimum))} or newer"
        )
    elif not base.is_bare:
        yield f"{base.reference} holds a TensorFlow of its own, which the one in {LOCK} hides"
    if request.has_dev_container and base.system is not None and base.system.glibc < _EDITOR_GLIBC:
        yield f"the glibc of {base.system.name} is too old for the server of Visual Studio Code of today"
    sources = [f"{pin.name} {pin.version}" for pin in outcome.lock.pins if pin.is_source]
    if sources:
        verb = "are" if len(sources) > 1 else "is"
        yield f"{', '.join(sources)} {verb} built from source with the image, by a setuptools that is not pinned"


def _notes_on_loading(outcome: Outcome) -> Iterator[str]:
    inspection = outcome.inspection
    missing = [printable(item.name) for item in own_objects(inspection.custom) if item.name not in outcome.definitions]
    if missing:
        yield f"the model needs your definitions of {', '.join(missing)}: pass their folder with --code"
    if inspection.provenance.content == "weights" and outcome.builder is None:
        yield "the file holds weights alone: pass the code that builds the model with --code and --builder"
    if any(item.needs_trust for item in inspection.provenance.code):
        yield "the model holds code, which runs when the model is loaded: run the image without a network"


def _notes_on_code(request: ImageRequest) -> Iterator[str]:
    code = request.lock.code
    for file in links_out_of(code) if code is not None else ():
        yield f"{printable(os.path.relpath(file, code))} is a link that leads out of your code, and is not copied"


def _refuse_to_serve(inspection: Inspection, request: ImageRequest) -> None:
    """Make sure that TensorFlow Serving takes the artifact.

    Raises:
        NoImageError: It does not.
    """
    provenance = inspection.provenance
    if provenance.format != "saved-model":
        raise NoImageError(
            f"{provenance.path}: TensorFlow Serving takes SavedModels alone",
            hint="leave --serve out, or save it as one in the environment that envlock from-model makes",
        )
    if frozenset({"serve"}) not in provenance.tags:
        found = ", ".join(sorted("+".join(sorted(map(printable, tags))) or "none" for tags in provenance.tags))
        raise NoImageError(
            f"{provenance.path}: TensorFlow Serving looks for the graph that is tagged serve, found {found or 'none'}",
            hint="leave --serve out, or save the model again with that tag",
        )
    if any(item.kind == "python-operation" for item in provenance.code):
        raise NoImageError(
            f"{provenance.path}: its graph calls Python functions, and TensorFlow Serving has no Python",
            hint="leave --serve out",
        )
    foreign = [printable(item.name) for item in inspection.custom if item.kind == "operation"]
    if foreign and request.base is None:
        raise NoImageError(
            f"{provenance.path}: needs operations that the image of TensorFlow Serving lacks: {', '.join(foreign)}",
            hint="leave --serve out, or name an image that has them with --base",
        )
