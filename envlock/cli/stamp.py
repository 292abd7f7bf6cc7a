"""``envlock stamp``: the environment in which a model loads is written down with the model."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from envlock.reporter import Reporter


class Stamp:
    """Loads a model in an environment, and writes down that it loads there."""

    name = "stamp"
    summary = "Write the environment in which a model loads beside it, so that nobody has to guess again."

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""
        from envlock.cli.verify import add_loading_arguments

        parser.add_argument("path", metavar="PATH", nargs="?", type=Path, help="a saved model: file or folder")
        add_loading_arguments(parser)
        parser.add_argument(
            "--inside",
            action="store_true",
            help="write it into the SavedModel folder or the .keras archive, and load that once more",
        )
        parser.add_argument(
            "--recorder",
            metavar="FILE",
            type=Path,
            help="instead, write the Python file that stamps models where they are saved, for training scripts of "
            "Python 2.7 and newer",
        )

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Write the stamp, or the recorder; 1 where the model does not load, and nothing is written."""
        from envlock.cli.output import print_result
        from envlock.cli.stamp_output import recorder_document, render_recorder, render_stamped, stamped_document
        from envlock.errors import UsageError

        if (arguments.path is None) == (arguments.recorder is None):
            raise UsageError("a model or --recorder, one of them", hint="name the model to stamp")
        if arguments.recorder is not None:
            from envlock.stamping import write_recorder

            write_recorder(arguments.recorder)
            print_result(arguments.recorder, arguments, render=render_recorder, document=recorder_document)
            return 0
        from envlock.stamping import stamp_artifact

        stamped = stamp_artifact(
            arguments.path,
            arguments.venv,
            reporter,
            code=arguments.code,
            builder=arguments.builder,
            trusts_code=arguments.trust,
            is_inside=arguments.inside,
        )
        print_result(stamped, arguments, render=render_stamped, document=stamped_document)
        return 0 if stamped.place is not None else 1
