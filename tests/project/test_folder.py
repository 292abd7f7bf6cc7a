"""Which files of a folder are read, within which limits, and what of its dates counts."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from hashlib import sha1
from itertools import chain, repeat
from pathlib import Path

import pytest

from envlock.errors import UsageError
from envlock.project import files as limits
from envlock.project import read_project
from tests.project.projects import imports_of, modules_of, project_of, requirements_of, unread_of, write_project

EXAMPLE = Path(__file__).parent.parent / "assets" / "example" / "model.h5"


def test_artifacts_are_found_and_environments_are_not_entered(tmp_path: Path) -> None:
    write_project(
        tmp_path,
        {
            "requirements.txt": "six\n",
            "venv/pyvenv.cfg": "",
            "miniconda/conda-meta/history": "",
            "made/envlock.json": "{}",
            "old.egg-info/requires.txt": "",
            **{f"{folder}/requirements.txt": "numpy\n" for folder in ("venv", "miniconda", "made", "old.egg-info")},
            **{f"{folder}/requirements.txt": "numpy\n" for folder in ("build", "node_modules/a", ".tox/py", ".git")},
        },
    )
    for folder in ("models", "venv", "build", ".cache"):
        (tmp_path / folder).mkdir(exist_ok=True)
        shutil.copy(EXAMPLE, tmp_path / folder / "best.h5")

    project = read_project(tmp_path)

    assert project.artifacts == (tmp_path / "models" / "best.h5",)
    assert (requirements_of(project), unread_of(project)) == (["requirements.txt, line 1: six"], [])


def test_the_folder_itself_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_project(tmp_path / "build", {"requirements.txt": "six\n"})
    shutil.copy(EXAMPLE, root / "best.h5")
    monkeypatch.chdir(tmp_path)

    project = read_project(Path("build"))

    assert (project.artifacts, requirements_of(project)) == ((root / "best.h5",), ["requirements.txt, line 1: six"])


def test_names_of_files_do_not_act_on_a_terminal(tmp_path: Path) -> None:
    project = project_of(tmp_path, {"\x1b[2J.ipynb": "{}"})

    assert unread_of(project) == ["\\x1b[2J.ipynb: has no cells"]


def test_what_envlock_wrote_says_nothing(tmp_path: Path) -> None:
    lock = "# Locked by envlock: an environment for model.h5, to load it with TensorFlow 2.4.\nsix==1.16.0 --hash=sha256:ab\n"

    project = project_of(tmp_path, {"requirements.txt": lock})

    assert (requirements_of(project), unread_of(project)) == ([], [])


def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    outside = write_project(tmp_path / "outside", {"requirements.txt": "secret\n", "secret.py": "import secret\n"})
    root = write_project(tmp_path / "project", {"requirements.txt": "-r linked.txt\n-r linked/requirements.txt\n"})
    (root / "linked.txt").symlink_to(outside / "requirements.txt")
    (root / "linked").symlink_to(outside)
    (root / "secret.py").symlink_to(outside / "secret.py")
    (root / ".git").symlink_to(outside)
    os.mkfifo(root / "setup.py")
    os.mkfifo(root / "model.h5")

    project = read_project(root)

    assert (project.artifacts, project.requirements, project.imports, project.era) == ((), (), (), None)
    assert unread_of(project) == [
        "requirements.txt, line 1: linked.txt is no file of the project",
        "requirements.txt, line 2: linked/requirements.txt is no file of the project",
    ]


def test_a_file_that_may_not_be_opened_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_project(tmp_path, {"requirements.txt": "six\n", "setup.py": ""})
    listed = read_project(root)
    (root / "requirements.txt").unlink()
    monkeypatch.setattr(limits.ProjectFolder, "_list", lambda _: iter([Path("requirements.txt")]))

    project = read_project(root)

    assert requirements_of(listed) == ["requirements.txt, line 1: six"]
    assert unread_of(project) == ["requirements.txt: no such file or directory"]


def test_text_in_any_encoding_is_read_and_what_is_no_text_is_named(tmp_path: Path) -> None:
    project = project_of(
        tmp_path,
        {
            "requirements.txt": "six\r\nnumpy\r\n".encode("utf-16"),
            "model.py": "# f\xfcr\nimport keras\n".encode("latin-1"),
            "setup.cfg": b"\x89PNG\r\n\x1a\n\0\0",
        },
    )

    assert requirements_of(project) == ["requirements.txt, line 1: six", "requirements.txt, line 2: numpy"]
    assert (imports_of(project), unread_of(project)) == (["model.py, line 2: keras"], ["setup.cfg: is no text"])


@pytest.mark.parametrize(
    ("limit", "value", "modules", "unread"),
    [
        ("_MOST_FILES", 1, [".: a"], ["b.py: 1 files stand before it"]),
        ("_LARGEST_FILE", 10, [".: a"], ["b.py: larger than 10 bytes"]),
        ("_MOST_BYTES", 20, [".: a"], ["b.py: the files up to it hold more than 20 bytes"]),
        ("_DEEPEST_FOLDER", 0, [".: a", ".: b"], ["sub: more than 0 folders deep"]),
    ],
)
def test_what_is_over_a_limit_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, modules: list[str], unread: list[str]
) -> None:
    monkeypatch.setattr(limits, limit, value)
    files = {"a.py": "one = 1\n", "b.py": "x = 1  # and more\n"}

    project = project_of(tmp_path, files | ({"sub/c.py": ""} if limit == "_DEEPEST_FOLDER" else {}))

    assert (modules_of(project), unread_of(project)) == (modules, unread)


def test_reading_ends_when_time_is_over(tmp_path: Path) -> None:
    root = write_project(tmp_path, {"a.py": "import six\nimport numpy\n", "b.py": "import keras\n"})
    seconds = chain([0.0] * 3, repeat(1e6))

    project = read_project(root, clock=lambda: next(seconds))

    assert unread_of(project) == [
        "a.py: reading it to its end takes too long",
        "b.py: reading the files before it took longer than 20 s",
    ]


def test_a_project_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_project(tmp_path / "nothing")

    assert str(caught.value) == f"{tmp_path / 'nothing'}: is no folder"


# --- dates ---------------------------------------------------------------------------------------------------

COMMIT = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@b> 1500000000 +0200\ncommitter A <a@b> 1546300800 +0100\n\nLast\n"
"""Committed on 2019-01-01."""

NAME = sha1(b"commit %d\0" % len(COMMIT) + COMMIT).hexdigest()  # noqa: S324 - git's names


def loose(git: Path) -> None:
    path = git / "objects" / NAME[:2] / NAME[2:]
    path.parent.mkdir(parents=True)
    path.write_bytes(zlib.compress(b"commit %d\0" % len(COMMIT) + COMMIT))


def packed(git: Path, *, is_delta: bool = False) -> None:
    base = b"tree of another commit\n" + COMMIT
    # Both sizes, then a copy of what follows the first line: offset 23, one byte of size.
    delta = bytes([len(base) & 0x7F | 0x80, len(base) >> 7, len(COMMIT) & 0x7F | 0x80, len(COMMIT) >> 7])
    delta += bytes([0x91, 23, len(COMMIT)])
    first = b"PACK" + struct.pack(">2I", 2, 2)
    entry = bytes([0x10 | len(base) & 0x0F | 0x80, len(base) >> 4]) + zlib.compress(base)
    if is_delta:
        offset = len(first) + len(entry)
        second = bytes([0x60 | len(delta), len(entry)]) + zlib.compress(delta)
    else:
        offset, entry, second = (
            len(first),
            bytes([0x10 | len(COMMIT) & 0x0F | 0x80, len(COMMIT) >> 4]) + zlib.compress(COMMIT),
            b"",
        )
    folder = git / "objects" / "pack"
    folder.mkdir(parents=True)
    (folder / "pack-1.pack").write_bytes(first + entry + second)
    name = bytes.fromhex(NAME)
    names = sorted([name, bytes(20), b"\xff" * 20])
    counts = [sum(other[0] <= byte for other in names) for byte in range(256)]
    offsets = [offset if other == name else 0x7FFFFFF0 for other in names]
    index = b"\xfftOc" + struct.pack(">I", 2) + struct.pack(">256I", *counts) + b"".join(names) + bytes(12)
    (folder / "pack-1.idx").write_bytes(index + struct.pack(">3I", *offsets) + bytes(40))


def packed_as_difference(git: Path) -> None:
    packed(git, is_delta=True)


@pytest.mark.parametrize("store", [loose, packed, packed_as_difference])
@pytest.mark.parametrize("head", ["detached", "branch", "packed branch"])
def test_the_era_is_that_of_the_last_commit(tmp_path: Path, store: object, head: str) -> None:
    git = tmp_path / ".git"
    write_project(
        git,
        {
            "HEAD": f"{NAME}\n" if head == "detached" else "ref: refs/heads/main\n",
            "config": "[core]\n\tfsmonitor = /bin/false\n",
            **({"refs/heads/main": f"{NAME}\n"} if head == "branch" else {}),
            **(
                {"packed-refs": f"# pack-refs with: peeled\n{NAME} refs/heads/main\n"}
                if head == "packed branch"
                else {}
            ),
        },
    )
    store(git)  # type: ignore[operator]

    era = read_project(tmp_path).era

    assert era is not None
    assert (era.day.isoformat(), era.source) == ("2019-01-01", "the last commit")


DAMAGED = [
    pytest.param({"HEAD": "ref: refs/../../outside\n"}, id="a branch outside"),
    pytest.param(
        {"HEAD": "ref: refs/heads/main\n", "refs/heads/main": "ref: refs/heads/main\n"}, id="a branch in a circle"
    ),
    pytest.param({"HEAD": f"{NAME}\n", f"objects/{NAME[:2]}/{NAME[2:]}": b"no zlib"}, id="a damaged object"),
    pytest.param(
        {"HEAD": f"{NAME}\n", f"objects/{NAME[:2]}/{NAME[2:]}": zlib.compress(bytes(2**21))}, id="a large object"
    ),
    pytest.param({"HEAD": f"{NAME}\n", "objects/pack/pack-1.idx": b"\xfftOc\0\0\0\2short"}, id="a short index"),
    pytest.param({"HEAD": f"{NAME}\n"}, id="no object"),
    pytest.param({}, id="an empty folder"),
]


@pytest.mark.parametrize("files", DAMAGED)
def test_a_damaged_repository_says_nothing(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    (tmp_path / ".git").mkdir()
    write_project(tmp_path / ".git", files)

    assert read_project(tmp_path).era is None


def test_without_commits_the_era_is_that_of_the_newest_release_that_is_pinned(tmp_path: Path) -> None:
    project = project_of(
        tmp_path,
        {
            ".git": "gitdir: ../elsewhere\n",
            "requirements.txt": "tensorflow==2.4.0\nsix==1.10.0\nnumpy==99\nscipy==1.*\nkeras\n",
        },
    )

    assert project.era is not None
    assert (project.era.day.isoformat(), project.era.source) == (
        "2020-12-14",
        "tensorflow 2.4.0, which requirements.txt, line 1 asks for",
    )
