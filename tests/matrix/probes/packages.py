"""What a subject needs beside Keras, by its name; stands alone, since the planner and the scripts in environments ask."""

PACKAGES = {"addons": "tensorflow_addons", "text": "tensorflow_text", "hub": "tensorflow_hub"}
"""The module to import, by how the names of subjects begin."""


def package_of(subject):
    """The module without which a subject can neither be saved nor loaded; ``None`` where Keras suffices."""
    return PACKAGES.get(subject.partition("_")[0])


def needs_definitions(subject):
    """Whether its models refer to classes and functions that no Keras brings."""
    return subject.startswith(("custom_", "network_custom_")) or package_of(subject) is not None


def carries_code(subject):
    """Whether its models hold functions as bytecode, which Keras may refuse to load."""
    return subject.startswith(("code_", "network_code_", "text_"))
