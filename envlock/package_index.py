"""A client of package indexes: which files a distribution has, and what their metadata declares.

Takes the address of an index that follows the Simple repository API (PEP 503, or PEP 691 where it is served) and
gives :class:`IndexFile` values, metadata texts and seekable files. Large wheels are never fetched whole: metadata comes
from PEP 658 where the index has it, else from the end of the wheel, by range requests.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import os
import re
import ssl
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from html.parser import HTMLParser
from typing import Any, BinaryIO, cast
from urllib.parse import SplitResult, unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from packaging.utils import canonicalize_name

from envlock.errors import EnvlockError, NetworkError, UsageError, unreachable_index
from envlock.formats.archive import ZIPFILE_ERRORS
from envlock.formats.ranges import RangeStream
from envlock.formats.text import without_credentials

_MEBIBYTE = 1024 * 1024
_LARGEST_PAGE = 64 * _MEBIBYTE
_LARGEST_METADATA = 4 * _MEBIBYTE
_LARGEST_WHOLE_FILE = 8 * _MEBIBYTE
_LARGEST_SDIST = 96 * _MEBIBYTE
_LARGEST_RANGE = 64 * _MEBIBYTE

# The end of most wheels: their central directory and, as bdist_wheel writes it last, their metadata.
_TAIL = 64 * 1024
_READ_AHEAD = 16 * 1024

_ACCEPTED_PAGES = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_PASSING_TROUBLE = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOVED = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_LONGEST_WAIT = 30.0


class AbsentFromIndexError(EnvlockError):
    """The index answers, and does not have what was asked for."""

    reference = "absent-from-index"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"{self.what}: not in the package index"


class MetadataUnavailableError(EnvlockError):
    """What a file declares cannot be had without running it or fetching it whole."""

    reference = "metadata-unavailable"

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(file, reason)
        self.file, self.reason = file, reason

    def __str__(self) -> str:
        return f"{self.file}: its metadata cannot be had: {self.reason}"


class OversizedAnswerError(EnvlockError):
    """An answer is larger than what was asked for may be."""

    reference = "oversized-answer"

    def __init__(self, what: str, *, size: int, limit: int) -> None:
        super().__init__(what, size, limit)
        self.what, self.size, self.limit = what, size, limit

    def __str__(self) -> str:
        return f"{self.what}: {self.size} bytes are over the limit of {self.limit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexFile:
    """One wheel or sdist, as the index lists it."""

    name: str
    url: str
    sha256: str | None
    """Hexadecimal digits; None where the index gives no SHA-256."""

    uploaded: str | None
    """UTC, to the second, such as ``2021-01-06T22:38:01Z``."""

    size: int | None
    """Bytes."""

    requires_python: str
    """As written; empty where nothing is declared."""

    yanked: str | None
    """The reason, empty where none is given; None where the file is not yanked."""

    metadata_sha256: str | None
    """Of the metadata that the index serves beside the file (PEP 658): empty where it gives no hash, None where it
    serves none."""


class PackageIndex:
    """One package index, whose connections are kept open until :meth:`close`. May be shared by threads.

    *url* is its address, with the person's credentials where it asks for any. *timeout* is in seconds and bounds each
    wait for the network; a request that fails in passing is made again, *attempts* times in all, after *pause* seconds,
    twice as many, and so on.
    """

    def __init__(self, url: str, *, timeout: float = 30.0, attempts: int = 5, pause: float = 0.5) -> None:
        self._url = url.rstrip("/") + "/"
        if urlsplit(self._url).scheme not in {"http", "https"}:
            raise UsageError(f"{without_credentials(self._url)}: an index is read over http or https")
        self._authorization = _authorization(urlsplit(self._url))
        self._timeout, self._attempts, self._pause = timeout, attempts, pause
        self._idle: dict[str, list[http.client.HTTPConnection]] = {}
        self._lock = threading.Lock()
        self.requests = 0
        self.bytes = 0

    def __enter__(self) -> PackageIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are not in use; the next request opens a new one."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connection in (connection for kept in idle.values() for connection in kept):
            connection.close()

    def files(self, name: str) -> tuple[IndexFile, ...]:
        """Every file of the distribution *name*, in the order of the index.

        Raises:
            AbsentFromIndexError: The index has no such distribution.
            NetworkError: The index cannot be reached.
        """
        normalised = canonicalize_name(name)
        answer = self._request(urljoin(self._url, f"{normalised}/"), limit=_LARGEST_PAGE, accept=_ACCEPTED_PAGES)
        is_json = "json" in answer.headers.get("Content-Type", "")
        read_page = _read_json_page if is_json else _read_html_page
        files = tuple(read_page(answer.body.decode("utf-8"), answer.url))
        if all(file.uploaded and file.size is not None for file in files):
            return files
        return self._complete(normalised, files)

    def metadata(self, file: IndexFile) -> str:
        """The text of METADATA of a wheel, or PKG-INFO of an sdist.

        An old sdist keeps its requirements beside PKG-INFO; they are put into the text as Requires-Dist.

        Raises:
            MetadataUnavailableError: The file holds none, or is too large to be fetched whole where it must be.
            NetworkError: The index cannot be reached.
        """
        if file.metadata_sha256 is not None:
            return self._served_metadata(file)
        try:
            if file.name.endswith((".whl", ".zip", ".egg")):
                with self.open(file) as stream, zipfile.ZipFile(stream) as archive:
                    return _read_metadata(file.name, _zip_members(archive))
            content = self._request(file.url, limit=_LARGEST_SDIST).body
            with tarfile.open(fileobj=io.BytesIO(content)) as archive_of_source:
                return _read_metadata(file.name, _tar_members(archive_of_source))
        except (*ZIPFILE_ERRORS, tarfile.TarError) as damage:
            raise MetadataUnavailableError(file.name, f"damaged archive: {damage}") from damage
        except OversizedAnswerError as error:
            raise MetadataUnavailableError(file.name, str(error)) from error

    def open(self, file: IndexFile) -> BinaryIO:
        """A seekable stream over *file* that fetches what is read, and the last 64 KiB at once.

        Raises:
            MetadataUnavailableError: The host refuses ranges and the file is over 8 MiB.
            NetworkError: The index cannot be reached.
        """
        try:
            return cast("BinaryIO", _RemoteFile(file.name, partial(self._range, file.url)))
        except OversizedAnswerError as error:
            raise MetadataUnavailableError(file.name, str(error)) from error

    def _range(self, url: str, span: str, limit: int) -> _Answer:
        return self._request(url, limit=limit, span=span)

    def _complete(self, name: str, files: tuple[IndexFile, ...]) -> tuple[IndexFile, ...]:
        """*files* with the sizes and upload times of the legacy JSON interface, where the index has one."""
        address = re.sub(r"/simple/$", f"/pypi/{name}/json", self._url)
        if address == self._url:
            return files
        try:
            answer = self._request(address, limit=_LARGEST_PAGE, accept="application/json")
        except AbsentFromIndexError:
            return files
        releases = json.loads(answer.body)["releases"]
        rows = {row["filename"]: row for release in releases.values() for row in release}
        return tuple(_completed(file, rows.get(file.name, {})) for file in files)

    def _served_metadata(self, file: IndexFile) -> str:
        body = self._request(f"{file.url}.metadata", limit=_LARGEST_METADATA).body
        if file.metadata_sha256 and hashlib.sha256(body).hexdigest() != file.metadata_sha256:
            raise MetadataUnavailableError(file.name, "the index serves another text than it announces")
        return body.decode("utf-8", errors="replace")

    # --- requests --------------------------------------------------------------------------------------------

    def _request(self, url: str, *, limit: int, accept: str = "*/*", span: str = "") -> _Answer:
        """GET *url*, or the bytes *span* of it, such as ``0-99`` or ``-100``; follows redirects."""
        # Archives are compressed already, and an offset into a compressed answer would mean nothing.
        headers = {"Accept": accept, "User-Agent": "envlock", "Accept-Encoding": "identity"}
        if span:
            headers["Range"] = f"bytes={span}"
        for _ in range(_MOST_REDIRECTS):
            answer = self._persist(url, headers, limit)
            if answer.status not in _MOVED:
                return answer
            url = urljoin(url, answer.headers["Location"])
        raise NetworkError(_describe(url), f"more than {_MOST_REDIRECTS} redirects")

    def _persist(self, url: str, headers: dict[str, str], limit: int) -> _Answer:
        """One request, made again while the trouble may pass."""
        trouble = ""
        for attempt in range(self._attempts):
            if attempt:
                time.sleep(min(_LONGEST_WAIT, self._pause * 2 ** (attempt - 1)))
            try:
                answer = self._exchange(url, headers, limit)
            except ssl.SSLCertVerificationError as error:
                trouble = f"certificate verify failed: {error.verify_message}"
                break
            except (OSError, http.client.HTTPException) as error:
                trouble = str(error) or type(error).__name__
                continue
            if answer.status in {404, 410}:
                raise AbsentFromIndexError(without_credentials(url))
            if answer.status < 400:
                return answer
            trouble = f"status {answer.status}"
            if answer.status not in _PASSING_TROUBLE:
                break
        raise unreachable_index(_describe(url), trouble)

    def _exchange(self, url: str, headers: dict[str, str], limit: int) -> _Answer:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.hostname}:{parts.port}"
        with self._lock:
            kept = self._idle.setdefault(origin, [])
            connection = kept.pop() if kept else _connect(parts, self._timeout)
        # Credentials go to the host that they were given for, and to no other that it redirects to.
        if self._authorization and urlsplit(self._url).netloc.rpartition("@")[2] == parts.netloc.rpartition("@")[2]:
            headers = headers | {"Authorization": self._authorization}
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            body = _read_body(response, limit)
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.setdefault(origin, []).append(connection)
            self.requests += 1
            self.bytes += len(body)
        return _Answer(url=url, status=response.status, headers=response.headers, body=body)


# --- the wire ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    url: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def _connect(parts: SplitResult, timeout: float) -> http.client.HTTPConnection:
    """A connection to the host of *parts*, through the proxy that the environment names for it."""
    host = parts.hostname or ""
    proxy = urlsplit("" if proxy_bypass(host) else getproxies().get(parts.scheme, ""))
    if parts.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            proxy.hostname or host, proxy.port or parts.port, timeout=timeout, context=_trusted()
        )
    else:
        connection = http.client.HTTPConnection(proxy.hostname or host, proxy.port or parts.port, timeout=timeout)
    if proxy.hostname:
        authorization = _authorization(proxy)
        connection.set_tunnel(host, parts.port, {"Proxy-Authorization": authorization} if authorization else {})
    return connection


def _trusted() -> ssl.SSLContext:
    """The certificates of the system, or those that pip was told to trust."""
    return ssl.create_default_context(cafile=os.environ.get("PIP_CERT") or None)


def _authorization(parts: SplitResult) -> str:
    if parts.username is None:
        return ""
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(credentials.encode()).decode()


def _describe(url: str) -> str:
    return f"reading {without_credentials(url)}"


def _read_body(response: http.client.HTTPResponse, limit: int) -> bytes:
    announced = int(response.headers.get("Content-Length") or 0)
    body = response.read(limit + 1) if announced <= limit else b""
    if max(announced, len(body)) > limit:
        raise OversizedAnswerError("the answer", size=max(announced, len(body)), limit=limit)
    response.read()  # The empty end of the answer: the connection can serve the next one.
    return body


class _RemoteFile(RangeStream):
    """A file on a server, read by ranges that are kept.

    *fetch* takes a range as HTTP writes it and the most bytes that the answer may have. A server that answers with
    the whole file is believed, where that is small.
    """

    def __init__(self, name: str, fetch: Callable[[str, int], _Answer]) -> None:
        self._name = name
        self._fetch = fetch
        answer = fetch(f"-{_TAIL}", _LARGEST_WHOLE_FILE)
        super().__init__(_full_size(answer))
        self._spans = {self._size - len(answer.body): answer.body}

    def read_range(self, start: int, size: int) -> bytes:
        if size == 0:
            return b""
        for begin, data in self._spans.items():
            if begin <= start and start + size <= begin + len(data):
                return data[start - begin : start - begin + size]
        end = min(self._size, start + max(size, _READ_AHEAD))
        answer = self._fetch(f"{start}-{end - 1}", _LARGEST_RANGE)
        if answer.status != 206 or len(answer.body) != end - start:
            reason = f"asked for {end - start} bytes, the host sent {len(answer.body)}"
            raise MetadataUnavailableError(self._name, reason)
        self._spans[start] = answer.body
        return answer.body[:size]


def _full_size(answer: _Answer) -> int:
    if answer.status != 206:
        return len(answer.body)
    # Content-Range: bytes 900-999/1000 (RFC 9110, section 14.4).
    return int(answer.headers["Content-Range"].rpartition("/")[2])


# --- pages ---------------------------------------------------------------------------------------------------


def _read_json_page(text: str, url: str) -> Iterator[IndexFile]:
    """The files of a page as PEP 691 lays it out, with the upload times and sizes of PEP 700."""
    for row in json.loads(text)["files"]:
        yanked = row.get("yanked", False)
        metadata = row.get("core-metadata", row.get("dist-info-metadata", False))
        yield IndexFile(
            name=row["filename"],
            url=urljoin(url, row["url"]),
            sha256=row["hashes"].get("sha256"),
            uploaded=_to_the_second(row.get("upload-time")),
            size=row.get("size"),
            requires_python=row.get("requires-python") or "",
            yanked=None if yanked is False else "" if yanked is True else yanked,
            metadata_sha256=metadata.get("sha256", "") if isinstance(metadata, dict) else "" if metadata else None,
        )


def _read_html_page(text: str, url: str) -> Iterator[IndexFile]:
    """The files of a page as PEP 503 lays it out, with the attributes of PEPs 592, 658 and 714."""
    parser = _Anchors()
    parser.feed(text)
    parser.close()
    for attributes in parser.anchors:
        address, _, fragment = urljoin(url, attributes["href"]).partition("#")
        metadata = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
        yield IndexFile(
            name=unquote(urlsplit(address).path.rpartition("/")[2]),
            url=address,
            sha256=_sha256(fragment),
            uploaded=_to_the_second(attributes.get("data-upload-time")),
            size=None,
            requires_python=attributes.get("data-requires-python", ""),
            yanked=attributes.get("data-yanked"),
            metadata_sha256=None if metadata in {None, "false"} else _sha256(metadata or "") or "",
        )


class _Anchors(HTMLParser):
    """The attributes of each link of a page; one that has no value counts as empty."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in attributes:
            self.anchors.append(attributes)


