from __future__ import annotations

import pytest

from envlock.knowledge.keras_schema import SchemaLine
from envlock.knowledge.loaders import all_loaders, import_for, own_packages
from envlock.knowledge.specifiers import admits


@pytest.mark.parametrize(
    ("specifier", "version", "is_admitted"),
    [
        (">=2.4,<2.6", "2.5", True),
        (">=2.4,<2.6", "2.6", False),
        (">=2.4,<2.6", "2.5.0rc1", True),
        ("", "1.0", True),
    ],
)
def test_a_specifier_admits_the_versions_in_its_range(specifier: str, version: str, is_admitted: bool) -> None:
    assert admits(specifier, version) is is_admitted


@pytest.mark.parametrize(
    ("expression", "statement"),
    [
        ("tf.compat.v1.saved_model.loader.load(session, ['serve'], path)", "import tensorflow as tf"),
        ("tf_keras.models.load_model(path)", "import tf_keras"),
        ("keras.models.load_model(path)", "import keras"),
    ],
)
def test_an_expression_is_preceded_by_the_import_of_its_implementation(expression: str, statement: str) -> None:
    assert import_for(expression) == statement


def test_the_packages_of_the_implementations_are_their_own() -> None:
    assert own_packages() == {"keras", "keras_core", "tensorflow", "tf_keras"}


def test_a_line_whose_sources_were_not_read_is_taken_for_the_nearest_earlier_one() -> None:
    known, unread = SchemaLine("keras3", "3.15"), SchemaLine("keras3", "3.99")

    assert unread.find_class("Dense") == known.find_class("Dense")


def test_each_implementation_has_the_lines_between_its_first_and_its_last() -> None:
    lines: dict[tuple[str, str | None], list[str]] = {}
    for loader in all_loaders():
        lineage = loader.schema.lineage if loader.schema else None
        lines.setdefault((loader.implementation, lineage), []).append(loader.line)

    assert {name: (found[0], found[-1]) for name, found in lines.items() if name != ("keras", "keras3")} == {
        ("tf.keras", "tfkeras"): ("1.4", "2.15"),
        ("tf-keras", "tfkeras"): ("2.16", "2.21"),
        ("keras-core", "keras3"): ("0.1", "0.1"),
        ("keras", "keras2"): ("1.2", "2.3"),
        ("tensorflow", None): ("1.4", "2.21"),
    }
