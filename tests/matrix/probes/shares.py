"""Which part of the subjects one belongs to; stands alone, since the planner and the scripts in environments ask."""

import zlib

SHARES = 6
"""Parts of a run: all pairs are tried with a few subjects before any is tried with more."""


def share_of(subject):
    """From 0 to :data:`SHARES`, by the name alone: the same for every kind and saver."""
    return _number_of(subject) % SHARES


def is_one_in_three(subject):
    """Whether it is of a third of the subjects that is spread over all shares evenly, by the name alone."""
    return _number_of(subject) // SHARES % 3 == 0


def _number_of(subject):
    # Signed in Python 2.
    return zlib.crc32(subject.encode()) & 0xFFFFFFFF
