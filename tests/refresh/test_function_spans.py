"""The table of functions is read from the sources of releases, packed or not."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.refresh.tiny_index import run_script

FIRST = "def load_model(path):\n    return read(path)\n"
SECOND = "\n\n@decorated\ndef load_model(path):\n    def read():\n        pass\n    return read\n\nclass Model:\n    def from_config(self): pass\n"


def release(name: str, version: str, files: Mapping[str, str]) -> dict[str, str]:
    return {**files, f"{name}-{version}.dist-info/METADATA": "Name: whatever\n"}


def pack(folder: Path, name: str, version: str, files: Mapping[str, str]) -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, text in release(name, version, files).items():
            wheel.writestr(member, text)
    return path


def unpack(folder: Path, name: str, version: str, files: Mapping[str, str]) -> Path:
    for member, text in release(name, version, files).items():
        path = folder / "unpacked" / member
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "unpacked"


def test_functions_are_listed_with_their_lines_and_releases(tmp_path: Path) -> None:
    file = "keras/src/saving/saving_api.py"
    old = "tensorflow-1.4.1.data/purelib/tensorflow/python/keras/models.py"
    places = [
        unpack(tmp_path, "keras", "3.10.0", {file: SECOND, "keras/src/saving/saving_api_test.py": FIRST}),
        pack(tmp_path, "keras", "3.0.5", {file: FIRST, "keras/src/layers/core/dense.py": FIRST}),
        pack(tmp_path, "keras", "3.2.1", {file: FIRST}),
        pack(tmp_path, "keras", "3.3.3", {file: "print 'no Python of today'\n"}),
        pack(tmp_path, "tensorflow_cpu", "1.4.1", {old: FIRST}),
    ]

    run_script("function_spans.py", *places, "--data", tmp_path)

    assert json.loads((tmp_path / "function_spans.json").read_bytes()) == {
        "generator": "data/refresh/function_spans.py",
        "source": "tensorflow-wheels",
        "rows": 2,
        "releases": ["keras 3.0.5", "keras 3.2.1", "keras 3.3.3", "keras 3.10.0", "tensorflow 1.4.1"],
        "files": {
            file: {
                "from_config": [[10, 10, 3, 3]],
                "load_model": [[1, 2, 0, 1], [4, 7, 3, 3]],
                "read": [[5, 6, 3, 3]],
            },
            "tensorflow/python/keras/models.py": {"load_model": [[1, 2, 4, 4]]},
        },
    }
