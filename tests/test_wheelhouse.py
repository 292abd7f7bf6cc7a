"""A wheelhouse holds what a lock needs, file by file, from a folder of tiny distributions or a tiny index."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from envlock.errors import (
    DamagedFileError,
    EnvlockError,
    MissingArtifactError,
    NetworkError,
    OccupiedPathError,
    UsageError,
    WriteError,
)
from envlock.interpreters import Interpreter
from envlock.pip_process import DownloadError
from envlock.reporter import SilentReporter
from envlock.target import LINUX_X86_64, MACOS_ARM64, WINDOWS_X86_64, Platform, Target, platform_here
from envlock.wheelhouse import Wheelhouse, fetch
from tests.building import Recorder, create_environment
from tests.index_server import serve_index

HEADING = "# For Python 3.8 on linux_x86_64; another target needs a lock of its own.\n"


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place that pip takes distributions from."""
    folder = tmp_path / "index"
    folder.mkdir()
    for variable in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(variable)
    settings = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": folder,
        "PIP_NO_CACHE_DIR": "1",
        "UV_NO_CONFIG": "1",
        "UV_CACHE_DIR": tmp_path / "cache",
    }
    for variable, value in settings.items():
        monkeypatch.setenv(variable, str(value))
    return folder


def wheel(name: str, version: str, tag: str = "py3-none-any") -> tuple[str, bytes]:
    """File name and content of a wheel that holds nothing but its metadata and one module."""
    stream = io.BytesIO()
    folder = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(f"{name}.py", f"version = {version!r}\n")
        archive.writestr(f"{folder}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{folder}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{folder}/RECORD", "")
    return f"{name}-{version}-{tag}.whl", stream.getvalue()


def source(name: str, version: str, **members: str) -> tuple[str, bytes]:
    """File name and content of a source distribution; ``__`` in the name of a member stands for a dot."""
    files = {
        "PKG-INFO": f"Metadata-Version: 1.0\nName: {name}\nVersion: {version}\n",
        "setup.py": "raise SystemExit('setup.py was run')\n",
        **{member.replace("__", "."): text for member, text in members.items()},
    }
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for member, text in files.items():
            information = tarfile.TarInfo(f"{name}-{version}/{member}")
            information.size = len(text)
            archive.addfile(information, io.BytesIO(text.encode()))
    return f"{name}-{version}.tar.gz", stream.getvalue()


def line(*files: tuple[str, bytes], marker: str = "") -> str:
    """The entry of a lock that admits *files* of one release."""
    name, version = files[0][0].removesuffix(".tar.gz").split("-")[:2]
    hashes = "".join(f" \\\n    --hash=sha256:{hashlib.sha256(content).hexdigest()}" for _, content in files)
    return f"{name}=={version}{marker}{hashes}\n"


def pylock(*files: tuple[str, bytes], python: str = "==3.8.*") -> str:
    """A lock of PEP 751 for Linux on x86-64 whose addresses lead nowhere."""
    text = (
        f'lock-version = "1.0"\ncreated-by = "test"\nrequires-python = "{python}"\n'
        "environments = [\"sys_platform == 'linux' and platform_machine == 'x86_64'\"]\n"
    )
    for name, content in files:
        project, version = name.split("-")[:2]
        text += (
            f'[[packages]]\nname = "{project}"\nversion = "{version}"\n[[packages.wheels]]\n'
            f'url = "https://index.test/{name}"\nhashes = {{sha256 = "{hashlib.sha256(content).hexdigest()}"}}\n'
        )
    return text


def offer(index: Path, *files: tuple[str, bytes]) -> None:
    for name, content in files:
        (index / name).write_bytes(content)


@pytest.fixture
def fetch_lock(tmp_path: Path) -> Callable[..., Wheelhouse]:
    """Writes a lock and fills the folder `wheels` from it."""

    def run(text: str, *, name: str = "requirements.txt", **changes: object) -> Wheelhouse:
        (tmp_path / name).write_text(text)
        arguments = {"reporter": SilentReporter(), **changes}
        return fetch(tmp_path / name, tmp_path / "wheels", **arguments)  # type: ignore[arg-type]

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


FIRST, SECOND = wheel("first", "1.0"), wheel("second", "2.0")


# --- what is fetched -----------------------------------------------------------------------------------------


