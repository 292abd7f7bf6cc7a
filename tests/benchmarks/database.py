"""Milliseconds of one question to each part of the database, first in a new process and then again.

    python tests/benchmarks/database.py [--runs N]

``import`` is what its module takes to import, ``cold`` the first answer after that, with the opening of tables,
``warm`` a further answer in the same process. Of import and cold, the least of N processes; of warm, the mean of many
answers, the least of N such means. A cold answer has a budget of 30 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
BUDGET = 30.0
# What is run here is warm: byte code is there, as in any installation.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

QUESTIONS: dict[str, tuple[str, str]] = {
    "releases_of": ("from envlock.knowledge.releases import releases_of", "releases_of('tensorflow')"),
    "facts_of": ("from envlock.knowledge.tensorflow_facts import facts_of", "facts_of(Version('2.4.4'))"),
    "bounds_for": (
        "from envlock.knowledge.bounds import bounds_for",
        "bounds_for('tensorflow', Version('2.4.4'), python='3.8')",
    ),
    "cuda_for": ("from envlock.knowledge.accelerators import cuda_for", "cuda_for(Version('2.4.4'))"),
    "providers_of": (
        "from envlock.knowledge.custom_objects import providers_of",
        "providers_of('Addons>GELU', 'layer')",
    ),
    "distribution_of": ("from envlock.knowledge.import_names import distribution_of", "distribution_of('cv2')"),
    "find_closure": (
        "from envlock.knowledge.closures import find_closure",
        "find_closure({'tensorflow': Version('2.4.4')}, python='3.8', platform='linux_x86_64')",
    ),
    "snapshot: package": (
        "from envlock.knowledge.snapshot import bundled_snapshot",
        "bundled_snapshot().package('tensorflow').versions",
    ),
    "snapshot: files": (
        "from envlock.knowledge.snapshot import bundled_snapshot",
        "(package := bundled_snapshot().package('tensorflow')).files(package.versions[-1])",
    ),
    "SchemaLine.find_class": (
        "from envlock.knowledge.keras_schema import SchemaLine",
        "SchemaLine('tfkeras', '2.4').find_class('Dense').accepted",
    ),
    "registry.has": (
        "from envlock.knowledge.operations import registry_of",
        "registry_of('2.4').has('MatMul')",
    ),
}

MEASURE = """
import json, sys, time, timeit
from packaging.version import Version
preparation, question = sys.argv[1:]
started = time.perf_counter()
exec(preparation)
imported = time.perf_counter()
eval(question)
answered = time.perf_counter()
count, seconds = timeit.Timer(question, globals=globals()).autorange()
print(json.dumps([1000 * (imported - started), 1000 * (answered - imported), 1000 * seconds / count]))
"""


def main() -> None:
    """Ask everything once unmeasured, then *N* times, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{'milliseconds':<24}{'import':>10}{'cold':>10}{'warm':>10}")
    for name, (preparation, question) in QUESTIONS.items():
        found = [ask(preparation, question) for _ in range(arguments.runs + 1)][1:]
        imported, cold, warm = map(min, zip(*found, strict=True))
        print(f"{name:<24}{imported:10.1f}{cold:10.1f}{warm:10.4f}{'  over budget' if cold > BUDGET else ''}")


def ask(preparation: str, question: str) -> list[float]:
    """Milliseconds of import, first answer and further answer in a process of its own."""
    command = [sys.executable, "-c", MEASURE, preparation, question]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, check=True)
    milliseconds: list[float] = json.loads(done.stdout)
    return milliseconds


if __name__ == "__main__":
    main()
