"""An environment is built whole or not at all, from a lock of one tiny local wheel."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from envlock import __version__
from envlock.environment import (
    MARKER_NAME,
    MARKER_SCHEMA,
    Environment,
    refuse_foreign_environment,
    reserve_place,
)
from envlock.errors import InstallationError, NetworkError, OccupiedPathError, WriteError
from envlock.interpreters import Interpreter
from tests.building import Recorder, create_environment

WriteProgram = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place that uv takes distributions from."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"):
        monkeypatch.delenv(variable, raising=False)
    settings = {"UV_OFFLINE": "1", "UV_NO_CONFIG": "1", "UV_FIND_LINKS": folder, "UV_CACHE_DIR": tmp_path / "cache"}
    for variable, value in settings.items():
        monkeypatch.setenv(variable, str(value))
    return folder


@pytest.fixture
def make_lock(wheels: Path) -> Callable[[str], str]:
    """Makes a wheel of `tiny` in a version, and the lock that pins it."""

    def make(version: str) -> str:
        wheel = wheels / f"tiny-{version}-py3-none-any.whl"
        folder = f"tiny-{version}.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("tiny.py", f"version = {version!r}\n")
            archive.writestr(f"{folder}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")
            archive.writestr(f"{folder}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{folder}/RECORD", "")
        return f"tiny=={version} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"

    return make


@pytest.fixture
def build(tmp_path: Path, own_interpreter: Interpreter) -> Callable[..., Environment]:
    """Builds the environment of a lock at `environment` in the test's folder."""

    def build_environment(lock: str, **changes: object) -> Environment:
        arguments = {
            "interpreter": own_interpreter,
            "lock_text": lock,
            "digest": hashlib.sha256(lock.encode()).hexdigest(),
            "reporter": Recorder(),
            **changes,
        }
        return create_environment(tmp_path / "environment", **arguments)  # type: ignore[arg-type]

    return build_environment


def run(python: Path, program: str) -> str:
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


# --- building ------------------------------------------------------------------------------------------------


def test_the_environment_holds_what_the_lock_pins_and_nothing_else(
    build: Callable[..., Environment], make_lock: Callable[[str], str], tmp_path: Path, own_interpreter: Interpreter
) -> None:
    reporter = Recorder()

    environment = build(make_lock("1.0"), reporter=reporter)

    assert environment.path == tmp_path / "environment"
    assert environment.python == tmp_path / "environment/bin/python"
    assert not environment.reused
    assert run(environment.python, "import tiny; print(tiny.version)") == "1.0"
    listing = "from importlib.metadata import distributions; print([found.name for found in distributions()])"
    assert run(environment.python, listing) == "['tiny']"
    assert reporter.titles == [
        f"make an empty environment of Python {own_interpreter.version}",
        "install 1 distributions",
    ]


def test_the_marker_tells_the_lock_the_interpreter_and_the_state(
    build: Callable[..., Environment], make_lock: Callable[[str], str], own_interpreter: Interpreter
) -> None:
    lock = make_lock("1.0")

    environment = build(lock)

    assert json.loads((environment.path / MARKER_NAME).read_text()) == {
        "schema": "envlock/environment/1",
        "state": "ready",
        "lock": hashlib.sha256(lock.encode()).hexdigest(),
        "python": {"executable": str(own_interpreter.executable), "version": str(own_interpreter.version)},
        "envlock": __version__,
    }


@pytest.mark.parametrize(
    ("shell", "command"),
    [
        ("/bin/bash", ". '{}/my environment/bin/activate'"),
        ("/usr/bin/fish", "source '{}/my environment/bin/activate.fish'"),
        ("/bin/tcsh", "source '{}/my environment/bin/activate.csh'"),
        ("/usr/bin/nu", "overlay use '{}/my environment/bin/activate.nu'"),
        ("", ". '{}/my environment/bin/activate'"),
    ],
)
def test_the_command_to_activate_it_suits_the_shell(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    make_lock: Callable[[str], str],
    own_interpreter: Interpreter,
    shell: str,
    command: str,
) -> None:
    monkeypatch.setenv("SHELL", shell)

    environment = create_environment(
        tmp_path / "my environment",
        interpreter=own_interpreter,
        lock_text=make_lock("1.0"),
        digest="0",
        reporter=Recorder(),
    )

    assert environment.activate == command.format(tmp_path)


