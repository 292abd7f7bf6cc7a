"""Marshalled Python code: from its bytes to the Python lines that wrote it and that can run it.

The structure is walked as data: nothing is unmarshalled, compiled or run. What each Python line writes comes in as
:class:`CodeFormat`, so that this module holds the grammar and no version table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from keyword import iskeyword
from typing import Literal, NamedTuple
from unicodedata import normalize

from envlock.errors import ArtifactError, DamagedFileError, LimitExceededError, TruncatedFileError

LineTableKind = Literal["lnotab", "ranges", "locations"]

_DEEPEST = 60
_MOST_OBJECTS = 100_000
_MOST_ATTRIBUTES = 8
_LONGEST_NAME = 200
"""Bytes; code can look up a name thousands of times that stands in it once."""

_LARGEST_ARGUMENT = 0xFFFF_FFFF

# Opcodes by what they mean to names; the same in every line that has them.
_PREFIX = "EXTENDED_ARG"
_GLOBALS = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})  # the latter in the body of a class
_ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_ASSIGNMENTS = frozenset({"STORE_GLOBAL", "STORE_NAME"})

# Type codes of CPython's Python/marshal.c, where a value's body is a run of bytes of known size.
_FIXED_SIZE = {
    ord("N"): 0,  # None
    ord("F"): 0,  # False
    ord("T"): 0,  # True
    ord("."): 0,  # Ellipsis
    ord("i"): 4,  # 32-bit integer
    ord("I"): 8,  # 64-bit integer, Python 2 only
    ord("g"): 8,  # binary float
    ord("y"): 16,  # binary complex
}
_SHORT_STRING = frozenset(b"zZ")  # ASCII text, one byte of size
_LONG_STRING = frozenset(b"sutaA")  # bytes or text, four bytes of size
_INTERNED = ord("t")  # in Python 2 a later `R` may point back at it
_FLAG_REFERENCED = 0x80  # a later `r` may point back at this value


class Opcode(NamedTuple):
    """What one opcode number stands for in one Python line."""

    name: str
    caches: int = 0
    """Code units of zeros that follow the instruction."""

    jumps: bool = False
    largest: int | None = None
    """Largest argument the line knows; ``None`` where it does not matter."""

    flags: int = 0
    """Low bits of the argument that say something else than which name is meant."""


class CodeLayout(NamedTuple):
    """The fields of a marshalled code object, in the order in which they are written."""

    counts: tuple[str, ...]
    """32-bit integers."""

    objects: tuple[str, ...]
    """Marshalled values; a 32-bit integer, the number of the first line, follows them."""

    tables: tuple[str, ...]
    """Marshalled byte strings; the first tells which bytes of the code stem from which line of the source."""


class CodeFormat(NamedTuple):
    """How one Python line writes code."""

    line: str
    layout: CodeLayout
    width: int
    """Bytes of an instruction; 0 where an instruction without argument takes one byte and one with takes three."""

    argument_from: int
    """The first opcode number that takes an argument."""

    jump_unit: int
    """Bytes that one step of a jump's argument counts."""

    line_table: LineTableKind
    entry: str | None
    """Name of an opcode that stands in every code object; ``None`` where there is none."""

    opcodes: Mapping[int, Opcode]


class CodeLines(NamedTuple):
    """Python lines that marshalled code points to, each oldest first."""

    writers: tuple[str, ...]
    """Every line that can have written it; empty where none that is known can."""

    readers: tuple[str, ...]
    """Every line in which it means what it meant to one of these writers."""

    lookups: tuple[str, ...] = ()
    """Global names that it looks up, with the attributes that it goes on to, such as ``tf.nn.relu``; sorted."""


