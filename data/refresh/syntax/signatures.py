"""Which keywords the ``__init__`` of a class takes, and with which defaults."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from .calls import base_order, is_super
from .modules import Definition, Function, SourceTree, dotted_name, strings_in, text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The keywords that ``__init__`` takes."""

    accepted: dict[str, str] = field(default_factory=dict)
    """Name to its default as source text; ``None`` where the code looks for the name and finds nothing."""

    required: frozenset[str] = frozenset()
    """Names without a default; they are among the accepted ones."""

    is_open: bool = False
    """Whether a keyword of any name is taken."""


def read_signature(tree: SourceTree, definition: Definition) -> Signature:
    """The keywords of ``__init__``, through ``**kwargs`` those of the bases as well."""
    return signature_of(tree, tree.resolution_order(definition))


def signature_of(tree: SourceTree, order: tuple[Definition, ...]) -> Signature:
    """The signature of the first ``__init__`` in *order*."""
    for position, owner in enumerate(order):
        if (method := owner.method("__init__")) is not None:
            return _read_init(tree, order, position, method)
    return Signature()


def _read_init(tree: SourceTree, order: tuple[Definition, ...], position: int, method: Function) -> Signature:
    own = parameters_of(method)
    if method.args.kwarg is None:
        return _signature(own, {}, is_open=False)
    use = _KeywordUse.of(tree, order, method, method.args.kwarg.arg)
    if use.is_checked:
        return _signature(own, use.taken, is_open=False)
    bases = [_passed_on(tree, order, position, call) for call in use.calls_of_bases]
    inherited = Signature(
        accepted={name: default for base in bases for name, default in base.accepted.items()},
        required=frozenset.intersection(*(base.required for base in bases)) if bases else frozenset(),
        is_open=any(base.is_open for base in bases) if bases else not use.goes_elsewhere,
    )
    taken = {name: default for name, default in use.taken.items() if name not in inherited.accepted}
    merged = _signature(own, inherited.accepted | taken, is_open=inherited.is_open)
    return replace(merged, required=merged.required | inherited.required.difference(own, use.taken))


def _signature(own: dict[str, str | None], others: dict[str, str], *, is_open: bool) -> Signature:
    stated = {name: default for name, default in own.items() if default is not None}
    required = frozenset(own).difference(stated)
    return Signature(accepted=others | dict.fromkeys(required, "None") | stated, required=required, is_open=is_open)


def parameters_of(method: Function) -> dict[str, str | None]:
    """Name of each parameter after ``self`` to its default as source text, None where it has none."""
    arguments = method.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = list(zip(positional, defaults, strict=True))[1:] + list(
        zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    )
    return {argument.arg: None if default is None else ast.unparse(default) for argument, default in pairs}


def _passed_on(tree: SourceTree, order: tuple[Definition, ...], position: int, call: ast.Call) -> Signature:
    """What is left of the signature of a base for the keywords that ``**kwargs`` brings to it in *call*."""
    base = base_order(tree, order, position, call)
    signature = signature_of(tree, base)
    given = {keyword.arg for keyword in call.keywords}
    positional = call.args[0 if is_super(call) else 1 :]
    method = next((method for owner in base if (method := owner.method("__init__"))), None)
    if method is not None and not any(isinstance(argument, ast.Starred) for argument in positional):
        given |= set(list(parameters_of(method))[: len(positional)])
    return replace(
        signature,
        accepted={name: default for name, default in signature.accepted.items() if name not in given},
        required=signature.required - given,
    )


