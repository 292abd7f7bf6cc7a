"""YAML from artifacts, as PyYAML writes it: text to plain values and the tags that were met. No tag is ever acted on.

Read are block and flow collections, all kinds of scalars, anchors and aliases, of YAML 1.1. Complex keys (``?``),
directives and several documents are not: no configuration of Keras has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from envlock.errors import DamagedFileError, LimitExceededError, UnsupportedFeatureError
from envlock.formats.text import printable

LARGEST_TEXT = 1024 * 1024
"""Characters: the largest architectures seen hold some 100 kB."""

MOST_VALUES = 100_000
"""Values once every alias stands for a copy of what it names: a few lines of aliases can mean billions."""

DEEPEST_VALUE = 100
_MOST_TAGS = 100

# Python names of what YAML and JSON have anyway. Tuples become lists, as in the JSON of the same model.
_HARMLESS = re.compile(
    r"!|!!(str|int|float|bool|null|map|seq|binary|omap|set|python/(tuple|list|dict|str|unicode|int|long|float|bool|none))"
)
_TEXT_TAGS = frozenset({"!", "!!str", "!!python/str", "!!python/unicode", "!!binary"})

# The matcher keeps a record of each round of a group: rounds are bounded here, and the loop around them goes on.
_BLANK = re.compile(r"(?:[ \t\r\n]+|(?:(?<=[ \t\r\n])|\A)#[^\n]*){1,500}")
_REST_OF_LINE = re.compile(r"[^\n#]*(?:(?<![ \t\n])#[^\n#]*){0,500}")
_FLOW_PLAIN = re.compile(r"(?:[^,\[\]{}\n:#]+|:(?![ \t\r\n,\[\]{}]|\Z)|(?<![ \t\n])#|\n[ \t]*(?=[^,\[\]{}\s#])){1,500}")
_ESCAPES = {"'": re.compile(r"(?:[^']*''){1,500}"), '"': re.compile(r'(?:[^"\\]*\\.){1,500}', re.DOTALL)}
"""By the quote: what is quoted up to the last escape, which may be one of the quote itself."""

_PROPERTY = re.compile(r"[!&*][^\s,\[\]{}]*")
# YAML itself ends a key that no question mark announces after 1024 characters.
_KEY = re.compile(
    r"('(?:[^'\n]|''){0,1024}'|\"(?:[^\"\\\n]|\\.){0,1024}\"|"
    r"[^\s'\"\[\]{}&*!|>%@`#,](?:[^\n#]|(?<![ \t])#){0,1024}?):(?=[ \t\r\n]|\Z)"
)
_BLOCK_SCALAR = re.compile(r"[|>]([-+1-9]{0,2})[ \t]*(#[^\n]*)?(\n|\Z)")
_MARKER = re.compile(r"(---|\.\.\.)(?=\s|\Z)")

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?")
_NON_FINITE = re.compile(r"([-+]?)\.(inf|Inf|INF|nan|NaN|NAN)")

# Only from the start of a run of blanks, so that the search takes linear time.
_LINE_BREAK = r"(?<![ \t])[ \t]*\r?\n(?P<empty>[ \t\r\n]*\n)?[ \t]*"
_FOLD = re.compile(_LINE_BREAK)
_ESCAPE_OR_FOLD = re.compile(
    r"\\(?:(?P<hexadecimal>x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|\r?\n[ \t]*|(?P<character>.))|"
    + _LINE_BREAK,
    re.DOTALL,
)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}
_ESCAPED |= {"N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029"}
_LAST_CHARACTER = 0x10FFFF


class Tag(NamedTuple):
    """A tag that asks for more than plain values, such as ``!!python/object/apply:os.system``."""

    name: str
    line: int
    """Counted from 1."""


class YamlDocument(NamedTuple):
    """What a YAML text holds."""

    value: object
    """Dicts, lists, strings, numbers, booleans and ``None``; an alias is the same object as what it names."""

    tags: tuple[Tag, ...]
    """In the order of the text; what they stand at was read as if it had none."""


def parse_yaml(text: str, *, where: str) -> YamlDocument:
    """Parse the one document of *text*.

    Raises:
        LimitExceededError: It is larger than 1 MiB, holds over 100,000 values or is nested over 100 deep.
        DamagedFileError: It is no YAML, or an alias names what is not there before it; offsets count characters.
        UnsupportedFeatureError: It uses what no Keras configuration does.
    """
    if len(text) > LARGEST_TEXT:
        raise LimitExceededError(where, what="size of the YAML text", limit=LARGEST_TEXT, found=len(text))
    parser = _Parser(text, where)
    return YamlDocument(parser.document(), tuple(parser.tags))


_CollectionReader = Callable[[int], object]


class _Anchored(NamedTuple):
    value: object
    size: int
    """Values in it, aliases counted as copies."""


class _Parser:
    """A position in a text, and what was met before it."""

    def __init__(self, text: str, where: str) -> None:
        self.tags: list[Tag] = []
        self._text = text
        self._where = where
        self._at = 0
        self._values = 0
        self._depth = 0
        self._anchors: dict[str, _Anchored] = {}

    def document(self) -> object:
        self._skip_blank()
        if self._text.startswith("---", self._at):
            self._at += 3
        value = self._node(-1)
        self._skip_blank()
        if self._at < len(self._text) and not self._text.startswith("...", self._at):
            raise self._damaged("expected the end of the document")
        return value

    # --- blocks ---

    def _node(self, indent: int, *, in_mapping: bool = False) -> object:
        """The value that follows, which stands deeper than the column *indent*; ``None`` where none does."""
        tag, anchor, begun = self._properties(indent, in_mapping=in_mapping)
        if isinstance(begun, _Anchored):
            return begun.value
        before = self._count()
        value = self._content(indent, tag) if self._is_within(indent, in_mapping) else None
        return self._finished(value, anchor, before)

    def _content(self, indent: int, tag: str) -> object:
        first = self._text[self._at]
        column = self._column()
        if first in "[{":
            return self._flow()
        if self._is_dash():
            return self._nested(self._sequence, column)
        if first in "|>":
            return self._block_scalar(indent)
        if first == "?" and self._text[self._at + 1 : self._at + 2].isspace():
            raise UnsupportedFeatureError(self._where, "a YAML mapping with complex keys")
        if _KEY.match(self._text, self._at):
            return self._nested(self._mapping, column)
        if first in "'\"":
            return self._quoted()
        return _resolve(self._plain(indent), tag)

    def _sequence(self, column: int) -> list[object]:
        items = []
        while self._at < len(self._text) and self._column() == column and self._is_dash():
            self._at += 1
            items.append(self._node(column))
            self._skip_blank()
        return items

    def _mapping(self, column: int) -> dict[str, object]:
        mapping: dict[str, object] = {}
        while self._at < len(self._text) and self._column() == column and not self._is_marker():
            key = _KEY.match(self._text, self._at)
            if key is None:
                raise self._damaged("expected a key")
            self._at = key.end()
            mapping[_key_text(key[1])] = self._node(column, in_mapping=True)
            self._skip_blank()
        return mapping

    def _plain(self, indent: int) -> str:
        lines = [self._rest_of_line()]
        while True:
            before = self._at
            self._skip_blank()
            if self._at == len(self._text) or self._column() <= indent or self._is_marker():
                break
            breaks = self._text.count("\n", before, self._at)
            if not breaks:
                break
            lines.append("\n" * (breaks - 1) if breaks > 1 else " ")
            lines.append(self._rest_of_line())
        return "".join(lines)

    def _rest_of_line(self) -> str:
        line = self._run(_REST_OF_LINE)
        if not line:
            raise self._damaged("expected a value")
        return line.strip()

    def _block_scalar(self, indent: int) -> str:
        header = _BLOCK_SCALAR.match(self._text, self._at)
        if header is None:
            raise self._damaged("expected a block of text")
        self._at = header.end()
        lines: list[str] = []
        while self._at < len(self._text):
            end = self._text.find("\n", self._at)
            line = self._text[self._at : end if end >= 0 else len(self._text)]
            if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
                break
            lines.append(line)
            self._at += len(line) + 1
        self._at = min(self._at, len(self._text))
        return _unindented(lines, is_folded=header[0][0] == ">", keeps_end="-" not in header[1])

    # --- flows ---

    def _flow(self) -> object:
        return self._nested(self._flow_sequence if self._text[self._at] == "[" else self._flow_mapping, 0)

    def _flow_sequence(self, _: int) -> list[object]:
        items: list[object] = []
        self._at += 1
        while not self._passes("]"):
            items.append(self._flow_node())
            self._separate("]")
        return items

    def _flow_mapping(self, _: int) -> dict[str, object]:
        mapping: dict[str, object] = {}
        self._at += 1
        while not self._passes("}"):
            self._count()
            key = self._flow_scalar()
            mapping[key] = self._flow_node() if self._passes(":") else None
            self._separate("}")
        return mapping

    def _flow_node(self) -> object:
        tag, anchor, alias = self._properties(-1, in_mapping=False)
        if alias is not None:
            return alias.value
        before = self._count()
        first = self._text[self._at : self._at + 1]
        if first and first in "[{":
            value = self._flow()
        elif first and first in "'\"":
            value = self._quoted()
        else:
            value = None if first in {",", "]", "}"} else _resolve(self._flow_scalar(), tag)
        return self._finished(value, anchor, before)

    def _flow_scalar(self) -> str:
        self._skip_blank()
        if self._text[self._at : self._at + 1] in {"'", '"'}:
            return self._quoted()
        scalar = self._run(_FLOW_PLAIN)
        if not scalar:
            raise self._damaged("expected a value")
        return _folded(scalar.strip())

    def _separate(self, closing: str) -> None:
        if not self._passes(",") and self._text[self._at : self._at + 1] != closing:
            raise self._damaged(f"expected a comma or {closing}")

    def _passes(self, character: str) -> bool:
        self._skip_blank()
        if not self._text.startswith(character, self._at):
            return False
        self._at += 1
        return True

    # --- what both have ---

    def _quoted(self) -> str:
        start, quote = self._at, self._text[self._at]
        self._at += 1
        self._run(_ESCAPES[quote])
        end = self._text.find(quote, self._at)
        if end < 0:
            self._at = start
            raise self._damaged("a quoted text does not end")
        self._at = end + 1
        return _unquoted(self._text[start : self._at])

    def _properties(self, indent: int, *, in_mapping: bool) -> tuple[str, str, _Anchored | None]:
        """Tag, anchor and alias in front of a value: empty where there is none."""
        tag = anchor = ""
        self._skip_blank()
        while self._is_within(indent, in_mapping):
            found = _PROPERTY.match(self._text, self._at)
            if found is None:
                break
            if found[0].startswith("*"):
                self._at = found.end()
                return tag, anchor, self._aliased(found[0][1:])
            if found[0].startswith("&"):
                anchor = found[0][1:]
            else:
                tag = found[0]
                self._note_tag(tag)
            self._at = found.end()
            self._skip_blank()
        return tag, anchor, None

    def _note_tag(self, tag: str) -> None:
        # Each costs a search for its line; a hundred tell as much as a million.
        if len(self.tags) < _MOST_TAGS and not _HARMLESS.fullmatch(tag):
            self.tags.append(Tag(tag, self._text.count("\n", 0, self._at) + 1))

    def _aliased(self, name: str) -> _Anchored:
        anchored = self._anchors.get(name)
        if anchored is None:
            raise self._damaged(f"nothing before it is called {printable(name, 40)}")
        self._count(anchored.size)
        return anchored

    def _finished(self, value: object, anchor: str, before: int) -> object:
        if anchor:
            self._anchors[anchor] = _Anchored(value, self._values - before + 1)
        return value

    def _count(self, number: int = 1) -> int:
        self._values += number
        if self._values > MOST_VALUES:
            raise LimitExceededError(self._where, what="number of YAML values", limit=MOST_VALUES, found=self._values)
        return self._values

    def _nested(self, read: _CollectionReader, column: int) -> object:
        self._depth += 1
        if self._depth > DEEPEST_VALUE:
            raise LimitExceededError(self._where, what="depth of the YAML text", limit=DEEPEST_VALUE, found=self._depth)
        value = read(column)
        self._depth -= 1
        return value

    def _skip_blank(self) -> None:
        self._run(_BLANK)

    def _run(self, pattern: re.Pattern[str]) -> str:
        """Take what *pattern* matches, as often as it does: empty where it does not."""
        start = self._at
        while (found := pattern.match(self._text, self._at)) and found.end() > self._at:
            self._at = found.end()
        return self._text[start : self._at]

    def _is_within(self, indent: int, in_mapping: bool) -> bool:
        """Whether what follows is deeper than *indent*; the items of a list may stand below their key."""
        if self._at == len(self._text) or self._is_marker():
            return False
        if indent < 0:
            return True
        column = self._column()
        return column > indent or (in_mapping and column == indent and self._is_dash())

    def _column(self) -> int:
        return self._at - self._text.rfind("\n", 0, self._at) - 1

    def _is_dash(self) -> bool:
        after = self._text[self._at + 1 : self._at + 2]
        return self._text[self._at] == "-" and (not after or after.isspace())

    def _is_marker(self) -> bool:
        begins_line = self._at == 0 or self._text[self._at - 1] == "\n"
        return begins_line and _MARKER.match(self._text, self._at) is not None

    def _damaged(self, problem: str) -> DamagedFileError:
        return DamagedFileError(self._where, f"is no valid YAML: {problem}", offset=self._at)


# --- scalars -------------------------------------------------------------------------------------------------


def _resolve(text: str, tag: str) -> object:
    """The value of a plain scalar, as PyYAML takes it."""
    if tag in _TEXT_TAGS:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    non_finite = _NON_FINITE.fullmatch(text)
    return float(non_finite[1] + non_finite[2]) if non_finite else text


def _key_text(key: str) -> str:
    return _unquoted(key) if key[0] in "'\"" else key.strip()


def _unquoted(quoted: str) -> str:
    inner = quoted[1:-1]
    if quoted[0] == "'":
        return _folded(inner.replace("''", "'"))
    return _ESCAPE_OR_FOLD.sub(_unescaped, inner)


def _unescaped(found: re.Match[str]) -> str:
    if not found[0].startswith("\\"):
        return _line_break(found)
    digits = found["hexadecimal"]
    if digits is not None:
        number = int(digits[1:], 16)
        return chr(number) if number <= _LAST_CHARACTER else "\N{REPLACEMENT CHARACTER}"
    character = found["character"]
    return "" if character is None else _ESCAPED.get(character, character)


def _folded(text: str) -> str:
    """*text* with each line break as a space, and each empty line as a line break."""
    return _FOLD.sub(_line_break, text)


def _line_break(found: re.Match[str]) -> str:
    return "\n" * (found["empty"] or "").count("\n") or " "


def _unindented(lines: list[str], *, is_folded: bool, keeps_end: bool) -> str:
    first = next((line for line in lines if line.strip()), "")
    indent = len(first) - len(first.lstrip(" "))
    text = "\n".join(line[indent:] for line in lines).rstrip("\n")
    return (_folded(text) if is_folded else text) + ("\n" if keeps_end and text else "")
