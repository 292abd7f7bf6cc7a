"""``envlock docker``: a folder that an image is built from, in which the model loads or is served."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from envlock.cli.arguments import known_platform
from envlock.cli.lock_arguments import (
    add_besides_arguments,
    add_choice_arguments,
    add_code_arguments,
    add_device_argument,
    add_upgrade_arguments,
    read_model_terms,
)
from envlock.reporter import Reporter
from envlock.target import LINUX_X86_64, PLATFORMS, Device, Platform

if TYPE_CHECKING:
    from envlock.images.interface import ImageRequest

_DEVICES: tuple[Device, ...] = ("cpu", "cuda")
_LINUX = [platform.name for platform in PLATFORMS if platform.system == "Linux"]


class Docker:
    """Writes a Dockerfile with all that it needs: the lock, the script that loads the model, the model."""

    name = "docker"
    summary = "Write a folder from which docker builds an image in which a saved model loads."

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""
        parser.add_argument("path", metavar="PATH", type=Path, help="a saved model: .h5, .keras or a SavedModel folder")
        outputs = parser.add_argument_group("what is written")
        outputs.add_argument(
            "-o", "--output", metavar="DIR", type=Path, default=Path("docker"), help="the folder (default: docker)"
        )
        outputs.add_argument(
            "--no-model", action="store_true", help="leave the model out of the image: it is mounted when that runs"
        )
        outputs.add_argument(
            "--devcontainer", action="store_true", help="also write .devcontainer/devcontainer.json, for editors"
        )
        outputs.add_argument(
            "--conda", action="store_true", help="also write environment.yml, the same lock in an environment of conda"
        )
        add_upgrade_arguments(outputs)
        image = parser.add_argument_group("what the image is built on")
        image.add_argument(
            "--base",
            metavar="IMAGE",
            type=_reference,
            help="this image, in place of the one that fits; it has to have the Python that the lock is for, and pip",
        )
        image.add_argument(
            "--serve", action="store_true", help="TensorFlow Serving, which answers for a SavedModel over the network"
        )
        image.add_argument(
            "--python-platform",
            metavar="NAME",
            type=_linux_platform,
            default=LINUX_X86_64,
            help=f"what the image is for: {', '.join(_LINUX)} (default: {LINUX_X86_64.name}), or manylinux_2_31_x86_64 "
            "and the like for a base with that glibc",
        )
        add_device_argument(image, _DEVICES)
        choice = parser.add_argument_group("what is chosen")
        add_choice_arguments(choice)
        add_besides_arguments(choice)
        add_code_arguments(parser.add_argument_group("your code"))

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Write the folder, and say what is in it, what it implies, and how to build and run the image."""
        request = _request(arguments, reporter)

        from envlock.cli.docker_output import image_document, render_image
        from envlock.cli.output import print_result
        from envlock.images.making import make_image_folder

        print_result(make_image_folder(request, reporter), arguments, render=render_image, document=image_document)
        return 0


def _request(arguments: Namespace, reporter: Reporter) -> ImageRequest:
    from datetime import datetime, timezone

    from envlock.images.interface import ImageRequest
    from envlock.images.names import LOCK
    from envlock.pipeline.request import Request
    from envlock.writers import WRITERS

    _refuse_contradictions(arguments)
    lock = Request(
        artifact=arguments.path,
        platform=arguments.python_platform,
        writer=WRITERS[0],
        lock_path=arguments.output / LOCK,
        environment_path=None,
        **read_model_terms(arguments, reporter),
    )
    return ImageRequest(
        lock=lock,
        folder=arguments.output,
        base=arguments.base,
        holds_model=not arguments.no_model,
        serves=arguments.serve,
        has_dev_container=arguments.devcontainer,
        has_conda_environment=arguments.conda,
        today=datetime.now(timezone.utc).date(),
    )


def _refuse_contradictions(arguments: Namespace) -> None:
    """Make sure that nothing of Python is asked of an image that has none, nor what only an image has of conda."""
    from envlock.errors import UsageError

    of_python = [
        ("--code", arguments.code),
        ("--with", arguments.besides),
        ("--with-requirements", arguments.with_requirements),
        ("--devcontainer", arguments.devcontainer),
        ("--conda", arguments.conda),
    ]
    given = [option for option, value in of_python if value]
    if arguments.serve and given:
        raise UsageError(f"{given[0]} is about Python, and TensorFlow Serving has none", hint="leave one of them out")


def _reference(text: str) -> str:
    from envlock.images.reference import is_pinned, is_reference

    if not is_reference(text):
        raise ArgumentTypeError(f"{text!r} is no reference of an image, such as python:3.8-slim-bookworm")
    if not is_pinned(text):
        raise ArgumentTypeError(f"{text!r} is another image every day: name its tag or digest")
    return text


def _linux_platform(text: str) -> Platform:
    platform = known_platform(text)
    if platform.system != "Linux":
        raise ArgumentTypeError(f"{text!r} is not Linux, as images are")
    return platform
