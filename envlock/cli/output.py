"""What a command prints: one result, as text for a person or as a JSON document."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from typing import TypeVar

from envlock.cli.documents import Document, write_document

Result = TypeVar("Result")


def print_result(
    result: Result,
    arguments: Namespace,
    *,
    render: Callable[[Result], str],
    document: Callable[[Result], Document],
    on_one_line: bool = False,
) -> None:
    """Print *result* as ``--json`` among the *arguments* says; a document *on_one_line* where several follow."""
    if arguments.json:
        write_document(document(result), on_one_line=on_one_line)
    else:
        sys.stdout.write(render(result))
