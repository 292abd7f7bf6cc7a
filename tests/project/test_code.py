"""What source files and notebooks say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.project.projects import (
    Files,
    imports_of,
    modules_of,
    project_of,
    pythons_of,
    requirements_of,
    unread_of,
    uses_of,
)

USES = [
    pytest.param(
        "import tensorflow as tf\ntf.placeholder(1)\ntf.placeholder(2)",
        ["2: tensorflow.placeholder: tensorflow<2"],
        id="a name once",
    ),
    pytest.param(
        "import tensorflow as tf\nslim = tf.contrib.slim\nslim.conv2d",
        ["2: tensorflow.contrib: tensorflow<2"],
        id="a name that stands for another",
    ),
    pytest.param(
        "from tensorflow import keras\nkeras.utils.multi_gpu_model(model)",
        ["1: tensorflow.keras: tensorflow>=1.4", "2: tensorflow.keras.utils.multi_gpu_model: tensorflow<2.4"],
        id="Keras from TensorFlow",
    ),
    pytest.param(
        "import tensorflow as tf\ntf.data.AUTOTUNE",
        ["2: tensorflow.data.AUTOTUNE: tensorflow>=2.4"],
        id="a name of TensorFlow 2.4",
    ),
    pytest.param(
        "import tensorflow.compat.v1 as tf\ntf.placeholder(1)",
        ["1: tensorflow.compat.v1: tensorflow>=1.13"],
        id="the old interface",
    ),
    pytest.param(
        "from tensorflow.keras import layers\nlayers.MultiHeadAttention()",
        ["1: tensorflow.keras: tensorflow>=1.4", "2: tensorflow.keras.layers.MultiHeadAttention: tensorflow>=2.4"],
        id="a class of Keras",
    ),
    pytest.param("from keras.layers import Conv2D, Dense", [], id="classes that all releases have"),
    pytest.param(
        "from keras.layers.merge import concatenate", ["1: keras.layers.merge: keras<2.9"], id="a file of Keras"
    ),
    pytest.param(
        "from keras.layers import Conv2D\nConv2D(8, 3, border_mode='same')",
        ["2: keras.layers.Conv2D(border_mode): keras<2.4"],
        id="a keyword of Keras 1",
    ),
    pytest.param(
        "from tensorflow.keras.optimizers import Adam\nAdam(lr=0.1)",
        ["1: tensorflow.keras: tensorflow>=1.4", "2: tensorflow.keras.optimizers.Adam(lr): tensorflow<2.11"],
        id="a keyword of optimizers",
    ),
    pytest.param(
        "import numpy as np\nnp.zeros(3, dtype=np.bool)",
        ["2: numpy.bool: numpy!=1.24.*,!=1.25.*,!=1.26.*"],
        id="a name that came back",
    ),
    pytest.param(
        "from sklearn.externals import joblib", ["1: sklearn.externals.joblib: scikit-learn<0.23"], id="scikit-learn"
    ),
    pytest.param(
        "for i in xrange(3):\n    f'{i}'",
        ["1: builtins.xrange: python<3", "2: formatted string: python>=3.6"],
        id="Python itself",
    ),
    pytest.param(
        "import urllib2, json, dataclasses",
        ["1: urllib2: python<3", "1: dataclasses: python>=3.7"],
        id="modules of Python",
    ),
    pytest.param(
        "import ConfigParser\nprint 'x'\ntry:\n    pass\nexcept IOError, error:\n    raise\n",
        ["1: ConfigParser: python<3", "2: print statement: python<3", "5: except clause with a comma: python<3"],
        id="Python 2",
    ),
    pytest.param("def f(xrange):\n    return xrange(3)", [], id="a name of the project's own"),
    pytest.param(
        "import tensorflow as tf\ntry:\n    tf.Session\nexcept AttributeError:\n    tf.placeholder\n"
        "if tf.__version__ < '2':\n    tf.app.run()\n",
        [],
        id="what is tried, and what is for one of several versions",
    ),
    pytest.param(
        "try:\n    import urllib2\nexcept ImportError:\n    import urllib.request\n", [], id="a module that is tried"
    ),
    pytest.param(
        "try:\n    import tensorflow.compat.v1 as tf\nexcept ImportError:\n    import tensorflow as tf\ntf.placeholder(1)",
        [],
        id="a name that stands for one of two",
    ),
]


@pytest.mark.parametrize(("source", "uses"), USES)
def test_uses_are_told_where_they_stand_first(tmp_path: Path, source: str, uses: list[str]) -> None:
    project = project_of(tmp_path, {"train.py": source})

    assert (uses_of(project), unread_of(project)) == ([f"train.py, line {use}" for use in uses], [])


def test_imports_of_own_modules_are_left_out(tmp_path: Path) -> None:
    project = project_of(
        tmp_path,
        {
            "train.py": "import os, cv2\nimport tools.data\nfrom tools import data\nfrom model import Net\nimport keras.layers\n",
            "model.py": "from ruamel import yaml\ntry:\n    import tqdm\nexcept ImportError:\n    pass\n",
            "tools/data.py": "from . import other\nfrom model import Net\n",
            "src/old/__init__.py": "",
            "src/old/run.py": "import old.run\nprint 'x'\nimport yaml\n",
            "setup.py": "import setuptools\n",
        },
    )

    assert imports_of(project) == [
        "model.py, line 1: ruamel.yaml",
        "model.py, line 3: tqdm if there",
        "train.py, line 1: os",
        "train.py, line 1: cv2",
        "train.py, line 5: keras.layers",
        "src/old/run.py, line 3: yaml",
    ]


def test_modules_are_told_with_the_folder_to_import_them_from(tmp_path: Path) -> None:
    project = project_of(
        tmp_path,
        {
            "net.py": "import logging\nlogging.basicConfig()\nclass Net: pass\nif __name__ == '__main__':\n    run()\n",
            "train.py": "import net\nmodel = net.Net()\nmodel.fit()\n",
            "src/pack/__init__.py": "",
            "src/pack/part/__init__.py": "",
            "src/pack/part/layers.py": "for name in []:\n    pass\n",
            "scripts/plot.py": "try:\n    import old\nexcept ImportError:\n    old = None\n",
            "setup.py": "",
            "conftest.py": "",
            "2019-run.py": "",
            "options.py": "import argparse\noptions = argparse.ArgumentParser().parse_args()\n",
            "tests/test_net.py": "",
            "net_test.py": "",
            "docs/conf.py": "",
        },
    )

    assert modules_of(project) == [
        ".: net",
        ".: options works",
        ".: train works",
        "scripts: plot",
        "src: pack",
        "src: pack.part",
        "src: pack.part.layers works",
    ]


def test_source_that_no_python_parses_is_named(tmp_path: Path) -> None:
    project = project_of(tmp_path, {"template.py": "import six\nclass {{ name }}:\n"})

    assert (imports_of(project), unread_of(project)) == (["template.py, line 1: six"], ["template.py: does not parse"])


def cell(source: str | list[str], kind: str = "code") -> dict[str, object]:
    return {"cell_type": kind, "source": source}


def notebook(*cells: dict[str, object], **metadata: object) -> str:
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4})


def test_a_notebook_is_read_as_one_program(tmp_path: Path) -> None:
    text = notebook(
        cell("# Training", "markdown"),
        cell(
            [
                "!pip install -q tensorflow==1.15 'six>1' -r needs.txt\n",
                "%matplotlib inline\n",
                "import tensorflow as tf",
            ]
        ),
        cell("%%bash\npip install pandas\nimport nothing"),
        cell("%%time\n%pip install tqdm\ntf.placeholder(1)\nimport dataclasses"),
        cell("print 'x'\nimport yaml"),
        language_info={"name": "python", "version": "3.6.9"},
        kernelspec={"name": "python3"},
    )

    project = project_of(tmp_path, {"train.ipynb": text})

    assert requirements_of(project) == [
        "train.ipynb, cell 2: tensorflow==1.15",
        "train.ipynb, cell 2: six>1",
        "train.ipynb, cell 4: tqdm",
    ]
    assert imports_of(project) == [
        "train.ipynb, cell 2: tensorflow",
        "train.ipynb, cell 4: dataclasses",
        "train.ipynb, cell 5: yaml",
    ]
    assert uses_of(project) == [
        "train.ipynb, cell 4: tensorflow.placeholder: tensorflow<2",
        "train.ipynb, cell 4: dataclasses: python>=3.7",
        "train.ipynb, cell 5: print statement: python<3",
    ]
    assert pythons_of(project) == ["train.ipynb: ==3.6.* (hinted)"]


OLD_NOTEBOOK = {
    "worksheets": [{"cells": [{"cell_type": "code", "input": ["import keras"]}]}],
    "metadata": {"kernelspec": {"name": "python2"}},
    "nbformat": 3,
}


def test_a_notebook_of_the_old_format_is_read(tmp_path: Path) -> None:
    project = project_of(tmp_path, {"old.ipynb": json.dumps(OLD_NOTEBOOK)})

    assert (imports_of(project), pythons_of(project)) == (["old.ipynb, cell 1: keras"], ["old.ipynb: ==2.* (hinted)"])


@pytest.mark.parametrize(
    ("files", "unread"),
    [
        ({"a.ipynb": ""}, ["a.ipynb: notebook at offset 0: is no valid JSON: Expecting value"]),
        ({"a.ipynb": "[]"}, ["a.ipynb: has no cells"]),
        ({"a.ipynb": '{"cells": 3}'}, []),
        ({"a.ipynb": "[" * 1000}, ["a.ipynb: notebook: depth of the JSON text 1000 is over the limit of 200"]),
    ],
)
def test_what_is_no_notebook_is_named(tmp_path: Path, files: Files, unread: list[str]) -> None:
    assert unread_of(project_of(tmp_path, files)) == unread
