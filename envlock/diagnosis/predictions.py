"""An artifact and an environment -> causes that are to be expected of them, whatever an error says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from packaging.requirements import Requirement

from envlock.diagnosis.causes import Cause, Remedy
from envlock.diagnosis.conflicts import find_conflicts, known_cause
from envlock.diagnosis.observations import NO_HDF5_READER, Observations
from envlock.diagnosis.remedies import Workbench
from envlock.diagnosis.weight_layers import find_misfits
from envlock.environment.installed import InstalledEnvironment
from envlock.errors import ArtifactError
from envlock.formats.text import printable
from envlock.inspection import Inspection
from envlock.inspection.findings import own_objects
from envlock.knowledge.bounds import bounds_for
from envlock.knowledge.custom_objects import module_of
from envlock.knowledge.failures import failure
from envlock.knowledge.loaders import Loader
from envlock.knowledge.operations import is_gpu_operation
from envlock.knowledge.pairings import paired_lines, release_for_tensorflow
from envlock.knowledge.releases import line_of
from envlock.knowledge.tpu import (
    operations_beyond_tpus,
    operations_of_tpus,
    runs_on_tpu_nodes,
    tpu_generations,
    tpu_software_for,
)
from envlock.loadability import GPU_OPERATION, LOOKED_UP, CustomObject, judge
from envlock.provenance import Evidence, Finding, Provenance

_FACTS_OF_SAVER = frozenset({"tensorflow-version", "keras-version", "graph-producer"})
_NAMES_SHOWN = 5
_MISFITS_SHOWN = 10


def predict(observed: Observations) -> Iterator[Cause]:
    """Everything that is wrong with the artifact, with the environment, and with both of them together."""
    bench = Workbench(observed)
    if observed.damage is not None:
        yield _damage(observed.damage)
    if observed.artifact is not None:
        yield from _from_findings(observed, bench)
        if observed.architecture is not None:
            yield from _from_misfits(observed.artifact, observed.architecture, bench)
        yield from _from_custom_objects(observed.artifact, observed.environment, bench)
        yield from _from_gpu_operations(observed.artifact, bench)
        yield from _from_tpu_operations(observed.artifact, observed.environment, bench)
        if observed.is_for_tpu:
            yield from _beyond_tpus(observed.artifact, observed.tensorflow_line)
    if observed.environment is not None:
        yield from find_conflicts(observed.environment, bench)
        if observed.lacks_hdf5_reader:
            yield _without_hdf5_reader(observed.environment, bench)
    yield from _from_verdicts(observed, bench)


def _title(reference: str) -> str:
    return reference.replace("-", " ")


# --- the artifact --------------------------------------------------------------------------------------------


def _damage(error: ArtifactError) -> Cause:
    return Cause(
        reference=error.reference,
        title=_title(error.reference),
        explanation=f"{printable(str(error), len(str(error)))}.",
        likelihood="confirmed",
        evidence=("read in the file itself",),
        remedies=(_remedy_of_hint(error.hint),) if error.hint else (),
        is_decisive=True,
    )


def _remedy_of_hint(hint: str) -> Remedy:
    """What a hint advises: where it names a command, that stands at its end."""
    _, _, command = hint.partition("with: ")
    return Remedy(kind="file", message=hint, commands=(command,) if command else ())


# Told by a cause of its own, which names what an error may name.
_TOLD_OTHERWISE = frozenset({"unknown-operation"})
_WEIGHTS_ONLY = "weights-only"


def _from_findings(observed: Observations, bench: Workbench) -> Iterator[Cause]:
    """What forbids the artifact to load anywhere, a cause for each kind of finding."""
    findings = observed.artifact.findings if observed.artifact is not None else ()
    expected = _TOLD_OTHERWISE if observed.architecture is None else _TOLD_OTHERWISE | {_WEIGHTS_ONLY}
    severe = [item for item in findings if item.severity == "error" and item.reference not in expected]
    for reference, group in groupby(sorted(severe, key=lambda item: item.reference), lambda item: item.reference):
        first, *others = group
        yield Cause(
            reference=reference,
            title=_title(reference),
            explanation=_sentence(first.message),
            likelihood="confirmed",
            evidence=("read in the artifact itself", *(item.message for item in others)),
            remedies=tuple(_remedies_of_finding(first, observed, bench)),
            is_decisive=True,
        )


def _remedies_of_finding(finding: Finding, observed: Observations, bench: Workbench) -> Iterator[Remedy]:
    if finding.reference == _WEIGHTS_ONLY and observed.mapping is not None:
        yield Remedy(
            kind="code",
            message="build the network that these weights are of, and load them into it",
            commands=(f"model = {observed.mapping.expression}", "model.load_weights(path)"),
        )
    elif finding.reference == _WEIGHTS_ONLY:
        yield Remedy(kind="code", message=finding.hint, commands=("model.load_weights(path)",))
        yield bench.make_environment()
    elif finding.hint:
        yield _remedy_of_hint(finding.hint)


def _from_misfits(artifact: Inspection, architecture: Inspection, bench: Workbench) -> Iterator[Cause]:
    """Where weights do not fit the architecture that they are to go into."""
    if artifact.provenance.format != "keras-hdf5":
        return
    misfits = list(find_misfits(artifact.provenance.path, architecture.provenance))
    for reference in dict.fromkeys(misfit.reference for misfit in misfits):
        known = failure(reference)
        told = [misfit.told for misfit in misfits if misfit.reference == reference]
        hidden = len(told) - _MISFITS_SHOWN
        yield Cause(
            reference=known.id,
            title=known.title,
            explanation=known.cause,
            likelihood="confirmed",
            evidence=(*told[:_MISFITS_SHOWN], *([f"and {hidden} more layers"] if hidden > 0 else [])),
            remedies=tuple(filter(None, map(bench.apply, known.fixes))),
            sources=known.sources,
            is_decisive=True,
        )


def _from_custom_objects(
    artifact: Inspection, environment: InstalledEnvironment | None, bench: Workbench
) -> Iterator[Cause]:
    own = own_objects(artifact.custom)
    if definitions := [item for item in own if item.kind not in {"operation", *LOOKED_UP}]:
        yield _own_definitions(definitions, bench)
    if names := [item.name for item in own if item.kind in LOOKED_UP]:
        yield _undefined_names(names, bench)
    if operations := [item.name for item in own if item.kind == "operation"]:
        yield _own_operations(operations)
    for distribution in sorted({item.distribution for item in artifact.custom if item.distribution is not None}):
        names = [item.name for item in artifact.custom if item.distribution == distribution]
        yield _brought_object(distribution, names, environment, bench)


def _own_definitions(own: Sequence[CustomObject], bench: Workbench) -> Cause:
    names = [item.name for item in own]
    by_argument = Remedy(
        kind="load-argument",
        message="import your definitions and pass them to the loader, each under the name that is told",
        commands=(bench.call("custom_objects={...}"),),
    )
    return Cause(
        reference="custom-object",
        title="definitions that Keras does not have",
        explanation=f"The artifact needs {_listed(names)}, which neither Keras nor a known add-on brings.",
        likelihood="predicted",
        evidence=tuple(f"{item.kind} {printable(item.name)} is named in the artifact" for item in own),
        remedies=(by_argument, bench.make_environment("--code", "DIR")),
        names=frozenset(names),
    )


def _undefined_names(names: Sequence[str], bench: Workbench) -> Cause:
    by_assignment = Remedy(
        kind="code",
        message="make each known to all code before the model is loaded: not every Keras passes custom_objects on",
        commands=("import builtins; builtins.NAME = OBJECT",),
    )
    return Cause(
        reference="undefined-name",
        title="names that stored functions look up",
        explanation=f"Of functions the artifact holds the code alone, which looks up {_listed(names)}.",
        likelihood="predicted",
        evidence=("read in the artifact itself",),
        remedies=(by_assignment, bench.make_environment("--code", "DIR")),
        names=frozenset(names),
    )


def _own_operations(names: Sequence[str]) -> Cause:
    by_library = Remedy(
        kind="code",
        message="load the library that registers them before the model",
        commands=("tf.load_op_library('LIBRARY.so')",),
    )
    return Cause(
        reference="unknown-operation",
        title="operations that TensorFlow does not have",
        explanation=f"The artifact needs {_listed(names)}, which no TensorFlow and no known add-on registers.",
        likelihood="predicted",
        evidence=("read in the artifact itself",),
        remedies=(by_library,),
        names=frozenset(names),
    )


def _brought_object(
    distribution: str, names: Sequence[str], environment: InstalledEnvironment | None, bench: Workbench
) -> Cause:
    """What is to be done about objects that *distribution* brings: install it, another release of it, or import it."""
    told = f"{distribution} brings {_listed(names)}, which the artifact needs"
    tensorflow = environment.tensorflow if environment is not None else None
    installed = environment.distributions.get(distribution) if environment is not None else None
    line = line_of(tensorflow[1]) if tensorflow is not None else None
    release = release_for_tensorflow(distribution, line) if line is not None else None
    fitting = [Requirement(f"{distribution}=={release.version}")] if release is not None else []
    runs_on = paired_lines(distribution, installed) if installed is not None else ()
    module = module_of(distribution)
    by_import = Remedy(
        kind="code",
        message="import it before the model is loaded, since that registers its classes",
        commands=(f"import {module}",) if module else (),
    )
    if environment is None:
        reference, explanation = "provided-object", f"{told}: it has to be installed, and imported first."
        remedies = [by_import]
    elif installed is None:
        reference, explanation = "missing-distribution", f"{told}, and is not installed."
        remedies = [bench.install(fitting, f"install the release for TensorFlow {line}"), by_import] if fitting else []
    elif line is not None and runs_on and line not in runs_on:
        reference = "unpaired-distribution"
        explanation = f"{told}. {installed} is for TensorFlow {_listed(runs_on[::-1])}, not for {line}."
        remedies = [bench.install(fitting, f"install the release for TensorFlow {line}"), by_import] if fitting else []
    else:
        reference, explanation = "unimported-distribution", f"{told}. It is installed; it also has to be imported."
        remedies = [by_import]
    return Cause(
        reference=reference,
        title=_title(reference),
        explanation=explanation,
        likelihood="predicted",
        evidence=tuple(f"{printable(name)} is named in the artifact" for name in names[:_NAMES_SHOWN]),
        remedies=(*remedies, bench.make_environment()),
        names=frozenset(names),
    )


def _from_gpu_operations(artifact: Inspection, bench: Workbench) -> Iterator[Cause]:
    names = [item.name for item in artifact.provenance.operations if is_gpu_operation(item.name)]
    if names:
        yield Cause(
            reference=GPU_OPERATION,
            title="a graph that was converted for TensorRT",
            explanation=f"It holds {_listed(names)}, which only builds for NVIDIA GPUs on Linux have.",
            likelihood="predicted",
            evidence=("read in the artifact itself",),
            remedies=(bench.make_environment("--device", "cuda"),),
            names=frozenset(names),
        )


def _from_tpu_operations(
    artifact: Inspection, environment: InstalledEnvironment | None, bench: Workbench
) -> Iterator[Cause]:
    provenance = artifact.provenance
    names = operations_of_tpus(operation.name for operation in provenance.operations)
    if not names:
        return
    remedies = [bench.make_environment("--device", "tpu")]
    if any("tpu" not in tags for tags in provenance.tags):
        message = "load the graph that was saved for processors, which stands beside the one for TPUs"
        remedies.insert(0, Remedy(kind="load-argument", message=message, commands=(bench.call("tags=['serve']"),)))
    version = environment.tensorflow[1] if environment is not None and environment.tensorflow is not None else None
    software = dict.fromkeys(tpu_software_for(version, name) for name in tpu_generations()) if version else {}
    if known := [name for name in software if name is not None]:
        message = f"on a Cloud TPU, take the TPU software of TensorFlow {version}: {' or '.join(known)}"
        remedies.append(Remedy(kind="system", message=message))
    elif version is not None and runs_on_tpu_nodes(version):
        message = f"make the Cloud TPU node with TensorFlow {line_of(version)}, as the machine that calls it has it"
        remedies.append(Remedy(kind="system", message=message))
    yield Cause(
        reference="tpu-graph",
        title="a graph that was exported for TPUs",
        explanation=f"It holds {_listed(names)}, which a TPU runs and nothing else.",
        likelihood="predicted",
        evidence=("read in the artifact itself",),
        remedies=tuple(remedies),
        names=frozenset(names),
    )


def _beyond_tpus(artifact: Inspection, line: str) -> Iterator[Cause]:
    names = operations_beyond_tpus((operation.name for operation in artifact.provenance.operations), line)
    if not names:
        return
    message = (
        "keep them out of what the TPU compiles: prepare the inputs on the host, and export the model without them"
    )
    yield Cause(
        reference="operations-beyond-tpus",
        title="operations that TPUs do not run",
        explanation=f"A TPU runs only what XLA compiles, and that compiles no {_listed(names)}.",
        likelihood="predicted",
        evidence=("read in the artifact itself",),
        remedies=(Remedy(kind="code", message=message),),
        names=frozenset(names),
    )


# --- both ----------------------------------------------------------------------------------------------------


def _from_verdicts(observed: Observations, bench: Workbench) -> Iterator[Cause]:
    """Why nothing that is installed loads the artifact, where that is so."""
    artifact, environment = observed.artifact, observed.environment
    if artifact is None or environment is None or not observed.is_refused:
        return
    verdict = observed.verdicts[0]
    messages = [reason.message for reason in verdict.reasons]
    told = "; ".join(printable(message) for message in messages[:_NAMES_SHOWN])
    yield Cause(
        reference=verdict.reasons[0].reference,
        title=f"an artifact that is not for {verdict.loader.name}",
        explanation=_sentence(told),
        likelihood="predicted",
        evidence=(
            *map(_describe_evidence, _saver_evidence(artifact)),
            *_describe_installed(environment, verdict.loader),
        ),
        remedies=(*_siblings(artifact, environment, bench), bench.make_environment()),
        names=_parts_of(artifact.provenance)
        & frozenset(word for text in messages for word in re.findall(r"[\w>]+", text)),
        is_decisive=True,
    )


def _without_hdf5_reader(environment: InstalledEnvironment, bench: Workbench) -> Cause:
    known = failure(NO_HDF5_READER)
    reader = Requirement(known.fixes[0].value)
    bounds = [
        bound.requirement
        for name, version in environment.distributions.items()
        for bound in bounds_for(name, version, python=environment.python_line)
        if bound.requirement.name == reader.name
    ]
    remedy = bench.install(bounds[:1] or [reader], "install what reads HDF5")
    return known_cause(known, environment, [remedy], is_decisive=True)


def _parts_of(provenance: Provenance) -> frozenset[str]:
    """What an artifact has names for: classes and their arguments, operations and their attributes."""
    classes = {item.class_name for item in provenance.objects}
    operations = {item.name for item in provenance.operations}
    arguments = (item.keys for item in provenance.objects)
    attributes = (item.attributes for item in provenance.operations)
    return frozenset(classes | operations).union(*arguments, *attributes)


def _siblings(artifact: Inspection, environment: InstalledEnvironment, bench: Workbench) -> Iterator[Remedy]:
    """Another Keras for the TensorFlow that is there: the newest that loads the artifact, of the same kind first."""
    if environment.tensorflow is None:
        return
    line = line_of(environment.tensorflow[1])
    usable = [
        verdict.loader
        for verdict in judge(artifact.provenance, artifact.saver)
        if verdict.verdict in {"loads", "needs-code"} and verdict.loader.is_separate
        if line in verdict.loader.tensorflow
    ]
    present = {loader.implementation for loader in environment.loaders()}
    usable.sort(key=lambda loader: (loader.implementation in present, loader.release.version), reverse=True)
    for loader in usable[:1]:
        release = loader.release
        wanted = [Requirement(f"{release.distribution}=={release.version}")]
        if loader.family_member not in {None, environment.tensorflow[0]}:
            # Its metadata asks for this one, whatever other member of the family is there.
            wanted.append(Requirement(f"{loader.family_member}=={line}.*"))
        message = f"install {loader.name}, which loads it on the TensorFlow that is there"
        installed = bench.install(wanted, message)
        exports = [f"export {name}={value}" for name, value in loader.environment.items()]
        yield Remedy(
            kind="constraint",
            message=message,
            commands=(*installed.commands, *exports),
            requirements=installed.requirements,
            variables=loader.environment,
        )


def _saver_evidence(artifact: Inspection) -> list[Evidence]:
    return [item for item in artifact.provenance.evidence if item.fact in _FACTS_OF_SAVER]


def _describe_evidence(item: Evidence) -> str:
    fact = item.fact.replace("-", " ")
    return f"the artifact records {fact} {printable(item.value, 60)} ({printable(item.location)})"


def _describe_installed(environment: InstalledEnvironment, loader: Loader) -> Iterator[str]:
    if environment.tensorflow is not None:
        yield f"{environment.tensorflow[0]} {environment.tensorflow[1]} is installed"
    if loader.is_separate and loader.release.distribution in environment.distributions:
        name = loader.release.distribution
        yield f"{name} {environment.distributions[name]} is installed"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name, 80) for name in names[:_NAMES_SHOWN])
    return shown + (f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else "")
