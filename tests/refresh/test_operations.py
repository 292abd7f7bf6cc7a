"""The table of operations: registries put together, wrappers and calls read from tiny wheels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import operations
import pytest

from tests.refresh.tiny_index import TinyIndex

TABLE = Path(__file__).parents[2] / "data" / "operations.json"


def operation(*attributes: str, defaults: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {"attributes": sorted(attributes), "defaults": sorted(defaults), **more}


VERSIONS = {
    "2.3.4": {"Abs": operation("T"), "Sum": operation("T", "keep_dims", defaults=("keep_dims",))},
    "2.4.4": {"Sum": operation("T", "Tidx", "keep_dims", defaults=("Tidx", "keep_dims"))},
    "2.5.3": {"Abs": operation("T"), "Sum": operation("T", "Tidx", "keep_dims", defaults=("Tidx",))},
}

COMPRESSED = {
    "versions": ["2.3.4", "2.4.4", "2.5.3"],
    "ops": {
        "Abs": {"a": ["T"], "v": [[0, 0], [2, 2]]},
        "Sum": {
            "a": ["T", "keep_dims"],
            "d": ["Tidx"],
            "dp": {"keep_dims": [[0, 1]]},
            "p": {"Tidx": [[1, 2]]},
            "v": [[0, 2]],
        },
    },
}


def test_registries_are_written_as_spans() -> None:
    assert operations.compress(VERSIONS) == COMPRESSED


def test_spans_are_read_back_as_registries() -> None:
    assert operations.expand(COMPRESSED) == VERSIONS


def test_the_table_survives_being_read_and_written() -> None:
    core = json.loads(TABLE.read_bytes())["packages"]["core"]

    assert operations.compress(operations.expand(core)) == core


def test_a_registry_replaces_what_was_known_of_its_line() -> None:
    newer = {"tensorflow": "2.4.5", "packages": {}, "operations": {"Abs": operation("T")}}
    with_addon = newer | {"tensorflow": "2.5.3", "packages": {"tensorflow_text": {}}}

    merged = operations.merge_registries(VERSIONS, [newer, with_addon])

    assert merged == {"2.3.4": VERSIONS["2.3.4"], "2.4.5": newer["operations"], "2.5.3": VERSIONS["2.5.3"]}


WRAPPERS = """\
def image_projective_transform(images, transforms, interpolation, fill_mode="CONSTANT", name=None):
  _, _, _op = _op_def_lib._apply_op_helper(
      "ImageProjectiveTransform", images=images, transforms=transforms, name=name)
  _attrs = ("dtype", _op.get_attr("dtype"), "interpolation",
            _op.get_attr("interpolation"), "fill_mode", _op.get_attr("fill_mode"))
  _execute.record_gradient("ImageProjectiveTransform", _inputs_flat, _attrs, _result, name)


def image_projective_transform_eager_fallback(images, ctx):
  _attrs = ("dtype", _attr_dtype)
  _execute.execute(b"ImageProjectiveTransform", 1, attrs=_attrs)


def helper():
  return None
"""


def test_wrappers_of_contrib_name_the_part_that_registers_the_operation(tmp_path: Path) -> None:
    index = TinyIndex(
        {
            f"tensorflow-{version}-cp36-cp36m-manylinux1_x86_64.whl": {
                f"tensorflow-{version}.data/purelib/tensorflow/{path}": WRAPPERS.replace("Image", prefix)
                for path, prefix in (
                    ("contrib/image/ops/gen_image_ops.py", "Image"),
                    ("contrib/image/ops/image_ops.py", "Handwritten"),
                    ("contrib/data/python/ops/gen_dataset_ops.py", "Core"),
                    ("python/ops/gen_array_ops.py", "Array"),
                )
            }
            for version in ("1.12.0", "1.12.3")
        }
    )
    wrappers = operations.read_lines(index, "tensorflow", operations.is_wrapper, operations.read_wrappers, tmp_path)
    core = {"1.12.3": {"CoreProjectiveTransform": operation()}}

    assert operations.contrib_operations(wrappers, core) == {
        "1.12.3": {
            "ImageProjectiveTransform": operation(
                "dtype", "fill_mode", "interpolation", defaults=("fill_mode",), place="contrib/image"
            )
        }
    }
    assert index.opened == ["tensorflow-1.12.3-cp36-cp36m-manylinux1_x86_64.whl"]


WRAPPER_WITH_TYPES = """\
def initialize_trt_resource(resource_handle: Annotated[Any, _atypes.Resource], max_cached_engines_count:int=1, name=None):
  _, _, _op, _outputs = _op_def_library._apply_op_helper(
        "InitializeTRTResource", resource_handle=resource_handle, name=name)
  _attrs = ("max_cached_engines_count", _op._get_attr_int("max_cached_engines_count"))