@pytest.mark.parametrize("line", ["3.6", "3.7", "3.8", "3.13"])
def test_an_environment_of_any_line_starts_without_complaint(
    build: Callable[..., Environment],
    make_lock: Callable[[str], str],
    require_interpreter: Callable[[str], Interpreter],
    line: str,
) -> None:
    environment = build(make_lock("1.0"), interpreter=require_interpreter(line))

    assert run(environment.python, "import tiny; print(tiny.version)") == "1.0"


def test_without_a_network_nothing_makes_environments_of_an_old_python(
    build: Callable[..., Environment],
    make_lock: Callable[[str], str],
    require_interpreter: Callable[[str], Interpreter],
    tmp_path: Path,
) -> None:
    with pytest.raises(NetworkError) as caught:
        build(make_lock("1.0"), interpreter=require_interpreter("2.7"))

    assert str(caught.value).startswith(f"{tmp_path}/environment: making an environment with virtualenv==")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "environment").exists()


def test_constraints_on_builds_reach_uv(
    build: Callable[..., Environment], tmp_path: Path, write_program: WriteProgram
) -> None:
    uv = write_program("uv", f'for last in "$@"; do :; done; cp "$last" {tmp_path}/seen')

    build("", uv_executable=str(uv), build_constraints="setuptools<60\n")

    assert (tmp_path / "seen").read_text() == "setuptools<60\n"


# --- what is there already -----------------------------------------------------------------------------------


def test_an_environment_of_the_same_lock_and_interpreter_is_reused(
    build: Callable[..., Environment], make_lock: Callable[[str], str]
) -> None:
    lock = make_lock("1.0")
    first = build(lock)
    reporter = Recorder()

    second = build(lock, reporter=reporter, uv_executable="/nonexistent")

    assert second.reused
    assert second.python == first.python
    assert reporter.titles == []


def test_an_environment_of_another_lock_is_replaced(
    build: Callable[..., Environment], make_lock: Callable[[str], str]
) -> None:
    first = build(make_lock("1.0"))
    (first.path / "left-behind").write_text("old")

    second = build(make_lock("2.0"))

    assert not second.reused
    assert run(second.python, "import tiny; print(tiny.version)") == "2.0"
    assert not (second.path / "left-behind").exists()


def test_an_environment_that_was_never_finished_is_replaced(
    build: Callable[..., Environment], make_lock: Callable[[str], str]
) -> None:
    lock = make_lock("1.0")
    marker = build(lock).path / MARKER_NAME
    marker.write_text(marker.read_text().replace('"ready"', '"building"'))

    assert not build(lock).reused


def test_an_environment_whose_interpreter_is_gone_is_replaced(
    build: Callable[..., Environment], make_lock: Callable[[str], str]
) -> None:
    lock = make_lock("1.0")
    python = build(lock).python
    python.unlink()
    python.symlink_to("/nonexistent/python")

    assert not build(lock).reused


