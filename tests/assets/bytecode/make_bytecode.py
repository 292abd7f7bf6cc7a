"""Print a JSON object: source of a lambda -> Base64 of its marshalled code, as the running Python compiles it.

Valid from Python 2.7 on. `bytecode.json` beside this file holds the answers of several Pythons by their line.
"""

from __future__ import print_function

import base64
import json
import marshal

SOURCES = [
    "lambda x: x",
    "lambda x: x * 2.0 + 1.0",
    "lambda x: K.mean(x, axis=1)",
    "lambda x: x[:, 0]",
    "lambda x: x if x is not None else 0",
    "lambda x: 1 if x in (1, 2) else 2",
    "lambda x, y=1: x < y",
    "lambda *args, **kwargs: f(*args, **kwargs)",
    "lambda x: [v + 1 for v in x]",
    "lambda x: (lambda z: z + x)(1)",
    "lambda x: (\n x +\n 2 ** 70)",
    "lambda x: {'a': x, 'b': None}",
    "lambda x: scale(tf.nn.l2_normalize(K.sum(x, 1)) * np.pi, [FACTORS[len(v)] for v in x])",
]

print(
    json.dumps(
        {source: base64.b64encode(marshal.dumps(eval(source, {}).__code__)).decode("ascii") for source in SOURCES},
        indent=1,
        sort_keys=True,
    )
)
