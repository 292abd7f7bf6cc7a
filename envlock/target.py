"""What an environment is made for: Python, operating system, architecture, libc."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Literal

Preference = Literal["auto", "saver", "newest"]
"""What to prefer among environments that load an artifact.

``auto``: nearest to the saver, on a Python that is at hand; ``saver``: the saver's own line and nothing else;
``newest``: the newest TensorFlow, for moving on.
"""

PREFERENCES: tuple[Preference, ...] = ("auto", "saver", "newest")

Device = Literal["cpu", "cuda", "tpu", "metal"]
"""What TensorFlow is to compute on: the processor, NVIDIA GPUs, Cloud TPUs, the GPUs of Macs."""

DEVICES: tuple[Device, ...] = ("cpu", "cuda", "tpu", "metal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """An operating system and processor."""

    name: str
    """Key of the release tables, such as ``linux_x86_64``."""

    system: Literal["Linux", "Darwin", "Windows"]
    """What ``platform.system()`` says there."""

    machine: str
    """What ``platform.machine()`` says there."""

    minimum: tuple[int, int] = (0, 0)
    """Oldest glibc on Linux, oldest release of macOS: wheels that need a newer one are left out."""

    @property
    def tag(self) -> str:
        """What :func:`find_platform` knows it by: the name, or with a glibc of its own ``manylinux_2_31_x86_64``."""
        if self.minimum == find_platform(self.name).minimum:
            return self.name
        return f"manylinux_{self.minimum[0]}_{self.minimum[1]}_{self.machine}"

    @property
    def label(self) -> str:
        """As a person would say it, such as ``macOS arm64`` or ``Linux x86_64 with glibc 2.31``."""
        system = "macOS" if self.system == "Darwin" else self.system
        libc = "" if self.tag == self.name else f" with glibc {self.minimum[0]}.{self.minimum[1]}"
        return f"{system} {self.machine.replace('AMD64', 'x86_64')}{libc}"

    @property
    def uv_platform(self) -> str:
        """What ``uv pip compile --python-platform`` calls it."""
        match self.system:
            case "Linux":
                return f"{self.machine}-manylinux_{self.minimum[0]}_{self.minimum[1]}"
            case "Darwin":
                return f"{self.machine.replace('arm64', 'aarch64')}-apple-darwin"
            case "Windows":
                return "x86_64-pc-windows-msvc"

    def wheel_platforms(self) -> tuple[str, ...]:
        """Platform tags of the wheels that run there, best first, ``any`` not among them."""
        match self.system:
            case "Linux":
                return tuple(_linux_platforms(self.minimum, self.machine))
            case "Darwin":
                from packaging.tags import mac_platforms

                return tuple(mac_platforms(self.minimum, self.machine))
            case "Windows":
                return ("win_amd64",)


# Names that wheels had before the glibc level became part of the tag (PEP 513, 571 and 599).
_LEGACY_MANYLINUX = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}

# The level at which manylinux wheels begin on each processor.
_OLDEST_GLIBC = {"x86_64": 5, "aarch64": 17}


def _linux_platforms(glibc: tuple[int, int], machine: str) -> Iterator[str]:
    major, newest = glibc
    for minor in range(newest, _OLDEST_GLIBC[machine] - 1, -1):
        yield f"manylinux_{major}_{minor}_{machine}"
        if minor in _LEGACY_MANYLINUX:
            yield f"{_LEGACY_MANYLINUX[minor]}_{machine}"
    yield f"linux_{machine}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What to lock for; the running Python has no part in it."""

    python: str
    """CPython minor release, such as ``3.7``."""

    platform: Platform

    def __str__(self) -> str:
        """As a person would say it, such as ``Python 3.7 on Linux x86_64``."""
        return f"Python {self.python} on {self.platform.label}"

    @property
    def full_python(self) -> str:
        """The Python that bounds on patch releases are held against: one after the last of the line."""
        return f"{self.python}.99"

    @property
    def marker_environment(self) -> dict[str, str]:
        """Every variable of environment markers (PEP 508), with an empty ``extra``."""
        system = self.platform.system
        is_python_2 = self.python.startswith("2.")
        return {
            "extra": "",
            "implementation_name": "cpython",
            "implementation_version": self.full_python,
            "os_name": "nt" if system == "Windows" else "posix",
            "platform_machine": self.platform.machine,
            "platform_python_implementation": "CPython",
            # What differs from one machine to the next is left out, so that the lock does not depend on it.
            "platform_release": "",
            "platform_system": system,
            "platform_version": "",
            "python_full_version": self.full_python,
            "python_version": self.python,
            "sys_platform": {
                "Linux": "linux2" if is_python_2 else "linux",
                "Darwin": "darwin",
                "Windows": "win32",
            }[system],
        }

    def wheel_tags(self) -> Mapping[tuple[str, str, str], int]:
        """The Python, ABI and platform tags of the wheels that install there, with their rank: 0 is the best."""
        return _wheel_tags(self)


