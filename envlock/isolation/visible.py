"""Which parts of the file system a command needs to see, and the links that lead there."""

# The supervisor starts for every command, and pathlib takes longer to import than all that it has to do.
# ruff: noqa: PTH110, PTH113, PTH114, PTH115, PTH117, PTH118, PTH120, PTH123

from __future__ import annotations

import os
from collections.abc import Container, Iterable
from dataclasses import dataclass

SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store", "/home/linuxbrew/.linuxbrew"),
    *("/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime"),
    *("/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/etc/os-release", "/etc/mime.types"),
    "/sys/devices/system",  # which processors there are
)
"""What programs need of the system. It holds no secret, and nothing of the person."""

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")

# Of a prefix, since that may be a home folder: ~/.local, or ~ itself.
_PARTS_OF_PREFIX = ("bin", "lib", "lib64", "pyvenv.cfg")


def environment_places(python: str) -> tuple[str, ...]:
    """Where the interpreter of an environment, given by its absolute path, its library and its packages are."""
    prefixes = [os.path.dirname(os.path.dirname(executable)) for executable in (python, os.path.realpath(python))]
    prefixes += [base for prefix in prefixes for base in _base_prefix(f"{prefix}/pyvenv.cfg")]
    places = [f"{prefix}/{part}" for prefix in prefixes for part in _PARTS_OF_PREFIX]
    return tuple(dict.fromkeys(filter(os.path.exists, places)))


def _base_prefix(configuration: str) -> list[str]:
    """The prefix that a virtual environment is based on; empty for other prefixes."""
    if not os.path.isfile(configuration):
        return []
    with open(configuration, encoding="utf-8", errors="replace") as lines:
        settings = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
    home = settings.get("home", "")
    return [os.path.dirname(home)] if os.path.isabs(home) else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Everything that has to be there for some paths to be found in an otherwise empty root."""

    places: tuple[str, ...]
    """Real paths of files and folders, sorted; none lies in another."""

    links: tuple[tuple[str, str], ...]
    """Path and target of symbolic links outside of these places, sorted."""


def expose(paths: Iterable[str]) -> Exposure:
    """Find out what has to be there for *paths*, which are absolute; those that do not exist are passed over."""
    real: set[str] = set()
    links: dict[str, str] = {}
    for path in paths:
        if os.path.exists(path):
            links |= _links_on_the_way(path)
            real.add(os.path.realpath(path))
    places = sorted(path for path in real if not _lies_in_one_of(path, real))
    outside = {link: target for link, target in links.items() if not _lies_in_one_of(link, places)}
    return Exposure(places=tuple(places), links=tuple(sorted(outside.items())))


def _links_on_the_way(path: str) -> dict[str, str]:
    """The symbolic links that the kernel follows from the root to *path*, with what they hold."""
    links: dict[str, str] = {}
    pending = path.split("/")[::-1]
    current = "/"
    while pending:
        name = pending.pop()
        if name in ("", "."):
            continue
        # `current` holds no link, so that one level up is what the kernel takes it for.
        current = os.path.normpath(os.path.join(current, name))
        if os.path.islink(current):
            links[current] = target = os.readlink(current)
            pending += target.split("/")[::-1]
            current = "/" if target.startswith("/") else os.path.dirname(current)
    return links


def _lies_in_one_of(path: str, places: Container[str]) -> bool:
    """Whether *path* is within another of *places*."""
    while path != "/":
        path = os.path.dirname(path)
        if path in places:
            return True
    return False
