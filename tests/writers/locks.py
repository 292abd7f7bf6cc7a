"""Locks that tests write and read back."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from packaging.version import Version

from envlock.locks import Lock
from envlock.provenance import Evidence
from envlock.resolution import Pin, PinnedFile
from envlock.target import LINUX_X86_64, Target


def served(name: str, *, size: int | None = 1000, uploaded: str | None = "2021-05-05T14:17:24Z") -> PinnedFile:
    """A file that an index serves."""
    digest = sha256(name.encode()).hexdigest()
    return PinnedFile(name=name, sha256=digest, size=size, uploaded=uploaded, url=f"https://index/{digest[:4]}/{name}")


def unserved(lock: Lock) -> Lock:
    """*lock* as an engine makes it that does not know addresses."""
    pins = [replace(pin, files=tuple(replace(file, url=None) for file in pin.files)) for pin in lock.pins]
    return replace(lock, pins=tuple(pins))


LOCK = Lock(
    artifact="evil\x1b[31m.h5",
    loader="tf.keras 2.3",
    requirements=("tensorflow-cpu==2.3.4", "pip"),
    constraints=("protobuf<3.21",),
    target=Target(python="3.8", platform=LINUX_X86_64),
    pins=(
        Pin(
            name="gast",
            version=Version("0.2.2"),
            files=(served("gast-0.2.2.tar.gz", size=None, uploaded=None),),
            via=("tensorflow-cpu",),
            is_source=True,
            build=("setuptools==57.5.0", "wheel==0.37.1"),
        ),
        Pin(
            name="numpy",
            version=Version("1.18.5"),
            files=(
                served("numpy-1.18.5-cp38-cp38-manylinux1_x86_64.whl"),
                served("numpy-1.18.5-cp38-cp38-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
            ),
            via=("tensorflow-cpu",),
        ),
        Pin(
            name="tensorflow-cpu",
            version=Version("2.3.4"),
            files=(served("tensorflow_cpu-2.3.4-cp38-cp38-manylinux2010_x86_64.whl"),),
            via=(),
        ),
    ),
    evidence=(Evidence(fact="keras-version", value="2.4.0\n-e .", location="attribute keras_version of /"),),
    engine="uv",
    database="0123456789abcdef",
    command=("envlock", "from-model", "my models/evil\x1b[31m.h5", "--lock-only"),
)
