"""Score the main job: does ``from-model`` alone give an environment in which each artifact gives its saver's numbers?

    python tests/matrix/run_from_model.py FARM [--only LINE ...] [--results FILE] [--jobs N]

FARM holds a folder for every saver, as ``save_models.py`` fills them: artifacts, each with the inputs and outputs of
the saver beside it. For every artifact an environment is made by the command line, the artifact is loaded there
once more by ``check_numbers.py`` and its outputs compared; then the environment is removed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

CHECK = Path(__file__).parent / "check_numbers.py"
EXPECTATION = ".expected.json"


def main() -> int:
    """Run all and print a row each; 0 where every artifact gives its numbers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("farm", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="folders of the farm")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    artifacts = list(_artifacts(arguments.farm.resolve(), arguments.only))
    rows = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for row in pool.map(_serve, artifacts):
            rows.append(row)
            print(
                f"{'ok  ' if row['ok'] else 'FAIL'} {row['artifact']:<32} {row['environment']} {row['error']}",
                flush=True,
            )
    if arguments.results:
        arguments.results.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    served = sum(row["ok"] for row in rows)
    print(f"{served} of {len(rows)} artifacts give their saver's numbers in the environment made for them")
    return 0 if served == len(rows) else 1


def _artifacts(farm: Path, only: list[str]) -> Iterator[Path]:
    for expectation in sorted(farm.glob(f"*/*{EXPECTATION}")):
        if not only or expectation.parent.name in only:
            yield expectation.with_name(expectation.name.removesuffix(EXPECTATION))


def _serve(artifact: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "envlock", "from-model", str(artifact), "--json"]
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        row: dict[str, Any] = {"artifact": f"{artifact.parent.name}/{artifact.name}", "environment": "", "ok": False}
        try:
            document = json.loads(made.stdout)
        except ValueError:
            return row | {"error": made.stderr.strip()}
        if made.returncode != 0:
            return row | {"error": document.get("message") or document.get("unverified") or made.stderr.strip()}
        row |= {
            "environment": " + ".join(document["candidate"]["requirements"]) + f" py{document['candidate']['python']}",
            "attempts": len(document["attempts"]),
            "how": document["verification"]["how"],
            "seconds": document["seconds"],
        }
        python = Path(folder) / document["venv"] / "bin" / "python"
        expectation = artifact.with_name(artifact.name + EXPECTATION)
        checked = subprocess.run(
            [str(python), str(CHECK), document["verification"]["loader"], str(artifact), str(expectation)],
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            answer = json.loads(checked.stdout.strip().splitlines()[-1])
        except (ValueError, IndexError):
            answer = {"ok": False, "error": checked.stderr.strip()[-300:]}
        return row | {"ok": answer["ok"], "error": answer.get("error") or ""}


if __name__ == "__main__":
    sys.exit(main())
