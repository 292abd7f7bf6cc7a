"""``envlock interpreters``: the Pythons of this machine, and what each is good for."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from envlock.reporter import Reporter


class Interpreters:
    """Lists what environments can be made from, what cannot serve, and what is missing."""

    name = "interpreters"
    summary = "List the Pythons of this machine, what each serves, and how to get more."

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""
        parser.add_argument(
            "--refresh", action="store_true", help="ask every Python what it is, whatever is known from before"
        )

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Print the list."""
        from envlock.cli.interpreters_output import coverage_document, render_coverage
        from envlock.cli.output import print_result
        from envlock.interpreters import SEARCH_VARIABLE, search_is_restricted, survey_interpreters
        from envlock.interpreters.coverage import cover
        from envlock.target import platform_here

        if search_is_restricted():
            reporter.note(f"{SEARCH_VARIABLE} is set: only what it lists is looked at")
        with reporter.step("looking for Pythons"):
            survey = survey_interpreters(refresh=arguments.refresh)
        print_result(cover(survey, platform_here()), arguments, render=render_coverage, document=coverage_document)
        return 0
