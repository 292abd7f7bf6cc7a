"""List the files of releases that pip would install here, as one JSON object. Valid from Python 3.7 on.

Runs where pip-tools is installed: the indexes, credentials and proxies are those of the person's pip. Standard input is
a JSON object of names and versions.
"""

import json
import sys

from piptools.repositories import PyPIRepository


def main():
    repository = PyPIRepository([], cache_dir="cache")
    print(
        json.dumps(
            {
                name: [
                    {
                        "name": candidate.link.filename,
                        "sha256": _sha256(repository, candidate.link),
                        "url": candidate.link.url_without_fragment,
                    }
                    for candidate in repository.find_all_candidates(name)
                    if str(candidate.version) == version
                ]
                for name, version in json.load(sys.stdin).items()
            }
        )
    )


def _sha256(repository, link):
    # Folders of wheels and plain lists of links tell no hash: the file is fetched and read for it.
    return link.hash if link.hash_name == "sha256" else repository._get_file_hash(link).partition(":")[2]


main()
