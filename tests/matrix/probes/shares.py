"""Into which share of a run a subject falls; stands alone, since the planner and the scripts in environments ask."""

import zlib

SHARES = 6
"""Parts of a run: all pairs are tried with a few subjects before any is tried with more."""


def share_of(subject):
    """From 0 to :data:`SHARES`, by the name alone: the same for every kind and saver."""
    # Signed in Python 2.
    return (zlib.crc32(subject.encode()) & 0xFFFFFFFF) % SHARES
