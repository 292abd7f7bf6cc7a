"""``envlock inspect``: provenance and findings, nothing else."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from envlock.errors import ArtifactError, EnvlockError, NotAModelError
from envlock.reporter import Reporter

if TYPE_CHECKING:
    from envlock.artifacts import ArtifactSource

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class Inspect:
    """Says what each artifact is, what wrote it, and what to know about it."""

    name = "inspect"
    summary = "Say what a saved model is and what wrote it, without running anything."

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""
        parser.add_argument("paths", metavar="PATH", nargs="+", help="a saved model: file, folder or URL")
        parser.add_argument(
            "-r",
            "--recursive",
            action="store_true",
            help="look for saved models in the folders, whatever else is there",
        )
        parser.add_argument(
            "--deep", action="store_true", help="read and check all data too: weights, checksums, chunks"
        )

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Print one report or document for each artifact; a bad one has its own, in its place."""
        del reporter
        exit_codes = [
            self._report(artifact, arguments)
            for path in arguments.paths
            for artifact in _artifacts(path, is_recursive=arguments.recursive)
        ]
        return max(exit_codes)

    def _report(self, artifact: Path | str, arguments: Namespace) -> int:
        try:
            return self._show(artifact, arguments)
        except EnvlockError as error:
            if arguments.recursive and isinstance(error, NotAModelError) and _is_passed_over(artifact):
                return 0
            self._show_error(artifact, error, arguments)
            return error.exit_code

    def _show(self, artifact: Path | str, arguments: Namespace) -> int:
        from envlock.inspection import inspect

        inspection = inspect(_opened(artifact), is_deep=arguments.deep, is_quick=not arguments.deep)
        if arguments.json:
            from envlock.cli.documents import inspection_document, write_document

            write_document(inspection_document(inspection), on_one_line=_is_bulk(arguments))
        else:
            from envlock.cli.rendering import render_inspection

            sys.stdout.write(render_inspection(inspection))
        is_damaged = any(finding.reference == "damaged-data" for finding in inspection.findings)
        return ArtifactError.exit_code if is_damaged else 0

    def _show_error(self, artifact: Path | str, error: EnvlockError, arguments: Namespace) -> None:
        if arguments.json:
            from envlock.cli.documents import error_document, write_document

            write_document(error_document(error, path=Path(artifact)), on_one_line=_is_bulk(arguments))
        else:
            from envlock.cli.rendering import render_error

            sys.stderr.write(render_error(error, path=Path(artifact)))


def _artifacts(path: str, *, is_recursive: bool) -> Iterator[Path | str]:
    """What stands at *path*: itself, or each artifact in the folder that it is."""
    if _URL.match(path):
        yield path
        return
    if not is_recursive:
        yield Path(path)
        return
    from envlock.artifacts.discovery import find_artifacts

    found = find_artifacts(Path(path))
    # A folder without any is inspected itself, which says what is in it.
    yield next(found, Path(path))
    yield from found


def _opened(artifact: Path | str) -> Path | ArtifactSource:
    if isinstance(artifact, Path):
        return artifact
    from envlock.artifacts import FsspecSource

    return FsspecSource.from_url(artifact)


def _is_passed_over(artifact: Path | str) -> bool:
    """Whether an artifact that turned out to be none was taken for one by its first bytes alone."""
    from envlock.artifacts.discovery import has_model_name

    return isinstance(artifact, Path) and artifact.is_file() and not has_model_name(artifact)


def _is_bulk(arguments: Namespace) -> bool:
    return arguments.recursive or len(arguments.paths) > 1
