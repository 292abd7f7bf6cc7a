"""The table of TensorFlow releases, read from wheels that hold the members in question and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tensorflow_facts

from tests.refresh.tiny_index import TinyIndex

INCLUDE = "tensorflow/include"


def version_header(producer: str) -> str:
    return f"""\
#define TF_GRAPH_DEF_VERSION_MIN_PRODUCER 0
#define TF_GRAPH_DEF_VERSION_MIN_CONSUMER 0
#define TF_GRAPH_DEF_VERSION {producer}
#define TF_CHECKPOINT_VERSION_MIN_PRODUCER 0
#define TF_CHECKPOINT_VERSION 1
"""


def test_a_release_with_its_own_keras_and_a_wheel_for_gpus_beside_it(tmp_path: Path) -> None:
    own, for_gpu = (f"{name}-1.15.5-cp37-cp37m-manylinux2010_x86_64.whl" for name in ("tensorflow", "tensorflow_gpu"))
    index = TinyIndex(
        {
            own: {
                "tensorflow-1.15.5.data/purelib/tensorflow_core/include/tensorflow/core/public/version.h": version_header(
                    "134  // Updated: 2019/8/1"
                ),
                "tensorflow_core/python/keras/__init__.py": (
                    "from tensorflow.python import tf2\n"
                    "if tf2.enabled():\n  __version__ = '2.3.0-tf'\nelse:\n  __version__ = '2.2.4-tf'\n"
                ),
                "tensorflow_core/include/google/protobuf/stubs/common.h": "#define GOOGLE_PROTOBUF_VERSION 3008000\n",
                "tensorflow_core/core/framework/graph_pb2.py": "DESCRIPTOR = FileDescriptor(\n  serialized_options=None)",
                "tensorflow_core/python/platform/build_info.py": "is_rocm_build = False\nis_cuda_build = False\n",
                "tensorflow-1.15.5.dist-info/METADATA": "Requires-Dist: keras-preprocessing (>=1.0.5)\n",
            },
            for_gpu: {
                "tensorflow_core/python/platform/build_info.py": "is_cuda_build = True\n",
                "tensorflow_core/include/external/local_config_cuda/cuda/cuda/cuda_config.h": (
                    '#define TF_CUDA_CAPABILITIES CudaVersion("3.5"),CudaVersion("7.0")\n'
                    '#define TF_CUDA_VERSION "10.0"\n#define TF_CUDNN_VERSION "7"\n'
                ),
            },
        }
    )

    rows = tensorflow_facts.read_releases(index, folder=tmp_path, observed={">=1.14,<2.1": "2.2.4-tf"})
    again = tensorflow_facts.read_releases(index, folder=tmp_path, observed={">=1.14,<2.1": "2.2.4-tf"})

    assert rows == {
        "1.15.5": {
            "date": "2021-01-06",
            "producer": 134,
            "min_producer": 0,
            "min_consumer": 0,
            "checkpoint": 1,
            "producer_date": "2019-08-01",
            "keras": {
                "kind": "bundled",
                "tf2_enabled": "2.3.0-tf",
                "tf2_disabled": "2.2.4-tf",
                "as_installed": "2.2.4-tf",
            },
            "protobuf_cpp": "3.8.0",
            "pb2_style": "descriptors+serialized_options",
            "tensorflow_wheel_is_gpu": False,
            "gpu": {"cuda": "10.0", "cudnn": "7", "capabilities": ["3.5", "7.0"], "wheel": "tensorflow-gpu"},
            "read_from": own,
        }
    }
    assert again == rows
    assert index.opened == [own, for_gpu]


def test_a_release_that_requires_keras_and_is_built_for_gpus(tmp_path: Path) -> None:
    name = "tensorflow-2.16.1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    index = TinyIndex(
        {
            name: {
                f"{INCLUDE}/tensorflow/core/public/version.h": version_header("1766  // Updated: 2024/2/8"),
                "tensorflow/python/keras/__init__.py": "from tensorflow.python import tf2\n",
                f"{INCLUDE}/google/protobuf/stubs/common.h": "#define GOOGLE_PROTOBUF_VERSION 3021009\n",
                "tensorflow/core/framework/graph_pb2.py": (
                    "from google.protobuf.internal import builder as _builder\n"
                ),
                "tensorflow/python/platform/build_info.py": (
                    "import collections\nbuild_info = collections.OrderedDict([('is_cuda_build', True),"
                    " ('cuda_compute_capabilities', ['sm_50', 'compute_90']), ('is_tensorrt_build', True)])\n"
                ),
                f"{INCLUDE}/external/local_config_cuda/cuda/cuda/cuda_config.h": (
                    '#define TF_CUDA_VERSION "12.3"\n#define TF_CUDNN_VERSION "8"\n'
                ),
                f"{INCLUDE}/third_party/gpus/cudnn/include/cudnn_version.h": (
                    "#define CUDNN_MAJOR 8\n#define CUDNN_MINOR 9\n#define CUDNN_PATCHLEVEL 6\n"
                ),
                "tensorflow-2.16.1.dist-info/METADATA": "Requires-Dist: keras >=3.0.0\n",
            }
        }
    )

    assert tensorflow_facts.read_releases(index, folder=tmp_path, observed={}) == {
        "2.16.1": {
            "date": "2021-01-06",
            "producer": 1766,
            "min_producer": 0,
            "min_consumer": 0,
            "checkpoint": 1,
            "producer_date": "2024-02-08",
            "keras": {"kind": "external", "requires": "keras>=3.0.0"},
            "protobuf_cpp": "3.21.9",
            "pb2_style": "builder",
            "gpu": {"cuda": "12.3", "cudnn": "8.9.6", "capabilities": ["sm_50", "compute_90"], "tensorrt": True},
            "tensorflow_wheel_is_gpu": True,
            "read_from": name,
        }
    }


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("serialized_pb=_b('')", {"pb2_style": "descriptors"}, id="before protobuf 3.6"),
        pytest.param(
            "# Protobuf Python Version: 6.31.1\nfrom google.protobuf.internal import builder as _builder\n"
            "_runtime_version.ValidateProtobufRuntimeVersion(6, 31, 1)",
            {"pb2_style": "runtime_checked", "pb2_gencode": "6.31.1"},
            id="checks its runtime",
        ),
    ],
)
def test_generated_messages_tell_their_generator(source: str, expected: dict[str, Any]) -> None:
    assert tensorflow_facts.read_generated_messages(source) == expected


def test_a_release_before_producers_were_dated_has_no_date() -> None:
    assert tensorflow_facts.read_graph_versions(version_header("24")) == {
        "producer": 24,
        "min_producer": 0,
        "min_consumer": 0,
        "checkpoint": 1,
    }
