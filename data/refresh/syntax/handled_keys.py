"""Which keys the ``from_config`` of a class looks at, and which of them must be there."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from .calls import DEEPEST_CALL, find_called, is_serialization
from .modules import Definition, Function, SourceTree, dotted_name, text_of


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
            return _Handling(tree, order, position, method.args.args[1].arg, {}).of(method)
    return HandledKeys()


class _Handling:
    """Follows the variables that hold a configuration through a function, and what is known to be in it.

    *texts* are the parameters that a call gave a string literal: they may be the names of keys.
    """

    def __init__(
        self,
        tree: SourceTree,
        order: tuple[Definition, ...],
        position: int,
        variable: str,
        texts: Mapping[str, str],
        depth: int = 0,
    ) -> None:
        self._tree, self._order, self._position, self._depth = tree, order, position, depth
        self._variables = {variable}
        self._texts = dict(texts)
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
            if self._is_config(part.comparators[0]) and (key := self._text(part.left)) is not None
        )

    def _store(self, target: ast.expr, value: ast.expr, present: frozenset[str]) -> frozenset[str]:
        if isinstance(target, ast.Subscript) and self._is_config(target.value):
            key = self._text(target.slice)
            self._touched |= {key} if key is not None else set()
            return present | {key} if key is not None else present
        if isinstance(target, ast.Name):
            self._texts.pop(target.id, None)
            if self._is_copy(value):
                self._variables.add(target.id)
            else:
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
        elif self._depth < DEEPEST_CALL and not is_serialization(call):
            for at, argument in enumerate(call.args):
                if self._is_config(argument):
                    self._hand_over(call, at, present, is_certain)

    def _hand_over(self, call: ast.Call, at: int, present: frozenset[str], is_certain: bool) -> None:
        """The configuration is given to another function: what it reads counts too."""
        called = find_called(self._tree, self._order, self._position, call)
        if called is not None and at < len(called.parameters):
            given = zip(called.parameters, call.args, strict=False)
            texts = {parameter: text for parameter, value in given if (text := self._text(value)) is not None}
            variable, depth = called.parameters[at], self._depth + 1
            handling = _Handling(self._tree, called.order, called.position, variable, texts, depth)
            read = handling.of(called.function)
            self._touched |= read.touched
            if is_certain:
                self._subscripted |= read.subscripted - present

    def _note(self, key: ast.expr, *, needed: bool, present: frozenset[str], is_certain: bool) -> None:
        if (text := self._text(key)) is not None:
            self._touched.add(text)
            if needed and is_certain and text not in present:
                self._subscripted.add(text)

    def _text(self, node: ast.AST) -> str | None:
        return self._texts.get(node.id) if isinstance(node, ast.Name) else text_of(node)

    def _is_config(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id in self._variables
