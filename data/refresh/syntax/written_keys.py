"""Which keys the ``get_config`` of a class writes, always or under a condition."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from .calls import DEEPEST_CALL, find_called, is_serialization, is_super
from .modules import Definition, Function, SourceTree, dotted_name, strings_in, text_of
from .signatures import parameters_of, signature_of

# Where wrappers of functions, such as those of losses, keep the arguments of the function.
_FUNCTION_ARGUMENTS = "self._fn_kwargs"
# Where Keras 3 keeps the arguments that an object was made with.
_OWN_ARGUMENTS = "self._auto_config.config"


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of a dictionary."""

    always: frozenset[str] = frozenset()
    sometimes: frozenset[str] = frozenset()
    """Disjoint from those that are always there."""

    def update(self, other: Keys) -> Keys:
        always = self.always | other.always
        return Keys(always, (self.sometimes | other.sometimes) - always)

    def add(self, *names: str) -> Keys:
        return self.update(Keys(frozenset(names)))

    def drop(self, name: str) -> Keys:
        return Keys(self.always - {name}, self.sometimes - {name})

    def or_else(self, other: Keys) -> Keys:
        """The keys where one or the other is taken."""
        always = self.always & other.always
        return Keys(always, (self.always | other.always | self.sometimes | other.sometimes) - always)


def read_written_keys(tree: SourceTree, definition: Definition) -> Keys | None:
    """The keys of ``get_config()``; None where no class in the resolution order has that method."""
    order = tree.resolution_order(definition)
    for position, owner in enumerate(order):
        if (method := owner.method("get_config")) is not None:
            keys = _Writing(tree, order, position).result_of(method, {}) or Keys()
            return _with_name_if_taken(keys, order) if _mentions(method, _OWN_ARGUMENTS) else keys
    return None


def _with_name_if_taken(keys: Keys, order: tuple[Definition, ...]) -> Keys:
    """The keys of a ``get_config`` that Keras 3 makes up: with the name where ``__init__`` takes one."""
    maker = next(method for owner in order if (method := owner.method("__init__")))
    takes_name = maker.args.kwarg is not None or "name" in parameters_of(maker)
    return keys.add("name") if takes_name else keys.drop("name")


_Values = dict[str, "Keys | str"]
"""What is known of local variables: the keys of a dictionary, or a string."""


