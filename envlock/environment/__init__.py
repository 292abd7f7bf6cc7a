"""Lock -> Environment: a virtual environment that holds exactly what the lock pins, or nothing at all.

An installer makes the environment empty and installs the lock into it.
"""

from __future__ import annotations

from envlock.environment.marker import MARKER_NAME, MARKER_SCHEMA
from envlock.environment.places import (
    Environment,
    ReservedPlace,
    list_installed,
    refuse_foreign_environment,
    reserve_place,
)

__all__ = [
    "MARKER_NAME",
    "MARKER_SCHEMA",
    "Environment",
    "ReservedPlace",
    "list_installed",
    "refuse_foreign_environment",
    "reserve_place",
]
