"""``envlock from-model``: from a saved model to a verified environment."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from envlock.reporter import Reporter
from envlock.target import PREFERENCES

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

    from envlock.pipeline import Request


class FromModel:
    """Reads a saved model, locks and builds an environment for it, and loads the model there."""

    name = "from-model"
    summary = "Make an environment in which a saved model loads, and prove it by loading it there."

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""
        parser.add_argument("path", metavar="PATH", type=Path, help="a saved model: .h5, .keras or a SavedModel folder")
        outputs = parser.add_argument_group("what is written")
        outputs.add_argument("-o", "--output", metavar="FILE", type=Path, help="the lock (default: requirements.txt)")
        outputs.add_argument(
            "--venv", metavar="DIR", type=Path, default=Path(".venv"), help="the environment (default: .venv)"
        )
        outputs.add_argument("--lock-only", action="store_true", help="write the lock, make no environment")
        choice = parser.add_argument_group("what is chosen")
        choice.add_argument(
            "--tensorflow",
            metavar="X.Y[.Z]",
            type=_releases,
            help="this release of TensorFlow, or the newest of a line",
        )
        choice.add_argument("--python-version", metavar="X.Y", type=_python_line, help="this Python only")
        choice.add_argument(
            "--prefer",
            choices=PREFERENCES,
            default="auto",
            help="auto: nearest to what saved the model on a Python that is here; "
            "saver: what saved it and nothing else; newest: the newest that loads it",
        )
        verification = parser.add_argument_group("loading the model")
        verification.add_argument(
            "--code", metavar="DIR", type=Path, help="folder with your own layers and other definitions"
        )
        verification.add_argument(
            "--trust", action="store_true", help="load it although it holds code: loading runs that code"
        )
        verification.add_argument("--no-verify", action="store_true", help="do not load the model")

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Make the environment; 0 where the model was seen to load, 1 where it was not, or cannot be called."""
        from envlock.pipeline import from_model

        outcome = from_model(_request(arguments), reporter)
        if arguments.json:
            from envlock.cli.documents import outcome_document, write_document

            write_document(outcome_document(outcome))
        else:
            from envlock.cli.rendering import render_outcome

            sys.stdout.write(render_outcome(outcome))
        if arguments.no_verify or arguments.lock_only:
            return 0
        return 0 if outcome.verification is not None and outcome.verification.predicts is not False else 1


def _request(arguments: Namespace) -> Request:
    from envlock.candidates import Wishes
    from envlock.errors import UsageError
    from envlock.pipeline import Request
    from envlock.resolution import RESOLVERS
    from envlock.target import LINUX_X86_64
    from envlock.writers import WRITERS

    if arguments.code is not None and not arguments.code.is_dir():
        raise UsageError(f"--code {arguments.code}: not a folder", hint="pass the folder that holds the definitions")
    writer = WRITERS[0]
    return Request(
        artifact=arguments.path,
        platform=LINUX_X86_64,
        resolver=RESOLVERS[0],
        writer=writer,
        lock_path=arguments.output or Path(writer.file_name),
        environment_path=None if arguments.lock_only else arguments.venv,
        wishes=Wishes(prefer=arguments.prefer, tensorflow=arguments.tensorflow, python=arguments.python_version),
        code=arguments.code,
        trusts_code=arguments.trust,
        verifies=not arguments.no_verify,
    )


def _releases(text: str) -> SpecifierSet:
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        parts = len(Version(text).release)
    except InvalidVersion:
        raise ArgumentTypeError(f"{text!r} is not a version") from None
    return SpecifierSet(f"=={text}.*" if parts < 3 else f"=={text}")


def _python_line(text: str) -> str:
    parts = text.split(".")
    if len(parts) not in {2, 3} or not all(part.isdecimal() for part in parts):
        raise ArgumentTypeError(f"{text!r} is not a Python version such as 3.8")
    return ".".join(parts[:2])
