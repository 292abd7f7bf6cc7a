"""Shards: the files that hold the values of variables, beside the index that says how long each has to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envlock.formats.text import printable
from envlock.provenance import Finding


def find_truncated(files: Mapping[str, int], sizes: Mapping[str, int], *, reference: str) -> Iterator[Finding]:
    """A finding under *reference* for each shard that ends before its last tensor.

    *files* gives the bytes that are there, *sizes* those that the index asks for, by name; what is missing is passed
    over.
    """
    for name, size in sizes.items():
        found = files.get(name, size)
        if found < size:
            yield Finding(
                reference=reference,
                severity="error",
                message=f"{printable(name)} has {found} bytes, and its index places tensors up to byte {size}",
                hint="copy or download the file again: its end is missing",
            )
