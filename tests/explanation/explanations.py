"""What tests of explanations share: verdicts without a file, and an artifact whose names are made to do harm."""

from __future__ import annotations

import json
from pathlib import Path

from envlock.explanation import Explanation, explain
from envlock.knowledge.loaders import Loader, all_loaders
from envlock.loadability import Reason, Verdict, VerdictName
from envlock.target import LINUX_X86_64

ASSETS = Path(__file__).parent.parent / "assets"
GOLDEN = Path(__file__).parent.parent / "golden" / "explain"

HARMFUL_NAME = "</td><script>alert(1)</script><img src=x onerror=alert(2)> \u202egnp.\x1b[2J&amp;\"'"


def loader_named(name: str) -> Loader:
    """One of those of the database, such as ``tf.keras 2.4``."""
    return next(loader for loader in all_loaders() if loader.name == name)


def verdict_on(name: str, verdict: VerdictName, *messages: str) -> Verdict:
    """A verdict on the loader of that name; the messages may speak of it as ``{name}``."""
    reasons = tuple(Reason(reference="test", message=message.format(name=name)) for message in messages)
    return Verdict(loader=loader_named(name), verdict=verdict, reasons=reasons)


def explain_harmful(folder: Path) -> Explanation:
    """The explanation of an architecture in which everything that can be named has a harmful name."""
    layer = {
        "class_name": HARMFUL_NAME,
        "config": {"name": HARMFUL_NAME, HARMFUL_NAME: 1},
        "registered_name": f"Custom>{HARMFUL_NAME}",
        "module": HARMFUL_NAME,
        "build_config": {},
    }
    dense = {"class_name": "Dense", "config": {"name": "d", "units": 1, HARMFUL_NAME: 1}}
    model = {
        "class_name": "Sequential",
        "config": {"name": HARMFUL_NAME, "layers": [layer, dense]},
        "keras_version": HARMFUL_NAME,
        "backend": HARMFUL_NAME,
    }
    # A name of a file cannot hold a slash.
    path = folder / f"{HARMFUL_NAME.replace('/', '')}.json"
    path.write_text(json.dumps(model), encoding="utf-8")
    return explain(path, platform=LINUX_X86_64)
