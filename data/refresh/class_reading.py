"""What a class accepts, writes and asks for when it is configured, read from its syntax.

Three questions to a class, each answered over the order in which Python looks up its methods:
:func:`read_signature` (which keywords does ``__init__`` take, with which defaults), :func:`read_written_keys` (which
keys does ``get_config`` write, always or under a condition) and :func:`read_handled_keys` (which keys does
``from_config`` look at, and which must be there).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from python_sources import Definition, Function, SourceTree, dotted_name, strings_in

_DEEPEST_CALL = 6

# Where wrappers of functions, such as those of losses, keep the arguments of the function.
_FUNCTION_ARGUMENTS = "self._fn_kwargs"


# --- __init__ ------------------------------------------------------------------------------------------------


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
    return _signature_of(tree, tree.resolution_order(definition))


def _signature_of(tree: SourceTree, order: tuple[Definition, ...]) -> Signature:
    """The signature of the first ``__init__`` in *order*."""
    for position, owner in enumerate(order):
        if (method := owner.method("__init__")) is not None:
            return _read_init(tree, order, position, method)
    return Signature()


def _read_init(tree: SourceTree, order: tuple[Definition, ...], position: int, method: Function) -> Signature:
    own = _parameters(method)
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


def _parameters(method: Function) -> dict[str, str | None]:
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
    base = _base_order(tree, order, position, call)
    signature = _signature_of(tree, base)
    given = {keyword.arg for keyword in call.keywords}
    positional = call.args[0 if _is_super(call) else 1 :]
    method = next((method for owner in base if (method := owner.method("__init__"))), None)
    if method is not None and not any(isinstance(argument, ast.Starred) for argument in positional):
        given |= set(list(_parameters(method))[: len(positional)])
    return replace(
        signature,
        accepted={name: default for name, default in signature.accepted.items() if name not in given},
        required=signature.required - given,
    )


def _base_order(
    tree: SourceTree, order: tuple[Definition, ...], position: int, call: ast.Call
) -> tuple[Definition, ...]:
    """Where the lookup of ``super().m`` or ``Base.m`` starts."""
    if _is_super(call):
        target = call.func.value if isinstance(call.func, ast.Attribute) else None
        named = dotted_name(target.args[0]) if isinstance(target, ast.Call) and target.args else None
        start = next((at for at, owner in enumerate(order) if owner.name == named), position)
        return order[max(start, position) + 1 :]
    base = _explicit_base(tree, order[position], call)
    return tree.resolution_order(base) if base is not None else ()


def _is_super(call: ast.Call) -> bool:
    target = call.func.value if isinstance(call.func, ast.Attribute) else None
    return isinstance(target, ast.Call) and dotted_name(target.func) == "super"


def _explicit_base(tree: SourceTree, owner: Definition, call: ast.Call) -> Definition | None:
    """The class ``Base`` of ``Base.method(self, ...)``."""
    target = call.func.value if isinstance(call.func, ast.Attribute) else None
    dotted = dotted_name(target)
    base = tree.resolve(owner.module, dotted) if dotted else None
    return base if base is not None and base.is_class else None


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
                self._allow(strings_of(order, method, call.args[1]))
            elif (helper := _own_method(order, function)) is not None:
                at = next(at for at, argument in enumerate(call.args) if _is_name(argument, name))
                parameter = [argument.arg for argument in helper.args.args][at + 1]
                self._merge(_KeywordUse.of(tree, order, helper, parameter))

    def _see_helper(self, tree: SourceTree, order: tuple[Definition, ...], helper: Function) -> None:
        """``self.helper(**kwargs)``: the parameters of the method are taken, and what it does with its own rest."""
        self.taken |= {name: default or "None" for name, default in _parameters(helper).items()}
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
        self._allow([name for node in allowed for name in strings_of(order, method, node)])

    def _allow(self, names: Iterable[str]) -> None:
        self.is_checked = True
        self.taken = dict.fromkeys(names, "None") | self.taken

    def _take(self, key: ast.expr, default: ast.expr | None) -> None:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            text = ast.unparse(default) if default is not None else "None"
            if self.taken.get(key.value, "None") == "None":
                self.taken[key.value] = text

    def _merge(self, other: _KeywordUse) -> None:
        self.taken |= other.taken
        self.is_checked |= other.is_checked
        self.goes_elsewhere |= other.goes_elsewhere


def strings_of(order: tuple[Definition, ...], method: Function, node: ast.expr) -> list[str]:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Called:
    """A function of these sources that a call runs."""

    function: Function
    order: tuple[Definition, ...]
    """Where it looks methods up in turn, and ``super()`` from *position* on."""

    position: int
    parameters: list[str]
    """In the order of the arguments of the call."""


def _called(tree: SourceTree, order: tuple[Definition, ...], position: int, call: ast.Call) -> _Called | None:
    """What *call* runs: a method of the object, of its class or of a base, or a function of a module."""
    owner, dotted = order[position], dotted_name(call.func)
    is_of_base = _explicit_base(tree, owner, call) is not None
    if _is_super(call) or is_of_base:
        searched = _base_order(tree, order, position, call)
    elif dotted is not None and dotted.partition(".")[0] in {"self", "cls"} and dotted.count(".") == 1:
        searched = order
    else:
        found = tree.resolve(owner.module, dotted) if dotted is not None else None
        if found is None or not isinstance(found.node, Function):
            return None
        parameters = [argument.arg for argument in found.node.args.args]
        return _Called(function=found.node, order=(found,), position=0, parameters=parameters)
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    for item in searched:
        if (method := item.method(name)) is not None:
            decorators = {dotted_name(decorator) for decorator in method.decorator_list}
            # Base.method(self, ...) hands over the object itself.
            is_bound = "staticmethod" not in decorators and ("classmethod" in decorators or not is_of_base)
            whole = order if item in order else searched
            parameters = [argument.arg for argument in method.args.args][int(is_bound) :]
            return _Called(function=method, order=whole, position=whole.index(item), parameters=parameters)
    return None


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


# --- get_config ----------------------------------------------------------------------------------------------


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
            return _Writing(tree, order, position).result_of(method, {}) or Keys()
    return None


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
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
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
            case ast.Attribute() if dotted_name(node) == "self._auto_config.config":
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
        if _is_serialization(call):
            is_dictionary = [dotted_name(item) for item in call.args] == [_FUNCTION_ARGUMENTS]
            return self._keys(call.args[0], values) if is_dictionary else None
        return self._follow(call, values) if self._depth < _DEEPEST_CALL else None

    def _follow(self, call: ast.Call, values: _Values) -> Keys | None:
        """The keys of what a method of the object, of a base, or another function returns."""
        called = _called(self._tree, self._order, self._position, call)
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
        own = frozenset(_parameters(method)) if method is not None and has_defaults else frozenset()
        return Keys(own, frozenset(_signature_of(self._tree, self._order).accepted) - own)


def _arguments_of_function(order: tuple[Definition, ...]) -> list[str]:
    """The keywords that a class hands to the ``__init__`` of a wrapper of functions for the function that it wraps.

    ``LossFunctionWrapper`` and ``MeanMetricWrapper`` keep what they do not know themselves, and write it out.
    """
    methods = [method for owner in order if (method := owner.method("__init__")) is not None]
    if len(methods) < 2 or methods[1].args.kwarg is None:
        return []
    calls = [node for node in ast.walk(methods[0]) if isinstance(node, ast.Call) and _is_super(node)]
    known = _parameters(methods[1])
    return [keyword.arg for call in calls for keyword in call.keywords if keyword.arg and keyword.arg not in known]


def _is_serialization(call: ast.Call) -> bool:
    """Whether an object in a configuration, not the configuration itself, is made or read."""
    name = (dotted_name(call.func) or "").rpartition(".")[2]
    return name.startswith(("serialize", "deserialize"))


def _mentions(node: ast.AST, dotted: str) -> bool:
    return any(isinstance(item, ast.Attribute) and dotted_name(item) == dotted for item in ast.walk(node))


def _either(first: _Values, second: _Values) -> _Values:
    merged = first | second
    for name in first.keys() & second.keys():
        one, other = first[name], second[name]
        if isinstance(one, Keys) and isinstance(other, Keys):
            merged[name] = one.or_else(other)
    return merged


# --- from_config ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HandledKeys:
    """Keys that ``from_config`` looks at before ``__init__`` sees them."""

    touched: frozenset[str] = frozenset()
    subscripted: frozenset[str] = frozenset()
    """Those whose absence raises ``KeyError``."""

    def __or__(self, other: HandledKeys) -> HandledKeys:
        return HandledKeys(self.touched | other.touched, self.subscripted | other.subscripted)


def read_handled_keys(tree: SourceTree, definition: Definition) -> HandledKeys:
    """The keys that ``from_config`` reads, in bases and functions that it hands the configuration to as well."""
    order = tree.resolution_order(definition)
    for position, owner in enumerate(order):
        if (method := owner.method("from_config")) is not None and len(method.args.args) > 1:
            return _Handling(tree, order, position, method.args.args[1].arg).of(method)
    return HandledKeys()


class _Handling:
    """Follows the variables that hold a configuration through a function, and what is known to be in it."""

    def __init__(
        self, tree: SourceTree, order: tuple[Definition, ...], position: int, variable: str, depth: int = 0
    ) -> None:
        self._tree, self._order, self._position, self._depth = tree, order, position, depth
        self._variables = {variable}
        self._touched: set[str] = set()
        self._subscripted: set[str] = set()

    def of(self, function: Function) -> HandledKeys:
        self._run(function.body, frozenset())
        return HandledKeys(frozenset(self._touched), frozenset(self._subscripted))

    def _run(self, body: list[ast.stmt], present: frozenset[str], *, is_certain: bool = True) -> frozenset[str]:
        """The keys that are known to be there after *body*, given those before; None of them certain in a branch."""
        for statement in body:
            match statement:
                case ast.If(test=test, body=inner, orelse=orelse):
                    present = self._branch(test, inner, orelse, present, is_certain)
                case ast.For(iter=source, body=inner) | ast.While(test=source, body=inner):
                    self._look(source, present, is_certain)
                    self._run(inner, present, is_certain=False)
                case ast.With(items=items, body=inner):
                    for item in items:
                        self._look(item.context_expr, present, is_certain)
                    present = self._run(inner, present, is_certain=is_certain)
                case ast.Try(body=inner, handlers=handlers, orelse=orelse, finalbody=finalbody):
                    self._run([*inner, *orelse], present, is_certain=is_certain and not handlers)
                    for handler in handlers:
                        self._run(handler.body, present, is_certain=False)
                    present = self._run(finalbody, present, is_certain=is_certain)
                case ast.Assign(targets=[target], value=value):
                    self._look(value, present, is_certain)
                    present = self._store(target, value, present)
                case _:
                    self._look(statement, present, is_certain)
        return present

    def _branch(
        self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt], present: frozenset[str], is_certain: bool
    ) -> frozenset[str]:
        self._look(test, present, is_certain)
        there, missing = self._proved(test, ast.In), self._proved(test, ast.NotIn)
        after_body = self._run(body, present | there, is_certain=False)
        after_else = self._run(orelse, present | missing, is_certain=False)
        if body and isinstance(body[-1], ast.Return | ast.Raise):
            return after_else | missing
        return after_body & (after_else | missing)

    def _proved(self, test: ast.expr, operator: type[ast.cmpop]) -> frozenset[str]:
        """The keys of the ``"key" in config`` (or ``not in``) that the whole test rests on."""
        parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
        if operator is ast.NotIn and len(parts) > 1:
            return frozenset()
        return frozenset(
            key
            for part in parts
            if isinstance(part, ast.Compare) and isinstance(part.ops[0], operator)
            if self._is_config(part.comparators[0]) and (key := _text(part.left)) is not None
        )

    def _store(self, target: ast.expr, value: ast.expr, present: frozenset[str]) -> frozenset[str]:
        if isinstance(target, ast.Subscript) and self._is_config(target.value):
            key = _text(target.slice)
            self._touched |= {key} if key is not None else set()
            return present | {key} if key is not None else present
        if isinstance(target, ast.Name) and self._is_copy(value):
            self._variables.add(target.id)
        elif isinstance(target, ast.Name):
            self._variables.discard(target.id)
        return present

    def _is_copy(self, value: ast.expr) -> bool:
        """``config``, ``config.copy()``, ``dict(config)``, ``copy.deepcopy(config)``."""
        match value:
            case ast.Call(func=ast.Attribute(value=ast.Name() as copied, attr="copy"), args=[]):
                return self._is_config(copied)
            case ast.Call(func=function, args=[argument]):
                is_copying = dotted_name(function) in {"dict", "copy.copy", "copy.deepcopy"}
                return is_copying and self._is_config(argument)
        return self._is_config(value)

    def _look(self, node: ast.AST, present: frozenset[str], is_certain: bool) -> None:
        """Note every key that an expression or a simple statement reads; ``and`` and ``if else`` guard what follows."""
        match node:
            case ast.BoolOp(op=ast.And(), values=parts):
                for at, part in enumerate(parts):
                    self._look(part, present, is_certain and at == 0)
                    present |= self._proved(part, ast.In)
                return
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self._look(test, present, is_certain)
                self._look(body, present | self._proved(test, ast.In), False)
                self._look(orelse, present, False)
                return
            case ast.FunctionDef() | ast.Lambda():
                return
            case ast.Subscript(value=value, slice=key) if self._is_config(value):
                self._note(key, needed=isinstance(node.ctx, ast.Load), present=present, is_certain=is_certain)
            case ast.Compare(left=left, comparators=[right]) if self._is_config(right):
                self._note(left, needed=False, present=present, is_certain=is_certain)
            case ast.Call():
                self._see_call(node, present, is_certain)
        for child in ast.iter_child_nodes(node):
            self._look(child, present, is_certain)

    def _see_call(self, call: ast.Call, present: frozenset[str], is_certain: bool) -> None:
        function = call.func
        if isinstance(function, ast.Attribute) and self._is_config(function.value):
            if function.attr in {"pop", "get", "setdefault"} and call.args:
                needed = function.attr == "pop" and len(call.args) == 1
                self._note(call.args[0], needed=needed, present=present, is_certain=is_certain)
        elif self._depth < _DEEPEST_CALL and not _is_serialization(call):
            for at, argument in enumerate(call.args):
                if self._is_config(argument):
                    self._hand_over(call, at, present, is_certain)

    def _hand_over(self, call: ast.Call, at: int, present: frozenset[str], is_certain: bool) -> None:
        """The configuration is given to another function: what it reads counts too."""
        called = _called(self._tree, self._order, self._position, call)
        if called is not None and at < len(called.parameters):
            parameter = called.parameters[at]
            handling = _Handling(self._tree, called.order, called.position, parameter, self._depth + 1)
            read = handling.of(called.function)
            self._touched |= read.touched
            if is_certain:
                self._subscripted |= read.subscripted - present

    def _note(self, key: ast.expr, *, needed: bool, present: frozenset[str], is_certain: bool) -> None:
        if (text := _text(key)) is not None:
            self._touched.add(text)
            if needed and is_certain and text not in present:
                self._subscripted.add(text)

    def _is_config(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id in self._variables


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
