"""Which function a call in a method runs, found without running it."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from .modules import Definition, Function, SourceTree, dotted_name

DEEPEST_CALL = 6
"""Calls within calls that are followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A function of these sources that a call runs."""

    function: Function
    order: tuple[Definition, ...]
    """Where it looks methods up in turn, and ``super()`` from *position* on."""

    position: int
    parameters: list[str]
    """In the order of the arguments of the call."""


def find_called(tree: SourceTree, order: tuple[Definition, ...], position: int, call: ast.Call) -> Called | None:
    """What *call* runs: a method of the object, of its class or of a base, or a function of a module."""
    owner, dotted = order[position], dotted_name(call.func)
    is_of_base = _explicit_base(tree, owner, call) is not None
    if is_super(call) or is_of_base:
        searched = base_order(tree, order, position, call)
    elif dotted is not None and dotted.partition(".")[0] in {"self", "cls"} and dotted.count(".") == 1:
        searched = order
    else:
        found = tree.resolve(owner.module, dotted) if dotted is not None else None
        if found is None or not isinstance(found.node, Function):
            return None
        parameters = [argument.arg for argument in found.node.args.args]
        return Called(function=found.node, order=(found,), position=0, parameters=parameters)
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    for item in searched:
        if (method := item.method(name)) is not None:
            decorators = {dotted_name(decorator) for decorator in method.decorator_list}
            # Base.method(self, ...) hands over the object itself.
            is_bound = "staticmethod" not in decorators and ("classmethod" in decorators or not is_of_base)
            whole = order if item in order else searched
            parameters = [argument.arg for argument in method.args.args][int(is_bound) :]
            return Called(function=method, order=whole, position=whole.index(item), parameters=parameters)
    return None


def base_order(
    tree: SourceTree, order: tuple[Definition, ...], position: int, call: ast.Call
) -> tuple[Definition, ...]:
    """Where the lookup of ``super().m`` or ``Base.m`` starts."""
    if is_super(call):
        target = call.func.value if isinstance(call.func, ast.Attribute) else None
        named = dotted_name(target.args[0]) if isinstance(target, ast.Call) and target.args else None
        start = next((at for at, owner in enumerate(order) if owner.name == named), position)
        return order[max(start, position) + 1 :]
    base = _explicit_base(tree, order[position], call)
    return tree.resolution_order(base) if base is not None else ()


def is_super(call: ast.Call) -> bool:
    """Whether *call* is ``super().m(...)``."""
    target = call.func.value if isinstance(call.func, ast.Attribute) else None
    return isinstance(target, ast.Call) and dotted_name(target.func) == "super"


def _explicit_base(tree: SourceTree, owner: Definition, call: ast.Call) -> Definition | None:
    """The class ``Base`` of ``Base.method(self, ...)``."""
    target = call.func.value if isinstance(call.func, ast.Attribute) else None
    dotted = dotted_name(target)
    base = tree.resolve(owner.module, dotted) if dotted else None
    return base if base is not None and base.is_class else None


def is_serialization(call: ast.Call) -> bool:
    """Whether an object in a configuration, not the configuration itself, is made or read."""
    name = (dotted_name(call.func) or "").rpartition(".")[2]
    return name.startswith(("serialize", "deserialize"))
