"""A survey of the package index as the tables of releases."""

from __future__ import annotations

import json
from pathlib import Path

from tests.refresh.tiny_index import run_script

SURVEY = {
    "wheels_table": [[["manylinux2010_x86_64", ["cp37-cp37m", "cp310"]], ["macosx_10_9_intel", ["cp37"]]]],
    "requires_dist_table": [["six"], ["numpy"]],
    "packages": {
        "kit": {
            "1.0": {"date": "2020-01-01", "sdist": True},
            "1.1": {"date": "2020-02-01", "requires_python": ">=3.7", "wheels": 0, "requires_dist": 1},
            "1.2": {"date": "2020-03-01", "yanked": "broken", "requires_dist": {"win_amd64": 0, "any": 1}},
        }
    },
}


def test_a_survey_becomes_a_table_of_each_distribution(tmp_path: Path) -> None:
    (tmp_path / "releases.json").write_text(json.dumps(SURVEY))

    said = run_script("import_survey.py", tmp_path, "--data", tmp_path)
    again = run_script("import_survey.py", tmp_path, "--data", tmp_path)

    assert json.loads((tmp_path / "releases" / "kit.json").read_bytes()) == {
        "generator": "data/refresh/import_survey.py",
        "source": "package-index",
        "rows": 3,
        "distribution": "kit",
        "requirement_sets": [["numpy"], ["six"]],
        "releases": {
            "1.0": {"uploaded": "2020-01-01", "sdist": True},
            "1.1": {
                "uploaded": "2020-02-01",
                "requires_python": ">=3.7",
                "wheels": {"linux_x86_64": ["cp37", "cp310"], "macos_x86_64": ["cp37"]},
                "requires": {"*": 0},
            },
            "1.2": {"uploaded": "2020-03-01", "yanked": "broken", "requires": {"any": 0, "win_amd64": 1}},
        },
    }
    assert said == "kit.json: 3 added (releases/1.0, releases/1.1, releases/1.2)\n"
    assert again == ""