def test_an_empty_folder_is_used(
    build: Callable[..., Environment], make_lock: Callable[[str], str], tmp_path: Path
) -> None:
    (tmp_path / "environment").mkdir()

    assert run(build(make_lock("1.0")).python, "import tiny") == ""


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"notes.txt": "mine"}, id="files"),
        pytest.param({"pyvenv.cfg": "home = /usr/bin"}, id="environment-of-another-tool"),
        pytest.param({MARKER_NAME: "{}"}, id="marker-of-another-tool"),
        pytest.param({MARKER_NAME: "\x00"}, id="damaged-marker"),
        pytest.param({MARKER_NAME: "[" * 60_000}, id="deep-marker"),
        pytest.param({MARKER_NAME: json.dumps({"schema": MARKER_SCHEMA}) + " " * 70_000}, id="huge-marker"),
        pytest.param({f"{MARKER_NAME}/notes.txt": "mine"}, id="folder-named-like-the-marker"),
    ],
)
def test_a_folder_of_somebody_else_is_left_untouched(
    build: Callable[..., Environment], make_lock: Callable[[str], str], tmp_path: Path, files: dict[str, str]
) -> None:
    folder = tmp_path / "environment"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    before = contents(folder)

    with pytest.raises(OccupiedPathError) as caught:
        build(make_lock("1.0"))

    assert (
        str(caught.value) == f"{folder}: the folder is not empty and holds no envlock.json of envlock, left untouched"
    )
    assert caught.value.hint == "choose another place with --venv, or remove it yourself"
    assert contents(folder) == before


def test_a_pipe_named_like_the_marker_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / MARKER_NAME)

    with pytest.raises(OccupiedPathError):
        refuse_foreign_environment(tmp_path)


def test_a_folder_that_cannot_be_read_is_left_untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> Iterator[Path]:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)

    with pytest.raises(OccupiedPathError) as caught:
        refuse_foreign_environment(tmp_path)

    assert str(caught.value) == f"{tmp_path}: what is there cannot be read (Permission denied), left untouched"


@pytest.mark.parametrize("make", [lambda path: path.write_text("mine"), lambda path: os.mkfifo(path)])
def test_something_that_is_no_folder_is_left_untouched(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "environment")

    with pytest.raises(OccupiedPathError) as caught:
        refuse_foreign_environment(tmp_path / "environment")

    assert str(caught.value) == f"{tmp_path}/environment: a file is there, left untouched"


