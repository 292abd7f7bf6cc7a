"""``envlock from-model``: from a saved model to a verified environment."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from envlock.cli.arguments import PLATFORM_NAMES, known_platform
from envlock.cli.lock_arguments import (
    add_besides_arguments,
    add_choice_arguments,
    add_code_arguments,
    add_device_argument,
    add_fetch_argument,
    add_upgrade_arguments,
    read_model_terms,
)
from envlock.reporter import Reporter
from envlock.target import Platform, platform_here

if TYPE_CHECKING:
    from envlock.pipeline.outcome import Outcome
    from envlock.pipeline.request import Request, ScriptPlace
    from envlock.writers import LockWriter

_STANDARD_OUTPUT = Path("/dev/stdout")
"""What ``-o -`` stands for."""


class FromModel:
    """Reads a saved model, locks and builds an environment for it, and loads the model there."""

    name = "from-model"
    summary = "Make an environment in which a saved model loads, and prove it by loading it there."

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""
        from envlock.writers import WRITERS

        parser.add_argument("path", metavar="PATH", type=Path, help="a saved model: .h5, .keras or a SavedModel folder")
        outputs = parser.add_argument_group("what is written")
        outputs.add_argument(
            "-o",
            "--output",
            metavar="FILE",
            type=_output,
            help="the lock (default: requirements.txt); - prints it, and the report to standard error",
        )
        outputs.add_argument(
            "--venv", metavar="DIR", type=Path, default=Path(".venv"), help="the environment (default: .venv)"
        )
        outputs.add_argument(
            "--clear",
            action="store_true",
            help="make the environment anew, in place of any virtual environment that is there, whoever made it",
        )
        outputs.add_argument(
            "--kernel",
            metavar="NAME",
            nargs="?",
            const="",
            help="also make a Jupyter kernel of the environment, and put ipykernel into it (default name: envlock and "
            "the folder that the environment lies in)",
        )
        script = outputs.add_mutually_exclusive_group()
        script.add_argument(
            "--loader",
            metavar="FILE",
            type=Path,
            help="the script that loads the model as it was loaded here (default: load_model.py beside the lock, where "
            "an environment is made)",
        )
        script.add_argument("--no-loader", action="store_true", help="write no such script")
        outputs.add_argument(
            "--format",
            choices=[writer.name for writer in WRITERS],
            help="of the lock, whichever it has now (default: as it has now, or as FILE is named)",
        )
        outputs.add_argument("--lock-only", action="store_true", help="write the lock, make no environment")
        outputs.add_argument(
            "--check", action="store_true", help="write nothing: 1 where the lock is not what would be made now"
        )
        add_upgrade_arguments(outputs)
        choice = parser.add_argument_group("what is chosen")
        add_choice_arguments(choice)
        choice.add_argument(
            "--python-platform",
            metavar="NAME",
            action="append",
            type=known_platform,
            help=f"with --lock-only, for another machine: {PLATFORM_NAMES}, or manylinux_2_31_x86_64 and the like for "
            "a Linux of that glibc; given again, a lock for each",
        )
        add_device_argument(choice)
        add_besides_arguments(choice)
        sources = parser.add_argument_group("where distributions come from")
        sources.add_argument(
            "--find-links",
            metavar="DIR",
            type=Path,
            action="append",
            default=[],
            help="a folder with wheels, as envlock fetch fills it; may be given again",
        )
        sources.add_argument("--no-index", action="store_true", help="install from --find-links alone")
        add_fetch_argument(sources)
        verification = parser.add_argument_group("loading the model")
        add_code_arguments(verification)
        verification.add_argument(
            "--trust", action="store_true", help="load it although it holds code: loading runs that code"
        )
        verification.add_argument("--no-verify", action="store_true", help="do not load the model")
        verification.add_argument(
            "--verify-again",
            action="store_true",
            help="load it although it was seen to load, and nothing has changed since",
        )
        verification.add_argument(
            "--against",
            metavar="VENV",
            type=Path,
            help="also load it in another environment, its folder or its Python, and compare the numbers",
        )

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Make the environment; 0 where the model was seen to load, 1 where it was not, or cannot be called."""
        requests = _requests(arguments, reporter)
        if arguments.check:
            return max([self._check(request, arguments, reporter) for request in requests])
        from envlock.pipeline.from_model import from_model_for_each

        return max([self._report(outcome, arguments) for outcome in from_model_for_each(requests, reporter)])

    def _check(self, request: Request, arguments: Namespace, reporter: Reporter) -> int:
        from envlock.pipeline.from_model import check_lock

        differences = check_lock(request, reporter)
        if arguments.json:
            from envlock.cli.documents import check_document, write_document

            document = check_document(differences, str(request.lock_path))
            write_document(document, on_one_line=len(arguments.python_platform or ()) > 1)
        else:
            from envlock.cli.rendering import render_check

            sys.stdout.write(render_check(differences, str(request.lock_path)))
        return 1 if differences.is_stale else 0

    def _report(self, outcome: Outcome, arguments: Namespace) -> int:
        if arguments.json:
            from envlock.cli.documents import outcome_document, write_document

            write_document(outcome_document(outcome), on_one_line=len(arguments.python_platform or ()) > 1)
        else:
            from envlock.cli.rendering import render_outcome

            report = render_outcome(outcome)
            if arguments.output != _STANDARD_OUTPUT:
                sys.stdout.write(report)
            else:
                sys.stdout.write(outcome.lock_text)
                if not arguments.quiet:
                    sys.stderr.write(report)
        if arguments.no_verify or arguments.lock_only:
            return 0
        is_proven = outcome.verification is not None and outcome.verification.predicts is not False
        agrees = outcome.counterpart is None or outcome.counterpart.comparison.agrees
        return 0 if is_proven and agrees else 1


