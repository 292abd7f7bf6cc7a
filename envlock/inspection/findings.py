"""What was read from an artifact -> what a person should know before loading it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from envlock.dating import Saver
from envlock.formats.text import printable
from envlock.knowledge.operations import is_gpu_operation
from envlock.loadability import GPU_OPERATION, LOOKED_UP, CustomObject, listed
from envlock.provenance import Code, Finding, Provenance


def find_findings(provenance: Provenance, saver: Saver, custom: Collection[CustomObject]) -> tuple[Finding, ...]:
    """Everything about the artifact that a person should know before loading it."""
    return (
        *provenance.findings,
        *_content_findings(provenance),
        *_operation_findings(provenance),
        *_saver_findings(provenance, saver),
        *_custom_findings(custom),
        *_code_findings(provenance.code),
    )


def own_objects(custom: Collection[CustomObject]) -> tuple[CustomObject, ...]:
    """The custom objects that no known distribution brings: the person has to pass their definitions."""
    return tuple(item for item in custom if item.distribution is None)


def _content_findings(provenance: Provenance) -> Iterator[Finding]:
    if provenance.content == "weights":
        yield Finding(
            reference="weights-only",
            severity="error",
            message="the file holds weights without the model that they belong to",
            hint="build the model in code, and load them into it: from-model does so with --code DIR --builder NAME",
        )


def _operation_findings(provenance: Provenance) -> Iterator[Finding]:
    names = [operation.name for operation in provenance.operations if is_gpu_operation(operation.name)]
    if names:
        yield Finding(
            reference=GPU_OPERATION,
            severity="warning",
            message=f"the graph was converted for TensorRT: only builds for NVIDIA GPUs on Linux have {listed(names)}",
            hint="take the model as it was before, or make the environment for such a GPU with --device cuda",
        )


def _saver_findings(provenance: Provenance, saver: Saver) -> Iterator[Finding]:
    label = saver.recorded_keras or saver.recorded_tensorflow
    if label is None and provenance.recorded("graph-producer") is None:
        yield Finding(
            reference="no-version-recorded",
            severity="info",
            message="no version is recorded in the artifact; its content alone tells what can have written it",
        )
    elif label is not None and not (saver.loaders or saver.keras_lines or saver.tensorflow_lines):
        yield Finding(
            reference="unknown-version",
            severity="warning",
            message=f"no release in the database calls itself {printable(label)}",
            hint="the nearest releases that read the content are tried",
        )
    backend = provenance.recorded("backend")
    if backend not in {None, "tensorflow"}:
        yield Finding(
            reference="other-backend",
            severity="warning",
            message=f"saved on the backend {printable(backend or '')}, which may store kernels differently",
            hint="compare the numbers with known ones",
        )


def _custom_findings(custom: Collection[CustomObject]) -> Iterator[Finding]:
    for item in own_objects(custom):
        name = printable(item.name)
        if item.kind in LOOKED_UP:
            yield Finding(
                reference="undefined-name",
                severity="warning",
                message=f"a stored function looks up {name}, which is not stored with it: its definition is needed",
                hint="pass the folder of the code that defines it with --code DIR",
            )
        elif item.kind == "operation":
            yield Finding(
                reference="unknown-operation",
                severity="error",
                message=f"the operation {name} is registered by no TensorFlow and no add-on in the database",
                hint="install and import what registers it before loading",
            )
        else:
            yield Finding(
                reference="custom-object",
                severity="warning",
                message=f"the {item.kind} {name} is not part of Keras: its definition is needed to load the model",
                hint="pass the folder of the code that defines it with --code DIR",
            )
    for item in custom:
        if item.distribution is not None:
            yield Finding(
                reference="provided-object",
                severity="info",
                message=f"the {item.kind} {printable(item.name)} comes with {item.distribution}",
            )


_CODE_MESSAGES = {
    "lambda-bytecode": "holds marshalled Python bytecode, which runs when the model is loaded or called",
    "python-operation": "calls back into Python code that the artifact does not hold",
    "file-operation": "reads or writes files of its own choosing when it is called",
    "foreign-module": "names a module outside Keras, which would be imported",
}


def _code_findings(code: Collection[Code]) -> Iterator[Finding]:
    for item in code:
        yield Finding(
            reference=item.kind,
            severity="warning",
            message=f"{printable(item.name)} ({printable(item.location)}) {_CODE_MESSAGES[item.kind]}",
            hint="load it only if you trust where it comes from: --trust" if item.needs_trust else "",
        )
