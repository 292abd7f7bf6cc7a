"""An environment gives way to another one in its own folder, and comes back where nothing better was made."""

from __future__ import annotations

import shutil
from pathlib import Path

from envlock.environment.marker import MARKER_NAME, state_of, write_marker
from envlock.writers.files import remove

_PREVIOUS = ".envlock-previous"

# A finished environment that is to be replaced waits inside its own folder, so that its place stays claimed and
# nothing lies beside it. The marker tells how far that is, at every moment: while it says "restoring", whatever lies
# in the waiting folder belongs one level up, and nothing else is in doubt; while it says "building", all the rest is
# worthless. The marker of an environment that another tool made says "foreign" for as long as it waits.


def set_aside(site: Path) -> None:
    """Move the environment in *site* into its waiting folder."""
    previous = site / _PREVIOUS
    previous.mkdir()
    if state_of(site) == "ready":
        shutil.copyfile(site / MARKER_NAME, previous / MARKER_NAME)
    else:
        write_marker(previous, {}, state="foreign")
    write_marker(site, {}, state="restoring")
    for child in _contents(site):
        child.rename(previous / child.name)


def restore_previous(site: Path) -> None:
    """Bring *site* into order after a run that was ended: what was finished before it is there again."""
    state = state_of(site)
    if state == "building":
        undo(site)
    elif state == "restoring":
        _move_up(site)
    elif state == "foreign":
        (site / MARKER_NAME).unlink()
    elif (site / _PREVIOUS).exists():
        # That run was ended just after it had kept its environment.
        forget_previous(site)


def undo(site: Path) -> None:
    """Remove what was built in *site*, and bring back what waits there."""
    empty(site)
    if (site / _PREVIOUS / MARKER_NAME).is_file():
        write_marker(site, {}, state="restoring")
        _move_up(site)
    else:
        forget_previous(site)
        (site / MARKER_NAME).unlink(missing_ok=True)


def forget_previous(site: Path) -> None:
    """Remove what waits in *site*, where anything does."""
    remove(site / _PREVIOUS)


def empty(site: Path) -> None:
    """Remove all that *site* holds beside the marker and the waiting folder."""
    for child in _contents(site):
        remove(child)


def _move_up(site: Path) -> None:
    previous = site / _PREVIOUS
    for child in sorted(previous.iterdir()):
        if child.name != MARKER_NAME:
            child.rename(site / child.name)
    (previous / MARKER_NAME).replace(site / MARKER_NAME)
    previous.rmdir()
    if state_of(site) == "foreign":
        (site / MARKER_NAME).unlink()


def _contents(site: Path) -> list[Path]:
    """All that *site* holds beside the marker and the waiting folder."""
    return sorted(child for child in site.iterdir() if child.name not in {MARKER_NAME, _PREVIOUS})