def _requests(arguments: Namespace, reporter: Reporter) -> list[Request]:
    """One request for each platform that a lock is wanted for."""
    from envlock.environment.kernel import REQUIREMENT, name_for
    from envlock.errors import UsageError
    from envlock.pipeline.request import Request

    for folder in arguments.find_links:
        if not folder.is_dir():
            raise UsageError(f"--find-links {folder}: not a folder", hint="pass the folder that envlock fetch filled")
    _refuse_contradictions(arguments)
    writer = _writer(arguments)
    _refuse_unread_name(arguments.output, writer)
    platforms = _platforms(arguments)
    if len(platforms) > 1 and arguments.output is not None:
        raise UsageError(
            "-o names one lock, and several are asked for", hint="leave it out: each lock has its own name"
        )
    names = [writer.file_name] if len(platforms) == 1 else [writer.file_name_for(platform) for platform in platforms]
    paths = [Path(name) if arguments.output is None else arguments.output for name in names]
    terms = read_model_terms(
        arguments,
        reporter,
        besides=[REQUIREMENT] if arguments.kernel is not None else [],
        may_ask_index=not arguments.no_index,
    )
    return [
        Request(
            artifact=arguments.path,
            platform=platform,
            writer=writer,
            lock_path=None if path == _STANDARD_OUTPUT else path,
            environment_path=None if arguments.lock_only or arguments.check else arguments.venv,
            find_links=tuple(arguments.find_links),
            no_index=arguments.no_index,
            fetches=not (arguments.no_fetch or arguments.no_index),
            counterpart=arguments.against,
            trusts_code=arguments.trust,
            verifies=not arguments.no_verify,
            verifies_again=arguments.verify_again,
            clears=arguments.clear,
            kernel=name_for(arguments.venv) if arguments.kernel == "" else arguments.kernel,
            script=_script_place(arguments, path),
            **terms,
        )
        for platform, path in zip(platforms, paths, strict=True)
    ]


def _script_place(arguments: Namespace, lock_path: Path) -> ScriptPlace | None:
    """Where the loader script is to stand; what was not named belongs to an environment and the lock beside it."""
    from envlock.loader_script import FILE_NAME
    from envlock.pipeline.request import ScriptPlace

    if arguments.loader is not None:
        return ScriptPlace(path=arguments.loader, is_named=True)
    if arguments.no_loader or arguments.lock_only or arguments.check or lock_path == _STANDARD_OUTPUT:
        return None
    return ScriptPlace(path=lock_path.with_name(FILE_NAME), is_named=False)