def read_code_lines(data: bytes, formats: Sequence[CodeFormat], *, where: str) -> CodeLines:
    """Tell which of the lines in *formats* (oldest first) wrote the code object in *data*, and which can run it.

    Raises:
        DamagedFileError: *data* is no code object in the layout of any line.
        LimitExceededError: It is nested deeper, or holds more values, than code needs.
    """
    parsed = _parse_layouts(data, formats, where=where)
    uses = {item.line: _instructions(parsed[item.layout], item) for item in formats if item.layout in parsed}
    writers = [item for item in formats if uses.get(item.line) and _fits_line_tables(parsed[item.layout], item)]
    readers = [
        item
        for item in formats
        if uses.get(item.line) and any(_means_the_same(item, writer, uses) for writer in writers)
    ]
    return CodeLines(
        writers=tuple(item.line for item in writers),
        readers=tuple(item.line for item in readers),
        # Whoever can have written it reads the same names from it.
        lookups=tuple(sorted({*_lookups(parsed[writers[0].layout], writers[0])})) if writers else (),
    )


class _CodeObject(NamedTuple):
    code: bytes
    line_table: bytes
    names: tuple[object, ...]
    """Of what is looked up by name; bytes, where the file is sound."""


class _Instruction(NamedTuple):
    opcode: Opcode
    argument: int
    """0 where it takes none; without what an `EXTENDED_ARG` before it adds."""


def _parse_layouts(
    data: bytes, formats: Sequence[CodeFormat], *, where: str
) -> dict[CodeLayout, tuple[_CodeObject, ...]]:
    """All code objects in *data*, those within constants included, for each layout that fits the bytes."""
    parsed: dict[CodeLayout, tuple[_CodeObject, ...]] = {}
    failure: ArtifactError | None = None
    for layout in dict.fromkeys(item.layout for item in formats):
        try:
            parsed[layout] = _Parser(data, layout, where=where).code_objects()
        except (DamagedFileError, TruncatedFileError) as error:
            failure = error
    if not parsed:
        raise DamagedFileError(where, "is no marshalled code of any known Python") from failure
    return parsed


def _instructions(objects: Sequence[_CodeObject], item: CodeFormat) -> frozenset[Opcode]:
    """The opcodes that *objects* use when they are read as code of one line; empty where they are no such code."""
    used: set[Opcode] = set()
    for code_object in objects:
        decoded = tuple(_decode(code_object.code, item))
        opcodes = {instruction.opcode for instruction in decoded if instruction}
        has_entry = item.entry is None or any(opcode.name == item.entry for opcode in opcodes)
        if None in decoded or not has_entry:
            return frozenset()
        used |= opcodes
    return frozenset(used)


def _lookups(objects: Sequence[_CodeObject], item: CodeFormat) -> Iterator[str]:
    """Dotted names, as code that *item* decodes looks them up, but for what it has assigned itself before."""
    for code_object in objects:
        names = [_identifier(name) for name in code_object.names]
        assigned = {""}
        dotted: list[str] = []
        for opcode, argument in _whole_arguments(code_object.code, item):
            index = argument >> opcode.flags
            name = names[index] if index < len(names) else ""
            goes_on = bool(dotted) and opcode.name in _ATTRIBUTES
            if dotted and not goes_on:
                yield ".".join(dotted)
                dotted = []
            if opcode.name in _ASSIGNMENTS:
                assigned.add(name)
            starts = opcode.name in _GLOBALS and name not in assigned
            if starts or (goes_on and name and len(dotted) <= _MOST_ATTRIBUTES):
                dotted.append(name)


def _identifier(name: object) -> str:
    """The *name*, if it is one that source code can have; else an empty text."""
    if not isinstance(name, bytes) or len(name) > _LONGEST_NAME:
        return ""
    text = name.decode("utf-8", "replace")
    # A compiler normalizes names, and whoever writes another form in source means the normalized one.
    is_normal = text.isascii() or normalize("NFKC", text) == text
    return text if is_normal and text.isidentifier() and not iskeyword(text) else ""


