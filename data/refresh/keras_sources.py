"""Which members of a distribution are Keras, and the names under which they are imported."""

from __future__ import annotations

import re

from distribution_files import Members

# What classes of Keras are made of: Keras itself, and the layers and initializers of TensorFlow that it derived from.
# Other folders ``keras`` of TensorFlow are its public interface: they import what is defined here, and not all of it.
_WANTED = re.compile(
    r"""^(
        tensorflow/python/(?:
            keras/.* | layers/[^/]+ | feature_column/[^/]+ | ops/(?:init_ops(?:_v2)?|rnn_cell_impl)\.py
            | training/experimental/loss_scale\.py )
        | (?:tf_)?keras/.*
    )(?<=\.py)$""",
    re.VERBOSE,
)
# Tests, models, training, saving and generated modules that only import again define nothing that a configuration
# names; layers of Keras 3 derive from a class of the backend, here that of TensorFlow.
_UNWANTED = re.compile(
    r"(?:^|/)(?:applications|benchmarks|callbacks|datasets|distribute|distribution|docs|dtensor|estimator|examples"
    r"|integration_tests?|saving|testing|tests|trainers|visualization|_tf_keras|keras/api|tf_keras/api"
    r"|backend/(?:jax|torch|numpy|openvino))/|_test\.py$|/test_[^/]+$"
)


def is_keras_source(path: str) -> bool:
    """Whether the member at *path* may define what a configuration of Keras names."""
    return _WANTED.search(path) is not None and _UNWANTED.search(path) is None


def keras_modules(members: Members) -> dict[str, str]:
    """Name of each module of Keras, such as ``keras.layers.core``, to its source, sorted."""
    found = ((_WANTED.search(path), source) for path, source in members.items())
    return dict(sorted((_module_of(wanted[1]), source) for wanted, source in found if wanted))


def _module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
