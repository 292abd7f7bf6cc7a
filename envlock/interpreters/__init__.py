"""The machine -> the CPython interpreters on it, and how to get one that is missing.

Nothing that is found is trusted: each is asked what it is, in a child with a time limit, and skipped with the reason
where it is broken or no TensorFlow fits it. Answers are kept on disk.
"""

from __future__ import annotations

import os

from envlock.interpreters.interface import SEARCH_VARIABLE, TIME_LIMIT, Interpreter, SkippedInterpreter, Survey
from envlock.interpreters.suppliers import UnavailablePythonError, command_to_get, fetch_interpreter

__all__ = [
    "SEARCH_VARIABLE",
    "TIME_LIMIT",
    "Interpreter",
    "SkippedInterpreter",
    "Survey",
    "UnavailablePythonError",
    "command_to_get",
    "fetch_interpreter",
    "find_interpreters",
    "search_is_restricted",
    "survey_interpreters",
]


def find_interpreters() -> tuple[Interpreter, ...]:
    """Every CPython of this machine that environments can be made from, newest first."""
    return survey_interpreters().interpreters


def survey_interpreters(*, time_limit: float = TIME_LIMIT, refresh: bool = False) -> Survey:
    """Find every interpreter of this machine, and say which cannot serve and why.

    *time_limit* (seconds) holds for each of them. Links, shims and virtual environments are folded onto the
    installation behind them. Where ``ENVLOCK_PYTHONS`` is set, only what it lists is looked at. With *refresh*, all are
    asked what they are, whatever they have said before.
    """
    # Only a search has to wait for what knows where to look.
    from envlock.interpreters.sources import LISTED, SEARCHED, find_executables
    from envlock.interpreters.survey import survey_executables

    sources = (LISTED,) if search_is_restricted() else SEARCHED
    return survey_executables(find_executables(sources), time_limit=time_limit, refresh=refresh)


def search_is_restricted() -> bool:
    """Whether ``ENVLOCK_PYTHONS`` limits the search, so that this machine may hold more than is found."""
    return SEARCH_VARIABLE in os.environ
