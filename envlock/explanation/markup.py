"""Elements of HTML and SVG. Text that is not :class:`Markup` is always shown as text, whatever is in it."""

from __future__ import annotations

from html import escape

from envlock.formats.text import printable

_VOID = frozenset({"link", "meta"})
"""Elements of HTML that have no end."""


class Markup(str):
    """Text that is markup already, and safe."""

    __slots__ = ()


def element(tag: str, /, *children: str, **attributes: str | float | None) -> Markup:
    """An element with its children; an attribute of ``None`` is left out.

    Names of attributes end in ``_`` where they are words of Python, and have ``_`` for ``-``. Control, bidi and other
    invisible characters are shown as escapes.
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_shown(_written(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Markup(f"<{tag}{told}>")
    return Markup(f"<{tag}{told}>{joined(*children)}</{tag}>")


def joined(*parts: str) -> Markup:
    """The parts one after the other."""
    return Markup("".join(part if isinstance(part, Markup) else _shown(part) for part in parts))


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")


def _shown(text: str) -> str:
    return escape(printable(text, len(text)))
