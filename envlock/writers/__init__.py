"""Writers: a lock to the text of a file, and what was written back to its pins."""

from envlock.writers.comparison import Differences, compare
from envlock.writers.constraints_txt import ConstraintsTxtWriter
from envlock.writers.interface import LockWriter
from envlock.writers.pylock_toml import PylockTomlWriter
from envlock.writers.requirements_txt import RequirementsTxtWriter

WRITERS: tuple[LockWriter, ...] = (RequirementsTxtWriter(), PylockTomlWriter(), ConstraintsTxtWriter())
"""Every writer; the first is the default."""

__all__ = ["WRITERS", "Differences", "LockWriter", "compare"]