def _sha256(hash_of_any_kind: str) -> str | None:
    """The digits of ``sha256=...``."""
    kind, _, digits = hash_of_any_kind.partition("=")
    return digits if kind == "sha256" else None


def _to_the_second(moment: str | None) -> str | None:
    """An ISO 8601 moment in UTC without its fraction: indexes differ in how many digits they give."""
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)?$", moment or "")
    return f"{found[1]}Z" if found else None


def _completed(file: IndexFile, row: dict[str, Any]) -> IndexFile:
    return replace(
        file,
        sha256=file.sha256 or row.get("digests", {}).get("sha256"),
        uploaded=file.uploaded or _to_the_second(row.get("upload_time_iso_8601")),
        size=row.get("size") if file.size is None else file.size,
    )


# --- metadata inside archives --------------------------------------------------------------------------------

_Members = dict[str, Callable[[], bytes]]
"""Name of each member to what reads it."""


def _zip_members(archive: zipfile.ZipFile) -> _Members:
    return {
        item.filename: partial(_bounded, item.file_size, partial(archive.read, item)) for item in archive.infolist()
    }


def _tar_members(archive: tarfile.TarFile) -> _Members:
    return {
        item.name: partial(_bounded, item.size, partial(_read_member, archive, item))
        for item in archive
        if item.isfile()
    }


