"""Where a person's sources define what a model needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envlock.own_code.definitions import Definition, find_definitions

CLASS = "import keras\n\n\nclass Scale(keras.layers.Layer):\n    pass\n"


def write(folder: Path, sources: dict[str, str]) -> None:
    for name, text in sources.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("sources", "place"),
    [
        pytest.param({"layers.py": CLASS}, ("layers.py", 4, ".", "layers"), id="module"),
        pytest.param({"src/layers.py": CLASS}, ("src/layers.py", 4, "src", "layers"), id="module-in-a-folder"),
        pytest.param(
            {"src/net/__init__.py": "", "src/net/parts/__init__.py": "", "src/net/parts/layers.py": CLASS},
            ("src/net/parts/layers.py", 4, "src", "net.parts.layers"),
            id="module-of-a-package",
        ),
        pytest.param({"net/__init__.py": CLASS}, ("net/__init__.py", 4, ".", "net"), id="package"),
        pytest.param(
            {"old.py": "print 'old'\n\nclass Scale(object):\n    pass\n"}, ("old.py", 3, ".", "old"), id="python-2"
        ),
        pytest.param(
            {"a.py": "try:\n    import keras\nexcept ImportError:\n    pass\nelse:\n    class Scale: pass\n"},
            ("a.py", 6, ".", "a"),
            id="under-a-condition",
        ),
        pytest.param({"a.py": "def Scale(x):\n    return x\n"}, ("a.py", 1, ".", "a"), id="function"),
        pytest.param({"a.py": "Height, (Width, Scale) = sizes\n"}, ("a.py", 1, ".", "a"), id="several-variables"),
        pytest.param({"a.py": "for Scale in range(3):\n    pass\n"}, ("a.py", 1, ".", "a"), id="variable-of-a-loop"),
        pytest.param({"a.py": "with scope() as Scale:\n    pass\n"}, ("a.py", 1, ".", "a"), id="variable-of-a-context"),
        pytest.param({"a.py": "with scope():\n    Scale: float = 3.0\n"}, ("a.py", 2, ".", "a"), id="in-a-context"),
        pytest.param(
            {"a.py": "try:\n    import b\nexcept ImportError:\n    Scale = 3.0\n"},
            ("a.py", 4, ".", "a"),
            id="in-a-handler",
        ),
        pytest.param({"a.py": "import numpy as Scale\n"}, ("a.py", 1, ".", "a"), id="module-of-another-name"),
        pytest.param({"a.py": "from b import c as Scale\n"}, ("a.py", 1, ".", "a"), id="import-under-another-name"),
        pytest.param(
            {"a.py": "from b import Scale\n", "b/b.py": CLASS}, ("b/b.py", 4, "b", "b"), id="definition-before-imports"
        ),
        pytest.param({"a.py": "print 'old'\nHeight, Scale = 2, 3\n"}, ("a.py", 2, ".", "a"), id="python-2-variables"),
        pytest.param(
            {"a.py": "print 'old'\nfrom b import (c,\n  d as Scale)\n"}, ("a.py", 2, ".", "a"), id="python-2-import"
        ),
    ],
)
def test_a_definition_is_found_with_its_module(
    tmp_path: Path, sources: dict[str, str], place: tuple[str, int, str, str]
) -> None:
    write(tmp_path, sources)
    file, line, root, module = place

    assert find_definitions(tmp_path, ["Scale"]) == {
        "Scale": Definition(name="Scale", file=tmp_path / file, line=line, root=tmp_path / root, module=module)
    }


@pytest.mark.parametrize(
    "sources",
    [
        pytest.param({"a.py": "def make():\n    class Scale: pass\n"}, id="inside-a-function"),
        pytest.param({"a.py": '"""\nclass Scale:\n"""\n'}, id="in-a-docstring"),
        pytest.param({"a.txt": CLASS}, id="no-python-file"),
        pytest.param({".git/a.py": CLASS}, id="hidden-folder"),
        pytest.param({"env/pyvenv.cfg": "", "env/lib/a.py": CLASS}, id="virtual-environment"),
        pytest.param({"site-packages/a.py": CLASS}, id="installed-packages"),
        pytest.param({"a.py": "if __name__ == '__main__':\n    Scale = 3.0\n"}, id="only-of-a-program"),
        pytest.param({"a.py": "Scale: float\n"}, id="annotated-alone"),
        pytest.param({"a.py": "print 'Scale'\nimport ()\nimport (,\nScale == 1\n"}, id="damaged"),
        pytest.param({"a.py": "a = [Scale for Scale in b]\nScale.c = a[Scale] = b\n"}, id="not-assigned"),
        pytest.param({"a.py": "import numpy.Scale\nfrom Scale import *\n"}, id="of-another-name"),
        pytest.param({}, id="nothing"),
    ],
)
def test_what_cannot_be_imported_from_there_is_not_found(tmp_path: Path, sources: dict[str, str]) -> None:
    write(tmp_path, sources)

    assert find_definitions(tmp_path, ["Scale"]) == {}


def test_a_registered_name_is_looked_for_without_its_package(tmp_path: Path) -> None:
    write(tmp_path, {"layers.py": CLASS})

    found = find_definitions(tmp_path, ["Custom>Scale", "Scale", "Missing"])

    assert {name: definition.name for name, definition in found.items()} == {"Custom>Scale": "Scale", "Scale": "Scale"}


@pytest.mark.parametrize(
    ("sources", "file", "others"),
    [
        pytest.param(
            {"deep/er/a.py": CLASS, "z.py": CLASS, "deep/b.py": CLASS},
            "z.py",
            ["deep/b.py", "deep/er/a.py"],
            id="outermost-first",
        ),
        pytest.param({"a.py": CLASS + CLASS}, "a.py", [], id="twice-in-one-file"),
        pytest.param({"a.py": CLASS, "b.py": "from a import Scale\n"}, "a.py", [], id="an-import-is-no-definition"),
        pytest.param(dict.fromkeys(("a.py", "b.py"), "import Scale\n"), "a.py", [], id="imported-twice"),
        pytest.param(
            {f"{number:02}.py": CLASS for number in range(20)},
            "00.py",
            [f"{number:02}.py" for number in range(1, 9)],
            id="no-more-than-eight",
        ),
    ],
)
def test_further_files_that_define_a_name_are_told(
    tmp_path: Path, sources: dict[str, str], file: str, others: list[str]
) -> None:
    write(tmp_path, sources)

    found = find_definitions(tmp_path, ["Scale"])["Scale"]

    assert (found.file, found.others) == (tmp_path / file, tuple(tmp_path / other for other in others))


def test_an_import_is_taken_from_a_file_that_is_needed_anyway(tmp_path: Path) -> None:
    write(tmp_path, {"a_training.py": "import numpy as n\n", "parts/layers.py": "import numpy as n\n" + CLASS})

    found = find_definitions(tmp_path, ["Scale", "n"])

    assert {name: definition.file.name for name, definition in found.items()} == {
        "Scale": "layers.py",
        "n": "layers.py",
    }


def test_many_alternatives_are_gone_through(tmp_path: Path) -> None:
    source = "if a == 0:\n    pass\n" + "".join(
        f"elif a == {number}:\n    Scale = {number}\n" for number in range(2000)
    )
    write(tmp_path, {"a.py": source})

    assert find_definitions(tmp_path, ["Scale"])["Scale"].line == 4


def test_nothing_is_run(tmp_path: Path) -> None:
    write(tmp_path, {"layers.py": CLASS + f"open({str(tmp_path / 'ran')!r}, 'w')\n"})

    find_definitions(tmp_path, ["Scale"])

    assert not (tmp_path / "ran").exists()


def test_the_current_folder_can_be_within_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"nets/__init__.py": "", "nets/layers.py": CLASS})
    monkeypatch.chdir(tmp_path / "nets")

    found = find_definitions(Path(), ["Scale"])["Scale"]

    assert (found.root, found.module) == (tmp_path, "nets.layers")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_file_is_survived(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.py").write_bytes(content)

    assert set(find_definitions(tmp_path, ["Scale"])) <= {"Scale"}
