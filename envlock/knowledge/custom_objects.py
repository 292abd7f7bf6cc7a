"""Which distribution brings a class that is not built into Keras."""

from __future__ import annotations

from envlock.knowledge.datafiles import read_toml


def find_provider(class_name: str, registered_name: str | None) -> str | None:
    """The distribution that is known to define the class, or ``None``."""
    names = [name for name in (registered_name, class_name) if name]
    for row in read_toml("custom_objects.toml")["provider"]:
        prefix = row.get("prefix")
        if prefix and any(name.startswith(prefix) for name in names):
            return str(row["distribution"])
        if any(name in row.get("classes", ()) for name in names):
            return str(row["distribution"])
    return None


def module_of(distribution: str) -> str | None:
    """The module whose import makes the classes of *distribution* known, or ``None``."""
    rows = read_toml("custom_objects.toml")["provider"]
    return next((row["module"] for row in rows if row["distribution"] == distribution), None)
