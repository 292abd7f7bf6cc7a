"""Records the environment that saves a model, in a file beside the model: ``model.h5.envlock.toml`` for ``model.h5``.

The file stands alone: it runs on every Python from 2.7 on and needs nothing but the standard library, so that it can be
put beside a training script::

    import recording
    recording.stamp("model.h5")

    model.fit(..., callbacks=[checkpoint, recording.StampCallback(checkpoint)])

envlock reads such a stamp first, and makes the same environment again.
"""

# The syntax is that of every Python from 2.7 on; types stand in comments.
from __future__ import absolute_import

import io
import json
import os
import re
import stat
import time

if False:  # for type checkers, which Python 2 lacks
    from typing import IO

SCHEMA = "envlock/stamp/1"
SUFFIX = ".envlock.toml"
INSIDE_FOLDER = "assets.extra/envlock.toml"
"""Where a stamp stands in the folder of a SavedModel, which digests leave out."""

_FIRST_WORDS = "# Stamp of envlock: "
_RECORDED = "what was installed when the model beside this file was saved. It was not loaded again."
_CHUNK = 1024 * 1024
# One of the files of a checkpoint stands for all of them, and the graph of a SavedModel for its folder.
_PART_OF_CHECKPOINT = re.compile(r"\.(index|meta|data-\d+-of-\d+)$")
_GRAPHS = ("saved_model.pb", "saved_model.pbtxt")
_SEPARATORS = re.compile(r"[-_.]+")


def stamp(path):
    # type: (str) -> str
    """Record this environment beside the model at *path*, and return the path of the stamp.

    The model is a file, a folder, or what the files of a checkpoint begin with. Raises OSError or IOError where there
    is none, or something else than a stamp is in the way.
    """
    subject = subject_of(path)
    document = [  # type: list[tuple[str, list[tuple[str, object]]]]
        ("", [("schema", SCHEMA), ("time", now()), ("verified", False)]),
        ("artifact", describe_files(find_files(subject))),
        ("environment", describe_python()),
        ("environment.distributions", list(sorted(find_installed().items()))),
    ]
    place = subject + SUFFIX
    write_stamp(place, render_stamp(_RECORDED, document))
    return place


class StampCallback(object):
    """Stamps what a training saves: pass it to ``fit`` behind the callback that saves.

    It is no subclass of Keras' ``Callback``, so that it serves every Keras, and this file imports none. What any Keras
    asks of a callback besides, it has as something that does nothing.
    """

    # Logs are not looked at, in whatever form; one of several workers is enough; batches need not wait.
    _supports_tf_logs = True
    _chief_worker_only = True
    async_safe = True

    def __init__(self, saved):
        # type: (object) -> None
        """Take the path that the training saves to, or the ``ModelCheckpoint`` that has it as ``filepath``.

        As there, fields such as ``{epoch:02d}`` stand for anything.
        """
        pattern = getattr(saved, "filepath", saved)
        self._pattern = pattern if isinstance(pattern, type(u"")) else str(pattern)
        self._known = {}  # type: dict[str, object]

    def set_model(self, model):
        # type: (object) -> None
        """Keras tells which model is trained."""

    def set_params(self, params):
        # type: (object) -> None
        """Keras tells how it is trained."""

    def on_train_begin(self, logs=None):
        # type: (object) -> None
        """What is there already was not saved by this training."""
        self._known = self._find_saved()

    def on_epoch_end(self, epoch, logs=None):
        # type: (int, object) -> None
        """Stamp what was saved since."""
        self._stamp_what_is_new()

    def on_train_end(self, logs=None):
        # type: (object) -> None
        """Stamp what was saved since."""
        self._stamp_what_is_new()

    def __getattr__(self, name):
        # type: (str) -> object
        if name.startswith("on_"):
            return _ignore
        if name.startswith("_implements_"):
            return _deny
        raise AttributeError(name)

    def _stamp_what_is_new(self):
        # type: () -> None
        for path, state in sorted(self._find_saved().items()):
            if self._known.get(path) != state:
                self._known[path] = state
                try:
                    stamp(path)
                except Exception as error:
                    # Hours of training are not given up for a note about them.
                    import warnings

                    warnings.warn("%s was not stamped: %s" % (path, error))

    def _find_saved(self):
        # type: () -> dict[str, object]
        """What there is of models that the training saves, and the state of their files."""
        from glob import glob

        literal = re.sub(r"([*?[])", r"[\1]", self._pattern)
        pattern = re.sub(r"\{[^{}]*\}", "*", literal)
        found = [path for path in glob(pattern) + glob(pattern + ".index") if not path.endswith(SUFFIX)]
        subjects = sorted(set(subject_of(path) for path in found))
        return dict((subject, _state_of(find_files(subject))) for subject in subjects)


