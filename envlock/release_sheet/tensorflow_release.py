"""Sections of the releases of TensorFlow, under whichever name of its family."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envlock.knowledge.accelerators import CudaBuild, Gpu, cuda_for, driver_for, gpus, reports_on, support_for
from envlock.knowledge.base_images import ImageDevice, cuda_image_for, python_image_for, tensorflow_image_for
from envlock.knowledge.families import members_of
from envlock.knowledge.loaders import keras_loaders
from envlock.knowledge.message_styles import protobuf_for
from envlock.knowledge.operations import registry_of
from envlock.knowledge.pairings import paired_names, release_for_tensorflow
from envlock.knowledge.platform_support import metal_for, wheel_origin_of
from envlock.knowledge.releases import Release, python_lines_of
from envlock.knowledge.tensorflow_facts import KerasInside, TensorFlowFacts, facts_of
from envlock.knowledge.tpu import (
    generations_of_nodes,
    libtpu_for,
    runs_on_tpu_nodes,
    tpu_distribution_for,
    tpu_generations,
    tpu_software_for,
)
from envlock.release_sheet.interface import Section, runs_of
from envlock.target import MACOS_ARM64


def _facts(release: Release) -> TensorFlowFacts | None:
    # The last tensorflow-gpu has no wheel: it only tells that tensorflow is the one to install.
    has_library = bool(release.wheels) and release.distribution in members_of("tensorflow")
    return facts_of(release.version) if has_library else None


# --- Keras ---------------------------------------------------------------------------------------------------


def keras_inside(release: Release) -> Iterator[Section]:
    """The Keras that it brings, and the version that this writes into models."""
    facts = _facts(release)
    if facts is not None:
        keras = facts.keras
        value = {
            "kind": keras.kind,
            "versions": sorted(keras.versions),
            "as_installed": keras.as_installed,
            "requirement": keras.requirement,
        }
        yield Section(name="keras-inside", title="its Keras", lines=(_told_of_keras(keras),), value=value)


def _told_of_keras(keras: KerasInside) -> str:
    if keras.kind == "none":
        return "none"
    if keras.kind == "external":
        return f"requires {keras.requirement}, and writes the version of that as keras_version"
    others = sorted(keras.versions - {keras.as_installed})
    switched = f", or {', '.join(others)} once TF2 behaviour is switched" if others else ""
    return f"brings its own, which writes keras_version {keras.as_installed}{switched}"


def keras_beside(release: Release) -> Iterator[Section]:
    """Other Keras implementations that run on the line."""
    by_implementation: dict[str, list[str]] = {}
    for loader in keras_loaders() if _facts(release) else ():
        if loader.is_separate and release.line in loader.tensorflow:
            by_implementation.setdefault(loader.implementation, []).append(loader.line)
    if by_implementation:
        told = ", ".join(f"{name} {runs_of(lines)}" for name, lines in by_implementation.items())
        yield Section(name="keras-beside", title="runs Keras", lines=(told,), value=by_implementation)


# --- graphs --------------------------------------------------------------------------------------------------


def graphs(release: Release) -> Iterator[Section]:
    """The numbers that it writes into graphs and accepts from them, and its operations."""
    facts = _facts(release)
    if facts is not None:
        registry = registry_of(release.line)
        operations = len(registry.names()) if registry else 0
        since = f" (since {facts.producer_date})" if facts.producer_date else ""
        told = [f"writes producer {facts.producer}{since}, checkpoint version {facts.checkpoint}"]
        told += [f"reads graphs of producer {facts.least_producer} and newer"] if facts.least_producer else []
        told += [f"{operations:,} operations"] if operations else []
        value = {
            "producer": facts.producer,
            "producer_date": facts.producer_date,
            "least_producer": facts.least_producer,
            "checkpoint": facts.checkpoint,
            "operations": operations,
        }
        yield Section(name="graphs", title="graphs", lines=("; ".join(told),), value=value)


def protobuf(release: Release) -> Iterator[Section]:
    """Which protobuf its generated modules work with."""
    facts = _facts(release)
    if facts is not None:
        support = protobuf_for(facts)
        told = f"{facts.protobuf} is built in; its Python modules work with protobuf{support.releases}"
        told += ", newer ones in pure Python alone" if support.newer_in_pure_python else ""
        value = {"built_with": facts.protobuf, "style": facts.message_style, "least": facts.least_protobuf}
        yield Section(name="protobuf", title="protobuf", lines=(told,), value=value)


# --- accelerators --------------------------------------------------------------------------------------------


def cuda(release: Release) -> Iterator[Section]:
    """Its build for NVIDIA GPUs: what that needs, and which GPUs it runs on."""
    build = _cuda_build(release)
    if build is None:
        return
    driver = driver_for(build.cuda, "linux")
    by_support = _gpus_by_support(build)
    lines = [
        f"{_name_of(build)} for {', '.join(build.platforms)}: CUDA {build.cuda}, cuDNN {build.cudnn}, "
        f"{_driver_needed(build)}"
    ]
    if build.capabilities:
        lines.append(f"machine code for {', '.join(build.capabilities)}, PTX for {build.ptx}")
    if "unknown" in by_support:
        lines.append("which GPUs it runs on is not known")
    if "native" in by_support:
        lines.append(f"runs on {_architectures(by_support['native'])}")
    if "compiled" in by_support:
        lines.append(
            f"runs on {_architectures(by_support['compiled'])} after compiling its kernels at the first start, "
            f"with driver {driver.to_compile} or newer"
        )
    if "none" in by_support:
        lines.append(f"does not run on {_architectures(by_support['none'])}")
    lines += [
        f"seen on {gpu.architecture} {gpu.capability}: {seen}"
        for gpu in gpus()
        for seen in reports_on(release.version, gpu.capability)
    ]
    value = {
        "distributions": list(build.distributions),
        "extra": build.extra,
        "platforms": list(build.platforms),
        "cuda": build.cuda,
        "cudnn": build.cudnn,
        "driver": driver.to_run,
        "capabilities": list(build.capabilities),
        "ptx": build.ptx,
        "gpus": {gpu.capability: support for support, found in by_support.items() for gpu in found},
    }
    yield Section(name="cuda", title="NVIDIA GPUs", lines=tuple(lines), value=value)


def _cuda_build(release: Release) -> CudaBuild | None:
    """The build of the release, for the distributions that carry it and for those who ask for tensorflow."""
    build = cuda_for(release.version) if _facts(release) else None
    return build if build and release.distribution in {"tensorflow", *build.distributions} else None


def _name_of(build: CudaBuild) -> str:
    if build.extra is None:
        return build.distributions[0]
    pythons = f" (Python {build.extra_python})" if build.extra_python else ""
    return f"{build.distributions[0]}[{build.extra}]{pythons}"


def _driver_needed(build: CudaBuild) -> str:
    told = f"driver {driver_for(build.cuda, 'linux').to_run} or newer"
    if any(platform.startswith("win") for platform in build.platforms):
        told += f" ({driver_for(build.cuda, 'windows').to_run} on Windows)"
    return told


def _gpus_by_support(build: CudaBuild) -> dict[str, list[Gpu]]:
    by_support: dict[str, list[Gpu]] = {}
    for gpu in gpus():
        by_support.setdefault(support_for(build, gpu.capability), []).append(gpu)
    return by_support


def _architectures(found: Iterable[Gpu]) -> str:
    by_architecture: dict[str, list[str]] = {}
    for gpu in found:
        by_architecture.setdefault(gpu.architecture, []).append(gpu.capability)
    return ", ".join(f"{name} ({', '.join(capabilities)})" for name, capabilities in by_architecture.items())


def metal(release: Release) -> Iterator[Section]:
    """The plug-in for the GPUs of Macs."""
    origin = wheel_origin_of(release.version, MACOS_ARM64.name)
    plug_in = metal_for(release.version)
    if plug_in is not None and origin is not None and release.distribution in {"tensorflow", origin.carried_by}:
        yield Section(name="metal", title="GPUs of Macs", lines=(str(plug_in),), value=str(plug_in))


def tpu(release: Release) -> Iterator[Section]:
    """The TPU software that has it, and its wheel for TPUs."""
    if release.distribution != "tensorflow":
        return
    libtpu, distribution = libtpu_for(release.version), tpu_distribution_for(release.version)
    # A release without a libtpu of its own is in no TPU software.
    generations = tpu_generations() if libtpu else ()
    software = {name: found for name in generations if (found := tpu_software_for(release.version, name))}
    lines = [f"{', '.join(names)}: TPU software {found}" for found, names in _inverted(software).items()]
    lines += [f"libtpu {libtpu} in it"] if libtpu else []
    node = release.line if runs_on_tpu_nodes(release.version) else None
    lines += [f"{', '.join(generations_of_nodes())}: a Cloud TPU node made with TensorFlow {node}"] if node else []
    lines += [f"as a wheel: {distribution.requirement}, with {distribution.libtpu}"] if distribution else []
    if lines:
        value = {
            "software": software,
            "libtpu": libtpu,
            "node": node,
            "distribution": str(distribution.requirement) if distribution else None,
        }
        yield Section(name="tpu", title="TPUs", lines=tuple(lines), value=value)


def _inverted(names: dict[str, str]) -> dict[str, list[str]]:
    by_value: dict[str, list[str]] = {}
    for name, value in names.items():
        by_value.setdefault(value, []).append(name)
    return by_value


# --- what goes with it ---------------------------------------------------------------------------------------


def add_ons(release: Release) -> Iterator[Section]:
    """The release of each add-on for the line."""
    if _facts(release) is not None:
        found = {name: release_for_tensorflow(name, release.line) for name in paired_names()}
        value = {name: str(item.version) for name, item in found.items() if item is not None}
        if value:
            told = ", ".join(f"{name} {version}" for name, version in value.items())
            yield Section(name="add-ons", title="add-ons", lines=(told,), value=value)


def images(release: Release) -> Iterator[Section]:
    """Container images: with it inside, or to install it in."""
    if _facts(release) is None:
        return
    build = _cuda_build(release)
    devices: tuple[ImageDevice, ...] = ("cpu", "cuda") if build else ("cpu",)
    inside = [tensorflow_image_for(release.version, device=device) for device in devices]
    pythons = python_lines_of(release, "linux_x86_64")
    slim = python_image_for(pythons[-1]) if pythons else None
    lines = [f"{image.reference} (Python {image.python})" for image in inside if image]
    bases = [slim.reference if slim else None, cuda_image_for(build) if build else None]
    to_install_in = [base for base in bases if base]
    lines += [f"to install it in: {', '.join(to_install_in)}"] if to_install_in else []
    if lines:
        value = {"with_it": [image.reference for image in inside if image], "to_install_in": to_install_in}
        yield Section(name="images", title="images", lines=tuple(lines), value=value)
