"""How a command ends is told, and it finds what it was promised."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from envlock.isolation import LEVELS
from envlock.isolation.choice import Isolation, UnstartablePythonError, choose_isolation
from envlock.isolation.visible import Exposure, expose
from tests.isolation.conftest import LIMITS, Run, Surroundings


@pytest.mark.parametrize(
    ("program", "exit_code"),
    [
        ("pass", 0),
        ("sys.exit(3)", 3),
        ("os._exit(127)", 127),
        ("os.abort()", -6),
        ("os.kill(os.getpid(), signal.SIGSEGV)", -11),
        ("os.kill(os.getpid(), signal.SIGTERM)", -15),
    ],
)
def test_how_a_command_ends_is_told(run: Run, program: str, exit_code: int) -> None:
    ended = run(program)

    assert (ended.exit_code, ended.excess) == (exit_code, None)


def test_a_command_reads_its_request_and_what_it_may(run: Run) -> None:
    ended = run("print(sys.stdin.read(), open(artifact + '/model').read(), os.listdir(environment))")

    assert ended.report == b"request model ['package.py']\n"


def test_a_command_reads_what_lies_behind_links(isolation: Isolation, tmp_path: Path) -> None:
    (tmp_path / "store/model").mkdir(parents=True)
    (tmp_path / "store/model/weights").write_text("1")
    (tmp_path / "models").symlink_to("store")
    (tmp_path / "latest").symlink_to(tmp_path / "models/model")
    path = tmp_path / "latest/weights"

    ended = isolation.run(
        [sys.executable, "-I", "-S", "-c", f"print(open({str(path)!r}).read())"],
        request=b"",
        readable=[path],
        variables={},
        limits=LIMITS,
    )

    assert (ended.report, ended.complaint) == (b"1\n", b"")


def test_a_command_writes_to_its_home_which_is_gone_afterwards(run: Run, surroundings: Surroundings) -> None:
    ended = run(
        "import tempfile\n"
        "print(os.getcwd() == os.environ['HOME'] == tempfile.gettempdir())\n"
        "place = os.path.join(os.environ['HOME'], mark)\nos.mkdir(place); print(place)"
    )

    is_at_home, place = ended.report.decode().split()
    assert is_at_home == "True"
    assert not os.path.lexists(place)


def test_threads_and_processes_and_pools_of_processes_work(run: Run) -> None:
    ended = run(
        "import multiprocessing, threading\n"
        "threading.Thread(target=print, args=('thread',)).start()\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool: print(pool.map(abs, [-1, -2]))\n",
    )

    # Landlock hides /dev/shm, where the semaphores of pools are.
    assert ended.report in (b"thread\n[1, 2]\n", b"thread\n")


def test_the_best_level_that_works_is_chosen_and_the_others_are_told_with_a_reason(tmp_path: Path) -> None:
    found = choose_isolation(Path(sys.executable), readable=[tmp_path])

    names = [level.name for level in LEVELS]
    assert [name for name, _ in found.passed_over] == names[: names.index(found.level)]
    assert all(reason for _, reason in found.passed_over)
    assert {"private-home", "time", "no-core-dumps"} <= found.guarantees


def test_a_python_that_does_not_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnstartablePythonError, match=r"python cannot be started: .*No such file or directory"):
        choose_isolation(tmp_path / "python", readable=[])


@pytest.mark.parametrize(
    ("guarantees", "phrase"),
    [
        (frozenset({"hidden-files", "read-only", "no-network"}), "isolated by x"),
        (frozenset({"no-network"}), "isolated by x, which does not hide your files or keep them from being changed"),
    ],
)
def test_an_isolation_says_what_is_missing(guarantees: frozenset[str], phrase: str) -> None:
    assert str(Isolation(level="x", guarantees=guarantees)) == phrase  # type: ignore[arg-type]


def test_places_are_exposed_once_with_the_links_that_lead_there(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    (root / "real/inner").mkdir(parents=True)
    (root / "real/inner/up").symlink_to("..")
    (root / "first").symlink_to("second")
    (root / "second").symlink_to(root / "real")
    (root / "circle").symlink_to("circle")

    found = expose(map(str, (root / "first/inner", root / "real", root / "circle", root / "absent")))

    assert found == Exposure(
        places=(str(root / "real"),),
        links=((str(root / "first"), "second"), (str(root / "second"), str(root / "real"))),
    )
