"""``envlock diagnose``: why a model does not load, and the smallest change that helps."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from envlock.reporter import Reporter

if TYPE_CHECKING:
    from envlock.diagnosis.traceback_text import Traceback

_STANDARD_INPUT = Path("-")
_COPY = Path(".venv-mended")


class Diagnose:
    """Holds a model, the environment in which it fails, and its error against each other."""

    name = "diagnose"
    summary = "Say why a saved model does not load, and the smallest change that makes it load."

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""
        parser.add_argument("path", metavar="PATH", nargs="?", type=Path, help="the model: file or folder")
        environment = parser.add_mutually_exclusive_group()
        environment.add_argument(
            "--python", metavar="EXE", type=Path, help="the Python in which it fails; nothing of it is imported"
        )
        environment.add_argument("--venv", metavar="DIR", type=Path, help="the folder of the environment instead")
        parser.add_argument(
            "--traceback",
            metavar="FILE",
            type=Path,
            help="what the failure printed, in whatever wrapping; - reads it from standard input",
        )
        parser.add_argument(
            "--architecture",
            metavar="FILE",
            type=Path,
            help="where PATH holds weights: the model that they are to go into, or its description in JSON or YAML",
        )
        parser.add_argument(
            "--tpu", action="store_true", help="PATH is to run on a TPU: name the operations that a TPU does not run"
        )
        parser.add_argument(
            "--run", action="store_true", help="load the model in that environment, isolated, and read the error"
        )
        parser.add_argument(
            "--fix",
            action="store_true",
            help="make a copy of the environment with what the causes ask for, and load the model in it",
        )
        parser.add_argument(
            "--copy", metavar="DIR", type=Path, default=_COPY, help=f"where --fix makes the copy (default: {_COPY})"
        )
        parser.add_argument(
            "--code", metavar="DIR", type=Path, help="folder with your own layers and other definitions"
        )
        parser.add_argument(
            "--trust", action="store_true", help="load the model although it holds code: loading runs that code"
        )

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Print the diagnosis; 0 where the model loads, or nothing is found that forbids it."""
        from envlock.cli.diagnose_output import diagnosis_document, render_diagnosis
        from envlock.cli.output import print_result
        from envlock.diagnosis.diagnose import Question, diagnose

        question = Question(
            path=arguments.path,
            python=arguments.venv or arguments.python,
            traceback=_read_traceback(arguments.traceback) if arguments.traceback is not None else None,
            architecture=arguments.architecture,
            runs=arguments.run,
            copy_path=arguments.copy if arguments.fix else None,
            code=arguments.code,
            trusts_code=arguments.trust,
            is_for_tpu=arguments.tpu,
        )
        diagnosis = diagnose(question, reporter)
        print_result(diagnosis, arguments, render=render_diagnosis, document=diagnosis_document)
        return 0 if diagnosis.is_sound else 1


def _read_traceback(path: Path) -> Traceback:
    """The traceback in a file, or on standard input.

    Raises:
        UsageError: It cannot be read.
    """
    from envlock.diagnosis.traceback_text import read_traceback
    from envlock.errors import UsageError

    try:
        # Without a standard input of its own, Python has none.
        with nullcontext(sys.stdin.buffer) if path == _STANDARD_INPUT and sys.stdin else path.open("rb") as stream:
            return read_traceback(stream)
    except OSError as error:
        problem = f"--traceback {path}: {error.strerror or error}"
        raise UsageError(
            problem, hint="name the file that the error was written to, or - for standard input"
        ) from error
