"""From a saved TensorFlow or Keras model to a verified environment in which it loads."""

from importlib import import_module
from typing import TYPE_CHECKING

from envlock.version import __version__ as __version__

if TYPE_CHECKING:
    from envlock.api import NotVerifiedError, create, diagnose, explain, inspect, lock, stamp, verify
    from envlock.checking import Check
    from envlock.diagnosis.diagnose import Diagnosis
    from envlock.errors import EnvlockError
    from envlock.explanation import Explanation
    from envlock.inspection import Inspection
    from envlock.pipeline.outcome import Outcome
    from envlock.recording import StampCallback

__all__ = [
    "Check",
    "Diagnosis",
    "EnvlockError",
    "Explanation",
    "Inspection",
    "NotVerifiedError",
    "Outcome",
    "StampCallback",
    "create",
    "diagnose",
    "explain",
    "inspect",
    "lock",
    "stamp",
    "verify",
]

_MODULES = {
    "Check": "checking",
    "Diagnosis": "diagnosis.diagnose",
    "EnvlockError": "errors",
    "Explanation": "explanation",
    "Inspection": "inspection",
    "Outcome": "pipeline.outcome",
    "StampCallback": "recording",
}
"""Where a name stands that is not one of :mod:`envlock.api`."""


def __dir__() -> list[str]:
    return [*globals(), *__all__]


# Type checkers know the names from above, and no others.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        # A command must not wait for what the library offers besides, nor a training script for resolvers.
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'api')}"), name)