class _Writing:
    """Runs a method over what is known of its variables, and collects the dictionaries that it can return."""

    def __init__(self, tree: SourceTree, order: tuple[Definition, ...], position: int, depth: int = 0) -> None:
        self._tree, self._order, self._position, self._depth = tree, order, position, depth
        self._returned: list[Keys] = []
        self._literals: dict[str, list[str]] = {}

    def result_of(self, function: Function, values: _Values) -> Keys | None:
        """The keys that *function* returns; None where that is no dictionary that can be followed."""
        self._run(function.body, dict(values))
        if not self._returned:
            return None
        merged = self._returned[0]
        for keys in self._returned[1:]:
            merged = merged.or_else(keys)
        return merged

    def _run(self, body: list[ast.stmt], values: _Values) -> _Values | None:
        """The variables after *body*; None where it does not come to its end."""
        current: _Values | None = values
        for statement in body:
            if current is None:
                return None
            current = self._step(statement, current)
        return current

    def _step(self, statement: ast.stmt, values: _Values) -> _Values | None:
        match statement:
            case ast.Return(value=value):
                if value is not None and isinstance(keys := self._keys(value, values), Keys):
                    self._returned.append(keys)
                return None
            case ast.Raise():
                return None
            case ast.Assign(targets=[target], value=value):
                return self._assign(target, value, values)
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                return self._update(values, name, self._keys(value, values))
            case ast.Delete(targets=targets):
                for target in targets:
                    if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                        values = self._drop(values, target.value.id, target.slice)
                return values
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attribute)) as call):
                return self._call_on(name, attribute, call, values)
            case ast.If(test=test, body=body, orelse=orelse):
                return self._branch(self._decide(test), body, orelse, values)
            case ast.For():
                return self._loop(statement, values)
            case ast.With(body=body):
                return self._run(body, values)
            case ast.Try(body=body, orelse=orelse, finalbody=finalbody):
                return self._run([*body, *orelse, *finalbody], values)
        return values

    def _assign(self, target: ast.expr, value: ast.expr, values: _Values) -> _Values:
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            key = self._string(target.slice, values)
            return self._update(values, target.value.id, Keys().add(key)) if key is not None else values
        if isinstance(target, ast.Name):
            if isinstance(value, ast.List | ast.Tuple):
                self._literals[target.id] = strings_in(value)
            keys = self._keys(value, values)
            others = {name: known for name, known in values.items() if name != target.id}
            return others | ({target.id: keys} if keys is not None else {})
        return values

    def _call_on(self, name: str, attribute: str, call: ast.Call, values: _Values) -> _Values:
        if attribute == "update":
            keys = self._keys(ast.Call(func=ast.Name(id="dict"), args=call.args, keywords=call.keywords), values)
            return self._update(values, name, keys)
        if attribute == "setdefault" and call.args and (key := self._string(call.args[0], values)) is not None:
            return self._update(values, name, Keys().add(key))
        if attribute == "pop" and call.args:
            return self._drop(values, name, call.args[0])
        return values

    def _update(self, values: _Values, name: str, keys: Keys | None) -> _Values:
        known = values.get(name)
        return values | {name: known.update(keys)} if isinstance(known, Keys) and keys is not None else values

    def _drop(self, values: _Values, name: str, key: ast.expr) -> _Values:
        known, text = values.get(name), self._string(key, values)
        return values | {name: known.drop(text)} if isinstance(known, Keys) and text is not None else values

    def _branch(
        self, decided: bool | None, body: list[ast.stmt], orelse: list[ast.stmt], values: _Values
    ) -> _Values | None:
        if decided is not None:
            return self._run(body if decided else orelse, values)
        first, second = self._run(body, values), self._run(orelse, values)
        if first is None or second is None:
            return first if second is None else second
        return _either(first, second)

    def _loop(self, loop: ast.For, values: _Values) -> _Values | None:
        """Over literal strings, once for each; over anything else, perhaps."""
        target = loop.target.elts[0] if isinstance(loop.target, ast.Tuple) else loop.target
        if _mentions(loop.iter, _FUNCTION_ARGUMENTS):
            names = _arguments_of_function(self._order)
        else:
            names = self._strings(loop.iter)
        if not names or not isinstance(target, ast.Name):
            return _either(values, self._run(loop.body, values) or values)
        for name in names:
            values = self._run(loop.body, values | {target.id: name}) or values
        return values

    def _strings(self, node: ast.expr) -> list[str]:
        if isinstance(node, ast.Name):
            return self._literals.get(node.id, [])
        return strings_in(node) if isinstance(node, ast.List | ast.Tuple | ast.Set) else []

    def _string(self, node: ast.expr, values: _Values) -> str | None:
        if (text := text_of(node)) is not None:
            return text
        known = values.get(node.id) if isinstance(node, ast.Name) else None
        return known if isinstance(known, str) else None

    def _decide(self, test: ast.expr) -> bool | None:
        """What is known of a condition: that the class is as Keras made it, with a ``get_config`` of its own or not."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            decided = self._decide(test.operand)
            return None if decided is None else not decided
        if not isinstance(test, ast.Call):
            return None
        predicate = (dotted_name(test.func) or "").rpartition(".")[2]
        if predicate == "is_default" and [dotted_name(argument) for argument in test.args] == ["self.get_config"]:
            method = next(method for owner in self._order if (method := owner.method("get_config")))
            return any((dotted_name(item) or "").endswith("default") for item in method.decorator_list)
        # Asked by Functional to tell itself from subclasses that people write.
        return True if predicate.endswith("functional_like_constructor") else None

    def _keys(self, node: ast.expr, values: _Values) -> Keys | None:
        """The keys of the dictionary that an expression gives; None for what is not known to be one."""
        match node:
            case ast.Name(id=name):
                known = values.get(name)
                return known if isinstance(known, Keys) else None
            case ast.Dict(keys=names, values=items):
                return self._display(names, items, values)
            case ast.BinOp(left=left, right=right, op=ast.Add() | ast.BitOr()):
                sides = [keys for side in (left, right) if (keys := self._keys(side, values)) is not None]
                return Keys() if not sides else sides[0].update(sides[-1])
            case ast.BoolOp(op=ast.Or(), values=choices):  # config or {}
                known_choices = (self._keys(choice, values) for choice in choices)
                return next((keys for keys in known_choices if keys is not None), None)
            case ast.IfExp(body=body, orelse=orelse):
                return (self._keys(body, values) or Keys()).or_else(self._keys(orelse, values) or Keys())
            case ast.DictComp(
                key=ast.Name(id=key), generators=[ast.comprehension(target=ast.Name(id=name), iter=source)]
            ):
                return Keys(frozenset(self._strings(source))) if key == name else None
            case ast.DictComp(generators=[ast.comprehension(iter=source)]):
                return self._keys(source, values)
            case ast.Attribute() if dotted_name(node) == _OWN_ARGUMENTS:
                return self._arguments()
            case ast.Attribute() if dotted_name(node) == _FUNCTION_ARGUMENTS:
                return Keys(frozenset(_arguments_of_function(self._order)))
            case ast.Call():
                return self._call(node, values)
        return None

    def _display(self, names: list[ast.expr | None], items: list[ast.expr], values: _Values) -> Keys:
        keys = Keys()
        for name, item in zip(names, items, strict=True):
            if name is None:
                keys = keys.update(self._keys(item, values) or Keys())
            elif (text := self._string(name, values)) is not None:
                keys = keys.add(text)
        return keys

    def _call(self, call: ast.Call, values: _Values) -> Keys | None:
        dotted = dotted_name(call.func) or ""
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if dotted == "dict":
            keys = Keys()
            for item in (*call.args, *(keyword.value for keyword in call.keywords if keyword.arg is None)):
                keys = keys.update(self._keys(item, values) or Keys())
            return keys.add(*(keyword.arg for keyword in call.keywords if keyword.arg is not None))
        if dotted in {"list", "sorted", "copy.copy", "copy.deepcopy", "OrderedDict", "collections.OrderedDict"}:
            return self._keys(call.args[0], values) if call.args else Keys()
        if method in {"items", "copy"} and isinstance(call.func, ast.Attribute) and not call.args:
            return self._keys(call.func.value, values)
        if is_serialization(call):
            is_dictionary = [dotted_name(item) for item in call.args] == [_FUNCTION_ARGUMENTS]
            return self._keys(call.args[0], values) if is_dictionary else None
        return self._follow(call, values) if self._depth < DEEPEST_CALL else None

    def _follow(self, call: ast.Call, values: _Values) -> Keys | None:
        """The keys of what a method of the object, of a base, or another function returns."""
        called = find_called(self._tree, self._order, self._position, call)
        if called is None:
            return None
        writing = _Writing(self._tree, called.order, called.position, self._depth + 1)
        return writing.result_of(called.function, self._bind(call, called.parameters, values))

    def _bind(self, call: ast.Call, parameters: list[str], values: _Values) -> _Values:
        given = [*zip(parameters, call.args, strict=False)]
        given += [(keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg is not None]
        return {name: keys for name, item in given if (keys := self._keys(item, values)) is not None}

    def _arguments(self) -> Keys:
        """What is written for a class without ``get_config``: every argument that the object was made with.

        Later releases of Keras 3 count the defaults of its own parameters among them.
        """
        makers = [method for owner in self._order if (method := owner.method("__new__"))]
        method = next((method for owner in self._order if (method := owner.method("__init__"))), None)
        has_defaults = any(_mentions(maker, "bound_parameters.apply_defaults") for maker in makers)
        own = frozenset(parameters_of(method)) if method is not None and has_defaults else frozenset()
        return Keys(own, frozenset(signature_of(self._tree, self._order).accepted) - own)


def _arguments_of_function(order: tuple[Definition, ...]) -> list[str]:
    """The keywords that a class hands to the ``__init__`` of a wrapper of functions for the function that it wraps.

    ``LossFunctionWrapper`` and ``MeanMetricWrapper`` keep what they do not know themselves, and write it out.
    """
    methods = [method for owner in order if (method := owner.method("__init__")) is not None]
    if len(methods) < 2 or methods[1].args.kwarg is None:
        return []
    calls = [node for node in ast.walk(methods[0]) if isinstance(node, ast.Call) and is_super(node)]
    known = parameters_of(methods[1])
    return [keyword.arg for call in calls for keyword in call.keywords if keyword.arg and keyword.arg not in known]


def _mentions(node: ast.AST, dotted: str) -> bool:
    return any(isinstance(item, ast.Attribute) and dotted_name(item) == dotted for item in ast.walk(node))


def _either(first: _Values, second: _Values) -> _Values:
    merged = first | second
    for name in first.keys() & second.keys():
        one, other = first[name], second[name]
        if isinstance(one, Keys) and isinstance(other, Keys):
            merged[name] = one.or_else(other)
    return merged
