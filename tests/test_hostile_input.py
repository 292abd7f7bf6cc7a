"""Files made to harm: each gives a report or one line of refusal, whatever it holds, and harms nothing."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from envlock.artifacts import StreamSource, read_provenance, source
from envlock.cli import main
from envlock.errors import ArtifactError
from tests.formats.wire_encoding import message, varint

ASSETS = Path(__file__).parent / "assets"
ARCHIVE = ASSETS / "keras" / "tf-2.21-functional.keras"
SAVED_MODEL = ASSETS / "saved_model" / "2.6"

ESCAPE = "\x1b[31mred\x1b]0;title\x07"
BIDI = "safe\u202eslayer\u2066"

Build = Callable[[Path], Path]


# --- archives ------------------------------------------------------------------------------------------------


def config(*layers: object, **settings: object) -> str:
    return json.dumps({"class_name": "Functional", "config": {"name": "model", "layers": layers, **settings}})


def layer(class_name: str, **settings: object) -> dict[str, object]:
    return {"class_name": class_name, "config": settings}


def archive(folder: Path, *members: tuple[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """An archive of *members* with sound metadata; a name may come twice."""
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w", compression) as opened:
        for name, content in (("metadata.json", '{"keras_version": "3.0.0"}'), *members):
            opened.writestr(name, content)
    return path


def archive_with_a_wrong_size(folder: Path) -> Path:
    """Its directory says ten bytes, and 64 MiB come out."""
    path = archive(folder, ("config.json", bytes(64 << 20)))
    size = struct.pack("<I", 64 << 20)
    path.write_bytes(path.read_bytes().replace(size, struct.pack("<I", 10)))
    return path


def archive_of_one_body(folder: Path) -> Path:
    """Ten thousand members share the bytes of one: sizes add up to far more than the file."""
    path = archive(folder, ("config.json", bytes(1 << 20)))
    data = path.read_bytes()
    end = data.rindex(b"PK\x05\x06")
    last = data.rindex(b"PK\x01\x02", 0, end)
    entries = [data[last:end].replace(b"config.json", b"c%05d.json" % number) for number in range(10_000)]
    directory = data[data.index(b"PK\x01\x02") : end] + b"".join(entries)
    counts = struct.pack("<HHII", 10_002, 10_002, len(directory), data.index(b"PK\x01\x02"))
    path.write_bytes(data[: data.index(b"PK\x01\x02")] + directory + data[end : end + 8] + counts + b"\0\0")
    return path


# --- SavedModels ---------------------------------------------------------------------------------------------


def saved_model(folder: Path, meta_graph: bytes) -> Path:
    path = folder / "model"
    path.mkdir()
    (path / "saved_model.pb").write_bytes(message((1, 1), (2, meta_graph)))
    return path


def copied_model(folder: Path) -> Path:
    """A sound SavedModel, to put something into."""
    path = folder / "model"
    for original in SAVED_MODEL.rglob("*"):
        place = path / original.relative_to(SAVED_MODEL)
        place.parent.mkdir(parents=True, exist_ok=True)
        if original.is_file():
            place.write_bytes(original.read_bytes())
    return path


def with_link(folder: Path) -> Path:
    path = copied_model(folder)
    (path / "assets").mkdir(exist_ok=True)
    (path / "assets" / "words.txt").symlink_to("/etc/passwd")
    return path


def with_linked_variables(folder: Path) -> Path:
    path = copied_model(folder)
    (path / "variables").rename(folder / "elsewhere")
    (path / "variables").symlink_to(folder / "elsewhere")
    return path


def with_pipe(name: str) -> Build:
    def build(folder: Path) -> Path:
        path = copied_model(folder)
        (path / name).unlink()
        os.mkfifo(path / name)
        return path

    return build


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "model.h5")
    return folder / "model.h5"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        pytest.param(
            lambda folder: archive(folder, ("config.json", bytes(64 << 20))),
            "zip member 'config.json': size in bytes 67108864 is over the limit of 33554432 [limit-exceeded]",
            id="zip bomb",
        ),
        pytest.param(
            lambda folder: archive(folder, ("config.json", '{"a":' * 500 + "0" + "}" * 500)),
            "config.json: depth of the JSON text 500 is over the limit of 200 [limit-exceeded]",
            id="deep JSON",
        ),
        pytest.param(
            lambda folder: saved_model(folder, message((1, message((5, b"2.\xff")))) + message((2, b""))),
            "saved_model.pb at offset 10: a string is not valid UTF-8 [damaged-file]",
            id="string that is no UTF-8",
        ),
        pytest.param(
            lambda folder: saved_model(folder, message((1, b"\x2a" + varint(1 << 40)))),
            "saved_model.pb: expected 1099511627776 bytes at offset 13, found 0 [truncated-file]",
            id="length past the end of the file",
        ),
        pytest.param(
            lambda folder: saved_model(folder, message((1, b"\x2a\x09"), (2, bytes(8)))),
            "saved_model.pb at offset 6: a field ends at offset 17, after its message, which ends at 8 [damaged-file]",
            id="length past the end of the message",
        ),
        pytest.param(
            with_link,
            "assets/words.txt: a symbolic link in the folder of a model is not supported [unsupported-feature]",
            id="link out of the folder",
        ),
        pytest.param(
            with_linked_variables,
            "variables: a symbolic link in the folder of a model is not supported [unsupported-feature]",
            id="link to a folder",
        ),
        pytest.param(
            with_pipe("saved_model.pb"),
            "saved_model.pb: a pipe, socket or device in the folder of a model is not supported [unsupported-feature]",
            id="pipe in place of the graph",
        ),
        pytest.param(
            with_pipe("variables/variables.index"),
            "variables/variables.index: a pipe, socket or device in the folder of a model is not supported"
            " [unsupported-feature]",
            id="pipe in place of the variables",
        ),
    ],
)
def test_a_hostile_artifact_is_refused_in_one_line(
    build: Build, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = build(tmp_path)

    assert main(["inspect", str(path)]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.splitlines()[0]) == ("", f"envlock: {path}: {message}")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param(lambda _: Path("/dev/zero"), "a pipe, socket or device", id="endless device"),
        pytest.param(pipe, "a pipe, socket or device", id="pipe without a writer"),
    ],
)
def test_what_never_ends_is_not_opened(
    path: Build, found: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = path(tmp_path)

    assert main(["inspect", str(place)]) == 2
    expected = f"envlock: {place}: expected a saved model, found {found} [not-a-model]"
    assert capsys.readouterr().err.splitlines()[0] == expected


@pytest.mark.parametrize("build", [archive_with_a_wrong_size, archive_of_one_body])
def test_an_archive_that_lies_about_its_members_is_refused(
    build: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = build(tmp_path)

    assert main(["inspect", "--json", str(path)]) == 2
    assert json.loads(capsys.readouterr().out)["reference"] in {"damaged-file", "limit-exceeded"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_that_names_a_member_twice_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = archive(tmp_path, ("config.json", config()), ("config.json", config(layer("Lambda"))))

    assert main(["inspect", str(path)]) == 2
    expected = f"envlock: {path}: zip archive: member 'config.json' is there twice [damaged-file]"
    assert capsys.readouterr().err.splitlines()[0] == expected


def test_a_member_that_leaves_its_folder_is_never_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    path = archive(folder, ("config.json", config()), ("../../outside.txt", "x"), ("/outside.txt", "x"))

    assert main(["inspect", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith(f"{path}: Keras archive")
    assert sorted(item.name for item in tmp_path.rglob("*")) == ["inside", "model.keras"]


def test_a_folder_of_more_files_than_a_model_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(source, "_MOST_FILES", 20)
    path = copied_model(tmp_path)
    for number in range(30):
        (path / "variables" / f"{number:03}").touch()

    assert main(["inspect", "--json", str(path)]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["reference"] == "limit-exceeded"


# --- what is printed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [ESCAPE, BIDI, "two\nlines", "\ud800", "\x00", "\x9b31m"])
def test_names_of_an_artifact_do_not_act_on_the_terminal(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile_input = layer("InputLayer", name=name, batch_shape=[None, 2], dtype=name)
    hostile_layer = {**layer(name, name=f"{name} 2"), "module": name, "registered_name": f"{name}>{name}"}
    bytecode = layer("Lambda", name=f"{name} 3", function=["4wAA"], function_type="lambda")
    content = config(hostile_input, hostile_layer, bytecode, name=name, input_layers=[[name, 0, 0]])
    path = archive(tmp_path, ("config.json", content), (f"../{name.encode('ascii', 'replace').decode()}", "x"))

    assert main(["inspect", str(path)]) == 0
    text = capsys.readouterr().out
    assert text.replace("\n", "").isprintable()
    assert name not in text
    assert main(["inspect", "--json", str(path)]) == 0
    document = capsys.readouterr().out
    assert document.replace("\n", "").isascii()
    assert json.loads(document)["inputs"] == [{"name": name, "dtype": name, "shape": [None, 2]}]


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize("name", [f"{ESCAPE}.h5".replace("/", ""), f"{BIDI}.h5", "two\nlines.h5"])
def test_names_of_files_do_not_act_on_the_terminal(
    name: str, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / name, tmp_path / f"folder {name}", tmp_path / f"missing {name}", tmp_path / f"cut {name}"]
    paths[0].write_bytes(b"no model")
    (paths[1] / name).mkdir(parents=True)
    paths[3].write_bytes((ASSETS / "example" / "model.h5").read_bytes()[:9000])

    assert main(["inspect", *options, *map(str, paths)]) == 2
    captured = capsys.readouterr()
    shown = captured.out if options else captured.err
    assert shown.replace("\n", "").isprintable()
    assert name not in shown


# --- amplification -------------------------------------------------------------------------------------------


def test_an_input_that_is_named_many_times_is_read_once(tmp_path: Path) -> None:
    wide = layer("InputLayer", name="x", batch_shape=[None] + [1] * 200)
    path = archive(tmp_path, ("config.json", config(wide, input_layers=[["x", 0, 0]] * 100_000)))

    (spec,) = read_provenance(path).inputs

    assert (spec.name, spec.shape) == ("x", (None, *[1] * 200))


def test_a_shape_of_more_axes_than_a_tensor_has_is_unknown(tmp_path: Path) -> None:
    wide = layer("InputLayer", name="x", batch_shape=[None] * 255)
    path = archive(tmp_path, ("config.json", config(wide, input_layers=[["x", 0, 0]])))

    (spec,) = read_provenance(path).inputs

    assert spec.shape is None


def test_more_keras_layers_than_a_model_has_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = copied_model(tmp_path)
    root = message((3, "root"), (4, "_tf_keras_sequential"), (5, '{"class_name": "Sequential", "config": {}}'))
    nodes = [root, *[message((3, "root.layer"), (4, "_tf_keras_layer"), (5, "{}"))] * 20_001]
    (path / "keras_metadata.pb").write_bytes(message(*((1, node) for node in nodes)))

    assert main(["inspect", str(path)]) == 2
    expected = "keras_metadata.pb: root: number of Keras layers 20001 is over the limit of 20000 [limit-exceeded]"
    assert capsys.readouterr().err.splitlines()[0] == f"envlock: {path}: {expected}"


# --- files that change ---------------------------------------------------------------------------------------


class ShrinkingStream(io.BytesIO):
    """A file that loses its second half as soon as somebody has asked how long it is."""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        place = super().seek(offset, whence)
        if whence == io.SEEK_END:
            self.truncate(place // 2)
        return place


@pytest.mark.parametrize(
    "path", [ASSETS / "example" / "model.h5", ARCHIVE, SAVED_MODEL / "saved_model.pb"], ids=lambda path: path.name
)
def test_a_file_that_shrinks_while_it_is_read_is_refused(path: Path) -> None:
    with pytest.raises(ArtifactError):
        read_provenance(StreamSource(ShrinkingStream(path.read_bytes()), path.name))