def test_the_folder_holds_one_file_for_each_pin_byte_for_byte(
    index: Path, tmp_path: Path, fetch_lock: Callable[..., Wheelhouse]
) -> None:
    offer(index, FIRST, SECOND)
    reporter = Recorder()

    wheelhouse = fetch_lock(HEADING + line(FIRST) + line(SECOND), reporter=reporter)

    assert contents(tmp_path / "wheels") == dict([FIRST, SECOND])
    assert str(wheelhouse.target) == "Python 3.8 on Linux x86_64"
    assert [(file.name, file.size, file.is_new) for file in wheelhouse.files] == [
        (name, len(content), True) for name, content in (FIRST, SECOND)
    ]
    assert reporter.titles == [
        f"look for 2 distributions in {tmp_path / 'wheels'}",
        "fetch distributions 1 to 2 of 2: first, second",
    ]


@pytest.mark.parametrize(
    ("python", "platform", "expected"),
    [
        pytest.param("3.8", LINUX_X86_64, "cp38-cp38-manylinux2014_x86_64", id="Linux"),
        pytest.param("3.8", MACOS_ARM64, "cp38-cp38-macosx_11_0_arm64", id="macOS"),
        pytest.param("3.8", WINDOWS_X86_64, "cp38-cp38-win_amd64", id="Windows"),
    ],
)
def test_of_several_files_the_one_for_the_target_is_fetched(
    python: str,
    platform: Platform,
    expected: str,
    index: Path,
    tmp_path: Path,
    fetch_lock: Callable[..., Wheelhouse],
) -> None:
    tags = [
        *("cp38-cp38-manylinux1_x86_64", "cp38-cp38-manylinux2014_x86_64", "cp38-cp38-manylinux_2_39_x86_64"),
        *("cp38-cp38-macosx_11_0_arm64", "cp38-cp38-win_amd64"),
    ]
    files = [wheel("many", "1.0", tag) for tag in tags]
    offer(index, *files)

    fetch_lock(line(*files), python=python, platform=platform)

    assert list(contents(tmp_path / "wheels")) == [f"many-1.0-{expected}.whl"]


