"""``envlock inspect``: provenance and findings, nothing else."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from envlock.errors import EnvlockError
from envlock.reporter import Reporter


class Inspect:
    """Says what each artifact is, what wrote it, and what to know about it."""

    name = "inspect"
    summary = "Say what a saved model is and what wrote it, without running anything."

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""
        parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="a saved model: file or folder")

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Print one report or document for each path; a bad one has its own, in its place."""
        del reporter
        exit_code = 0
        for path in arguments.paths:
            try:
                self._show(path, arguments)
            except EnvlockError as error:
                exit_code = error.exit_code
                self._show_error(path, error, arguments)
        return exit_code

    def _show(self, path: Path, arguments: Namespace) -> None:
        from envlock.inspection import inspect

        inspection = inspect(path)
        if arguments.json:
            from envlock.cli.documents import inspection_document, write_document

            write_document(inspection_document(inspection), on_one_line=len(arguments.paths) > 1)
        else:
            from envlock.cli.rendering import render_inspection

            sys.stdout.write(render_inspection(inspection))

    def _show_error(self, path: Path, error: EnvlockError, arguments: Namespace) -> None:
        if arguments.json:
            from envlock.cli.documents import error_document, write_document

            write_document(error_document(error, path=path), on_one_line=len(arguments.paths) > 1)
        else:
            from envlock.cli.rendering import render_error

            sys.stderr.write(render_error(error, path=path))
