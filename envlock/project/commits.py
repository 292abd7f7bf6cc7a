"""The time of the last commit, from the files of a git repository: neither git nor its configuration has a say."""

from __future__ import annotations

import re
from pathlib import Path

from envlock.errors import ArtifactError
from envlock.project.git_objects import Repository

_MOST_REFERENCES = 5
_REFERENCE = re.compile(r"refs/(?!.*\.\.)[\w./+@-]{1,200}")
_OBJECT_NAME = re.compile(r"[0-9a-f]{40}")
_COMMITTER = re.compile(rb"^committer [^\n]*> (\d{1,11}) [-+]\d{4}$", re.MULTILINE)


def last_commit_time(root: Path) -> int | None:
    """When the commit that is checked out was made, in seconds since 1970; ``None`` where that cannot be told.

    A repository that lies elsewhere, as those of worktrees and submodules do, is not followed.
    """
    folder = root / ".git"
    if folder.is_symlink() or not folder.is_dir():
        return None
    try:
        repository = Repository(folder)
        name = _checked_out(repository)
        commit = repository.read_object(name) if name else None
    except (ArtifactError, OSError):
        return None
    committer = _COMMITTER.search(commit) if commit else None
    return int(committer[1]) if committer else None


def _checked_out(repository: Repository) -> str | None:
    """The name of the commit that HEAD leads to, by way of a branch or not."""
    name = repository.read_text("HEAD")
    for _ in range(_MOST_REFERENCES):
        if _OBJECT_NAME.fullmatch(name):
            return name
        reference = name.removeprefix("ref:").strip()
        if not _REFERENCE.fullmatch(reference):
            return None
        name = repository.read_text(reference) or _packed_reference(repository, reference)
    return None


def _packed_reference(repository: Repository, reference: str) -> str:
    for line in repository.read_text("packed-refs").split("\n"):
        name, _, rest = line.partition(" ")
        if rest.strip() == reference:
            return name
    return ""
