"""Writers: a lock to the text of a file."""

from envlock.writers.interface import LockWriter
from envlock.writers.requirements_txt import RequirementsTxtWriter

WRITERS: tuple[LockWriter, ...] = (RequirementsTxtWriter(),)
"""Every writer; the first is the default."""

__all__ = ["WRITERS", "LockWriter"]
