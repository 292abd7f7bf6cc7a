"""The typed view of the serialization schema, asked what is known of released versions."""

from __future__ import annotations

import pytest

from envlock.knowledge.keras_schema import LINEAGES, Lineage, SchemaClass, SchemaLine, lines_with_schema


def class_of(lineage: Lineage, line: str, name: str) -> SchemaClass:
    found = SchemaLine(lineage, line).find_class(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("lineage", "line", "name", "keyword", "default"),
    [
        ("tfkeras", "1.15", "GRU", "reset_after", "False"),
        ("tfkeras", "2.0", "GRU", "reset_after", "True"),
        ("tfkeras", "1.15", "GRU", "recurrent_activation", "'hard_sigmoid'"),
        ("tfkeras", "2.21", "GRU", "recurrent_activation", "'sigmoid'"),
        ("keras2", "2.3", "GRU", "reset_after", "False"),
        ("keras3", "3.0", "Dense", "use_bias", "True"),
        ("keras3", "3.0", "Dense", "activation", "None"),
        ("keras3", "3.0", "Dense", "units", None),
        ("keras3", "3.0", "Dense", "no_such_keyword", None),
    ],
)
def test_the_default_of_a_keyword_is_that_of_the_line(
    lineage: Lineage, line: str, name: str, keyword: str, default: str | None
) -> None:
    assert class_of(lineage, line, name).default_of(keyword) == default


@pytest.mark.parametrize(
    ("lineage", "line", "name", "keys"),
    [
        ("tfkeras", "2.4", "Functional", {"input_layers", "layers", "output_layers"}),
        ("tfkeras", "2.12", "Bidirectional", {"layer"}),
        ("keras3", "3.0", "Dense", set()),
    ],
)
def test_keys_are_subscripted_where_their_absence_raises(
    lineage: Lineage, line: str, name: str, keys: set[str]
) -> None:
    assert class_of(lineage, line, name).subscripted == keys


@pytest.mark.parametrize(
    ("line", "name", "module"),
    [
        ("2.12", "Dense", "keras.layers"),
        ("2.12", "Functional", "keras.engine.functional"),
        ("2.13", "Functional", "keras.src.engine.functional"),
        ("2.16", "Functional", "tf_keras.src.engine.functional"),
    ],
)
def test_a_class_is_named_under_its_exported_module_else_its_own(line: str, name: str, module: str) -> None:
    assert class_of("tfkeras", line, name).module == module


@pytest.mark.parametrize("lineage", LINEAGES)
def test_columns_agree_with_each_other_in_every_line(lineage: Lineage) -> None:
    for line in lines_with_schema(lineage):
        for found in SchemaLine(lineage, line).classes():
            assert found.required <= found.accepted
            assert found.subscripted <= found.handled
            assert not found.always_written & found.sometimes_written
            assert found.module
            assert all(found.default_of(name) is not None for name in found.accepted - found.required)
