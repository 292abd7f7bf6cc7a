"""A copy of the bundled tables that a test may change."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import _lru_cache_wrapper
from pathlib import Path

import pytest

from envlock.knowledge import datafiles


@contextmanager
def use_copy_of_tables(folder: Path) -> Iterator[Path]:
    """Within the block, everything reads the tables in *folder*, a new one."""
    shutil.copytree(datafiles.data_folder(), folder, ignore=shutil.ignore_patterns("refresh"))
    forget_tables()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(datafiles, "_folder_of_tables", lambda: folder)
        yield folder
    forget_tables()


def forget_tables() -> None:
    """Drop all that the views keep of the tables."""
    for item in gc.get_objects():
        if isinstance(item, _lru_cache_wrapper) and (item.__module__ or "").startswith("envlock."):
            item.cache_clear()
