"""``envlock inspect`` as a person and as a script see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envlock.cli import main

ASSETS = Path(__file__).parent.parent / "assets"


def test_the_report_says_what_it_is_what_wrote_it_and_what_to_know(capsys: pytest.CaptureFixture[str]) -> None:
    path = ASSETS / "custom_layer" / "model.h5"

    assert main(["inspect", str(path)]) == 0
    assert capsys.readouterr().out == (
        f"{path}: Keras HDF5, model, 14.9 kB\n"
        "  saved by      tf.keras 2.15\n"
        "  needs         layer Scale (your own code)\n"
        "  inputs        input_1 float32 (any, 4)\n"
        "  evidence      keras-version 2.15.0 (attribute keras_version of /)\n"
        "                backend tensorflow (attribute backend of /)\n"
        "                model-config Sequential (attribute model_config of /)\n"
        "  warning       the layer Scale is not part of Keras: its definition is needed to load the model"
        " [custom-object]\n"
        "                pass the folder of the code that defines it with --code DIR\n"
    )


def test_the_document_keeps_its_contract(capsys: pytest.CaptureFixture[str]) -> None:
    path = ASSETS / "custom_layer" / "model.h5"

    assert main(["inspect", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema": "envlock/inspect/1",
        "artifact": {"path": str(path), "format": "keras-hdf5", "content": "model", "bytes": path.stat().st_size},
        "saver": {
            "tensorflow": {"recorded": None, "lines": ["2.15"]},
            "keras": {"recorded": "2.15.0", "implementation": "tf.keras", "lines": ["2.15"]},
            "python": {"lines": []},
        },
        "requires": {
            "custom_objects": [{"name": "Scale", "kind": "layer", "distribution": None}],
            "operations": [],
        },
        "inputs": [{"name": "input_1", "dtype": "float32", "shape": [None, 4]}],
        "signatures": [],
        "evidence": [
            {"fact": "keras-version", "value": "2.15.0", "location": "attribute keras_version of /"},
            {"fact": "backend", "value": "tensorflow", "location": "attribute backend of /"},
            {"fact": "model-config", "value": "Sequential", "location": "attribute model_config of /"},
        ],
        "stamp": None,
        "findings": [
            {
                "reference": "custom-object",
                "severity": "warning",
                "message": "the layer Scale is not part of Keras: its definition is needed to load the model",
                "hint": "pass the folder of the code that defines it with --code DIR",
            }
        ],
    }


def test_several_paths_give_a_line_each_and_a_bad_one_stands_in_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.h5"
    page.write_text("<!DOCTYPE html><html></html>")
    good = str(ASSETS / "example" / "model.h5")

    assert main(["inspect", good, str(page), good, "--json"]) == 2
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document["schema"] for document in documents] == [
        "envlock/inspect/1",
        "envlock/error/1",
        "envlock/inspect/1",
    ]
    assert documents[1] == {
        "schema": "envlock/error/1",
        "path": str(page),
        "reference": "not-a-model",
        "message": f"{page}: expected a saved model, found a web page",
        "hint": "download the file again, from the link to the file itself",
    }


def test_marshalled_code_dates_the_python(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(ASSETS / "lambda_layer" / "model.h5"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)

    assert "3.11" in document["saver"]["python"]["lines"]
    assert [finding["reference"] for finding in document["findings"]] == ["lambda-bytecode"]


def test_a_folder_is_searched_and_bad_models_stand_in_their_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (ASSETS / "example" / "model.h5").read_bytes()
    (tmp_path / "a.h5").write_bytes(content)
    (tmp_path / "b.h5").write_bytes(content[:1000])
    (tmp_path / "c.h5").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    (tmp_path / "d.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    (tmp_path / "readme.txt").touch()

    assert main(["inspect", "--recursive", str(tmp_path), "--json"]) == 2
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(document["schema"], document.get("reference")) for document in documents] == [
        ("envlock/inspect/1", None),
        ("envlock/error/1", "truncated-file"),
        ("envlock/error/1", "not-a-model"),
    ]


def test_a_folder_without_any_model_is_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "readme.txt").touch()

    assert main(["inspect", "-r", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"envlock: {tmp_path}: expected a saved model, found a folder with readme.txt [not-a-model]\n"
        "  pass the file or folder that the model was saved to\n"
    )


def test_deep_inspection_finds_what_the_structure_does_not_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray((ASSETS / "keras" / "tf-2.21-functional.keras").read_bytes())
    weights = content.index(b"model.weights.h5") + 9000
    content[weights] ^= 0xFF
    path = tmp_path / "model.keras"
    path.write_bytes(content)

    for arguments, damaged in (([], False), (["--deep"], True)):
        assert main(["inspect", str(path), "--json", *arguments]) == (2 if damaged else 0)
        findings = json.loads(capsys.readouterr().out)["findings"]
        assert any("CRC" in finding["message"] for finding in findings) is damaged
