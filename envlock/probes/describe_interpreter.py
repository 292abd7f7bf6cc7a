"""Print what the Python that runs this is, as one JSON object. Valid from Python 2.7 on, standard library only."""

import json
import os
import platform
import sys


def main():
    # Without `site`, sys.prefix of a virtual environment is already that of its base.
    base = getattr(sys, "base_prefix", sys.prefix)
    print(
        json.dumps(
            {
                "implementation": platform.python_implementation(),
                "version": "%d.%d.%d" % sys.version_info[:3] + _release_suffix(),
                "prefix": os.path.realpath(base),
                "executable": _base_executable(base),
                "abi_flags": _abi_flags(),
                "bits": 64 if sys.maxsize > 2**32 else 32,
                "system": platform.system().lower(),
                "machine": platform.machine().lower(),
                "libc": _libc(),
            }
        )
    )


def _release_suffix():
    level, serial = sys.version_info[3:5]
    return {"alpha": "a%d", "beta": "b%d", "candidate": "rc%d"}[level] % serial if level != "final" else ""


def _base_executable(base):
    """The interpreter itself, or the one it was copied from when it belongs to a virtual environment."""
    own = os.path.realpath(sys.executable)
    folder = os.path.realpath(base if os.name == "nt" else os.path.join(base, "bin"))
    if os.path.dirname(own) == folder:
        return own
    suffix = ".exe" if os.name == "nt" else ""
    for name in ("python%d.%d" % sys.version_info[:2], "python%d" % sys.version_info[0], "python"):
        path = os.path.join(folder, name + suffix)
        if os.path.exists(path):
            return os.path.realpath(path)
    return own


def _abi_flags():
    """What sets its ABI apart from that of published wheels: ``d`` for debug, ``t`` for free-threaded."""
    flags = getattr(sys, "abiflags", "")
    return "".join(flag for flag in "td" if flag in flags)


def _libc():
    """Such as ``glibc 2.36``; empty where the C library does not say."""
    if not sys.platform.startswith("linux"):
        return ""
    # Python 2.7 does not know the name of what is 2 in glibc's bits/confname.h.
    name = "CS_GNU_LIBC_VERSION"
    try:
        return os.confstr(name if name in os.confstr_names else 2) or ""
    except (AttributeError, OSError, ValueError):
        return ""


main()
