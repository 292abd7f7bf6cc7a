"""Which files of a release are read as Keras."""

from __future__ import annotations

import pytest
from keras_sources import is_keras_source, keras_modules


@pytest.mark.parametrize(
    ("path", "is_source"),
    [
        ("keras/layers/core.py", True),
        ("tf_keras/src/layers/core/dense.py", True),
        ("tensorflow/python/keras/layers/core.py", True),
        ("tensorflow/python/ops/init_ops_v2.py", True),
        ("tensorflow/keras/layers/__init__.py", False),
        ("tensorflow/_api/v1/keras/layers/__init__.py", False),
        ("tensorflow/python/keras/api/_v2/keras/layers/__init__.py", False),
        ("keras/integration_test/models/dcgan.py", False),
        ("keras/integration_tests/dataset_tutorial.py", False),
        ("keras/layers/core_test.py", False),
    ],
)
def test_modules_that_define_keras_are_read_and_those_that_import_it_again_are_not(path: str, is_source: bool) -> None:
    assert is_keras_source(path) is is_source


def test_a_module_is_named_as_it_is_imported() -> None:
    members = {
        "tensorflow/python/keras/losses.py": "",
        "keras/layers/__init__.py": "",
        "tensorflow/keras/losses.py": "",
    }

    assert list(keras_modules(members)) == ["keras.layers", "tensorflow.python.keras.losses"]
