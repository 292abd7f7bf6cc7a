"""``envlock db``: what the bundled database knows, where it comes from, and whether it holds together."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from envlock.cli.interface import CommandGroup
from envlock.reporter import Reporter


class Info:
    """Lists the tables and their sources."""

    name = "info"
    summary = "List the tables and the sources of the database."

    def configure(self, parser: ArgumentParser) -> None:
        """There is nothing to choose from *parser*'s arguments."""

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Print the list."""
        del reporter
        from envlock.cli.database_output import info_document, render_info
        from envlock.cli.output import print_result
        from envlock.knowledge.tables import describe_database

        print_result(describe_database(), arguments, render=render_info, document=info_document)
        return 0


class Show:
    """Tells all that is known of one release."""

    name = "show"
    summary = "Tell what is known of one release: wheels, bounds, formats, accelerators and more."

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""
        parser.add_argument("distribution", metavar="NAME", help="such as tensorflow, keras, tensorflow-addons")
        parser.add_argument(
            "version", metavar="X.Y[.Z]", nargs="?", help="a release, or a line for its last one (default: the newest)"
        )

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Print the sheet of the release."""
        del reporter
        from envlock.cli.database_output import render_sheet, sheet_document
        from envlock.cli.output import print_result
        from envlock.release_sheet import sheet_of

        sheet = sheet_of(arguments.distribution, arguments.version)
        print_result(sheet, arguments, render=render_sheet, document=sheet_document)
        return 0


class Check:
    """Holds the tables against each other and, if asked, against the index."""

    name = "check"
    summary = "Check that the tables agree with each other, and ask the package index what is new."

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""
        parser.add_argument("--online", action="store_true", help="also ask the package index what came out since")

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Print what is wrong or missing; 0 where nothing is."""
        from envlock.cli.database_output import DatabaseCheck, check_document, render_check
        from envlock.cli.output import print_result
        from envlock.knowledge.consistency import find_problems

        with reporter.step("checking the tables"):
            problems = find_problems()
        missing = None
        if arguments.online:
            from envlock.freshness import find_missing_releases

            with reporter.step("asking the package index"):
                missing = find_missing_releases()
        check = DatabaseCheck(problems=problems, missing=missing)
        print_result(check, arguments, render=render_check, document=check_document)
        return 1 if problems or missing else 0


def database_commands() -> CommandGroup:
    """``envlock db`` with all that stands under it."""
    return CommandGroup(
        name="db",
        summary="Show what the bundled database knows, and check it.",
        commands=(Info(), Show(), Check()),
    )
