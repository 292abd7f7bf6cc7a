"""``pylock.toml``: the standard lock file (PEP 751), with the evidence under ``[tool.envlock]``."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from envlock.errors import DamagedFileError, EnvlockError
from envlock.formats.text import printable
from envlock.writers.toml_text import render_toml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from packaging.pylock import Package, Pylock
    from packaging.version import Version

    from envlock.locks import Lock
    from envlock.resolution import Pin, PinnedFile
    from envlock.target import Platform

_CREATOR = "envlock"
_NAMES_TOLD = 3


class UnwritableLockError(EnvlockError):
    """A lock lacks what a file format demands, or holds what it does not admit."""

    reference = "unwritable-lock"

    def __init__(self, format_name: str, problem: str, *, hint: str) -> None:
        super().__init__(format_name, problem)
        self.format_name, self.problem, self.hint = format_name, problem, hint

    def __str__(self) -> str:
        return f"{self.format_name}: {self.problem}"


class PylockTomlWriter:
    """Writes the lock file format of PEP 751."""

    name = "pylock.toml"
    file_name = "pylock.toml"
    needs_addresses = True
    has_hashes = True

    def file_name_for(self, platform: Platform) -> str:
        """See :class:`envlock.writers.interface.LockWriter`; the standard allows no other pattern."""
        return f"pylock.{platform.tag}.toml"

    def render(self, lock: Lock) -> str:
        """See :class:`envlock.writers.interface.LockWriter`."""
        from packaging.pylock import PylockValidationError

        _refuse_unknown_addresses(lock)
        document = _document(lock)
        try:
            document.validate()
        except PylockValidationError as error:
            raise UnwritableLockError(self.name, str(error), hint="write it as requirements.txt") from error
        return render_toml(document.to_dict())

    def is_ours(self, text: str) -> bool:
        """See :class:`envlock.writers.interface.LockWriter`."""
        return re.search(rf'^created-by = "{_CREATOR}"$', text, flags=re.MULTILINE) is not None

    def install_command(self, lock_path: str) -> str:
        """See :class:`envlock.writers.interface.LockWriter`; only the newest pip reads the format."""
        return f"uv pip sync --python DIR {lock_path}"

    def read_pins(self, text: str) -> dict[str, Version]:
        """See :class:`envlock.writers.interface.LockWriter`; what has no version, such as a folder, is passed over."""
        return {package.name: package.version for package in _read(text).packages if package.version is not None}

    def read_hashes(self, text: str) -> dict[str, frozenset[str]]:
        """See :class:`envlock.writers.interface.LockWriter`."""
        return {package.name: frozenset(_hashes_of(package)) for package in _read(text).packages}


# --- writing -------------------------------------------------------------------------------------------------


def _refuse_unknown_addresses(lock: Lock) -> None:
    names = [pin.name for pin in lock.pins if any(file.url is None for file in pin.files)]
    if names:
        others = f" and {len(names) - _NAMES_TOLD} more" if len(names) > _NAMES_TOLD else ""
        raise UnwritableLockError(
            PylockTomlWriter.name,
            f"needs the address of every file; it is not known of {', '.join(names[:_NAMES_TOLD])}{others}",
            hint="take --engine uv, which asks the index for the addresses",
        )


def _document(lock: Lock) -> Pylock:
    from packaging.markers import Marker
    from packaging.pylock import Pylock
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    environment = lock.target.marker_environment
    conditions = (f"{name} == '{environment[name]}'" for name in ("sys_platform", "platform_machine"))
    return Pylock(
        lock_version=Version("1.0"),
        environments=[Marker(" and ".join(conditions))],
        requires_python=SpecifierSet(f"=={lock.target.python}.*"),
        created_by=_CREATOR,
        packages=[_package(pin, lock) for pin in lock.pins],
        tool={"envlock": _choice(lock)},
    )


def _package(pin: Pin, lock: Lock) -> Package:
    from packaging.pylock import Package, PackageSdist, PackageWheel
    from packaging.utils import canonicalize_name

    wheels = [PackageWheel(**_file(file)) for file in pin.files if file.name.endswith(".whl")]
    sources = [PackageSdist(**_file(file)) for file in pin.files if not file.name.endswith(".whl")]
    dependencies = [{"name": other.name} for other in lock.pins if pin.name in other.via]
    return Package(
        name=canonicalize_name(pin.name),
        version=pin.version,
        dependencies=dependencies or None,
        wheels=wheels or None,
        sdist=sources[0] if sources else None,
        tool={"envlock": {"build": list(pin.build)}} if pin.build else None,
    )


def _file(file: PinnedFile) -> dict[str, Any]:
    return {
        "name": file.name,
        # Python 3.10 does not read the Z.
        "upload_time": datetime.fromisoformat(file.uploaded.replace("Z", "+00:00")) if file.uploaded else None,
        "url": file.url,
        "size": file.size,
        "hashes": {"sha256": file.sha256},
    }


def _choice(lock: Lock) -> dict[str, object]:
    """What the lock is for and why it is this one."""
    told: dict[str, object] = {
        "artifact": printable(lock.artifact),
        "loader": lock.loader,
        "command": [printable(argument) for argument in lock.command],
        "requirements": list(lock.requirements),
        "constraints": list(lock.constraints),
        "engine": lock.engine,
        "database": lock.database,
        "digest": lock.digest,
        "evidence": [
            {"fact": item.fact, "value": printable(item.value), "location": printable(item.location)}
            for item in lock.evidence
        ],
    }
    return {key: value for key, value in told.items() if value}


# --- reading -------------------------------------------------------------------------------------------------


def _read(text: str) -> Pylock:
    from packaging.pylock import Pylock, PylockValidationError

    try:
        return Pylock.from_dict(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, PylockValidationError) as error:
        raise DamagedFileError(PylockTomlWriter.name, f"is no lock of PEP 751: {error}") from error


def _hashes_of(package: Package) -> list[str]:
    files = [*(package.wheels or ()), *([package.sdist] if package.sdist else ())]
    return [f"{algorithm}:{value}" for file in files for algorithm, value in file.hashes.items()]
