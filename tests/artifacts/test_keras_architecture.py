from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from envlock.artifacts import read_provenance
from envlock.errors import DamagedFileError, EnvlockError, NotAModelError
from envlock.provenance import Code
from tests.artifacts.records import record_of

TESTS = Path(__file__).parent.parent
ASSETS = TESTS / "assets" / "architecture"
ARCHITECTURES = sorted(path.name for path in ASSETS.iterdir() if path.suffix in {".json", ".yaml"})
GOLDEN = TESTS / "golden" / "architecture"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_of_each_line_is_read_whole(name: str) -> None:
    golden = GOLDEN / f"{name}.json"
    found = json.loads(json.dumps(record_of(read_provenance(ASSETS / name))))
    if os.environ.get("ENVLOCK_WRITE_GOLDEN") == "1":
        golden.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    assert found == json.loads(golden.read_text(encoding="utf-8"))


@pytest.mark.parametrize("stem", ["keras-2.0.9-functional", "keras-2.0.9-sequential", "tf-1.15-sequential"])
def test_json_and_yaml_of_one_model_tell_the_same(stem: str) -> None:
    as_json, as_yaml = (read_provenance(ASSETS / f"{stem}.{form}") for form in ("json", "yaml"))

    assert (as_json.format, as_yaml.format) == ("keras-json", "keras-yaml")
    assert as_json.inputs == as_yaml.inputs
    assert {(item.class_name, item.keys) for item in as_json.objects} == {
        (item.class_name, item.keys) for item in as_yaml.objects
    }


def test_json_that_was_encoded_twice_is_read_with_a_warning(write: Callable[[str, bytes], Path]) -> None:
    text = (ASSETS / "tf-2.15-functional.json").read_text()

    found = read_provenance(write("twice.json", json.dumps(text).encode()))

    assert found.objects == read_provenance(ASSETS / "tf-2.15-functional.json").objects
    assert [item.reference for item in found.findings] == ["architecture-only", "encoded-twice"]


def test_yaml_tags_that_run_python_are_code_and_do_nothing(write: Callable[[str, bytes], Path], tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    text = f"""class_name: Sequential
config:
- class_name: Dense
  config: !!python/object/apply:os.system ['touch {ran}']
"""

    found = read_provenance(write("model.yaml", text.encode()))

    tag = "!!python/object/apply:os.system"
    assert found.code == (Code(kind="python-operation", name=tag, location="YAML tag in line 4"),)
    assert not ran.exists()


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        (
            "model.json",
            b'{"format":"layers-model","modelTopology":{"keras_version":"2.3.0","model_config":{"class_name":"Model"}}}',
            "a TensorFlow.js model converted from Keras 2.3.0",
        ),
        ("model.json", b'{"modelTopology": {"node": []}}', "a TensorFlow.js model"),
        ("model.json", b'{"x": {"class_name": "Dense"}}', "a document that describes no Keras model"),
        ("model.json", b'["class_name"]', "a JSON document without a model"),
        ("model.yaml", b"config:\n  a: 1\n", "a document that describes no Keras model"),
        ("other.yaml", b"services:\n  web: {}\n", 'text that starts with "services:\\n  web: {}"'),
    ],
)
def test_a_document_that_is_no_keras_model_is_named(
    write: Callable[[str, bytes], Path], name: str, content: bytes, found: str
) -> None:
    with pytest.raises(NotAModelError) as caught:
        read_provenance(write(name, content))

    assert caught.value.found == found


def test_an_architecture_that_is_no_utf_8_is_damaged(write: Callable[[str, bytes], Path]) -> None:
    with pytest.raises(DamagedFileError) as caught:
        read_provenance(write("model.json", b'{"class_name": "\xff"}'))

    assert str(caught.value) == "text at offset 16: is no UTF-8"


@pytest.mark.parametrize("name", ["keras-2.0.9-sequential.yaml", "tf-1.15-sequential.json"])
def test_a_cut_or_changed_architecture_gives_a_provenance_or_an_envlock_error(
    write: Callable[[str, bytes], Path], name: str
) -> None:
    content = (ASSETS / name).read_bytes()
    for position in range(len(content)):
        for damaged in (content[:position], content[:position] + b"{" + content[position + 1 :]):
            with suppress(EnvlockError):
                read_provenance(write(name, damaged))
