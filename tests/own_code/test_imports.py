"""What a person's sources import from elsewhere, and what brings it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envlock.own_code.definitions import find_definitions
from envlock.own_code.imports import Import, Need, find_imports, find_needs

CLASS = "\n\nclass Scale: pass\n"


def imports_of(folder: Path, sources: dict[str, str]) -> list[tuple[str, str, int, bool]]:
    """Module, file, line and whether it is conditional, of every import that leads out of *folder*."""
    for name, text in sources.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = find_imports(find_definitions(folder, ["Scale"]).values(), folder).imports
    return [(item.module, item.file.relative_to(folder).as_posix(), item.line, item.is_conditional) for item in found]


@pytest.mark.parametrize(
    ("source", "imports"),
    [
        pytest.param("import cv2, PIL.Image as image", [("cv2", 1, False), ("PIL.Image", 1, False)], id="modules"),
        pytest.param("from scipy import (\n  signal, stats)", [("scipy", 1, False)], id="names"),
        pytest.param("try:\n  import cv2\nexcept ImportError:\n  import imageio", [("cv2", 2, True), ("imageio", 4, True)], id="caught"),
        pytest.param("try:\n  import cv2\nexcept (OSError, ModuleNotFoundError): pass", [("cv2", 2, True)], id="caught-among-others"),
        pytest.param("try:\n  import cv2\nexcept: pass", [("cv2", 2, True)], id="caught-whatever-it-is"),
        pytest.param("try:\n  import cv2\nfinally:\n  import six", [("cv2", 2, False), ("six", 4, False)], id="not-caught"),
        pytest.param("try:\n  import cv2\nexcept KeyError:\n  pass\nelse:\n  import six", [("cv2", 2, False), ("six", 6, False)], id="another-error"),
        pytest.param("import six\nif six.PY2:\n  import cPickle\nelse:\n  import pickle", [("six", 1, False), ("cPickle", 3, True), ("pickle", 5, True)], id="under-a-condition"),
        pytest.param("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n  import torch", [("typing", 1, False)], id="for-type-checkers"),
        pytest.param("if __name__ == '__main__':\n  import click", [], id="of-a-program"),
        pytest.param("def f():\n  with open('x'):\n    import cv2", [("cv2", 3, False)], id="within-a-function"),
        pytest.param("print 'old'\nimport cv2 as c, six\nfrom PIL import Image\n  import yaml\n", [("cv2", 2, False), ("six", 2, False), ("PIL", 3, False), ("yaml", 4, True)], id="python-2"),
        pytest.param("'''\nimport cv2\n'''", [], id="in-a-string"),
        pytest.param("from .. import x\nfrom ...... import y", [], id="out-of-any-package"),
    ],
)  # fmt: skip
def test_imports_are_found_with_their_lines(tmp_path: Path, source: str, imports: list[tuple[str, int, bool]]) -> None:
    found = imports_of(tmp_path, {"layers.py": f"{source}{CLASS}"})

    assert found == [(module, "layers.py", line, is_conditional) for module, line, is_conditional in imports]


@pytest.mark.parametrize(
    ("sources", "imports"),
    [
        pytest.param({"layers.py": f"import helpers{CLASS}", "helpers.py": "import cv2"}, [("cv2", "helpers.py")], id="module-beside"),
        pytest.param({"layers.py": f"import a.b{CLASS}", "a/__init__.py": "import six", "a/b.py": "import cv2"}, [("six", "a/__init__.py"), ("cv2", "a/b.py")], id="module-of-a-package"),
        pytest.param({"layers.py": f"from a import b{CLASS}", "a/b.py": "import cv2"}, [("cv2", "a/b.py")], id="module-in-a-folder-without-initialization"),
        pytest.param({"net/__init__.py": "import six", "net/layers.py": f"from . import tools\nfrom .more import f{CLASS}", "net/tools.py": "import cv2", "net/more.py": "from ..out import g"}, [("six", "net/__init__.py"), ("cv2", "net/tools.py")], id="relative"),
        pytest.param({"a/layers.py": f"import tools{CLASS}", "tools.py": "import cv2"}, [("cv2", "tools.py")], id="from-the-whole-folder"),
        pytest.param({"net/__init__.py": "", "net/layers.py": f"import tools{CLASS}", "net/tools.py": "import cv2"}, [("cv2", "net/tools.py")], id="beside-in-the-way-of-python-2"),
        pytest.param({"layers.py": f"import one{CLASS}", "one.py": "import two", "two.py": "import one\nimport cv2"}, [("cv2", "two.py")], id="in-a-circle"),
        pytest.param({"layers.py": f"import six{CLASS}", "unrelated.py": "import torch"}, [("six", "layers.py")], id="what-is-not-imported-does-not-count"),
    ],
)  # fmt: skip
def test_what_lies_in_the_folder_is_followed(
    tmp_path: Path, sources: dict[str, str], imports: list[tuple[str, str]]
) -> None:
    assert [(module, file) for module, file, _, _ in imports_of(tmp_path, sources)] == imports


def test_every_file_that_is_read_is_told(tmp_path: Path) -> None:
    imports_of(tmp_path, {"net/__init__.py": "", "net/layers.py": f"import tools{CLASS}", "tools.py": ""})

    files = find_imports(find_definitions(tmp_path, ["Scale"]).values(), tmp_path).files

    assert [file.relative_to(tmp_path).as_posix() for file in files] == ["net/__init__.py", "net/layers.py", "tools.py"]


def imported(module: str, line: int = 1, *, is_conditional: bool = False) -> Import:
    return Import(module=module, file=Path("a.py"), line=line, is_conditional=is_conditional)


def test_distributions_are_those_of_the_table_and_what_it_lacks_is_not_guessed() -> None:
    imports = [imported(name) for name in ["os.path", "PIL.Image", "cv2", "made_up_module.part", "dataclasses"]]

    assert find_needs(imports, "3.7") == (
        Need(first=imported("made_up_module.part"), distribution=None),
        Need(first=imported("cv2"), distribution="opencv-python"),
        Need(first=imported("PIL.Image"), distribution="pillow"),
    )
    assert [need.first.module for need in find_needs(imports, "3.6") if need.distribution is None] == [
        "dataclasses",
        "made_up_module.part",
    ]


def test_an_import_without_condition_speaks_for_its_distribution() -> None:
    imports = [imported("scipy", is_conditional=True), imported("scipy.stats", 2), imported("scipy", 3)]

    assert find_needs(imports, "3.8") == (Need(first=imported("scipy.stats", 2), distribution="scipy"),)


@pytest.mark.parametrize(
    ("need", "is_required"),
    [
        pytest.param(imported("scipy"), True, id="another-distribution"),
        pytest.param(imported("tensorflow.keras"), False, id="tensorflow-is-chosen-for-the-model"),
        pytest.param(imported("keras.layers"), False, id="keras-too"),
        pytest.param(imported("made_up_module"), False, id="not-in-the-table"),
        pytest.param(imported("scipy", is_conditional=True), False, id="the-code-may-do-without"),
    ],
)
def test_the_environment_is_asked_for_what_the_code_cannot_do_without(need: Import, is_required: bool) -> None:
    assert [found.is_required for found in find_needs([need], "3.8")] == [is_required]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_file_is_survived(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.py").write_bytes(b"class Scale: pass\n" + content)

    assert find_imports(find_definitions(tmp_path, ["Scale"]).values(), tmp_path).files == (tmp_path / "a.py",)