def _whole_arguments(code: bytes, item: CodeFormat) -> Iterator[_Instruction]:
    """Each instruction, with what the `EXTENDED_ARG` before it add to its argument."""
    prefix = 0
    for opcode, argument in filter(None, _decode(code, item)):
        number = prefix | argument
        # It carries the higher bits of the argument that follows: a byte, or two where no opcode has another.
        prefix = (number << (8 if item.width else 16)) & _LARGEST_ARGUMENT if opcode.name == _PREFIX else 0
        if opcode.name != _PREFIX:
            yield _Instruction(opcode, number)


def _decode(code: bytes, item: CodeFormat) -> Iterator[_Instruction | None]:
    """Each instruction, then ``None`` where the line would not have written the rest."""
    position = 0
    while position < len(code):
        number = code[position]
        opcode = item.opcodes.get(number)
        width = item.width or (3 if number >= item.argument_from else 1)
        following = position + width + (opcode.caches * item.width if opcode else 0)
        if opcode is None or following > len(code) or any(code[position + width : following]):
            yield None
            return
        if opcode.largest is not None and code[position + 1] > opcode.largest:
            yield None
            return
        argument = code[position + 1 : position + width] if number >= item.argument_from else b""
        yield _Instruction(opcode, int.from_bytes(argument, "little"))
        position = following


def _means_the_same(reader: CodeFormat, writer: CodeFormat, uses: Mapping[str, frozenset[Opcode]]) -> bool:
    """Whether the code that *writer* wrote does the same in *reader*."""
    ours, theirs = _meaning(uses[reader.line]), _meaning(uses[writer.line])
    same_jumps = reader.jump_unit == writer.jump_unit or not any(opcode.jumps for opcode in uses[writer.line])
    return reader.layout == writer.layout and reader.width == writer.width and ours == theirs and same_jumps


def _meaning(opcodes: frozenset[Opcode]) -> frozenset[tuple[str, int]]:
    return frozenset((opcode.name, opcode.caches) for opcode in opcodes)


def _fits_line_tables(objects: Sequence[_CodeObject], item: CodeFormat) -> bool:
    return all(_fits_line_table(code_object, item) for code_object in objects)


def _fits_line_table(code_object: _CodeObject, item: CodeFormat) -> bool:
    """Whether the line table has the form that the line writes for code of this length."""
    table, size = code_object.line_table, len(code_object.code)
    match item.line_table:
        case "lnotab":
            return len(table) % 2 == 0 and sum(table[0::2]) < size
        case "ranges":
            return len(table) % 2 == 0 and sum(table[0::2]) == size
        case "locations":
            # An entry's first byte carries the high bit and, in its low three bits, its code units less one.
            starts = [byte for byte in table if byte & 0x80]
            covered = sum((byte & 0x07) + 1 for byte in starts) * item.width
            return bool(table) and table[0] >= 0x80 and covered == size