def _ignore(*arguments, **named):
    # type: (object, object) -> None
    """What Keras calls at every other moment."""


_ignore._is_default = True  # type: ignore[attr-defined]  # so Keras marks what it need not wait for


def _deny():
    # type: () -> bool
    return False


def _state_of(files):
    # type: (list[tuple[bytes, str]]) -> object
    statuses = [(name, os.stat(path)) for name, path in files]
    return [(name, status.st_mtime, status.st_size, status.st_ino) for name, status in statuses]


# --- what is recorded ----------------------------------------------------------------------------------------


def find_installed():
    # type: () -> dict[str, str]
    """The version of every installed distribution, by its normalised name."""
    found = {}  # type: dict[str, str]
    for name, version in _list_installed():
        if name and version:
            # Of two, the one that comes first on the search path is imported.
            found.setdefault(_SEPARATORS.sub("-", name).lower(), version)
    return found


def _list_installed():
    # type: () -> list[tuple[str, str]]
    try:
        from importlib import metadata
    except ImportError:
        try:
            import importlib_metadata as metadata  # type: ignore[import-not-found, no-redef]
        except ImportError:
            # Python 3.7 and older, in which setuptools is seldom missing.
            import pkg_resources  # type: ignore[import-untyped, import-not-found, unused-ignore]

            return [(item.project_name, item.version) for item in pkg_resources.working_set]
    return [(item.metadata["Name"], item.version) for item in metadata.distributions()]


def describe_python(version=None):
    # type: (object) -> list[tuple[str, object]]
    """The *version* of a Python on this machine, by default of this one, and what it runs on."""
    import platform

    system = "%s %s" % (platform.system(), platform.machine())
    return [("python", version or platform.python_version()), ("platform", system)]


