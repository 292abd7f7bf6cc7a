"""Make the models of the projects: each is trained by its own code, in an environment of its year.

Needs uv and Pythons 3.6, 3.8 and 3.11; reaches the package index.
"""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

# Beside what each project asks for, the bounds that its own files lack today.
PROJECTS = (
    (
        "digits",
        "3.6",
        ["Keras==2.2.4", "tensorflow==1.12.0", "numpy<1.17", "h5py<3", "protobuf<3.20"],
        ["-m", "digits.train"],
    ),
    (
        "ratings",
        "3.8",
        ["tensorflow-cpu==2.3.1", "tensorflow-addons==0.11.2", "numpy<1.19", "h5py<3", "protobuf<3.20"],
        ["train.py"],
    ),
    ("churn", "3.11", ["tensorflow-cpu==2.15.0", "numpy<2"], ["-m", "churn.train"]),
)


def main(*names):
    for name, python, requirements, command in PROJECTS:
        if names and name not in names:
            continue
        folder = os.path.join(HERE, name)
        with tempfile.TemporaryDirectory() as place:
            environment = os.path.join(place, "environment")
            subprocess.check_call(["uv", "venv", "-q", "--python", python, environment])
            executable = os.path.join(environment, "bin", "python")
            subprocess.check_call(["uv", "pip", "install", "-q", "--python", executable] + requirements)
            subprocess.check_call([executable, "-B"] + command, cwd=folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
