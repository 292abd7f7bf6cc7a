"""A command that means harm changes nothing, reaches nothing and leaves nothing, at every level that promises so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from envlock.isolation.interface import Guarantee
from tests.isolation.conftest import Run, Surroundings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems give limits alone")


@dataclass(frozen=True)
class Trespass:
    name: str
    guarantee: Guarantee
    program: str


CALL = "library = ctypes.CDLL(None, use_errno=True)\nif library.{} == -1: raise OSError(ctypes.get_errno())"

TRESPASSES = [
    Trespass("write-elsewhere", "read-only", "open(outside + '/canary', 'w')"),
    Trespass("write-to-artifact", "read-only", "open(artifact + '/model', 'r+').write('x')"),
    Trespass("truncate-artifact", "read-only", "os.truncate(artifact + '/model', 0)"),
    Trespass("remove-artifact", "read-only", "os.remove(artifact + '/model')"),
    Trespass("move-artifact", "read-only", "os.rename(artifact + '/model', artifact + '/other')"),
    Trespass("chmod-artifact", "read-only", "os.chmod(artifact + '/model', 0o777)"),
    Trespass("touch-artifact", "read-only", "os.utime(artifact + '/model', (1, 1))"),
    Trespass("link-artifact", "read-only", "os.link(artifact + '/model', artifact + '/other')"),
    Trespass("mark-artifact", "read-only", "os.setxattr(artifact + '/model', 'user.canary', b'x')"),
    Trespass("write-to-environment", "read-only", "open(environment + '/package.py', 'a').write('x')"),
    Trespass("add-to-environment", "read-only", "open(environment + '/sitecustomize.py', 'w')"),
    Trespass("write-to-proc", "read-only", "open('/proc/sys/kernel/hostname', 'r+').write('')"),
    Trespass("read-key", "hidden-files", "open(home + '/.ssh/id_rsa').read()"),
    Trespass("list-home", "hidden-files", "os.listdir(home)"),
    Trespass("read-shadow", "hidden-files", "open('/etc/shadow').read()"),
    Trespass("list-runtime", "hidden-files", "os.listdir('/run')"),
    Trespass("connect", "no-network", "socket.create_connection(('127.0.0.1', port), 2)"),
    Trespass("send", "no-network", "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', port))"),
    Trespass("connect-to-service", "no-network", "socket.socket(socket.AF_UNIX).connect(service)"),
    Trespass("connect-by-name", "no-network", "socket.socket(socket.AF_UNIX).connect('\\0' + abstract)"),
    Trespass("kill", "hidden-processes", "os.kill(neighbour, signal.SIGKILL)"),
    Trespass("read-variables", "hidden-processes", "open(f'/proc/{neighbour}/environ').read()"),
    Trespass("trace", "hidden-processes", CALL.format("ptrace(16, neighbour, 0, 0)")),
    Trespass("mount", "read-only", CALL.format("mount(b'/', artifact.encode(), None, 0x1000, None)")),
]

trespasses = pytest.mark.parametrize("trespass", TRESPASSES, ids=lambda trespass: trespass.name)


@trespasses
def test_a_trespass_fails_and_changes_nothing(
    run: Run, surroundings: Surroundings, require: Callable[[Guarantee], None], trespass: Trespass
) -> None:
    require(trespass.guarantee)
    before = surroundings.state()

    ended = run(trespass.program + "\nprint('done')")

    assert (ended.report, ended.exit_code, ended.excess) == (b"", 1, None)
    assert b"Error: " in ended.complaint
    assert surroundings.state() == before


@trespasses
def test_a_trespass_succeeds_without_isolation(surroundings: Surroundings, trespass: Trespass) -> None:
    if trespass.name in NEEDS_PRIVILEGE:
        pytest.skip("only the superuser could")

    done = subprocess.run(surroundings.command(trespass.program + "\nprint('done')"), capture_output=True, check=False)

    assert done.stdout == b"done\n", done.stderr


NEEDS_PRIVILEGE = {"write-to-proc", "read-shadow", "trace", "mount", "mark-artifact"}
"""Of these it depends on the person and the machine what they could do outside."""


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(
            "for _ in range(2000):\n    if os.fork() == 0: time.sleep(60); os._exit(0)\ntime.sleep(20)", id="processes"
        ),
        pytest.param(
            "import threading\nfor _ in range(500): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
            "\ntime.sleep(20)",
            id="threads",
        ),
    ],
)
def test_a_command_that_multiplies_is_stopped(run: Run, require: Callable[[Guarantee], None], program: str) -> None:
    require("processes")

    ended = run(program)

    # The kernel refuses to start more; where it does not (a superuser), the supervisor ends all.
    assert ended.excess == "processes" or (ended.exit_code == 1 and ended.complaint.rstrip().endswith(REFUSALS))


REFUSALS = (b"Resource temporarily unavailable", b"can't start new thread")


@pytest.mark.parametrize(
    ("program", "told"),
    [
        pytest.param("taken = bytes(1 << 30)", (1, None), id="alone"),
        pytest.param(
            "taken = mmap.mmap(-1, 1 << 30)\nfor place in range(0, 1 << 30, 4096): taken[place] = 1\ntime.sleep(10)",
            (-9, "memory"),
            id="shared",
        ),
        pytest.param(
            "for _ in range(8): os.fork()\ntaken = bytes([1]) * (64 << 20)\ntime.sleep(10)",
            (-9, "memory"),
            id="together",
        ),
    ],
)
def test_a_command_that_fills_the_memory_is_stopped(
    run: Run, require: Callable[[Guarantee], None], program: str, told: tuple[int, str | None]
) -> None:
    require("memory")

    ended = run(program, processes=2000)

    assert ended.excess == told[1]
    if told[1] is None:
        assert (ended.exit_code, ended.complaint.splitlines()[-1]) == (1, b"MemoryError")


def test_a_file_grows_to_its_limit_alone(run: Run) -> None:
    ended = run("open(os.environ['HOME'] + '/big', 'wb').write(bytes(8 << 20))")

    assert (ended.exit_code, ended.complaint.splitlines()[-1]) == (1, b"OSError: [Errno 27] File too large")


@pytest.mark.parametrize("folder", ["os.environ['HOME']", "'/dev/shm'"])
def test_a_command_that_fills_the_disk_is_stopped(run: Run, require: Callable[[Guarantee], None], folder: str) -> None:
    require("home-size")

    ended = run(f"for name in range(32): open({folder} + '/' + str(name), 'wb').write(bytes(1 << 20))")

    assert (ended.exit_code, ended.complaint.splitlines()[-1]) == (1, b"OSError: [Errno 28] No space left on device")


def test_a_command_that_ignores_signals_ends_with_its_time(run: Run) -> None:
    ended = run(
        "for number in range(1, 32):\n"
        "    if number not in (signal.SIGKILL, signal.SIGSTOP): signal.signal(number, signal.SIG_IGN)\n"
        "while True: pass",
        seconds=1,
    )

    assert ended.excess == "time"


DAEMON = """\
ready, told = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(told, b'1')
        os.execv('/bin/sh', ['sh', '-c', 'sleep 20; :', 'survivor-' + mark])
    os._exit(0)
