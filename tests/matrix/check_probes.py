"""Load and call an artifact of every kind in environments of several TensorFlow lines, as verification does.

    python tests/matrix/check_probes.py --environments FOLDER [--artifacts FOLDER ...] [--only tf-1.12 tf-2.3] [--kind TEXT]

FOLDER holds the environments of environments.toml by name; those that are missing are left out. For each kind and
environment the first artifact is taken that `loadability` expects to load there: of those beside the tests, then of
those below the other folder. Prints a table as it goes, and why what was expected did not happen; the exit status is 0
where everything did.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))

from envlock.inspection import Inspection, inspect
from envlock.loadability import judge
from envlock.verification import Verification, verify
from tests.matrix.experiment import Environment, Loader, read_environments

ASSETS = Path(__file__).parents[1] / "assets"
KERAS = ("tf.keras", "tf-keras", "keras")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Artifacts of one kind, and how they are opened."""

    name: str
    patterns: tuple[str, ...]
    """Where they are, below a folder of artifacts; the first that serves is taken."""

    loaders: tuple[str, ...] = ("tensorflow",)
    """Implementations, whichever of them an environment has."""

    builder: str = ""
    """Of the definitions below, what builds the model that weights belong to."""

    computes: bool | None = True
    """``None``: it loads, and has nothing to call."""


KINDS = (
    Kind(
        name="HDF5 model", patterns=("keras/*functional.h5", "keras/*sequential.h5", "*/functional.h5"), loaders=KERAS
    ),
    Kind(name="HDF5 model with Lambda", patterns=("lambda_layer/model.h5",), loaders=KERAS),
    Kind(name="HDF5 weights", patterns=("keras/tf-2.3-weights.h5",), loaders=KERAS, builder="weighted"),
    Kind(name="archive", patterns=("keras/*functional.keras", "keras/*sequential.keras"), loaders=KERAS),
    Kind(name="JSON", patterns=("architecture/*.json",), loaders=KERAS),
    Kind(name="YAML", patterns=("architecture/*.yaml",), loaders=KERAS),
    Kind(
        name="SavedModel as Keras",
        patterns=("saved_model/2*", "mlflow/2.9-saved-model"),
        loaders=KERAS,
    ),
    Kind(
        name="SavedModel", patterns=("saved_model/2*", "serving/**/saved_model_half_plus_three/*", "1.12/saved_model")
    ),
    Kind(name="SavedModel as text", patterns=("graphs/1.15/saved_model",)),
    Kind(name="MLflow", patterns=("mlflow/2.9-module",)),
    Kind(name="frozen graph", patterns=("graphs/*/frozen.pb",)),
    Kind(name="frozen graph as text", patterns=("graphs/*/frozen.pbtxt",)),
    Kind(name="MetaGraph", patterns=("graphs/*/model.meta",), computes=None),
    Kind(name="checkpoint with graph", patterns=("tensorflow-onnx/**/*.index",)),
    Kind(name="checkpoint of a training", patterns=("checkpoints/1.1*/*.index",), computes=None),
    Kind(name="first checkpoint format", patterns=("checkpoints/1.15-v1/model.ckpt",), computes=None),
    Kind(name="checkpoint of objects", patterns=("checkpoints/2.*/*.index",), computes=None),
    Kind(
        name="checkpoint and its model",
        patterns=("checkpoints/2.10/*.index",),
        loaders=("tf.keras", "tf-keras"),
        builder="small",
    ),
    Kind(
        name="checkpoint and its Keras 3 model",
        patterns=("checkpoints/2.16/*.index",),
        loaders=("keras",),
        builder="small",
    ),
    Kind(
        name="TensorFlow Lite", patterns=("tflite/*session.tflite", "tflite/*keras.tflite", "tflite/*quantized.tflite")
    ),
)

# The models whose weights are among the assets, for every Keras: as the scripts beside these make them.
DEFINITIONS = """\
import tensorflow as tf

try:
    import keras
except ImportError:
    keras = tf.keras
if not tf.__version__.startswith("2.") or int(tf.__version__.split(".")[1]) < 16:
    keras = tf.keras


def weighted():
    return keras.models.Sequential([keras.layers.Dense(2, input_shape=(3,)), keras.layers.Dense(1)])


def small():
    return keras.models.Sequential([keras.layers.Dense(1, input_shape=(2,), name="only")])
"""


def main(arguments: Sequence[str]) -> int:
    """Print the table; the exit status is 0 where everything loads that is expected to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path, required=True)
    parser.add_argument("--artifacts", type=Path, nargs="*", default=[])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--kind", default="")
    options = parser.parse_args(arguments)
    kinds = [kind for kind in KINDS if options.kind in kind.name]
    surprises = 0
    with TemporaryDirectory() as folder:
        (Path(folder) / "definitions.py").write_text(DEFINITIONS)
        for environment in read_environments():
            python = options.environments / environment.name / "bin" / "python"
            if not python.exists() or (options.only and environment.name not in options.only):
                continue
            for kind in kinds:
                artifact = next(_expected_to_load(kind, environment, [ASSETS, *options.artifacts]), None)
                told = "-"
                if artifact is not None:
                    found = _verify(python, kind, artifact, environment, Path(folder))
                    surprises += not _is_as_expected(found, kind)
                    told = _describe(found, kind)
                print(f"{environment.name:14} {kind.name:32} {told}", flush=True)
    return 1 if surprises else 0


def _expected_to_load(kind: Kind, environment: Environment, folders: Sequence[Path]) -> Iterator[Inspection]:
    wanted = {(loader.implementation, loader.line) for loader in _loaders(kind, environment)}
    paths = (path for folder in folders for pattern in kind.patterns for path in sorted(folder.glob(pattern)))
    for inspection in map(inspect, paths if wanted else ()):
        # No prediction is made of the model that the person's code builds.
        verdicts = [] if kind.builder else judge(inspection.provenance, inspection.saver)
        loading = {
            (verdict.loader.implementation, verdict.loader.line)
            for verdict in verdicts
            if verdict.verdict not in ("fails", "needs-code")
        }
        codes = [code.reader_lines for code in inspection.provenance.code if code.reader_lines]
        if (kind.builder or wanted & loading) and all(environment.python in lines for lines in codes):
            yield inspection


def _loaders(kind: Kind, environment: Environment) -> list[Loader]:
    return [loader for loader in environment.loaders if loader.implementation in kind.loaders]


def _verify(python: Path, kind: Kind, inspection: Inspection, environment: Environment, code: Path) -> Verification:
    provenance = inspection.provenance
    loaders = [loader.implementation for loader in _loaders(kind, environment)]
    return verify(
        python,
        provenance.path,
        loaders=loaders,
        artifact_format=provenance.format,
        inputs=provenance.inputs,
        outputs=list(provenance.values_of("graph-output")),
        tags=provenance.tags[0] if provenance.tags else (),
        code=code if kind.builder else None,
        builder=kind.builder,
        trust=True,
        environment={"TF_USE_LEGACY_KERAS": "1"} if "tf-keras" in loaders else None,
    )


def _is_as_expected(found: Verification, kind: Kind) -> bool:
    return found.loads and found.predicts is kind.computes and found.is_finite and not found.misshapen


def _describe(found: Verification, kind: Kind) -> str:
    outcome = "computes" if found.predicts else "loads" if found.loads else "FAILS"
    mark = "" if _is_as_expected(found, kind) else " UNEXPECTED"
    told = found.how if found.predicts else f"{found.how} {(found.error or '').splitlines()[0]:.300}"
    return f"{outcome}{mark}: {told} [{found.seconds:.0f} s]"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
