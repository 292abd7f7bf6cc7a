"""``envlock verify``: whether a saved model loads and computes in an environment that is there."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from envlock.reporter import Reporter


class Verify:
    """Loads a model in an environment, whoever made it, and calls it."""

    name = "verify"
    summary = "Load a saved model in an environment that is there, and call it; nothing is changed."

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""
        parser.add_argument("path", metavar="PATH", type=Path, help="a saved model: file or folder")
        add_loading_arguments(parser)

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Print what happened; 0 where the model loads, and computes as far as it was called."""
        from envlock.checking import check
        from envlock.cli.output import print_result
        from envlock.cli.verify_output import check_document, render_check

        found = check(
            arguments.path,
            arguments.venv,
            reporter,
            code=arguments.code,
            builder=arguments.builder,
            trusts_code=arguments.trust,
        )
        print_result(found, arguments, render=render_check, document=check_document)
        return 0 if found.is_proven else 1


def add_loading_arguments(parser: ArgumentParser) -> None:
    """Add what says where a model is to be loaded, and with what."""
    from envlock.cli.lock_arguments import add_code_arguments

    parser.add_argument(
        "--venv",
        metavar="DIR",
        type=Path,
        default=Path(".venv"),
        help="the environment: its folder, or its Python (default: .venv)",
    )
    loading = parser.add_argument_group("loading the model")
    add_code_arguments(loading)
    loading.add_argument("--trust", action="store_true", help="load it although it holds code: loading runs that code")
