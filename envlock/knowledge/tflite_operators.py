"""Operations that TensorFlow Lite has built in: a typed view of ``tflite_operators.toml``."""

from __future__ import annotations

from envlock.knowledge.datafiles import read_toml


def builtin_operator(number: int) -> str | None:
    """The name of the built-in operation *number*, such as ``ADD``; ``None`` for one newer than the table."""
    names: list[str] = read_toml("tflite_operators.toml")["builtin"]["names"]
    return names[number] if 0 <= number < len(names) else None
