"""Each script that reads the package index: a run from nothing, and a second one that finds nothing new."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.index_server import serve_index
from tests.refresh.tiny_index import Archives, publish, run_script

KERAS_MODULES = ("activations", "constraints", "initializers", "losses", "metrics", "regularizers")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A script, what the index and the folders hold before it runs, and the tables that it writes."""

    script: str
    published: Mapping[str, Archives]
    data: Mapping[str, str] = field(default_factory=dict)
    folder: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Any]


def keras(root: str, layer: str) -> dict[str, str]:
    """The modules of a Keras under *root*, with one class."""
    return {f"{root}/{name}.py": "" for name in KERAS_MODULES} | {
        f"{root}/layers.py": f"class Layer:\n  pass\nclass {layer}(Layer):\n  def __init__(self, units=1):\n    pass\n"
    }


def schema(distribution: str, version: str, layer: str, module: str) -> dict[str, Any]:
    """The table of a lineage that is one release of :func:`keras`."""
    base = {"v": [[0, 0]], "k": "layer", "m": [module]}
    row = {"v": [[0, 0]], "k": "layer", "a": ["units"], "m": [module], "d": {"units": "1"}}
    return {
        "generator": "data/refresh/keras_schema.py",
        "source": "keras-sources",
        "rows": 2 + len(KERAS_MODULES),
        "versions": [[distribution, version]],
        "classes": {name: {"Layer": base, layer: row}[name] for name in sorted(["Layer", layer])},
        "functions": {kind: {} for kind in KERAS_MODULES},
        "aliases": {},
    }


VERSION_HEADER = """\
#define TF_GRAPH_DEF_VERSION_MIN_PRODUCER 0
#define TF_GRAPH_DEF_VERSION_MIN_CONSUMER 0
#define TF_GRAPH_DEF_VERSION 561
#define TF_CHECKPOINT_VERSION 1
"""

TENSORFLOW = "tensorflow-2.4.4-cp38-cp38-manylinux2010_x86_64.whl"
WITH_CONTRIB = "tensorflow-1.12.3-cp36-cp36m-manylinux1_x86_64.whl"