def _read_member(archive: tarfile.TarFile, item: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(item)
    return stream.read() if stream else b""


def _bounded(size: int, read: Callable[[], bytes]) -> bytes:
    if size > _LARGEST_METADATA:
        raise OversizedAnswerError("the metadata", size=size, limit=_LARGEST_METADATA)
    return read()


def _read_metadata(name: str, members: _Members) -> str:
    if name.endswith(".whl"):
        return _text(name, members, r"[^/]+\.dist-info/METADATA")
    text = _text(name, members, r"[^/]+/PKG-INFO")
    if re.search(r"^Requires-Dist:", text, flags=re.MULTILINE) or _states_requirements(text):
        return text
    # setuptools before 2.2 of the metadata: requirements stand in a file of their own, absent where there are none.
    if not any(re.fullmatch(r"(?:[^/]+/)+[^/]+\.egg-info/PKG-INFO", member) for member in members):
        raise MetadataUnavailableError(name, "the source states no requirements without being run")
    beside = [member for member in members if re.fullmatch(r"(?:[^/]+/)+[^/]+\.egg-info/requires\.txt", member)]
    lines = members[min(beside, key=len)]().decode("utf-8", errors="replace") if beside else ""
    head, blank, body = text.partition("\n\n")
    return "\n".join([head, *(f"Requires-Dist: {item}" for item in _read_requires_txt(lines))]) + blank + body


def _text(name: str, members: _Members, pattern: str) -> str:
    found = [member for member in members if re.fullmatch(pattern, member)]
    if not found:
        raise MetadataUnavailableError(name, "the archive holds none")
    return members[found[0]]().decode("utf-8", errors="replace")


def _states_requirements(text: str) -> bool:
    """Whether the absence of Requires-Dist means that there are none (PEP 643)."""
    version = re.search(r"^Metadata-Version: (\d+)\.(\d+)", text, flags=re.MULTILINE)
    is_dynamic = re.search(r"^Dynamic: Requires-Dist\s*$", text, flags=re.MULTILINE | re.IGNORECASE)
    return version is not None and (int(version[1]), int(version[2])) >= (2, 2) and not is_dynamic


def _read_requires_txt(text: str) -> Iterator[str]:
    """Requirements of a ``requires.txt``, whose sections are headed ``[extra:marker]``, either part optional."""
    condition = ""
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith("["):
            extra, _, marker = line.strip("[]").partition(":")
            parts = [f"({marker})"] if marker and extra else [marker] if marker else []
            condition = " and ".join([*parts, f'extra == "{extra}"'] if extra else parts)
        elif line:
            yield f"{line} ; {condition}" if condition else line
