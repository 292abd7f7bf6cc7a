"""What a person pasted or piped -> the traceback in it: plain text, its error, its frames.

Takes tracebacks of Python 2.7 and 3, of IPython and of rich; through terminals, mails, notebooks, logs of CI systems,
and PowerShell, which writes UTF-16. All of it is untrusted.
"""

from __future__ import annotations

import html
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from envlock.errors import ArtifactError
from envlock.formats.json_text import parse_json
from envlock.formats.text import printable
from envlock.knowledge.function_spans import FunctionPlace, lines_with

LARGEST_TRACEBACK = 4 * 1024 * 1024
"""Bytes that are looked at, from the end: there stands what ended a program."""

_PIECE = 64 * 1024


class Frame(NamedTuple):
    """One call of a traceback."""

    path: str
    """Of the source file, with ``/`` between its parts."""

    line: int | None
    function: str


class Traceback(NamedTuple):
    """A traceback, freed of what it was wrapped in."""

    text: str
    error: str
    """Its last error, on one line, escaped and bounded; empty where there is none."""

    frames: tuple[Frame, ...]
    """In the order of the text."""

    python: str | None
    """The minor release of Python that its paths name most often, such as ``3.7``."""

    origin: Mapping[str, tuple[str, ...]]
    """By distribution (``tensorflow``, ``keras``, ``tf-keras``), the lines whose sources have all of its frames."""


