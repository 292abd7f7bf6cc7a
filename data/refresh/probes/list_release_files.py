"""List the files of releases that a Python may install, on any of the platforms named, as one JSON object.

    python list_release_files.py PYTHON PLATFORM,PLATFORM,... < {"NAME": "VERSION", ...}

Runs where a recent pip is installed, which asks the person's index for each name, as ``pip index versions`` does.
"""

import contextlib
import json
import sys

from pip._internal.commands import create_command
from pip._internal.models.target_python import TargetPython


def main():
    python, platforms = sys.argv[1], sys.argv[2].split(",")
    releases = json.load(sys.stdin)
    # pip tells of indexes that it passes over wherever its messages go.
    with contextlib.redirect_stdout(sys.stderr):
        listed = list_files(releases, [int(part) for part in python.split(".")], platforms)
    print(json.dumps(listed))


def list_files(releases, python, platforms):
    command = create_command("index")
    with command.main_context():
        options, _ = command.parse_args(["versions", "--pre", *releases])
        session = command.get_default_session(options)
        # Builds of one Python can differ in their ABI, and every wheel of any of them counts.
        interpreter = "cp" + "".join(map(str, python))
        target = TargetPython(
            platforms=platforms,
            py_version_info=(*python, 99),
            abis=[interpreter + flags for flags in ("mu", "m", "")] + ["none"],
            implementation="cp",
        )
        finder = command._build_package_finder(options, session, target, ignore_requires_python=False)
        return {
            name: [describe(item.link) for item in finder.find_all_candidates(name) if str(item.version) == version]
            for name, version in releases.items()
        }


def describe(link):
    return {"name": link.filename, "sha256": link.hash if link.hash_name == "sha256" else None}


main()
