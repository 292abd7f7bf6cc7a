"""``envlock explain``: which releases load an artifact, which do not, and why."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from envlock.reporter import Reporter

if TYPE_CHECKING:
    from envlock.explanation import Explanation


class Explain:
    """Reads one artifact, and tells what can be known of it without loading it."""

    name = "explain"
    summary = "Say which releases load a saved model, which do not, and why; nothing is run or installed."

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""
        parser.add_argument("path", metavar="PATH", type=Path, help="a saved model: file or folder")
        parser.add_argument(
            "--html", metavar="FILE", type=Path, help="also draw it all, as one page that needs no network"
        )

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Print the explanation and write the page; 1 where no release is expected to load the artifact."""
        from envlock.cli.explain_output import choose_paint, explanation_document, render_explanation
        from envlock.cli.output import print_result
        from envlock.explanation import explain
        from envlock.target import LINUX_X86_64, platform_here

        if arguments.html is not None:
            _refuse_foreign_file(arguments.html)
        # Where TensorFlow has no wheels, the choice is told for where it has most of them.
        explanation = explain(arguments.path, platform=platform_here() or LINUX_X86_64)
        if arguments.html is not None:
            _write_page(arguments.html, explanation)
            reporter.note(f"{arguments.html} is written")
        print_result(
            explanation,
            arguments,
            render=lambda result: render_explanation(result, verbose=arguments.verbose, paint=choose_paint()),
            document=explanation_document,
        )
        return 0 if explanation.is_loadable else 1


def _refuse_foreign_file(path: Path) -> None:
    """Make sure that *path* is free, or holds a page of envlock.

    Raises:
        OccupiedPathError: Something else is there.
    """
    from envlock.errors import OccupiedPathError
    from envlock.explanation.page import is_page

    if os.path.lexists(path) and (path.is_symlink() or not path.is_file() or not is_page(path)):
        raise OccupiedPathError(
            str(path), found="is no page of envlock", hint="name another file with --html, or move it away"
        )


def _write_page(path: Path, explanation: Explanation) -> None:
    from envlock.cli.rendering import describe_artifact
    from envlock.explanation.page import render_page
    from envlock.writers.files import write_whole

    write_whole(path, render_page(explanation, kind=describe_artifact(explanation.inspection.provenance)))
