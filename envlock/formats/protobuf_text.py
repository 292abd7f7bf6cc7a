"""Protobuf text (``.pbtxt``), from bytes to the wire format of the same message, so that one reader serves both.

Only the fields that a schema names are kept. A message that it does not name is passed over by its brackets, so the
numbers of a tensor cost next to nothing. Format: protobuf.dev, "Text Format Language Specification".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from envlock.errors import DamagedFileError, LimitExceededError
from envlock.formats.protobuf import LENGTH_DELIMITED, VARINT
from envlock.formats.text import printable

LARGEST_TEXT = 32 * 1024 * 1024
"""Bytes of a text; larger graphs are saved in binary."""

DEEPEST_MESSAGE = 100
"""Messages within one another, as in the parsers of protobuf itself."""

MOST_PARTS = 750_000
"""Fields, values, strings and brackets that are looked at: a graph of 40,000 nodes has as many."""

MOST_ESCAPES = 1_000_000
"""Escapes within the strings that are kept: the quotes of a configuration of 30 MB."""

_BRACKETS = {b"{": b"}", b"<": b">"}
_TRUTH = {b"true": 1, b"True": 1, b"t": 1, b"false": 0, b"False": 0, b"f": 0}
_SIMPLE_ESCAPES = {
    b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v",
    b"?": b"?", b"\\": b"\\", b"'": b"'", b'"': b'"',
}  # fmt: skip
_LARGEST_CHARACTER = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)

# Repetitions of groups are bounded, since the matcher keeps a record of each round; the loops around them go on.
_BLANK = re.compile(rb"(?:\s+|#[^\n]*){0,500}")
_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|\[[^\[\]{}<>\"'#\n]{0,1000}\]")
_SCALAR = re.compile(rb"-?\s{0,100}(?:[A-Za-z_]\w{0,1000}|\.?[0-9](?:[eE][-+]|[\w.]){0,400})")
_INTEGER = re.compile(rb"(-?)\s{0,100}(?:0[xX]([0-9a-fA-F]{1,16})|0([0-7]{1,22})|([0-9]{1,20}))")
_STRING_PARTS = {
    b'"': re.compile(rb'(?:[^"\\\n]+|\\[\s\S]){0,500}'),
    b"'": re.compile(rb"(?:[^'\\\n]+|\\[\s\S]){0,500}"),
}
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))")
_BRACKET_OR_STRING = re.compile(rb"[{}<>\"'#]")


class Field(NamedTuple):
    """A field of a message: its number, and how its value is encoded."""

    number: int
    kind: Literal["integer", "text", "message", "passed-over"]
    """``integer`` stands for booleans and enumerations too; a ``passed-over`` field is legal and is not kept."""

    schema: Schema = MappingProxyType({})
    """Fields of a message, by name; a field that it lacks is passed over, except in the outermost message."""

    values: Mapping[str, int] = MappingProxyType({})
    """Numbers of an enumeration, by name."""


Schema = Mapping[str, Field]


def encode_text(text: bytes, schema: Schema, *, message: str, where: str) -> bytes:
    """Encode *text*, a message called *message* with the fields of *schema*, in the wire format.

    Raises:
        DamagedFileError: It is no text of that message; the offset counts bytes of *text*.
        LimitExceededError: It is larger or deeper than any graph.
    """
    return _Encoder(text, where).encode(schema, message)


class _Message(NamedTuple):
    """A message whose end has not been reached."""

    field: Field
    schema: Schema
    end: bytes
    """The bracket that ends it; nothing for the outermost one."""

    is_element: bool
    """Whether it stands in a list, so that a comma or the end of the list follows."""

    content: bytearray


class _Encoder:
    def __init__(self, text: bytes, where: str) -> None:
        self._where = where
        self._check(len(text), LARGEST_TEXT, what="size of the text in bytes")
        self._text = text
        self._position = 0
        self._parts = 0
        self._escapes = 0
        self._open: list[_Message] = []

    def encode(self, schema: Schema, message: str) -> bytes:
        outermost = _Message(Field(0, "message"), schema, b"", is_element=False, content=bytearray())
        self._open.append(outermost)
        while True:
            found = self._peek()
            current = self._open[-1]
            if found == current.end:
                if current is outermost:
                    return bytes(outermost.content)
                self._close_message()
            elif not found:
                raise self._damaged("the text ends within a message")
            else:
                self._read_field(current, message)

    # --- fields ----------------------------------------------------------------------------------------------

    def _read_field(self, current: _Message, message: str) -> None:
        self._count_part()
        start = self._position
        match = _NAME.match(self._text, start)
        if match is None:
            raise self._damaged("expected the name of a field")
        name = match[0].decode(errors="replace")
        known = current.schema.get(name)
        if known is None and len(self._open) == 1:
            problem = f"a {message} has no field {printable(name, 40)}"
            raise DamagedFileError(self._where, problem, offset=start)
        self._position = match.end()
        has_colon = self._skip(b":")
        if self._skip(b"["):
            if not self._skip(b"]"):
                self._read_elements(known)
        elif has_colon or self._peek() in _BRACKETS:
            self._read_value(known, is_element=False)
        else:
            raise self._damaged("expected a colon or a message")
        if self._open[-1] is current:
            self._skip_separator()

    def _read_elements(self, known: Field | None) -> None:
        """Read list elements up to the end of the list, or up to the start of a message among them."""
        while self._read_value(known, is_element=True):
            if self._ends_list():
                return

    def _ends_list(self) -> bool:
        if self._skip(b"]"):
            return True
        if not self._skip(b","):
            raise self._damaged("expected a comma or the end of the list")
        return False

    def _read_value(self, known: Field | None, *, is_element: bool) -> bool:
        """Read a value, and say whether it is whole: not so a message, whose fields come next."""
        self._count_part()
        first = self._peek()
        if first in _BRACKETS:
            return self._open_message(known, first, is_element=is_element)
        if first in _STRING_PARTS:
            self._read_string(known)
        else:
            self._read_scalar(known)
        return True

    def _read_string(self, known: Field | None) -> None:
        start = self._position
        parts = [self._string_at()]
        while self._peek() in _STRING_PARTS:
            self._count_part()
            parts.append(self._string_at())
        if known is None or known.kind == "passed-over":
            return
        if known.kind != "text":
            raise self._damaged("found a string in place of a number or message", start)
        content = b"".join(self._unescaped(part, start) for part in parts)
        try:
            content.decode()
        except UnicodeDecodeError:
            raise self._damaged("a string is not valid UTF-8", start) from None
        self._open[-1].content.extend(_delimited(known.number, content))

    def _read_scalar(self, known: Field | None) -> None:
        match = _SCALAR.match(self._text, self._position)
        if match is None:
            raise self._damaged("expected a value")
        if known is not None and known.kind != "passed-over":
            if known.kind != "integer":
                raise self._damaged("found a number or name in place of a string or message")
            self._open[-1].content.extend(_tag(known.number, VARINT) + _varint(self._number_of(match[0], known)))
        self._position = match.end()

    def _number_of(self, scalar: bytes, known: Field) -> int:
        if scalar in _TRUTH and not known.values:
            return _TRUTH[scalar]
        number = known.values.get(scalar.decode(errors="replace"))
        if number is not None:
            return number
        match = _INTEGER.fullmatch(scalar)
        if match is None:
            raise self._damaged("found no whole number and no name of one")
        sign, hexadecimal, octal, decimal = match.groups()
        magnitude = int(hexadecimal, 16) if hexadecimal else int(octal, 8) if octal else int(decimal)
        if magnitude >> 64:
            raise self._damaged("found a number of more than 64 bits")
        return -magnitude if sign else magnitude

    # --- messages --------------------------------------------------------------------------------------------

    def _open_message(self, known: Field | None, bracket: bytes, *, is_element: bool) -> bool:
        if known is None or known.kind == "passed-over":
            self._pass_over_message()
            return True
        if known.kind != "message":
            raise self._damaged("found a message in place of a number or string")
        self._check(len(self._open), DEEPEST_MESSAGE, what="depth of messages")
        self._position += 1
        end = _BRACKETS[bracket]
        self._open.append(_Message(known, known.schema, end, is_element=is_element, content=bytearray()))
        return False

    def _close_message(self) -> None:
        self._position += 1
        message = self._open.pop()
        self._open[-1].content.extend(_delimited(message.field.number, message.content))
        if message.is_element and not self._ends_list():
            self._read_elements(message.field)
        self._skip_separator()

    def _pass_over_message(self) -> None:
        """Go behind the message that starts here, by its brackets alone."""
        ends: list[bytes] = []
        for match in iter(lambda: _BRACKET_OR_STRING.search(self._text, self._position), None):
            self._count_part()
            self._position = match.start()
            found = match[0]
            if found in _STRING_PARTS:
                self._string_at()
                continue
            if found == b"#":
                self._peek()
                continue
            self._position += 1
            if found in _BRACKETS:
                ends.append(_BRACKETS[found])
                self._check(len(self._open) + len(ends), DEEPEST_MESSAGE, what="depth of messages")
            elif found != ends.pop():
                raise self._damaged("a message ends with the other kind of bracket", match.start())
            if not ends:
                return
        raise self._damaged("the text ends within a message", len(self._text))

    # --- characters ------------------------------------------------------------------------------------------

    def _peek(self) -> bytes:
        """The next byte behind blanks and comments, which are passed over; nothing at the end of the text."""
        text, position = self._text, self._position
        while True:
            found = text[position : position + 1]
            if not (found.isspace() or found == b"#"):
                self._position = position
                return found
            match = _BLANK.match(text, position)
            position = position if match is None else match.end()

    def _skip(self, character: bytes) -> bool:
        if self._peek() != character:
            return False
        self._position += 1
        return True

    def _skip_separator(self) -> None:
        if self._peek() in (b",", b";"):
            self._position += 1

    def _string_at(self) -> bytes:
        """The string at the position, with its escapes and without its quotes."""
        start = self._position
        quote = self._text[start : start + 1]
        part = _STRING_PARTS[quote]
        end = start + 1
        while (match := part.match(self._text, end)) is not None and match.end() > end:
            end = match.end()
        if self._text[end : end + 1] != quote:
            raise self._damaged("a string has no end", start)
        self._position = end + 1
        return self._text[start + 1 : end]

    def _unescaped(self, string: bytes, start: int) -> bytes:
        if b"\\" not in string:
            return string
        self._escapes += string.count(b"\\")
        self._check(self._escapes, MOST_ESCAPES, what="number of escapes")
        return _ESCAPE.sub(lambda match: self._byte_of(match, start), string)

    def _byte_of(self, match: re.Match[bytes], start: int) -> bytes:
        octal, hexadecimal, short, long, simple = match.groups()
        if octal is not None:
            return bytes([int(octal, 8) & 0xFF])
        if hexadecimal is not None:
            return bytes([int(hexadecimal, 16)])
        character = short or long
        if character is not None:
            number = int(character, 16)
            if number > _LARGEST_CHARACTER or number in _SURROGATES:
                raise self._damaged("a string escapes what is no character", start)
            return chr(number).encode()
        if simple not in _SIMPLE_ESCAPES:
            raise self._damaged("a string holds an unknown escape", start)
        return _SIMPLE_ESCAPES[simple]

    def _damaged(self, problem: str, offset: int | None = None) -> DamagedFileError:
        return DamagedFileError(self._where, problem, offset=self._position if offset is None else offset)

    def _count_part(self) -> None:
        self._parts += 1
        self._check(self._parts, MOST_PARTS, what="number of parts")

    def _check(self, found: int, limit: int, *, what: str) -> None:
        if found > limit:
            raise LimitExceededError(self._where, what=what, limit=limit, found=found)


def _tag(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _delimited(number: int, content: bytes | bytearray) -> bytes:
    return _tag(number, LENGTH_DELIMITED) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """*value* in seven bits a byte, lowest first; a negative one in 64 bits."""
    value &= (1 << 64) - 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
