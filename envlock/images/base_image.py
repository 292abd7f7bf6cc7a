"""EnvironmentCandidate -> BaseImage: what to build on, and what that implies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from envlock.candidates import EnvironmentCandidate
from envlock.images.interface import BaseImage, NoImageError
from envlock.knowledge.accelerators import cuda_for, driver_for
from envlock.knowledge.base_images import (
    ImageDevice,
    has_ended,
    python_image_for,
    serving_image_for,
    tensorflow_image_with_cuda_of,
)
from envlock.target import Platform


def named_base(reference: str) -> BaseImage:
    """The image that the person named, of which nothing is known."""
    return BaseImage(reference=reference, python=None, system=None, is_bare=False)


def base_for(candidate: EnvironmentCandidate, device: ImageDevice) -> BaseImage:
    """The image for an environment: that of its Python, or one with CUDA where no wheels bring that.

    The latter can have another Python than the candidate.

    Raises:
        NoImageError: None is known.
    """
    if device == "cuda" and not _brings_cuda(candidate):
        return _base_with_cuda(candidate)
    line = candidate.target.python
    image = python_image_for(line)
    if image is None:
        raise NoImageError(f"no image of Python {line} is known", hint=f"name one with --base that has Python {line}")
    return BaseImage(reference=image.reference, python=line, system=image.system, is_bare=True)


def _base_with_cuda(candidate: EnvironmentCandidate) -> BaseImage:
    version = candidate.tensorflow.version
    image = tensorflow_image_with_cuda_of(version)
    if image is None:
        build = cuda_for(version)
        needed = f" with CUDA {build.cuda} and cuDNN {build.cudnn}" if build is not None else " with CUDA"
        raise NoImageError(
            f"no image of TensorFlow {version}{needed} is known, and no wheels bring these",
            hint=f"name one with --base that has them and Python {candidate.target.python}",
        )
    return BaseImage(reference=image.reference, python=image.python, system=image.system, is_bare=False)


def serving_base(candidate: EnvironmentCandidate, platform: Platform, device: ImageDevice) -> BaseImage:
    """The image of TensorFlow Serving that reads what the TensorFlow of *candidate* does.

    Raises:
        NoImageError: There is none for the platform, or none that is as new.
    """
    version = candidate.tensorflow.version
    try:
        reference = serving_image_for(version, platform=platform.name, device=device)
    except LookupError:
        raise NoImageError(
            f"no image of TensorFlow Serving {version.major}.{version.minor} or newer is known for {platform.label}",
            hint="leave --serve out, or name an image of your own with --base",
        ) from None
    return BaseImage(reference=reference, python=None, system=None, is_bare=False)


def implications_of(
    base: BaseImage, candidate: EnvironmentCandidate, device: ImageDevice, today: date
) -> Iterator[str]:
    """What follows from building on *base*, each as one clause: what has ended, and what the host has to have."""
    image = python_image_for(base.python) if base.python is not None else None
    if image is not None and not image.is_maintained(today):
        built = ", and its image is built no more" if base.is_bare else ""
        yield f"Python {base.python} has had no security fixes since {image.ends}{built}"
    if base.system is not None and has_ended(base.system.ends, today):
        archived = ", and its packages are no longer where apt looks for them"
        yield (
            f"{base.system.name} has had no free security updates since {base.system.ends}"
            f"{archived if base.system.is_archived else ''}"
        )
    if device == "cuda":
        yield from _host_needs(candidate)


def _host_needs(candidate: EnvironmentCandidate) -> Iterator[str]:
    build = cuda_for(candidate.tensorflow.version)
    if build is None:
        return
    driver = driver_for(build.cuda, "linux")
    yield f"the host needs an NVIDIA driver, {driver.to_run} or newer, and the NVIDIA Container Toolkit"
    if build.capabilities:
        later = f"; later ones from {build.ptx} on compile at the first start" if build.ptx else ""
        yield f"the GPU needs a compute capability of {', '.join(build.capabilities)}{later}"


def _brings_cuda(candidate: EnvironmentCandidate) -> bool:
    """Whether wheels in the lock hold CUDA and cuDNN: an extra of TensorFlow asks for them."""
    return any(requirement.extras for requirement in candidate.requirements)