RUNS = (
    Run(
        script="tensorflow_facts.py",
        published={
            "tensorflow": {
                TENSORFLOW: {
                    "tensorflow/include/tensorflow/core/public/version.h": VERSION_HEADER,
                    "tensorflow/include/google/protobuf/stubs/common.h": "#define GOOGLE_PROTOBUF_VERSION 3009002\n",
                    "tensorflow/core/framework/graph_pb2.py": "serialized_options=None",
                    "tensorflow/python/keras/__init__.py": "__version__ = '2.4.0'\n",
                    "tensorflow/python/platform/build_info.py": "build_info = {'is_cuda_build': False}\n",
                    "tensorflow-2.4.4.dist-info/METADATA": "Name: tensorflow\n",
                }
            },
            "tensorflow-gpu": {},
        },
        data={"bundled_keras.toml": "observed = []\n"},
        tables={
            "tensorflow.json": {
                "generator": "data/refresh/tensorflow_facts.py",
                "source": "tensorflow-wheels",
                "rows": 1,
                "releases": {
                    "2.4.4": {
                        "date": "2021-01-06",
                        "producer": 561,
                        "min_producer": 0,
                        "min_consumer": 0,
                        "checkpoint": 1,
                        "keras": {"kind": "bundled", "version": "2.4.0"},
                        "protobuf_cpp": "3.9.2",
                        "pb2_style": "descriptors+serialized_options",
                        "tensorflow_wheel_is_gpu": False,
                        "read_from": TENSORFLOW,
                    }
                },
            }
        },
    ),
    Run(
        script="operations.py",
        published={
            "tensorflow": {
                WITH_CONTRIB: {"tensorflow/contrib/image/ops/gen_image_ops.py": '_apply_op_helper(\n  "Skew")\n'}
            },
            "tensorflow-addons": {
                "tensorflow_addons-0.23.0-cp311-cp311-manylinux2014_x86_64.whl": {
                    "tensorflow_addons/gelu.py": "_so = LazySO('a.so')\n_so.ops.addons_gelu(x)\n"
                }
            },
        },
        data={"snapshot_roots.toml": '[[root]]\nnames = ["tensorflow-addons"]\noperations = ["tensorflow-addons"]\n'},
        folder={
            "operations-1.12.json": json.dumps(
                {
                    "tensorflow": "1.12.3",
                    "packages": {},
                    "operations": {"Abs": {"attributes": ["T"], "defaults": []}},
                }
            )
        },
        tables={
            "operations.json": {
                "generator": "data/refresh/operations.py",
                "source": "tensorflow-registries",
                "rows": 3,
                "packages": {
                    "core": {"versions": ["1.12.3"], "ops": {"Abs": {"a": ["T"], "v": [[0, 0]]}}},
                    "tensorflow-addons": {"versions": ["0.23.0"], "ops": {"Addons>Gelu": [[0, 0]]}},
                },
                "contrib": {
                    "versions": ["1.12.3"],
                    "ops": {"Skew": {"v": [[0, 0]], "w": {"contrib/image": [[0, 0]]}}},
                },
            }
        },
    ),
    Run(
        script="keras_schema.py",
        published={
            "tensorflow": {},
            "tf-keras": {"tf_keras-2.16.0-py3-none-any.whl": keras("tf_keras/src", "Dense")},
            "keras": {
                "keras-2.3.1.tar.gz": keras("keras", "Lambda"),
                "keras-3.0.0-py3-none-any.whl": keras("keras/src", "Embedding"),
                "keras-3.0.1-py3-none-any.whl": keras("keras/src", "Flatten"),
            },
        },
        tables={
            "keras_schema/tfkeras.json": schema("tf-keras", "2.16.0", "Dense", "tf_keras.src.layers"),
            "keras_schema/keras2.json": schema("keras", "2.3.1", "Lambda", "keras.layers"),
            "keras_schema/keras3.json": schema("keras", "3.0.1", "Flatten", "keras.src.layers"),
        },
    ),
    Run(
        script="custom_objects.py",
        published={
            "kit": {
                "kit-1.0.tar.gz": {"kit/a.py": "import keras\nclass A(keras.layers.Layer): 1\n"},
                "kit-2.0-py3-none-any.whl": {
                    "kit/a.py": "import keras\nclass B(keras.layers.Layer): 1\n",
                    "kit/tests/c.py": "import keras\nclass C(keras.layers.Layer): 1\n",
                },
            }
        },
        data={
            "custom_objects.toml": '[[provider]]\ndistribution = "kit"\nmodule = "kit"\nread = ["1.0", "2.0"]\n'
            'checked = "sources"\nsource = "kit-sources"\n'
        },
        tables={
            "custom_objects.json": {
                "generator": "data/refresh/custom_objects.py",
                "source": "custom-object-sources",
                "rows": 4,
                "providers": {"kit": {"module": "kit"}},
                "versions": {"kit": ["1.0", "2.0"]},
                "objects": {
                    "A": [["kit", "layer", "kit.a", [], [[0, 0]]]],
                    "B": [["kit", "layer", "kit.a", [], [[1, 1]]]],
                },
                "homonyms": {},
            }
        },
    ),
)


@pytest.mark.parametrize("run", [pytest.param(run, id=run.script) for run in RUNS])
def test_a_run_from_nothing_writes_the_tables_and_a_second_one_changes_nothing(run: Run, tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "folder"
    for place, files in ((data, run.data), (folder, run.folder)):
        place.mkdir()
        for name, text in files.items():
            (place / name).write_text(text)

    with serve_index() as server:
        for distribution, archives in run.published.items():
            publish(server, distribution, archives)
        run_script(run.script, folder, "--data", data, index=server.url)
        written = {name: (data / name).read_bytes() for name in run.tables}
        server.asked.clear()
        said = run_script(run.script, folder, "--data", data, index=server.url)
        fetched = [path for path, _, _ in server.asked if path.startswith("/files/")]

    assert {name: json.loads(table) for name, table in written.items()} == run.tables
    assert {name: (data / name).read_bytes() for name in run.tables} == written
    assert fetched == []
    assert ".json: " not in said