@pytest.mark.parametrize(
    ("python", "expected"),
    [("2.7", "cp27-cp27mu-manylinux1_x86_64"), ("3.5", "cp35-cp35m-manylinux1_x86_64")],
)
def test_an_old_python_gets_what_makes_its_environments_too(
    python: str,
    expected: str,
    index: Path,
    tmp_path: Path,
    fetch_lock: Callable[..., Wheelhouse],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tags = ["cp27-cp27m-manylinux1_x86_64", "cp27-cp27mu-manylinux1_x86_64", "cp35-cp35m-manylinux1_x86_64"]
    files, virtualenv = [wheel("many", "1.0", tag) for tag in tags], wheel("virtualenv", "20.21.1")
    offer(index, *files, virtualenv)
    asked = []

    class Offline:
        """In place of the database, which has other hashes than tiny stand-ins."""

        def resolve(self, requirements: Sequence[Requirement], *, target: Target, **_: object) -> object:
            asked.append(([*map(str, requirements)], str(target)))
            hashes = [f"sha256:{hashlib.sha256(virtualenv[1]).hexdigest()}"]
            return SimpleNamespace(pins=[SimpleNamespace(name="virtualenv", version=Version("20.21.1"), hashes=hashes)])

    monkeypatch.setattr("envlock.wheelhouse.resolvers_of", lambda _: [Offline()])

    wheelhouse = fetch_lock(line(*files), python=python, platform=LINUX_X86_64)

    assert list(contents(tmp_path / "wheels")) == [f"many-1.0-{expected}.whl", virtualenv[0]]
    assert [file.name for file in wheelhouse.files] == [f"many-1.0-{expected}.whl", virtualenv[0]]
    assert str(wheelhouse.target) == f"Python {python} on Linux x86_64"
    assert asked == [(["virtualenv==20.21.1"], "Python 3.10 on Linux x86_64")]


def test_a_source_with_a_dash_in_its_version_gets_a_name_under_which_installers_find_it(
    tmp_path: Path, fetch_lock: Callable[..., Wheelhouse], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, content = source("dashed", "3.2.3-2")
    lock = HEADING + f"dashed==3.2.3.post2 --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"
    monkeypatch.delenv("PIP_NO_INDEX")
    with serve_index() as server:
        monkeypatch.setenv("PIP_INDEX_URL", server.url)
        address = server.add_file(name, content)
        server.pages["/simple/dashed/"] = ("text/html", f'<a href="{address}">{name}</a>'.encode())
        # The tools are pinned by the database, with hashes that no tiny stand-in has.
        with pytest.raises(DownloadError, match="No matching distribution found for setuptools=="):
            fetch_lock(lock)

    assert contents(tmp_path / "wheels") == {"dashed-3.2.3.post2.tar.gz": content}


def test_a_pin_whose_marker_leaves_the_target_out_is_not_fetched(
    index: Path, tmp_path: Path, fetch_lock: Callable[..., Wheelhouse]
) -> None:
    offer(index, FIRST, SECOND)

    fetch_lock(HEADING + line(FIRST) + line(SECOND, marker=' ; python_version < "3.8"'))

    assert list(contents(tmp_path / "wheels")) == [FIRST[0]]


def test_without_a_platform_in_the_lock_it_is_for_this_machine(
    index: Path, fetch_lock: Callable[..., Wheelhouse]
) -> None:
    offer(index, FIRST)

    assert fetch_lock(line(FIRST), python="3.9").target.platform == platform_here()


def test_a_source_is_fetched_without_being_run_and_with_what_builds_it(
    index: Path, fetch_lock: Callable[..., Wheelhouse]
) -> None:
    old = source("old", "0.2")
    offer(index, old)

    # The tools are pinned by the database, with hashes that no tiny stand-in has.
    with pytest.raises(DownloadError) as caught:
        fetch_lock(HEADING + line(old))

    assert "No matching distribution found for setuptools==" in str(caught.value)
    assert (index.parent / "wheels" / old[0]).read_bytes() == old[1]


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param('build-backend = "special"\n', id="another backend"),
        pytest.param('build-backend = "special"\nbackend-path = ["."]\n', id="a backend of its own"),
    ],
)
def test_a_source_that_would_have_to_run_is_refused(
    settings: str, index: Path, tmp_path: Path, fetch_lock: Callable[..., Wheelhouse]
) -> None:
    backend = f"open({str(tmp_path / 'was-run')!r}, 'w')\n"
    new = source("new", "0.2", pyproject__toml=f"[build-system]\nrequires = []\n{settings}", special__py=backend)
    offer(index, new)

    with pytest.raises(DownloadError) as caught:
        fetch_lock(HEADING + line(new))

    assert str(caught.value) == (
        "fetching: the source distribution of new is none of setuptools: to fetch it would run it"
    )
    assert contents(tmp_path / "wheels") == {}
    assert not (tmp_path / "was-run").exists()


# --- pylock.toml ---------------------------------------------------------------------------------------------


def test_a_pylock_comes_with_requirements_that_install_from_the_folder(
    index: Path, tmp_path: Path, fetch_lock: Callable[..., Wheelhouse]
) -> None:
    offer(index, FIRST)

    wheelhouse = fetch_lock(pylock(FIRST), name="pylock.toml")

    assert str(wheelhouse.target) == "Python 3.8 on Linux x86_64"
    assert wheelhouse.requirements_path == tmp_path / "wheels" / "pylock.requirements.txt"
    assert wheelhouse.requirements_path.read_text() == (
        "# Fetched by envlock: the files beside this one, as pylock.toml pins them.\n"
        f"first==1.0 --hash=sha256:{hashlib.sha256(FIRST[1]).hexdigest()}\n"
    )


def test_requirements_of_somebody_else_are_not_overwritten(
    index: Path, tmp_path: Path, fetch_lock: Callable[..., Wheelhouse]
) -> None:
    offer(index, FIRST)
    (tmp_path / "wheels").mkdir()
    theirs = tmp_path / "wheels" / "pylock.requirements.txt"
    theirs.write_text("first\n")

    with pytest.raises(OccupiedPathError):
        fetch_lock(pylock(FIRST), name="pylock.toml")

    assert theirs.read_text() == "first\n"


# --- again ---------------------------------------------------------------------------------------------------


def test_what_is_there_is_not_fetched_again(index: Path, tmp_path: Path, fetch_lock: Callable[..., Wheelhouse]) -> None:
    offer(index, FIRST, SECOND)
    fetch_lock(HEADING + line(FIRST))
    (index / FIRST[0]).unlink()
    (tmp_path / "wheels" / "of-somebody-else.txt").write_text("kept")

    wheelhouse = fetch_lock(HEADING + line(FIRST) + line(SECOND))

    assert [(file.name, file.is_new) for file in wheelhouse.files] == [(FIRST[0], False), (SECOND[0], True)]
    assert (tmp_path / "wheels" / "of-somebody-else.txt").read_text() == "kept"