def test_two_builds_at_one_place_do_not_meet(
    build: Callable[..., Environment], make_lock: Callable[[str], str], tmp_path: Path
) -> None:
    (tmp_path / "environment").mkdir()
    handle = os.open(tmp_path / "environment", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(OccupiedPathError) as caught:
            build(make_lock("1.0"))
    finally:
        os.close(handle)

    assert caught.value.found == "another envlock is making an environment there"


def test_an_installation_that_outlives_envlock_keeps_the_place_claimed(
    build: Callable[..., Environment], tmp_path: Path, write_program: WriteProgram
) -> None:
    (tmp_path / "environment").mkdir()
    uv = write_program("uv", f"sleep 60 </dev/null >/dev/null 2>&1 & echo $! > {tmp_path}/pid; exit 2")
    with pytest.raises(InstallationError, match="uv ended with exit status 2"):
        build("", uv_executable=str(uv))
    survivor = int((tmp_path / "pid").read_text())
    try:
        with pytest.raises(OccupiedPathError) as caught:
            build("")
    finally:
        os.kill(survivor, signal.SIGKILL)

    assert caught.value.found == "another envlock is making an environment there"


# --- failures ------------------------------------------------------------------------------------------------


def test_a_file_that_differs_from_the_lock_is_refused_whatever_uv_is_told(
    build: Callable[..., Environment],
    make_lock: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("UV_NO_VERIFY_HASHES", "1")
    lock, _, digest = make_lock("1.0").partition("sha256:")

    with pytest.raises(InstallationError) as caught:
        build(f"{lock}sha256:{digest[::-1].strip()}\n")

    assert str(caught.value) == (
        f"{tmp_path}/environment: the index serves another file for tiny==1.0 than the lock pins (hash mismatch)"
    )
    assert not (tmp_path / "environment").exists()


@pytest.mark.parametrize("mode", ["symlink", "copy", ""])
def test_an_environment_outlives_the_cache_whatever_uv_is_told(
    mode: str, build: Callable[..., Environment], make_lock: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_LINK_MODE", mode)

    environment = build(make_lock("1.0"))

    files = [path for path in environment.path.glob("lib/python*/site-packages/**/*") if path.is_file()]
    assert "tiny.py" in [path.name for path in files]
    assert [path for path in files if path.is_symlink()] == []


def test_a_distribution_that_the_index_lacks_is_named(
    build: Callable[..., Environment], make_lock: Callable[[str], str], wheels: Path, tmp_path: Path
) -> None:
    lock = make_lock("1.0")
    (wheels / "tiny-1.0-py3-none-any.whl").rename(wheels / "tiny-1.0-cp27-none-any.whl")

    with pytest.raises(InstallationError, match=r"tiny==1\.0 has no wheels with a matching Python") as caught:
        build(lock)

    assert "\n" not in str(caught.value)
    assert not (tmp_path / "environment").exists()


def test_an_index_that_cannot_be_reached_is_a_network_error(
    build: Callable[..., Environment],
    make_lock: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    lock = make_lock("1.0").replace("tiny", "tiny-elsewhere")
    # The discard port of this machine: nothing listens there.
    for variable, value in {
        "UV_OFFLINE": "0",
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9",
        "UV_HTTP_RETRIES": "0",
    }.items():
        monkeypatch.setenv(variable, value)

    with pytest.raises(NetworkError) as caught:
        build(lock)

    assert str(caught.value) == (
        f"{tmp_path}/environment: installing its lock: the package index cannot be reached: "
        "Failed to fetch: http://127.0.0.1:9/tiny-elsewhere/: Connection refused (os error 111)"
    )
    assert not (tmp_path / "environment").exists()


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[None]:
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize(
    "size", [pytest.param("16k", id="for-the-empty-environment"), pytest.param("64k", id="for-the-distributions")]
)
def test_a_full_disk_is_a_write_error_and_leaves_nothing(
    make_lock: Callable[[str], str], tmp_path: Path, own_interpreter: Interpreter, size: str
) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, size):
        with pytest.raises(WriteError, match=r"environment: .*No space left on device") as caught:
            create_environment(
                disk / "environment",
                interpreter=own_interpreter,
                lock_text=make_lock("1.0"),
                digest="0",
                reporter=Recorder(),
            )

        assert list(disk.iterdir()) == []
    assert "\n" not in str(caught.value)


def test_a_disk_that_fills_up_while_uv_installs_is_a_write_error(
    build: Callable[..., Environment], tmp_path: Path, write_program: WriteProgram
) -> None:
    uv = write_program("uv", "echo 'error: failed to copy tiny.py: No space left on device (os error 28)' >&2; exit 2")

    with pytest.raises(WriteError) as caught:
        build("", uv_executable=str(uv))

    assert str(caught.value) == (
        f"{tmp_path}/environment: failed to copy tiny.py: No space left on device (os error 28)"
    )
    assert not (tmp_path / "environment").exists()


def test_a_place_that_may_not_be_written_to_is_a_write_error(
    make_lock: Callable[[str], str], own_interpreter: Interpreter
) -> None:
    with pytest.raises(WriteError):
        create_environment(
            Path("/proc/environment"),
            interpreter=own_interpreter,
            lock_text=make_lock("1.0"),
            digest="0",
            reporter=Recorder(),
        )


@pytest.mark.parametrize("step", ["make an empty environment", "install"])
def test_an_interrupted_build_leaves_nothing(
    build: Callable[..., Environment], make_lock: Callable[[str], str], tmp_path: Path, step: str
) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(make_lock("1.0"), reporter=Recorder(stop_at=step))

    assert not (tmp_path / "environment").exists()


def test_a_failed_build_leaves_the_folder_that_it_was_given(
    build: Callable[..., Environment], make_lock: Callable[[str], str], tmp_path: Path
) -> None:
    (tmp_path / "environment").mkdir()

    with pytest.raises(KeyboardInterrupt):
        build(make_lock("1.0"), reporter=Recorder(stop_at="install"))

    assert list((tmp_path / "environment").iterdir()) == []


# What was there before, and what ends the run that was to replace it.
@pytest.mark.parametrize("stop_at", ["make an empty environment", "install", ""])
def test_an_environment_that_is_not_replaced_after_all_is_there_as_before(
    build: Callable[..., Environment],
    make_lock: Callable[[str], str],
    own_interpreter: Interpreter,
    tmp_path: Path,
    stop_at: str,
) -> None:
    place = tmp_path / "environment"
    build(make_lock("1.0"), digest="1")
    before = sorted(path.relative_to(place) for path in place.rglob("*"))
    marker = (place / MARKER_NAME).read_bytes()

    with suppress(KeyboardInterrupt), reserve_place(place) as reserved:
        reserved.create(
            interpreter=own_interpreter,
            lock_text=make_lock("2.0"),
            digest="2",
            reporter=Recorder(stop_at=stop_at),
        )
        raise KeyboardInterrupt

    assert sorted(path.relative_to(place) for path in place.rglob("*")) == before
    assert (place / MARKER_NAME).read_bytes() == marker


@pytest.mark.parametrize("calls", range(14))
def test_a_run_that_is_killed_at_any_moment_loses_nothing(
    build: Callable[..., Environment],
    make_lock: Callable[[str], str],
    own_interpreter: Interpreter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    calls: int,
) -> None:
    """Every change of a name fails from the given one on, as if the process had ended there; then a run looks on."""
    place = tmp_path / "environment"
    build(make_lock("1.0"), digest="1")
    with monkeypatch.context() as patch:
        remaining = iter(range(calls))

        def rename(self: Path, target: Path, *, original: Callable[[Path, Path], Path] = Path.rename) -> Path:
            if next(remaining, None) is None:
                raise SystemExit
            return original(self, target)

        patch.setattr(Path, "rename", rename)
        try:
            with reserve_place(place) as reserved:
                reserved.create(
                    interpreter=own_interpreter, lock_text=make_lock("2.0"), digest="2", reporter=Recorder()
                )
                raise SystemExit
        except SystemExit:
            pass

    assert build(make_lock("1.0"), digest="1", uv_executable="/nonexistent").reused


# --- clearing ------------------------------------------------------------------------------------------------


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A virtual environment of another tool."""
    place = tmp_path / "environment"
    for name in ("bin/python", "lib/python3.8/site-packages/theirs.py", "pyvenv.cfg"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(name)
    return place


def clear_and_build(place: Path, interpreter: Interpreter, lock: str, reporter: Recorder) -> Environment:
    with reserve_place(place, clears=True) as reserved:
        environment = reserved.create(interpreter=interpreter, lock_text=lock, digest=lock, reporter=reporter)
        reserved.keep()
    return environment


def test_a_virtual_environment_of_another_tool_gives_way_where_that_is_asked_for(
    foreign: Path, own_interpreter: Interpreter, make_lock: Callable[[str], str]
) -> None:
    with pytest.raises(OccupiedPathError) as caught:
        refuse_foreign_environment(foreign)
    assert caught.value.hint == ("choose another place with --venv, or pass --clear to have that environment replaced")

    environment = clear_and_build(foreign, own_interpreter, make_lock("1.0"), Recorder())

    assert run(environment.python, "import tiny; print(tiny.version)") == "1.0"
    assert list(foreign.rglob("theirs.py")) == []


def test_an_environment_that_is_cleared_is_made_anew_though_it_holds_the_same(
    build: Callable[..., Environment], own_interpreter: Interpreter, make_lock: Callable[[str], str], tmp_path: Path
) -> None:
    lock = make_lock("1.0")
    build(lock, digest=lock)
    (tmp_path / "environment" / "left-behind").touch()

    assert not clear_and_build(tmp_path / "environment", own_interpreter, lock, Recorder()).reused
    assert not (tmp_path / "environment" / "left-behind").exists()


@pytest.mark.parametrize("step", ["make an empty environment", "install"])
def test_an_environment_of_another_tool_is_there_as_before_where_nothing_came_of_it(
    foreign: Path, own_interpreter: Interpreter, make_lock: Callable[[str], str], step: str
) -> None:
    before = contents(foreign)

    with pytest.raises(KeyboardInterrupt):
        clear_and_build(foreign, own_interpreter, make_lock("1.0"), Recorder(stop_at=step))

    assert contents(foreign) == before


@pytest.mark.parametrize("calls", range(8))
def test_an_environment_of_another_tool_outlives_a_run_that_is_killed(
    foreign: Path,
    own_interpreter: Interpreter,
    make_lock: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    calls: int,
) -> None:
    before = contents(foreign)
    with monkeypatch.context() as patch:
        remaining = iter(range(calls))

        def rename(self: Path, target: Path, *, original: Callable[[Path, Path], Path] = Path.rename) -> Path:
            if next(remaining, None) is None:
                raise SystemExit
            return original(self, target)

        patch.setattr(Path, "rename", rename)
        with suppress(SystemExit, KeyboardInterrupt):
            clear_and_build(foreign, own_interpreter, make_lock("1.0"), Recorder(stop_at="install"))

    with suppress(OccupiedPathError), reserve_place(foreign):
        pass

    assert contents(foreign) == before


def is_home(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(place))


def is_above_home(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(place / "lib"))


def is_current(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place / "bin")


def is_of_envlock(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", str(place))


def holds_a_project(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "notes.txt").write_text("mine")


def is_no_environment(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "pyvenv.cfg").unlink()


def has_no_python(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "bin" / "python").unlink()


def is_a_link(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.rename(place.with_name("elsewhere"))
    place.symlink_to("elsewhere")


KEPT = [
    (is_home, "your home or the current folder is that environment, or lies in it"),
    (is_above_home, "your home or the current folder is that environment, or lies in it"),
    (is_current, "your home or the current folder is that environment, or lies in it"),
    (is_of_envlock, "envlock itself runs in that environment"),
    (holds_a_project, "the environment also holds notes.txt, which no tool puts there"),
    (is_no_environment, "what is there is no virtual environment"),
    (has_no_python, "what is there is no virtual environment"),
    (is_a_link, "a link is not cleared"),
]


@pytest.mark.parametrize(("make", "found"), KEPT)
def test_what_must_not_be_removed_is_not_cleared(
    make: Callable[[Path, pytest.MonkeyPatch], None], found: str, foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(foreign, monkeypatch)
    before = contents(foreign.resolve())

    with pytest.raises(OccupiedPathError) as caught, reserve_place(foreign, clears=True):
        pass

    assert str(caught.value) == f"{foreign}: {found}, left untouched"
    assert caught.value.hint == "choose another place with --venv, or remove it yourself"
    assert contents(foreign.resolve()) == before


@pytest.mark.parametrize("place", ["/", "~"])
def test_neither_the_root_nor_a_home_is_cleared(place: str) -> None:
    with pytest.raises(OccupiedPathError):
        refuse_foreign_environment(Path(place).expanduser(), clears=True)


def test_what_a_killed_run_has_started_is_waited_for(
    build: Callable[..., Environment], make_lock: Callable[[str], str], tmp_path: Path
) -> None:
    place = tmp_path / "environment"
    place.mkdir()
    ended = subprocess.Popen(["true"])
    ended.wait()
    (place / MARKER_NAME).write_text(json.dumps({"schema": MARKER_SCHEMA, "state": "building", "process": ended.pid}))
    handle = os.open(place, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with subprocess.Popen(["sleep", "1"], pass_fds=[handle]):
        os.close(handle)
        environment = build(make_lock("1.0"))

    assert run(environment.python, "import tiny; print(tiny.version)") == "1.0"
