"""Runs a command so that it can neither change nor reach anything, as far as this machine allows.

Each level gives what it can, and says what that is.
"""

from __future__ import annotations

from envlock.isolation import bubblewrap, landlock, limits, namespaces
from envlock.isolation.interface import Level

LEVELS: tuple[Level, ...] = (bubblewrap, namespaces, landlock, limits)
"""Best first."""
