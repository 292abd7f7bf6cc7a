"""Which package beside Keras a subject needs; stands alone, since the planner and the scripts in environments ask."""

PACKAGES = {"addons": "tensorflow_addons", "text": "tensorflow_text"}
"""The module to import, by how the names of subjects begin."""


def package_of(subject):
    """The module without which a subject can neither be saved nor loaded; ``None`` where Keras suffices."""
    return PACKAGES.get(subject.partition("_")[0])