class _Parser:
    """Walks marshalled values and keeps what is needed of them: strings (as bytes), tuples and code objects."""

    def __init__(self, data: bytes, layout: CodeLayout, *, where: str) -> None:
        self._data = data
        self._layout = layout
        self._where = where
        self._position = 0
        self._references: list[object] = []
        self._interned: list[bytes] = []
        self._objects: list[_CodeObject] = []
        self._values = 0

    def code_objects(self) -> tuple[_CodeObject, ...]:
        """Every code object, in the order in which they end; the whole input must be one of them."""
        value = self._value(0)
        if not isinstance(value, _CodeObject):
            raise self._damaged("a code object is expected", at=0)
        if self._position != len(self._data):
            raise self._damaged("more bytes follow the code object")
        return tuple(self._objects)

    def _value(self, depth: int) -> object:
        self._check_bounds(depth)
        start = self._position
        marked = self._take(1)[0]
        kind, is_referenced = marked & ~_FLAG_REFERENCED, bool(marked & _FLAG_REFERENCED)
        if kind == ord("r"):
            return self._pointed_at(self._references, at=start)
        slot = len(self._references)
        if is_referenced:
            self._references.append(None)  # numbered where a value begins, filled where it ends
        value = self._body(kind, depth, at=start)
        if is_referenced:
            self._references[slot] = value
        return value

    def _body(self, kind: int, depth: int, *, at: int) -> object:
        if kind in _FIXED_SIZE:
            self._take(_FIXED_SIZE[kind])
            return None
        if kind in _SHORT_STRING:
            return self._take(self._take(1)[0])
        if kind in _LONG_STRING:
            return self._string(kind)
        match chr(kind):
            case "R":
                return self._pointed_at(self._interned, at=at)
            case "(":
                return self._tuple(self._size(), depth)
            case ")":
                return self._tuple(self._take(1)[0], depth)
            case ">":
                self._tuple(self._size(), depth)
            case "l":
                self._take(2 * abs(self._integer()))  # digits of 15 bits; the sign is that of their number
            case "f" | "x":
                for _ in range(1 if kind == ord("f") else 2):
                    self._take(self._take(1)[0])
            case "c":
                return self._code(depth, at=at)
            case _:
                raise self._damaged(f"type 0x{kind:02x} does not occur in code", at=at)
        return None

    def _code(self, depth: int, *, at: int) -> _CodeObject:
        if any(self._integer() < 0 for _ in self._layout.counts):
            raise self._damaged("a count of the code object is negative", at=at)
        fields = {name: self._value(depth + 1) for name in self._layout.objects}
        self._integer()  # number of the first line
        tables = [self._value(depth + 1) for _ in self._layout.tables]
        code, line_table = fields["code"], tables[0]
        if not (isinstance(code, bytes) and isinstance(line_table, bytes)):
            raise self._damaged("code and line table are no byte strings", at=at)
        names = fields["names"]
        if not (isinstance(fields["consts"], tuple) and isinstance(names, tuple)):
            raise self._damaged("constants and names are no tuples", at=at)
        if not all(isinstance(fields[name], bytes) for name in ("filename", "name")):
            raise self._damaged("file name and name are no strings", at=at)
        code_object = _CodeObject(code, line_table, names)
        self._objects.append(code_object)
        return code_object

    def _tuple(self, count: int, depth: int) -> tuple[object, ...]:
        if count > len(self._data) - self._position:
            raise self._damaged(f"a tuple of {count} values does not fit into the rest")
        return tuple([self._value(depth + 1) for _ in range(count)])

    def _string(self, kind: int) -> bytes:
        string = self._take(self._size())
        if kind == _INTERNED:
            self._interned.append(string)
        return string

    def _pointed_at(self, values: Sequence[object], *, at: int) -> object:
        index = self._size()
        if index >= len(values):
            raise self._damaged(f"reference {index} points past the {len(values)} values so far", at=at)
        return values[index]

    def _size(self) -> int:
        size = self._integer()
        if size < 0:
            raise self._damaged("a size is negative", at=self._position - 4)
        return size

    def _integer(self) -> int:
        return int.from_bytes(self._take(4), "little", signed=True)

    def _take(self, size: int) -> bytes:
        taken = self._data[self._position : self._position + size]
        if len(taken) != size:
            raise TruncatedFileError(self._where, offset=self._position, expected=size, found=len(taken))
        self._position += size
        return taken

    def _check_bounds(self, depth: int) -> None:
        self._values += 1
        if depth > _DEEPEST:
            raise LimitExceededError(self._where, what="depth of values", limit=_DEEPEST, found=depth)
        if self._values > _MOST_OBJECTS:
            raise LimitExceededError(self._where, what="values", limit=_MOST_OBJECTS, found=self._values)

    def _damaged(self, problem: str, *, at: int | None = None) -> DamagedFileError:
        return DamagedFileError(self._where, problem, offset=self._position if at is None else at)