os.read(ready, 1)
"""


@pytest.mark.parametrize(
    ("rest", "exit_code", "excess"),
    [pytest.param("", 0, None, id="that-ends"), pytest.param("time.sleep(20)", -9, "time", id="that-is-ended")],
)
def test_a_daemon_does_not_outlive_the_command(
    run: Run,
    surroundings: Surroundings,
    require: Callable[[Guarantee], None],
    rest: str,
    exit_code: int,
    excess: str | None,
) -> None:
    require("no-survivors")

    ended = run(DAEMON + rest, seconds=2)

    assert (ended.exit_code, ended.excess) == (exit_code, excess)
    assert surroundings.survivors() == []


def test_a_daemon_outlives_a_command_without_isolation(surroundings: Surroundings) -> None:
    subprocess.run(surroundings.command(DAEMON), stdout=subprocess.DEVNULL, check=True)

    # Two for a moment, while the shell begins another program under its own name.
    survivor, *_ = wait_for_survivors(surroundings)
    os.killpg(os.getpgid(survivor), signal.SIGKILL)


def wait_for_survivors(surroundings: Surroundings) -> list[int]:
    while not (found := surroundings.survivors()):
        time.sleep(0.01)
    return found


def test_a_command_cannot_end_what_watches_over_it(run: Run, require: Callable[[Guarantee], None]) -> None:
    require("hidden-processes")

    ended = run("os.kill(os.getppid(), signal.SIGKILL)")

    assert (ended.exit_code in (0, 1), ended.excess) == (True, None)


def test_a_command_has_no_core_dumps_and_no_descriptors_of_others(run: Run) -> None:
    ended = run("print(resource.getrlimit(resource.RLIMIT_CORE), sorted(os.listdir('/proc/self/fd')))")

    # The last one is the folder that is listed.
    assert ended.report == b"(0, 0) ['0', '1', '2', '3']\n"
