"""Layers that open a file or an address when they are made: a typed view of ``opened_files.toml``."""

from __future__ import annotations

from envlock.knowledge.datafiles import read_toml


def keys_that_open_files(class_name: str) -> tuple[str, ...]:
    """Keys of the layer's configuration whose string value is opened; empty for layers that open nothing."""
    return tuple(
        key for row in read_toml("opened_files.toml")["layer"] if class_name in row["classes"] for key in row["keys"]
    )
