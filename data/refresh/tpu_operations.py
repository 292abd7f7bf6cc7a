"""Rewrite ``data/tpu_operations.json``: the operations that XLA compiles in each TensorFlow line that was asked.

    python data/refresh/tpu_operations.py FOLDER [--data DIR] [--allow-fewer]

FOLDER holds what ``probes/compiled_operations.py`` prints in environments of these lines, as
``compiled-operations-*.json``. In the table a span list is ``[[first, last], ...]``, inclusive indices into
``versions``.
"""

from __future__ import annotations

import json

from options import harvester_parser
from packaging.version import Version
from spans import spans_by_name
from tables import write_document

GENERATOR = "data/refresh/tpu_operations.py"


def main() -> None:
    options = harvester_parser(__doc__).parse_args()
    answers = [json.loads(path.read_bytes()) for path in options.folder.glob("compiled-operations-*.json")]
    answers.sort(key=lambda answer: Version(answer["version"]))
    write_document(
        options.data / "tpu_operations.json",
        {
            "versions": [answer["version"] for answer in answers],
            "operations": spans_by_name({index: answer["operations"] for index, answer in enumerate(answers)}),
        },
        generator=GENERATOR,
        source="tensorflow-registries",
        tables=("operations",),
        allow_fewer=options.allow_fewer,
    )


if __name__ == "__main__":
    main()
