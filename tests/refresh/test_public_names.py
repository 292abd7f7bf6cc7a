"""The table of public names is read from releases, packed or not."""

from __future__ import annotations

import json
from pathlib import Path

from tests.refresh.test_function_spans import pack, unpack
from tests.refresh.tiny_index import run_script

ROOT = "from tensorflow._api.v1 import app\nfrom tensorflow._api.v1 import train\nfrom tensorflow.python.ops import placeholder\n"
OLD = {
    "tensorflow-1.12.3.data/purelib/tensorflow/_api/v1/__init__.py": ROOT
    + "from tensorflow.python.x import y as _hidden\n",
    "tensorflow-1.12.3.data/purelib/tensorflow/_api/v1/app/__init__.py": "from tensorflow.python.platform import flags\n",
    "tensorflow-1.12.3.data/purelib/tensorflow/_api/v1/train/__init__.py": "from tensorflow.python.train import Adam, Saver\n",
}
NEW = {
    "tensorflow/_api/v2/v2.py": "from tensorflow._api.v2 import train, keras\nfrom tensorflow.python.eager import f as function\n",
    "tensorflow/_api/v2/train/__init__.py": "from tensorflow.python.train import Checkpoint, Adam\n",
    "tensorflow/_api/v2/keras/__init__.py": "from keras import layers\n",
    "tensorflow/_api/v2/compat/v1/train/__init__.py": "from tensorflow.python.train import Saver\n",
}


def test_names_that_not_all_releases_have_are_listed_by_what_they_are_part_of(tmp_path: Path) -> None:
    places = [
        unpack(tmp_path, "tensorflow", "2.4.4", NEW),
        pack(tmp_path, "tensorflow", "1.12.3", OLD),
        pack(tmp_path, "tensorflow_cpu", "2.10.1", NEW),
    ]

    run_script("public_names.py", *places, "--data", tmp_path)

    assert json.loads((tmp_path / "public_names.json").read_bytes()) == {
        "generator": "data/refresh/public_names.py",
        "source": "tensorflow-wheels",
        "rows": 5,
        "versions": ["1.12.3", "2.4.4", "2.10.1"],
        "names": {
            "app": [[0, 0]],
            "function": [[1, 2]],
            "placeholder": [[0, 0]],
            "train.Checkpoint": [[1, 2]],
            "train.Saver": [[0, 0]],
        },
    }
