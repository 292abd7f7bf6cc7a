"""``envlock fetch``: every file that a lock needs, for a machine without a network."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from envlock.cli.arguments import PLATFORM_NAMES, known_platform, python_line
from envlock.reporter import Reporter

_USUAL_LOCKS = (Path("requirements.txt"), Path("pylock.toml"))


class Fetch:
    """Fills a wheelhouse, from which pip and uv install a lock without a network."""

    name = "fetch"
    summary = "Fetch every file that a lock needs, to install it on a machine without a network."

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""
        parser.add_argument(
            "-r",
            "--requirement",
            metavar="FILE",
            type=Path,
            help="the lock: requirements.txt with hashes, or pylock.toml (default: whichever of them is here)",
        )
        parser.add_argument(
            "-d",
            "--dest",
            metavar="DIR",
            type=Path,
            default=Path("wheelhouse"),
            help="the folder to fill (default: wheelhouse)",
        )
        target = parser.add_argument_group("what it is for, where the lock does not say")
        target.add_argument("--python-version", metavar="X.Y", type=python_line, help="the Python")
        target.add_argument(
            "--python-platform",
            metavar="NAME",
            type=known_platform,
            help=f"the machine (default: this one): {PLATFORM_NAMES}, or manylinux_2_31_x86_64 and the like",
        )

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Fetch what is not there yet, and say what the folder holds and how to install from it."""
        from envlock.cli.fetch_output import render_wheelhouse, wheelhouse_document
        from envlock.cli.output import print_result
        from envlock.wheelhouse import fetch

        wheelhouse = fetch(
            arguments.requirement or _lock_here(),
            arguments.dest,
            reporter,
            python=arguments.python_version,
            platform=arguments.python_platform,
        )
        print_result(wheelhouse, arguments, render=render_wheelhouse, document=wheelhouse_document)
        return 0


def _lock_here() -> Path:
    return next((path for path in _USUAL_LOCKS if path.exists()), _USUAL_LOCKS[0])
