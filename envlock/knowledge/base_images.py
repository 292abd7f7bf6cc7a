"""Container images to build on: Python's, TensorFlow's, NVIDIA's, and those that serve models."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from packaging.version import Version

from envlock.knowledge.accelerators import CudaBuild, cuda_for
from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.releases import line_of, line_order, releases_of_line
from envlock.knowledge.specifiers import admits

ImageDevice = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxRelease:
    """The Linux distribution that an image is based on."""

    name: str
    """Such as ``Debian bookworm``."""

    glibc: tuple[int, int]
    ends: str
    """End of its free security updates: ``YYYY-MM-DD``, or ``YYYY-MM`` where the day is not fixed."""

    is_archived: bool
    """Whether apt no longer finds its packages at the usual mirrors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonImage:
    """The slim image of a Python line."""

    reference: str
    """Such as ``python:3.8-slim-bookworm``."""

    system: LinuxRelease
    ends: str
    """End of life of the line: ``YYYY-MM-DD``, or ``YYYY-MM`` where the day is not fixed."""

    def is_maintained(self, on: date) -> bool:
        """Whether the line has not ended *on* that day: the image is not rebuilt afterwards."""
        return not has_ended(self.ends, on)


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFlowImage:
    """An image that holds a TensorFlow release."""

    reference: str
    system: LinuxRelease
    python: str


def has_ended(end: str, on: date) -> bool:
    """Whether *end*, a day as ``YYYY-MM-DD`` or a month as ``YYYY-MM``, has passed *on* that day."""
    return on.isoformat()[: len(end)] > end


def python_image_for(line: str) -> PythonImage | None:
    """The image of a Python line, such as ``3.8``; ``None`` where there is none."""
    for row in read_toml("base_images.toml")["python"]:
        if row["line"] == line:
            return PythonImage(
                reference=f"python:{line}-slim-{row['debian']}",
                system=_linux_release(f"Debian {row['debian']}"),
                ends=row["ends"],
            )
    return None


def tensorflow_image_for(version: Version, *, device: ImageDevice = "cpu") -> TensorFlowImage | None:
    """The image of a TensorFlow release with Python 3; ``None`` where none is known to work on that device."""
    for row in read_toml("base_images.toml")["tensorflow"]:
        if not admits(row["releases"], str(version)) or str(version) in row.get("not_built", ()):
            continue
        if device in row.get("devices", (device,)):
            tag = row["tag"].format(version=f"{version}-gpu" if device == "cuda" else version)
            return TensorFlowImage(
                reference=f"tensorflow/tensorflow:{tag}",
                system=_linux_release(f"Ubuntu {row['ubuntu']}"),
                python=row["python"],
            )
    return None


def tensorflow_image_with_cuda_of(version: Version) -> TensorFlowImage | None:
    """The newest image of the line of a TensorFlow release that holds the CUDA and cuDNN of its build."""
    build = cuda_for(version)
    if build is None:
        return None
    for release in reversed(releases_of_line("tensorflow", line_of(version))):
        image = tensorflow_image_for(release.version, device="cuda")
        other = cuda_for(release.version)
        if image is not None and other is not None and (other.cuda, other.cudnn) == (build.cuda, build.cudnn):
            return image
    return None


def cuda_image_for(build: CudaBuild) -> str | None:
    """The image with the CUDA of *build* and a cuDNN that it accepts; ``None`` where none can be had."""
    needed = Version(build.cudnn)
    for row in read_toml("base_images.toml")["cuda"]:
        if row["cuda"] == build.cuda and not row["is_withdrawn"]:
            cudnn = Version(row["cudnn"])
            if cudnn.major == needed.major and cudnn >= needed:
                return f"nvidia/cuda:{row['tag']}"
    return None


def serving_image_for(version: Version, *, platform: str, device: ImageDevice = "cpu") -> str:
    """The image of TensorFlow Serving of the line of a TensorFlow release, else of the next line that there is one of.

    Raises:
        LookupError: There is none for that platform, or none that is as new.
    """
    for row in read_toml("base_images.toml")["serving"]:
        releases = [Version(text) for text in row["releases"] if platform in row["platforms"]]
        lines = {line_order(line_of(release)) for release in releases}
        fitting = [line for line in lines if line >= line_order(line_of(version))]
        if fitting:
            newest = max(release for release in releases if line_order(line_of(release)) == min(fitting))
            return f"tensorflow/serving:{row['tags'][device].format(version=newest)}"
    raise LookupError(version)


def _linux_release(name: str) -> LinuxRelease:
    row = next(row for row in read_toml("base_images.toml")["system"] if row["name"] == name)
    major, minor = row["glibc"].split(".")
    return LinuxRelease(
        name=name, glibc=(int(major), int(minor)), ends=row["ends"], is_archived=row.get("archive", False)
    )
