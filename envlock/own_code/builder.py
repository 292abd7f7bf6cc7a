"""A person's source folder -> what in there builds the model that weights belong to. Nothing is imported.

Which Keras the weights are for is part of that: a checkpoint knows variables by the objects that hold them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

from envlock.candidates import EnvironmentCandidate
from envlock.errors import UsageError
from envlock.formats.text import printable
from envlock.knowledge.loaders import keras_loaders
from envlock.own_code.definitions import (
    Definition,
    bindings_in,
    find_definitions,
    names_bound_by,
    parse_source,
    read_source,
    source_files,
    statements_of,
)
from envlock.provenance import Provenance


def find_builder(folder: Path, wanted: str) -> Definition:
    """Where the source under *folder* defines what builds a model and is called without arguments, or is a model.

    *wanted* is the ``NAME`` of a function or class, or ``MODULE:NAME``; with a module, the name may be any that the
    module assigns or imports.

    Raises:
        UsageError: There is no such module or name, or what has the name has to be called with arguments.
    """
    module, _, name = wanted.rpartition(":")
    if not name.isidentifier():
        problem = f"{printable(wanted)!r} names no function or class"
        raise UsageError(problem, hint="name it as build_model, or nets.small:build_model")
    found = _find_in_module(folder, module, name) if module else find_definitions(folder, [name]).get(name)
    if found is None:
        near = _near(name, _all_definitions(folder))
        raise UsageError(
            f"{folder}: no Python file defines {printable(name)} at its top level",
            hint=near or "name what the code assigns or imports as MODULE:NAME",
        )
    required = _required_parameters(found)
    if required:
        raise UsageError(
            f"{found.file}, line {found.line}: {name} is called without arguments, and takes {', '.join(required)}",
            hint="name a function without parameters that returns the model",
        )
    return found


def order_by_keras(
    candidates: Iterable[EnvironmentCandidate], provenance: Provenance
) -> tuple[EnvironmentCandidate, ...]:
    """*candidates* for weights that code builds the model for: first those with the Keras that named the objects.

    Keras 3 calls the objects of a model otherwise than Keras 2, and finds no variable under the names of that.
    """
    variables, optimizer = provenance.recorded("variables") or "", provenance.recorded("optimizer-generation")
    is_of_keras_2 = "layer_with_weights-" in variables or optimizer in {"legacy", "keras-2"}
    if provenance.format != "checkpoint" or not is_of_keras_2:
        return tuple(candidates)
    lines = {loader.line for loader in keras_loaders() if loader.implementation == "tf.keras"}
    return tuple(sorted(candidates, key=lambda item: item.tensorflow.line not in lines))


def _find_in_module(folder: Path, module: str, name: str) -> Definition:
    """Where the *module* below *folder* has the *name*.

    Raises:
        UsageError: There is no such module, or it has no such name.
    """
    parts = module.split(".")
    files = (folder.joinpath(*parts, "__init__.py"), folder.joinpath(*parts[:-1], f"{parts[-1]}.py"))
    file = next(filter(Path.is_file, files), None)
    if file is None:
        modules = {_module_name(path, folder): (path, 1) for path in source_files(folder)}
        raise UsageError(
            f"{folder}: there is no module {printable(module)}",
            hint=_near(module, modules) or "name it from that folder on, such as package.module",
        )
    places = _names_of(file)
    if places is not None and name not in places:
        raise UsageError(
            f"{file}: the module defines no {printable(name)}", hint=_near(name, places) or "name what it defines"
        )
    _, line = places[name] if places is not None else (file, 1)
    return Definition(name=name, file=file, line=line, root=folder, module=module)


def _module_name(file: Path, folder: Path) -> str:
    parts = file.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _names_of(file: Path) -> dict[str, tuple[Path, int]] | None:
    """What a module has at its top level, with its place; ``None`` where its source does not tell."""
    body = parse_source(read_source(file) or "")
    if body is None:
        return None
    names: dict[str, int] = {}
    for statement in statements_of(body):
        for name in names_bound_by(statement):
            names.setdefault(name, statement.lineno)
    return None if names.keys() & {"*", "__getattr__"} else {name: (file, line) for name, line in names.items()}


def _all_definitions(folder: Path) -> dict[str, tuple[Path, int]]:
    """The first definition of every class, function and variable under *folder*."""
    found: dict[str, tuple[Path, int]] = {}
    for file in source_files(folder):
        for binding in bindings_in(read_source(file) or ""):
            if not binding.is_import:
                found.setdefault(binding.name, (file, binding.line))
    return found


def _near(name: str, places: Mapping[str, tuple[Path, int]]) -> str:
    """Which of *places* the person may have meant, as one clause; empty where none is like *name*."""
    # Here, since only who has mistyped a name waits for it.
    from difflib import get_close_matches

    alike = [(match, *places[match]) for match in get_close_matches(name, places)]
    told = " or ".join(f"{match} ({file}, line {line})" for match, file, line in alike)
    return f"did you mean {printable(told, limit=len(told))}?" if told else ""


def _required_parameters(definition: Definition) -> list[str]:
    """What a function or class has to be called with; empty where its source does not tell."""
    body = parse_source(read_source(definition.file) or "") or []
    for statement in statements_of(body):
        if getattr(statement, "name", None) != definition.name:
            continue
        if isinstance(statement, ast.FunctionDef) and not statement.decorator_list:
            return _without_default(statement.args)
        if isinstance(statement, ast.ClassDef):
            methods = [item for item in statement.body if isinstance(item, ast.FunctionDef)]
            return next((_without_default(item.args)[1:] for item in methods if item.name == "__init__"), [])
    return []


def _without_default(arguments: ast.arguments) -> list[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    required = positional[: len(positional) - len(arguments.defaults)]
    return [item.arg for item in (*required, *(item for item, default in named if default is None))]
