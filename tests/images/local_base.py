"""A base image out of this machine's files: what stands in for the one of a registry, which no test reaches."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from envlock.interpreters import Interpreter

_PROGRAMS = ("sh", "useradd", "id")
_LIBRARIES = ("libstdc++.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libresolv.so.2")
"""What slim images hold and wheels ask for."""

_TOOLS = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "wheel")
_LEFT_OUT = ("test", "site-packages", "__pycache__", "idlelib", "ensurepip", "config-*")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_VARIABLES = ("PIP_CERT", "PIP_INDEX_URL", "http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy")
"""How this machine reaches its package index."""


def make_base(root: Path, interpreter: Interpreter) -> dict[str, str]:
    """Fill the folder *root* with a small Linux around *interpreter*, and give the variables that belong to it."""
    for name in ("etc", "home", "root", "tmp", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "usr/local/bin"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc" / "group").write_text("root:x:0:\n")
    if _CERTIFICATES.exists():
        (root / _CERTIFICATES.parent.relative_to("/")).mkdir(parents=True)
        shutil.copy(_CERTIFICATES, root / _CERTIFICATES.relative_to("/"))
    programs = [Path(found) for found in map(shutil.which, _PROGRAMS) if found]
    for program in programs:
        shutil.copy(program, root / "usr" / "bin" / program.name)
    binaries = [*programs, *_copy_python(root / "usr" / "local", interpreter)]
    for library in {*_libraries_of(binaries), *_known_libraries(_LIBRARIES)}:
        shutil.copy(library, root / "usr" / ("lib64" if library.name.startswith("ld-") else "lib") / library.name)
    variables = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    return {"PATH": "/usr/local/bin:/usr/bin:/usr/sbin", "LD_LIBRARY_PATH": "/usr/lib", **variables}


def _copy_python(prefix: Path, interpreter: Interpreter) -> Iterator[Path]:
    """Copy *interpreter* with its tools to *prefix*, and give its binaries."""
    name = f"python{interpreter.line}"
    binary = interpreter.executable.resolve()
    library = binary.parent.parent / "lib" / name
    shutil.copy(binary, prefix / "bin" / name)
    (prefix / "bin" / "python").symlink_to(name)
    copied = prefix / "lib" / name
    shutil.copytree(library, copied, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    (copied / "site-packages").mkdir()
    for tool in _TOOLS:
        for found in (library / "site-packages").glob(f"{tool}*"):
            if re.fullmatch(rf"{tool}(-.*)?", found.name):
                shutil.copytree(found, copied / "site-packages" / found.name)
    yield binary
    yield from (library / "lib-dynload").glob("*.so")


def _libraries_of(binaries: Iterable[Path]) -> Iterator[Path]:
    told = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=True).stdout
    yield from (Path(found) for found in re.findall(r"(/\S+) \(0x", told))


def _known_libraries(names: Iterable[str]) -> Iterator[Path]:
    multiarch = str(sysconfig.get_config_var("MULTIARCH"))
    folders = [Path(root, within) for root in ("/usr/lib", "/lib") for within in ("", multiarch)]
    for name in names:
        yield from [folder / name for folder in folders if (folder / name).exists()][:1]