def test_files_with_another_content_are_replaced(
    index: Path, tmp_path: Path, fetch_lock: Callable[..., Wheelhouse]
) -> None:
    whole = [wheel(name, "1.0") for name in ("another", "empty", "short")]
    offer(index, *whole)
    (tmp_path / "wheels").mkdir()
    damaged = [FIRST[1], b"", whole[2][1][:-9]]
    offer(tmp_path / "wheels", *((name, content) for (name, _), content in zip(whole, damaged, strict=True)))

    wheelhouse = fetch_lock(HEADING + "".join(line(file) for file in whole))

    assert [file.is_new for file in wheelhouse.files] == [True] * 3
    assert contents(tmp_path / "wheels") == dict(whole)


def test_after_an_interruption_it_goes_on_where_it_was(
    index: Path, tmp_path: Path, fetch_lock: Callable[..., Wheelhouse]
) -> None:
    files = [wheel(f"part{number:02}", "1.0") for number in range(10)]
    lock = HEADING + "".join(line(file) for file in files)
    offer(index, *files)

    with pytest.raises(KeyboardInterrupt):
        fetch_lock(lock, reporter=Recorder(stop_at="fetch distributions 9"))
    assert contents(tmp_path / "wheels") == dict(files[:8])
    wheelhouse = fetch_lock(lock)

    assert [file.is_new for file in wheelhouse.files] == [False] * 8 + [True] * 2
    assert contents(tmp_path / "wheels") == dict(files)


# --- what goes wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "kind", "message"),
    [
        pytest.param(
            "requirements.txt",
            HEADING + "first>=1.0\n",
            UsageError,
            "requirements.txt: expected name==version with --hash, found 'first>=1.0'",
            id="a range",
        ),
        pytest.param(
            "requirements.txt",
            HEADING + "first==1.0\n",
            UsageError,
            "requirements.txt: expected name==version with --hash, found 'first==1.0'",
            id="no hash",
        ),
        pytest.param(
            "requirements.txt",
            HEADING + "-r other.txt\n",
            UsageError,
            "requirements.txt: expected name==version with --hash, found '-r other.txt'",
            id="another file",
        ),
        pytest.param(
            "requirements.txt",
            line(FIRST),
            UsageError,
            "the lock does not say which Python it is for",
            id="no Python",
        ),
        pytest.param(
            "pylock.toml",
            pylock(FIRST, python=">=3.8"),
            UsageError,
            "the lock does not say which Python it is for",
            id="many Pythons",
        ),
        pytest.param(
            "pylock.toml", "packages = 3\n", UsageError, "the lock does not say which Python it is for", id="no lock"
        ),
        pytest.param(
            "pylock.toml",
            pylock(FIRST).replace('version = "1.0"\n[[', 'version = "?"\n[['),
            DamagedFileError,
            "pylock.toml: is no lock of PEP 751: Invalid version: '?' in 'packages[0].version'",
            id="no version",
        ),
        pytest.param(
            "requirements.txt",
            HEADING,
            UsageError,
            "requirements.txt: pins nothing for Python 3.8 on Linux x86_64",
            id="nothing",
        ),
        pytest.param("pylock.toml", "packages = [\n", DamagedFileError, "pylock.toml: is no TOML", id="no TOML"),
    ],
)
def test_a_lock_that_leaves_something_open_is_refused(
    name: str, text: str, kind: type[EnvlockError], message: str, tmp_path: Path, fetch_lock: Callable[..., Wheelhouse]
) -> None:
    with pytest.raises(kind) as caught:
        fetch_lock(text, name=name)

    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(message)
    assert not (tmp_path / "wheels").exists()


def test_a_missing_lock_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingArtifactError) as caught:
        fetch(tmp_path / "requirements.txt", tmp_path / "wheels", SilentReporter())

    assert str(caught.value) == f"{tmp_path / 'requirements.txt'}: no such file or directory"