def now():
    # type: () -> str
    """The time in UTC, such as ``2026-11-21T12:00:00Z``."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


# --- the model -----------------------------------------------------------------------------------------------


def subject_of(path):
    # type: (str) -> str
    """What the paths of all files of the model at *path* begin with: its only file, its folder, or a checkpoint."""
    path = os.path.abspath(path)
    folder, name = os.path.split(path)
    if name in _GRAPHS:
        return folder
    prefix = _PART_OF_CHECKPOINT.sub("", path)
    return prefix if os.path.isfile(prefix + ".index") else path


def find_files(subject):
    # type: (str) -> list[tuple[bytes, str]]
    """The files of the model with that *subject*, sorted by what their paths have besides; links are left out."""
    if os.path.isdir(subject):
        walk = [os.path.join(parent, name) for parent, _, names in os.walk(subject) for name in names]
        found = [path for path in walk if stat.S_ISREG(os.lstat(path).st_mode)]
    elif os.path.isfile(subject):
        found = [subject]
    else:
        folder = os.path.dirname(subject)
        beside = [os.path.join(folder, name) for name in (os.listdir(folder) if os.path.isdir(folder) else ())]
        found = [path for path in beside if path != subject and _PART_OF_CHECKPOINT.sub("", path) == subject]
    if not found:
        raise IOError("%s: there is no model" % subject)
    named = sorted((_encode(path[len(subject) :].replace(os.sep, "/").lstrip("/")), path) for path in found)
    return [(name, path) for name, path in named if name != INSIDE_FOLDER.encode("ascii")]


def describe_files(files):
    # type: (list[tuple[bytes, str]]) -> list[tuple[str, object]]
    """What tells the content of *files* from any other: their bytes, and the SHA-256 of :func:`digest_of_files`."""
    return [("sha256", digest_of_files(files)), ("bytes", sum(os.path.getsize(path) for _, path in files))]


def digest_of_files(files):
    # type: (list[tuple[bytes, str]]) -> str
    """SHA-256 of the one file, else of the lines that ``sha256sum`` prints for them, in hexadecimal."""
    if len(files) == 1:
        return digest_of_file(files[0][1])
    listing = b"".join(digest_of_file(path).encode("ascii") + b"  " + name + b"\n" for name, path in files)
    return _digest_of(io.BytesIO(listing), -1)


def digest_of_file(path, size=-1):
    # type: (str, int) -> str
    """SHA-256 of the first *size* bytes of a file, by default of all, in hexadecimal."""
    with io.open(path, "rb") as stream:
        return _digest_of(stream, size)


def _digest_of(stream, size):
    # type: (IO[bytes], int) -> str
    # Where stamps are looked for, there is seldom one, and the import takes longer than looking.
    import hashlib

    digest = hashlib.sha256()
    while size:
        chunk = stream.read(_CHUNK if size < 0 else min(size, _CHUNK))
        if not chunk:
            break
        digest.update(chunk)
        size -= len(chunk) if size > 0 else 0
    return digest.hexdigest()


def _encode(name):
    # type: (str) -> bytes
    """A file name as it is on disk."""
    if isinstance(name, bytes):
        return name  # so Python 2 has it
    return os.fsencode(name) if hasattr(os, "fsencode") else name.encode("utf-8")


# --- the stamp -----------------------------------------------------------------------------------------------


def render_stamp(headline, tables):
    # type: (str, list[tuple[str, list[tuple[str, object]]]]) -> str
    """The text of a stamp: a sentence that tells what it is, and the rows of each table of TOML, the first nameless."""
    sections = []
    for name, rows in tables:
        lines = ["[%s]" % name] * bool(name) + ["%s = %s" % (_quote(key), _value(value)) for key, value in rows]
        sections.append("\n".join(lines) + "\n")
    return _FIRST_WORDS + headline + "\n" + "\n".join(sections)


def _quote(key):
    # type: (str) -> str
    """A key as TOML takes it: those that are not ours may hold anything."""
    return key if re.match(r"[A-Za-z0-9_-]+$", key) else _value(key)


def _value(value):
    # type: (object) -> str
    if isinstance(value, (list, tuple)):
        return "[%s]" % ", ".join(_value(item) for item in value)
    if isinstance(value, (bool, int)):
        return json.dumps(value)
    text = value if isinstance(value, type(u"")) else str(value)
    # The escapes of JSON are those of TOML but for what lies beyond 16 bits.
    return json.dumps(text.encode("ascii", "backslashreplace").decode("ascii")).replace("\x7f", "\\u007f")


def is_stamp(text):
    # type: (str) -> bool
    """Whether the *text* of a file begins as a stamp does."""
    return text.startswith(_FIRST_WORDS)


def write_stamp(place, text):
    # type: (str, str) -> None
    """Write the *text* of a stamp whole, in place of an older stamp or of nothing.

    Raises OSError or IOError where something else is there, or nothing can be written.
    """
    if os.path.lexists(place):
        is_file = os.path.isfile(place) and not os.path.islink(place)
        if is_file:
            with io.open(place, encoding="utf-8", errors="replace") as stream:
                is_file = is_stamp(stream.read(len(_FIRST_WORDS)))
        if not is_file:
            raise IOError("%s: exists and was not written by envlock" % place)
    import tempfile

    handle, draft = tempfile.mkstemp(prefix=os.path.basename(place) + ".", dir=os.path.dirname(place))
    try:
        with os.fdopen(handle, "wb") as binary:
            binary.write(text.encode("ascii"))
        # Temporary files are private; a stamp is for everybody who may read the folder.
        os.chmod(draft, 0o644)
        # Python 2 has no other name for it.
        getattr(os, "replace", os.rename)(draft, place)
    finally:
        if os.path.lexists(draft):
            os.remove(draft)
