"""Writers: a lock to the text of a file, and what was written back to its pins."""

from itertools import chain
from pathlib import Path

from envlock.writers.comparison import Differences, compare
from envlock.writers.constraints_txt import ConstraintsTxtWriter
from envlock.writers.interface import LockWriter
from envlock.writers.pylock_toml import PylockTomlWriter
from envlock.writers.requirements_txt import RequirementsTxtWriter

WRITERS: tuple[LockWriter, ...] = (RequirementsTxtWriter(), PylockTomlWriter(), ConstraintsTxtWriter())
"""Every writer; the first is the default."""


def writer_named(path: Path) -> LockWriter:
    """The writer of the format that a file is named for, by all of its name or by its suffix; else the default."""
    named = (writer for writer in WRITERS if writer.file_name == path.name)
    alike = (writer for writer in WRITERS if Path(writer.file_name).suffix == path.suffix)
    return next(chain(named, alike), WRITERS[0])


__all__ = ["WRITERS", "Differences", "LockWriter", "compare", "writer_named"]
