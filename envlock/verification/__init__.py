"""Environment + artifact -> Verification: the model is loaded and called there, in a child, and the child reports.

The child is isolated as far as this machine allows, and gets nothing of the person's environment but what programs
need to start. Whatever becomes of it (a crash, a hang, nonsense) is an outcome, not an exception.
"""

from __future__ import annotations

from envlock.verification.child import MISFIT, TIME_LIMIT, describe_end, variables_for_child, verify
from envlock.verification.files import files_of, path_to_load
from envlock.verification.results import Attempt, ImportedObject, Input, Output, Recipe, Verification

__all__ = [
    "MISFIT",
    "TIME_LIMIT",
    "Attempt",
    "ImportedObject",
    "Input",
    "Output",
    "Recipe",
    "Verification",
    "describe_end",
    "files_of",
    "path_to_load",
    "variables_for_child",
    "verify",
]