@dataclass(slots=True)
class _KeywordUse:
    """What a method does with the dictionary of its remaining keywords."""

    taken: dict[str, str] = field(default_factory=dict)
    """Names it looks for, to their defaults."""

    is_checked: bool = False
    """Whether names that it does not look for are refused."""

    calls_of_bases: list[ast.Call] = field(default_factory=list)
    goes_elsewhere: bool = False
    """Whether the names end in a call that refuses what it does not know."""

    @classmethod
    def of(cls, tree: SourceTree, order: tuple[Definition, ...], method: Function, name: str) -> _KeywordUse:
        use = cls()
        refused = {
            id(node.test)
            for node in ast.walk(method)
            if isinstance(node, ast.If) and node.body and isinstance(node.body[0], ast.Raise)
        }
        for node in ast.walk(method):
            if isinstance(node, ast.Call):
                use._see_call(tree, order, method, name, node)
            elif isinstance(node, ast.Subscript) and _is_name(node.value, name):
                use._take(node.slice, None)
            elif isinstance(node, ast.Compare) and _is_name(node.comparators[0], name) and id(node) not in refused:
                use._take(node.left, None)
            elif isinstance(node, ast.For) and _iterates(node.iter, name) and _raises(node):
                use._see_loop(order, method, node)
            elif isinstance(node, ast.If) and id(node.test) in refused and _tests_for_any(node.test, name):
                use.is_checked = True
        return use

    def _see_call(
        self, tree: SourceTree, order: tuple[Definition, ...], method: Function, name: str, call: ast.Call
    ) -> None:
        function = call.func
        attribute = function.attr if isinstance(function, ast.Attribute) else ""
        if isinstance(function, ast.Attribute) and _is_name(function.value, name):
            if attribute in {"pop", "get", "setdefault"} and call.args:
                self._take(call.args[0], call.args[1] if len(call.args) > 1 else None)
        elif any(keyword.arg is None and _is_name(keyword.value, name) for keyword in call.keywords):
            if attribute == "__init__":
                self.calls_of_bases.append(call)
            elif (helper := _own_method(order, function)) is not None:
                self._see_helper(tree, order, helper)
        elif any(_is_name(argument, name) for argument in call.args):
            if (dotted_name(function) or "").endswith("validate_kwargs"):
                self._allow(_strings_of(order, method, call.args[1]))
            elif (helper := _own_method(order, function)) is not None:
                at = next(at for at, argument in enumerate(call.args) if _is_name(argument, name))
                parameter = [argument.arg for argument in helper.args.args][at + 1]
                self._merge(_KeywordUse.of(tree, order, helper, parameter))

    def _see_helper(self, tree: SourceTree, order: tuple[Definition, ...], helper: Function) -> None:
        """``self.helper(**kwargs)``: the parameters of the method are taken, and what it does with its own rest."""
        self.taken |= {name: default or "None" for name, default in parameters_of(helper).items()}
        if helper.args.kwarg is None:
            self.goes_elsewhere = True
        else:
            self._merge(_KeywordUse.of(tree, order, helper, helper.args.kwarg.arg))

    def _see_loop(self, order: tuple[Definition, ...], method: Function, loop: ast.For) -> None:
        """``for name in kwargs: if name not in allowed: raise``."""
        allowed = [
            node.comparators[0]
            for node in ast.walk(loop)
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.NotIn)
        ]
        self._allow([name for node in allowed for name in _strings_of(order, method, node)])

    def _allow(self, names: Iterable[str]) -> None:
        self.is_checked = True
        self.taken = dict.fromkeys(names, "None") | self.taken

    def _take(self, key: ast.expr, default: ast.expr | None) -> None:
        name = text_of(key)
        if name is not None and self.taken.get(name, "None") == "None":
            self.taken[name] = ast.unparse(default) if default is not None else "None"

    def _merge(self, other: _KeywordUse) -> None:
        self.taken |= other.taken
        self.is_checked |= other.is_checked
        self.goes_elsewhere |= other.goes_elsewhere


def _strings_of(order: tuple[Definition, ...], method: Function, node: ast.expr) -> list[str]:
    """The strings of a set or list, also where it is given the name of a local variable or of a class attribute."""
    if isinstance(node, ast.Name):
        bodies: list[Function | ast.ClassDef] = [method]
        wanted = node.id
    elif isinstance(node, ast.Attribute):
        bodies = [owner.node for owner in order]
        wanted = node.attr
    else:
        return strings_in(node)
    for body in bodies:
        for item in ast.walk(body):
            if isinstance(item, ast.Assign) and any(_is_name(target, wanted) for target in item.targets):
                return strings_in(item.value)
    return []


def _own_method(order: tuple[Definition, ...], function: ast.expr) -> Function | None:
    """The method meant by ``self.name`` or ``cls.name``."""
    if isinstance(function, ast.Attribute) and dotted_name(function.value) in {"self", "cls"}:
        return next((method for owner in order if (method := owner.method(function.attr))), None)
    return None


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _iterates(node: ast.expr, name: str) -> bool:
    if isinstance(node, ast.Call) and node.args:  # list(kwargs), sorted(kwargs.keys())
        return _iterates(node.args[0], name)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in {"keys", "items"} and _is_name(node.func.value, name)
    return _is_name(node, name)


def _tests_for_any(test: ast.expr, name: str) -> bool:
    """``if kwargs``, ``if len(kwargs) > 0`` and the like: whether anything is left."""
    if isinstance(test, ast.Compare):
        test = test.left
    if isinstance(test, ast.Call) and dotted_name(test.func) == "len":
        test = test.args[0]
    return _is_name(test, name)


def _raises(node: ast.AST) -> bool:
    return any(isinstance(item, ast.Raise) for item in ast.walk(node))