def _refuse_contradictions(arguments: Namespace) -> None:
    """Make sure that what is asked for goes together, and that --no-index leaves something to work from."""
    from envlock.errors import UsageError

    makes_none = "--lock-only" if arguments.lock_only else "--check" if arguments.check else None
    about_environment = [
        option
        for option, is_given in [
            ("--clear", arguments.clear),
            ("--kernel", arguments.kernel is not None),
            ("--against", arguments.against is not None),
        ]
        if is_given
    ]
    if arguments.loader is not None and (arguments.check or len(arguments.python_platform or ()) > 1):
        other = "--check" if arguments.check else "several --python-platform"
        raise UsageError(f"--loader is for one environment, not for {other}", hint="leave one of them out")
    if makes_none is not None and about_environment:
        raise UsageError(
            f"{about_environment[0]} is about an environment, and {makes_none} makes none",
            hint="leave one of them out",
        )
    for option, is_given in [("--verify-again", arguments.verify_again), ("--against", arguments.against is not None)]:
        if arguments.no_verify and is_given:
            raise UsageError(f"{option} contradicts --no-verify", hint="leave one of them out")
    if arguments.output == _STANDARD_OUTPUT and (arguments.json or arguments.check):
        other = "--json" if arguments.json else "--check"
        raise UsageError(f"-o - prints the lock, and {other} something else", hint="leave one of them out")
    if not arguments.no_index:
        return
    if arguments.engine not in {None, "offline"}:
        raise UsageError(
            f"--engine {arguments.engine} asks the index, which --no-index forbids", hint="leave one of them out"
        )
    if not (arguments.find_links or arguments.lock_only or arguments.check):
        raise UsageError(
            "--no-index leaves nothing to install from",
            hint="add --find-links DIR, or --lock-only to make no environment",
        )


def _writer(arguments: Namespace) -> LockWriter:
    """The format that was named, else that of the lock that is there, else the one its name speaks of, or the first."""
    from envlock.writers import WRITERS, writer_named
    from envlock.writers.files import find_writer

    if arguments.format is not None:
        return next(writer for writer in WRITERS if writer.name == arguments.format)
    if len(arguments.python_platform or ()) < 2 and arguments.output != _STANDARD_OUTPUT:
        # What cannot be read is refused before anything is written there.
        with suppress(OSError):
            found = find_writer(arguments.output or Path(WRITERS[0].file_name), WRITERS)
            if found is not None:
                return found
    return WRITERS[0] if arguments.output is None else writer_named(arguments.output)


def _refuse_unread_name(output: Path | None, writer: LockWriter) -> None:
    """Make sure that installers read the lock: those of PEP 751 go by its file name."""
    if output in {None, _STANDARD_OUTPUT} or Path(writer.file_name).suffix != ".toml":
        return
    from packaging.pylock import is_valid_pylock_path

    from envlock.errors import UsageError

    if not is_valid_pylock_path(output):
        raise UsageError(
            f"-o {output}: installers take {writer.name} by that name alone, or as pylock.NAME.toml",
            hint=f"name it so with -o, or choose another format than {writer.name} with --format",
        )


def _platforms(arguments: Namespace) -> list[Platform]:
    """What locks are for: this machine, unless others were named."""
    from envlock.errors import UsageError

    here = platform_here()
    wanted = [*dict.fromkeys(arguments.python_platform or ())]
    if not wanted and here is None:
        raise UsageError(
            "TensorFlow has no wheels for this machine",
            hint="lock for another with --lock-only --python-platform NAME",
        )
    if not (arguments.lock_only or arguments.check) and any(platform != here for platform in wanted):
        raise UsageError("an environment can be made for this machine alone", hint="add --lock-only")
    return wanted or [platform for platform in [here] if platform is not None]


def _output(text: str) -> Path:
    return _STANDARD_OUTPUT if text == "-" else Path(text)