"""


def test_operations_that_only_builds_for_gpus_register_come_from_their_wrappers() -> None:
    wrappers = {
        "2.4.3": operations.read_wrappers({"tensorflow/compiler/tf2tensorrt/ops/gen_trt_ops.py": WRAPPER_WITH_TYPES}),
        "2.5.3": {"Inner": operation(place="compiler/tf2xla")},
    }

    core = operations.with_gpu_operations(VERSIONS, wrappers)

    assert core["2.4.4"].keys() - VERSIONS["2.4.4"].keys() == {"InitializeTRTResource"}
    assert operations.compress(core)["ops"]["InitializeTRTResource"] == {
        "a": ["max_cached_engines_count"],
        "d": ["max_cached_engines_count"],
        "v": [[1, 1]],
        "w": {"compiler/tf2tensorrt": [[1, 1]]},
    }
    assert operations.expand(operations.compress(core)) == core


def test_wrapped_operations_that_no_registry_has_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    wrappers = {"2.3.4": {"Abs": operation(place="python"), "New": operation(place="python")}, "2.6.5": {}}

    operations.report_missing(wrappers, VERSIONS)

    assert capsys.readouterr().err == "no registry of 2.6.5\nwrapped and not registered: New\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(
            "_so = LazySO('ops.so')\n_so.ops.addons_gather_tree(x)\nget = _so.ops.addons_gelu_grad\n",
            ["Addons>GatherTree", "Addons>GeluGrad"],
            id="libraries that are loaded late",
        ),
        pytest.param(
            "from tensorflow_io.python.ops import core_ops\npartial(core_ops.io_big_query_client)\n",
            ["IO>BigQueryClient"],
            id="a library that another module loads",
        ),
        pytest.param(
            "gen = load_library.load_op_library('x.so')\ngen.tf_text_round_robin_trim(x)\ngen.rouge_l(x)\n",
            ["RougeL", "TFText>RoundRobinTrim"],
            id="operations with and without a prefix",
        ),
        pytest.param(
            "from package.ops.inference import op\nop.SimpleMLInferenceOp(x)\n",
            ["SimpleMLInferenceOp"],
            id="an operation by its own name",
        ),
        pytest.param("array_ops.addons_gather(x)\nlibrary.__dict__\n", [], id="nothing of a library"),
    ],
)
def test_calls_into_a_library_name_its_operations(source: str, expected: list[str], tmp_path: Path) -> None:
    index = TinyIndex({"addon-1.0-py3-none-any.whl": {"addon/ops.py": source, "addon/ops_test.py": "broken ("}})

    assert operations.read_lines(index, "addon", operations.is_module, operations.read_calls, tmp_path) == {
        "1.0": expected
    }


REGISTRY_OF_TEXT = {
    "tensorflow": "2.15.1",
    "packages": {"tensorflow_text": {"version": "2.15.0", "libraries": ["_ops.so"]}},
    "operations": {"Abs": operation("T"), "CaseFoldUTF8": operation(), "MaxSpanningTree": operation()},
}


def test_a_registry_adds_what_nobody_calls_and_restores_capitals() -> None:
    called = {"2.8.2": ["Abs", "CaseFoldUtf8"], "2.15.0": ["CaseFoldUtf8"]}

    registered = operations.registered_names([REGISTRY_OF_TEXT], "tensorflow-text")
    merged = operations.merge_names([registered, called], VERSIONS)

    assert operations.compress_names(merged) == {
        "versions": ["2.8.2", "2.15.0"],
        "ops": {"CaseFoldUTF8": [[0, 1]], "MaxSpanningTree": [[1, 1]]},
    }


def test_what_the_table_holds_of_an_add_on_stays_without_its_registry() -> None:
    table = {"packages": {"kit": {"versions": ["1.0"], "ops": {"IO>ReadJSON": [[0, 0]], "Uncalled": [[0, 0]]}}}}

    known = operations.names_in_table(table, "kit")

    assert operations.merge_names([{}, known, {"1.0": ["IO>ReadJson"], "1.1": ["IO>ReadJson"]}], {}) == {
        "1.0": {"IO>ReadJSON", "Uncalled"},
        "1.1": {"IO>ReadJson"},
    }


def test_a_registry_tells_names_apart_that_have_the_same_wrapper() -> None:
    merged = operations.merge_names(
        [{"0.8.1": {"IoReadJSON"}}, {"0.8.1": {"IO>ReadJson"}, "0.9.1": {"IO>ReadJson"}}], {}
    )

    assert merged == {"0.8.1": {"IoReadJSON"}, "0.9.1": {"IO>ReadJson"}}
