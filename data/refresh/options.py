"""The options that all scripts have."""

from __future__ import annotations

import argparse
from pathlib import Path

from tables import DATA


def script_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser that knows ``--data`` and ``--allow-fewer``; *doc* is the docstring of the script."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0].replace("``", ""))
    parser.add_argument(
        "--data", type=Path, default=DATA, metavar="DIR", help="the folder of the tables, if not that of this checkout"
    )
    parser.add_argument("--allow-fewer", action="store_true", help="replace tables even by ones with fewer rows")
    return parser


def folder_of(script: str, options: argparse.Namespace) -> Path:
    """Where *script* keeps what it fetched: several scripts may be given the same ``FOLDER``."""
    folder: Path = options.folder / Path(script).stem
    return folder


def harvester_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser for a script that reads the package index: it knows ``FOLDER`` as well."""
    parser = script_parser(doc)
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="keeps what was fetched: a later run fetches only what is new"
    )
    return parser