def read_traceback(stream: BinaryIO) -> Traceback:
    """Read the traceback in *stream*, of which 4 MiB at the end count."""
    first = b""
    kept = bytearray()
    while piece := stream.read(_PIECE):
        first = first or piece[:4]
        kept += piece
        # Rarely, since it moves all that is kept; by an even number of bytes, for the characters of UTF-16.
        if len(kept) > 2 * LARGEST_TRACEBACK:
            del kept[: (len(kept) - LARGEST_TRACEBACK) // 2 * 2]
    surplus = max(0, len(kept) - LARGEST_TRACEBACK)
    return parse_traceback(_decode(bytes(kept[(surplus + 1) // 2 * 2 :]), first))


def parse_traceback(text: str) -> Traceback:
    """Find the error and the frames in *text*."""
    plain = _unwrap(_outputs_of_notebook(text) or text)
    frames = tuple(_find_frames(plain))
    return Traceback(
        text=plain,
        error=_find_error(plain),
        frames=frames,
        python=_find_python(plain),
        origin=lines_with(filter(None, map(_place_of, frames))),
    )


def _place_of(frame: Frame) -> FunctionPlace | None:
    """The frame by its file as it is installed; ``None`` for code that nobody installed."""
    _, installed, file = frame.path.rpartition("-packages/")
    return (file, frame.function, frame.line) if installed else None


# --- bytes ---------------------------------------------------------------------------------------------------

_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def _decode(content: bytes, first: bytes) -> str:
    encoding = _BYTE_ORDER_MARKS.get(first[:2])
    if encoding is None and first[1:4:2] == b"\0\0":
        # ASCII in UTF-16 whose mark was lost has every other byte zero.
        encoding = "utf-16-le"
    return content.decode(encoding or "utf-8", errors="replace").lstrip("\ufeff")


# --- wrapping ------------------------------------------------------------------------------------------------

# Those of terminals, and what is left of them where a web page has swallowed the escape character.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.|\[(?:\d{1,3};){0,4}\d{1,3}m")
# At the start of a line: the time of a CI system's log, the border of a box, marks of quoted mail, and prompts.
_PREFIXES = re.compile(
    r"(?:\d{4}-\d\d-\d\dT[\d:.]{8,20}Z )?(?:[│|] ?)?(?:[ \t]?>)*(?:(?:In|Out) ?\[\d*\]:|\.\.\.(?= ))? ?"
)
_ENTITIES = re.compile(r"&(?:lt|gt|amp|quot|#39|#x27);")


def _unwrap(text: str) -> str:
    text = _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _ENTITIES.sub(lambda entity: html.unescape(entity[0]), text)
    return "\n".join(_without_prefix(line.rstrip(" \t│")) for line in text.split("\n"))


def _without_prefix(line: str) -> str:
    prefix = _PREFIXES.match(line)
    return line[prefix.end() :] if prefix is not None and prefix[0].strip() else line


def _outputs_of_notebook(text: str) -> str:
    """What the cells of a Jupyter notebook have printed; empty for any other text."""
    if not text.lstrip().startswith("{") or '"cells"' not in text:
        return ""
    notebook: object = None
    with suppress(ArtifactError):
        notebook = parse_json(text, where="notebook")
    return "\n".join(_texts_of_outputs(notebook)) if isinstance(notebook, dict) else ""


def _texts_of_outputs(notebook: dict[str, object]) -> Iterator[str]:
    for cell in _dicts(notebook.get("cells")):
        for output in _dicts(cell.get("outputs")):
            for key, joint in (("text", ""), ("traceback", "\n")):
                lines = output.get(key)
                if isinstance(lines, str):
                    yield lines
                elif isinstance(lines, list):
                    yield joint.join(line for line in lines if isinstance(line, str))


def _dicts(value: object) -> Iterator[dict[str, object]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


# --- its parts -----------------------------------------------------------------------------------------------

# As Python prints frames, as IPython up to 7 did, and as IPython from 8 on and rich do.
_FRAME = re.compile(
    r"""^[ \t]*File\ "(?P<path>[^"\n]{1,1000})",\ line\ (?P<line>\d{1,9}),\ in\ (?P<function>[^\s(]{1,200})
      | ^(?P<old_path>\S[^\n]{0,500}?\.pyc?)\ in\ (?P<old_function>[^\s(]{1,200})\(
      | ^[ \t]*(?:File\ )?(?P<new_path>[^\s"][^"\n]{0,500}?\.py):(?P<new_line>\d{1,9}),?\ in
        \ (?P<new_function>[^\s(]{1,200})
      | ^-+>\ ?(?P<arrow>\d{1,9})\b""",
    re.VERBOSE | re.MULTILINE,
)
_ERROR = re.compile(
    r"^[ \t]*((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Failure|Iteration)(?::[ \t].*)?)$"
    r"|^(Fatal Python error.*|(?:Illegal instruction|Segmentation fault|Aborted).*)$",
    re.MULTILINE,
)
_PYTHON = re.compile(r"[/\\]python(\d\.\d{1,2})[/\\]|[/\\]python(\d)(\d{1,2})[/\\]", re.IGNORECASE)
_LONGEST_ERROR = 300


def _find_frames(text: str) -> Iterator[Frame]:
    pending: Frame | None = None
    for match in _FRAME.finditer(text):
        if match["arrow"]:
            # IPython marks the line of the frame above in its listing.
            if pending is not None:
                yield pending._replace(line=int(match["arrow"]))
                pending = None
            continue
        if pending is not None:
            yield pending
            pending = None
        if match["old_path"]:
            pending = Frame(_with_slashes(match["old_path"]), None, match["old_function"])
        else:
            path, line = match["path"] or match["new_path"], match["line"] or match["new_line"]
            yield Frame(_with_slashes(path), int(line), match["function"] or match["new_function"])
    if pending is not None:
        yield pending


def _with_slashes(path: str) -> str:
    return path.replace("\\", "/")


def _find_error(text: str) -> str:
    errors = deque(_ERROR.finditer(text), maxlen=1)
    return printable((errors[0][1] or errors[0][2]).strip(), _LONGEST_ERROR) if errors else ""


def _find_python(text: str) -> str | None:
    named = Counter(match[1] or f"{match[2]}.{match[3]}" for match in _PYTHON.finditer(text))
    return max(named, key=lambda line: named[line], default=None)
