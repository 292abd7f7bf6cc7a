"""``envlock from-project``: from an old project to verified environments for all of its models."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from envlock.cli.lock_arguments import (
    add_besides_arguments,
    add_choice_arguments,
    add_device_argument,
    add_fetch_argument,
    read_terms,
)
from envlock.reporter import Reporter
from envlock.target import platform_here

if TYPE_CHECKING:
    from envlock.onboarding.order import Order


class FromProject:
    """Reads a project, makes the fewest environments that serve its models and its code, and tries them."""

    name = "from-project"
    summary = "Make the environments of an old project: for its models, its code and what its files ask for."

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""
        parser.add_argument(
            "path", metavar="DIR", type=Path, nargs="?", default=Path(), help="the project (default: this folder)"
        )
        outputs = parser.add_argument_group("what is written")
        outputs.add_argument(
            "-o",
            "--output",
            metavar="DIR",
            type=Path,
            help="where locks, environments and ONBOARDING.md go (default: the project)",
        )
        outputs.add_argument("--lock-only", action="store_true", help="write the locks, make no environment")
        outputs.add_argument(
            "--clear",
            action="store_true",
            help="make environments anew, in place of any virtual environment that is there, whoever made it",
        )
        choice = parser.add_argument_group("what is chosen")
        add_choice_arguments(choice)
        add_device_argument(choice)
        add_besides_arguments(choice)
        add_fetch_argument(choice)
        verification = parser.add_argument_group("what is tried")
        verification.add_argument(
            "--trust",
            action="store_true",
            help="run code of the project, in isolation: import its modules, load models that hold or need code",
        )
        verification.add_argument("--no-verify", action="store_true", help="load no model, import no module")

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Make the environments; 0 where every model was seen to load, or none was to be."""
        order = _order(arguments, reporter)

        from envlock.cli.from_project_output import onboarding_document, render_onboarding
        from envlock.cli.output import print_result
        from envlock.onboarding.onboard import from_project

        onboarding = from_project(order, reporter)
        print_result(onboarding, arguments, render=render_onboarding, document=onboarding_document)
        is_enough = onboarding.is_locked if arguments.no_verify or arguments.lock_only else onboarding.is_proven
        return 0 if is_enough else 1


def _order(arguments: Namespace, reporter: Reporter) -> Order:
    from envlock.errors import UsageError
    from envlock.onboarding.order import Order

    project, folder = arguments.path, arguments.output if arguments.output is not None else arguments.path
    if not project.is_dir():
        raise UsageError(f"{project}: not a folder", hint="pass the folder of the project")
    if not folder.is_dir():
        raise UsageError(f"-o {folder}: not a folder", hint="make it first, or name another")
    platform = platform_here()
    if platform is None:
        raise UsageError("TensorFlow has no wheels for this machine", hint="use a machine that it has wheels for")
    return Order(
        project=project,
        folder=folder,
        platform=platform,
        makes_environments=not arguments.lock_only,
        fetches=not arguments.no_fetch,
        trusts_code=arguments.trust,
        verifies=not arguments.no_verify,
        clears=arguments.clear,
        **read_terms(arguments, reporter),
    )