@cache
def _wheel_tags(target: Target) -> dict[tuple[str, str, str], int]:
    from packaging.tags import compatible_tags, cpython_tags

    major, minor = (int(part) for part in target.python.split("."))
    platforms = target.platform.wheel_platforms()
    interpreter = f"cp{major}{minor}"
    tags = chain(
        cpython_tags((major, minor), [interpreter + _abi_flags(target)], platforms),
        compatible_tags((major, minor), interpreter, platforms),
    )
    ranks: dict[tuple[str, str, str], int] = {}
    for rank, tag in enumerate(tags):
        ranks.setdefault((tag.interpreter, tag.abi, tag.platform), rank)
    return ranks


def _abi_flags(target: Target) -> str:
    """The letters behind the version in the ABI tag, as the usual builds of the time have them (PEP 3149)."""
    if target.python == "2.7":
        # Wide characters were the default of Linux builds alone.
        return "mu" if target.platform.system == "Linux" else "m"
    return "m" if target.python in {"3.5", "3.6", "3.7"} else ""


# glibc 2.28 is that of Debian 10 and RHEL 8, so that a lock serves on nearly every machine of today. Wheels of the
# TensorFlow family ask for 2.27 at most, those of numpy and h5py for 2.28.
LINUX_X86_64 = Platform(name="linux_x86_64", system="Linux", machine="x86_64", minimum=(2, 28))
LINUX_AARCH64 = Platform(name="linux_aarch64", system="Linux", machine="aarch64", minimum=(2, 28))

# Wheels of the TensorFlow family ask for macOS 12 at most. Where a dependency has wheels for 14 beside those for
# earlier releases, the latter serve both.
MACOS_X86_64 = Platform(name="macos_x86_64", system="Darwin", machine="x86_64", minimum=(13, 0))
MACOS_ARM64 = Platform(name="macos_arm64", system="Darwin", machine="arm64", minimum=(13, 0))

WINDOWS_X86_64 = Platform(name="win_amd64", system="Windows", machine="AMD64")

PLATFORMS: tuple[Platform, ...] = (LINUX_X86_64, LINUX_AARCH64, MACOS_X86_64, MACOS_ARM64, WINDOWS_X86_64)


def platform_here() -> Platform | None:
    """The platform of this machine; ``None`` where no wheels of TensorFlow are known for it."""
    import platform

    here = (platform.system(), platform.machine())
    return next((item for item in PLATFORMS if (item.system, item.machine) == here), None)


_MANYLINUX_TAG = re.compile(r"manylinux_2_(?P<minor>[1-9]\d?)_(?P<machine>x86_64|aarch64)")


def find_platform(name: str) -> Platform:
    """The platform of that name, or of the tag of wheels (PEP 600) that says which glibc a Linux has.

    Raises:
        LookupError: There is none.
    """
    for item in PLATFORMS:
        if item.name == name:
            return item
    if (tag := _MANYLINUX_TAG.fullmatch(name)) and int(tag["minor"]) >= _OLDEST_GLIBC[tag["machine"]]:
        linux = next(item for item in PLATFORMS if (item.system, item.machine) == ("Linux", tag["machine"]))
        return replace(linux, minimum=(2, int(tag["minor"])))
    raise LookupError(name)