def test_another_file_than_the_lock_pins_is_refused(
    index: Path, tmp_path: Path, fetch_lock: Callable[..., Wheelhouse]
) -> None:
    offer(index, (FIRST[0], FIRST[1] + b"more"))

    with pytest.raises(DownloadError) as caught:
        fetch_lock(HEADING + line(FIRST))

    assert str(caught.value) == (
        "fetching: the index serves another file for first==1.0 than the lock pins (hash mismatch)"
    )
    assert contents(tmp_path / "wheels") == {}


def test_what_the_index_does_not_hold_is_named(fetch_lock: Callable[..., Wheelhouse]) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch_lock(HEADING + line(FIRST))

    assert str(caught.value) == (
        "fetching for Python 3.8 on Linux x86_64: No matching distribution found for first==1.0"
    )


def test_no_network_is_told_from_a_missing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fetch_lock: Callable[..., Wheelhouse]
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_RETRIES", "0")
    # The index that uv is told to take counts where pip is told none.
    monkeypatch.setenv("UV_DEFAULT_INDEX", "internal=http://someone:secret@127.0.0.1:9/simple")

    with pytest.raises(NetworkError) as caught:
        fetch_lock(HEADING + line(FIRST))

    assert "Connection refused" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert contents(tmp_path / "wheels") == {}


@pytest.mark.parametrize("page", ["simple", "files"])
def test_an_index_in_trouble_is_no_network(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fetch_lock: Callable[..., Wheelhouse]
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with serve_index() as server:
        monkeypatch.setenv("PIP_INDEX_URL", server.url)
        address = server.add_file(*FIRST)
        server.pages["/simple/first/"] = ("text/html", f'<a href="{address}">{FIRST[0]}</a>'.encode())
        if page == "simple":
            server.failures = [503] * 9
        else:
            server.moved[f"/files/{FIRST[0]}"] = "http://127.0.0.1:9/"
        with pytest.raises(NetworkError):
            fetch_lock(HEADING + line(FIRST))

    assert contents(tmp_path / "wheels") == {}


def test_a_folder_that_cannot_be_written_to_is_one_clear_error(
    tmp_path: Path, fetch_lock: Callable[..., Wheelhouse]
) -> None:
    (tmp_path / "wheels").write_text("a file")

    with pytest.raises(WriteError) as caught:
        fetch_lock(HEADING + line(FIRST))

    assert (str(caught.value), caught.value.hint) == (
        f"{tmp_path / 'wheels'}: File exists",
        "choose another place",
    )


# --- installing ----------------------------------------------------------------------------------------------


def install_from(wheelhouse: Wheelhouse, place: Path, interpreter: Interpreter) -> Path:
    """The Python of an environment at *place* that holds what *wheelhouse* does."""
    lock = wheelhouse.requirements_path.read_text()
    environment = create_environment(
        place,
        interpreter=interpreter,
        lock_text=lock,
        digest=hashlib.sha256(lock.encode()).hexdigest(),
        reporter=SilentReporter(),
        find_links=[wheelhouse.folder],
        no_index=True,
    )
    return environment.python


def test_an_environment_is_made_from_the_folder_alone(
    index: Path, tmp_path: Path, own_interpreter: Interpreter, fetch_lock: Callable[..., Wheelhouse]
) -> None:
    offer(index, FIRST)
    wheelhouse = fetch_lock(line(FIRST), python=own_interpreter.line)
    python = install_from(wheelhouse, tmp_path / "environment", own_interpreter)

    program = [python, "-c", "import first; print(first.version)"]
    assert subprocess.run(program, capture_output=True, text=True, check=True).stdout == "1.0\n"


@pytest.mark.online
def test_what_the_real_index_gave_installs_without_it(
    tmp_path: Path,
    own_interpreter: Interpreter,
    monkeypatch: pytest.MonkeyPatch,
    fetch_lock: Callable[..., Wheelhouse],
) -> None:
    for variable in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(variable)
    lock = (
        "six==1.17.0 --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274\n"
        "idna==3.10 --hash=sha256:946d195a0d259cbba61165e88e65941f16e9b36ea6ddb97f00452bae8b1287d3\n"
    )

    wheelhouse = fetch_lock(lock, python=own_interpreter.line)
    python = install_from(wheelhouse, tmp_path / "environment", own_interpreter)

    program = [python, "-c", "import six, idna; print(six.__version__, idna.__version__)"]
    assert subprocess.run(program, capture_output=True, text=True, check=True).stdout == "1.17.0 3.10\n"
