"""Settings of a run, as a file says."""

import yaml


def read_settings(path):
    with open(path) as stream:
        return yaml.safe_load(stream)
