"""The scripts are found as they find each other: in the folder that they stand in."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "data" / "refresh"))
