"""Container images to build on: Python's, TensorFlow's, NVIDIA's, and those that serve models."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from packaging.version import Version

from envlock.knowledge.accelerators import CudaBuild
from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.specifiers import admits

ImageDevice = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonImage:
    """The slim image of a Python line."""

    reference: str
    """Such as ``python:3.8-slim-bookworm``."""

    ends: str
    """End of life of the line: ``YYYY-MM-DD``, or ``YYYY-MM`` where the day is not fixed."""

    def is_maintained(self, on: date) -> bool:
        """Whether the line has not ended *on* that day: the image is not rebuilt afterwards."""
        return on.isoformat()[: len(self.ends)] <= self.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFlowImage:
    """An image that holds a TensorFlow release."""

    reference: str
    ubuntu: str
    python: str


def python_image_for(line: str) -> PythonImage | None:
    """The image of a Python line, such as ``3.8``; ``None`` where there is none."""
    for row in read_toml("base_images.toml")["python"]:
        if row["line"] == line:
            return PythonImage(reference=f"python:{line}-slim-{row['debian']}", ends=row["ends"])
    return None


def tensorflow_image_for(version: Version, *, device: ImageDevice = "cpu") -> TensorFlowImage | None:
    """The image of a TensorFlow release with Python 3; ``None`` where none is known to work on that device."""
    for row in read_toml("base_images.toml")["tensorflow"]:
        if not admits(row["releases"], str(version)) or str(version) in row.get("not_built", ()):
            continue
        if device in row.get("devices", (device,)):
            tag = row["tag"].format(version=f"{version}-gpu" if device == "cuda" else version)
            return TensorFlowImage(reference=f"tensorflow/tensorflow:{tag}", ubuntu=row["ubuntu"], python=row["python"])
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


def serving_image_for(version: Version, *, device: ImageDevice = "cpu") -> str:
    """The image of TensorFlow Serving with the number of a TensorFlow release.

    Raises:
        LookupError: There is none for that device.
    """
    for row in read_toml("base_images.toml")["serving"]:
        if row["device"] == device:
            return f"tensorflow/serving:{row['tag'].format(version=version)}"
    raise LookupError(device)
