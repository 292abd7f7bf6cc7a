"""A person without any Python: what a test finds is what it has put there."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlock.interpreters import SEARCH_VARIABLE

_UNSET = (
    *("CONDA_EXE", "CONDA_PREFIX", "CONDA_ENVS_PATH", "CONDA_ENVS_DIRS", "MAMBA_EXE", "MAMBA_ROOT_PREFIX"),
    *("PYENV_ROOT", "ASDF_DATA_DIR", "MISE_DATA_DIR", "RYE_PY_ROOT", "UV_PYTHON_INSTALL_DIR", "HOMEBREW_PREFIX"),
    *("XDG_DATA_HOME", "XDG_CACHE_HOME"),
)


@pytest.fixture(autouse=True)
def private_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of caches, which is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    return tmp_path / ".cache"


@pytest.fixture
def home(private_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home folder without anything, and nothing that leads elsewhere but what the system itself has."""
    for variable in (SEARCH_VARIABLE, *_UNSET):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path
