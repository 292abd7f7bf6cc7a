"""Rewrite ``data/networks.json``: the layers of published networks, as releases of TensorFlow and TF-slim build them.

    python data/refresh/networks.py FOLDER [--data DIR] [--allow-fewer]

FOLDER holds what ``probes/network_variables.py`` prints in environments of these releases, as ``*.jsonl``. Lines of
releases in which a network has the same layers share a row; a run without some of them drops these.

In the table ``kinds`` are the layers that occur: class, and the shape of each variable by its role. A network's
``layers`` go by name to such a kind, in the order in which they are made; of layers that Keras has numbered, names as
``conv2d#3`` tell how many came before. ``order`` has their places as the model lists them, where that is another order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from options import harvester_parser
from packaging.version import Version
from tables import write_document

from envlock.knowledge.networks import numbered_name
from envlock.knowledge.releases import line_of, line_order

GENERATOR = "data/refresh/networks.py"

Row = dict[str, Any]


def main() -> None:
    options = harvester_parser(__doc__).parse_args()
    built = [json.loads(line) for path in sorted(options.folder.glob("*.jsonl")) for line in _whole_lines(path)]
    write_document(
        options.data / "networks.json",
        assemble(built),
        generator=GENERATOR,
        source="built-networks",
        tables=("kinds", "networks"),
        allow_fewer=options.allow_fewer,
    )


def assemble(built: Iterable[Row]) -> Row:
    """The document of networks that were *built*, as the probe describes them."""
    kinds: dict[str, int] = {}
    networks: dict[str, Row] = {}
    for network in sorted(built, key=lambda row: (row["provider"], row["name"], json.dumps(row["arguments"]))):
        row = {key: network[key] for key in ("provider", "name", "arguments")} | _layers(network, kinds)
        same = networks.setdefault(json.dumps(row), row | {"lines": []})
        same["lines"].append(line_of(Version(network["version"])))
    for row in networks.values():
        row["lines"].sort(key=line_order)
    return {"kinds": [json.loads(kind) for kind in kinds], "networks": list(networks.values())}


def _layers(network: Row, kinds: dict[str, int]) -> Row:
    """Names and kinds of the layers, and their order; kinds that are new are added to *kinds*."""
    names = number_by_rank([(name, class_name) for name, class_name, _ in network["layers"]])
    described = ([class_name, variables] for _, class_name, variables in network["layers"])
    layers = {name: kinds.setdefault(json.dumps(kind), len(kinds)) for name, kind in zip(names, described, strict=True)}
    order = network["order"]
    return {"layers": layers} if order in (None, [*range(len(layers))]) else {"layers": layers, "order": order}


def number_by_rank(layers: list[tuple[str, str]]) -> list[str]:
    """The names of layers, each given with its class; where Keras has numbered them, by how many came before.

    The numbers go on from one model to the next of a program, so that they tell no more than that order.
    """
    numbers: dict[str, list[int]] = {}
    for name, class_name in layers:
        if (number := _number(name, class_name)) is not None:
            numbers.setdefault(class_name, []).append(number)
    names = []
    for name, class_name in layers:
        number = _number(name, class_name)
        rank = None if number is None else sorted(numbers[class_name]).index(number)
        names.append(name if rank is None else f"{numbered_name(class_name)}#{rank}")
    return names


def _number(name: str, class_name: str) -> int | None:
    match = re.fullmatch(rf"{numbered_name(class_name)}(?:_(\d+))?", name)
    return None if match is None else int(match[1] or 0)


def _whole_lines(path: Path) -> list[str]:
    """The lines of a file that is being written."""
    return [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]


if __name__ == "__main__":
    main()
