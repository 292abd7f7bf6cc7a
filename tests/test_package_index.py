"""The index client against a tiny server that speaks each dialect of the Simple repository API."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator

import pytest

from envlock.errors import EnvlockError, NetworkError, UsageError
from envlock.package_index import (
    AbsentFromIndexError,
    IndexFile,
    MetadataUnavailableError,
    PackageIndex,
)
from tests.index_server import Server, make_wheel, serve_index

METADATA = "Metadata-Version: 2.1\nName: absl-py\nVersion: 0.7.0\nRequires-Dist: six\n\nA description.\n"
DIGEST = "ab" * 32
WHEEL = "absl_py-0.7.0-py3-none-any.whl"


@pytest.fixture
def server() -> Iterator[Server]:
    with serve_index() as server:
        yield server


@pytest.fixture
def index(server: Server) -> Iterator[PackageIndex]:
    with PackageIndex(server.url, pause=0) as index:
        yield index


def listed(**stated: object) -> IndexFile:
    unstated = dict.fromkeys(("sha256", "uploaded", "size", "yanked", "metadata_sha256"))
    return IndexFile(**({"name": WHEEL, "url": "", "requires_python": ""} | unstated | stated))  # type: ignore[arg-type]


def add_file(server: Server, name: str, content: bytes) -> IndexFile:
    return listed(name=name, url=server.add_file(name, content))


def a_wheel(*, padding: int = 0) -> bytes:
    return make_wheel(METADATA, folder="absl_py-0.7.0.dist-info", padding=padding)


def an_sdist(members: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, text in members.items():
            item = tarfile.TarInfo(f"absl-py-0.7.0/{name}")
            item.size = len(text.encode())
            archive.addfile(item, io.BytesIO(text.encode()))
    return stream.getvalue()


# --- pages ---------------------------------------------------------------------------------------------------

HTML = f"""<!DOCTYPE html><html><body>
<a href="../../files/{WHEEL}#sha256={DIGEST}" data-requires-python="&gt;=3.6" data-upload-time="2019-01-11T10:00:00.123456Z"
   data-core-metadata="sha256={DIGEST}" data-dist-info-metadata="true">{WHEEL}</a><br/>
<a href="https://elsewhere.example/absl%2Bpy-0.6.0.tar.gz#md5=00" data-yanked>absl-py-0.6.0.tar.gz</a>
<a href="absl-py-0.5.0.tar.gz" data-yanked="broken &amp; slow" data-dist-info-metadata="true">absl-py-0.5.0.tar.gz</a>
<a>no file</a></body></html>"""

PAGE = {
    "meta": {"api-version": "1.1"},
    "name": "absl-py",
    "files": [
        {
            "filename": WHEEL,
            "url": f"../../files/{WHEEL}",
            "hashes": {"sha256": DIGEST},
            "upload-time": "2019-01-11T10:00:00.1Z",
            "size": 117000,
            "requires-python": ">=3.6",
            "core-metadata": {"sha256": DIGEST},
        },
        {
            "filename": "absl-py-0.6.0.tar.gz",
            "url": "https://elsewhere.example/absl-py-0.6.0.tar.gz",
            "hashes": {},
            "upload-time": "2018-10-01T00:00:00Z",
            "size": 5,
            "requires-python": None,
            "yanked": True,
            "dist-info-metadata": True,
        },
        {
            "filename": "absl-py-0.5.0.tar.gz",
            "url": "absl-py-0.5.0.tar.gz",
            "hashes": {},
            "upload-time": "2018-09-01T00:00:00+00:00",
            "size": 4,
            "yanked": "broken",
            "core-metadata": False,
        },
    ],
}


def test_an_html_page_is_read_with_its_attributes(server: Server, index: PackageIndex) -> None:
    server.pages["/simple/absl-py/"] = ("text/html; charset=utf-8", HTML.encode())
    root = server.url.removesuffix("simple/")

    assert index.files("Absl_Py") == (
        listed(
            url=f"{root}files/{WHEEL}",
            sha256=DIGEST,
            uploaded="2019-01-11T10:00:00Z",
            requires_python=">=3.6",
            metadata_sha256=DIGEST,
        ),
        listed(name="absl+py-0.6.0.tar.gz", url="https://elsewhere.example/absl%2Bpy-0.6.0.tar.gz", yanked=""),
        listed(
            name="absl-py-0.5.0.tar.gz",
            url=f"{root}simple/absl-py/absl-py-0.5.0.tar.gz",
            yanked="broken & slow",
            metadata_sha256="",
        ),
    )


def test_a_json_page_is_read_in_one_request(server: Server, index: PackageIndex) -> None:
    server.pages["/simple/absl-py/"] = ("application/vnd.pypi.simple.v1+json", json.dumps(PAGE).encode())
    root = server.url.removesuffix("simple/")

    assert index.files("absl-py") == (
        listed(
            url=f"{root}files/{WHEEL}",
            sha256=DIGEST,
            uploaded="2019-01-11T10:00:00Z",
            size=117000,
            requires_python=">=3.6",
            metadata_sha256=DIGEST,
        ),
        listed(
            name="absl-py-0.6.0.tar.gz",
            url="https://elsewhere.example/absl-py-0.6.0.tar.gz",
            uploaded="2018-10-01T00:00:00Z",
            size=5,
            yanked="",
            metadata_sha256="",
        ),
        listed(
            name="absl-py-0.5.0.tar.gz",
            url=f"{root}simple/absl-py/absl-py-0.5.0.tar.gz",
            uploaded="2018-09-01T00:00:00Z",
            size=4,
            yanked="broken",
        ),
    )
    assert index.requests == 1


def test_sizes_and_times_that_a_page_lacks_come_from_the_legacy_interface(server: Server, index: PackageIndex) -> None:
    page = f'<a href="/files/{WHEEL}#sha256={DIGEST}">{WHEEL}</a>'
    row = {"filename": WHEEL, "size": 117000, "upload_time_iso_8601": "2019-01-11T10:00:00.123456Z"}
    server.pages["/simple/absl-py/"] = ("text/html", page.encode())
    server.pages["/pypi/absl-py/json"] = ("application/json", json.dumps({"releases": {"0.7.0": [row]}}).encode())

    (file,) = index.files("absl-py")

    assert (file.size, file.uploaded) == (117000, "2019-01-11T10:00:00Z")


# --- metadata ------------------------------------------------------------------------------------------------


def test_metadata_that_is_served_beside_a_wheel_is_taken(server: Server, index: PackageIndex) -> None:
    server.pages[f"/files/{WHEEL}.metadata"] = ("text/plain", METADATA.encode())
    file = listed(
        url=server.url.replace("simple/", f"files/{WHEEL}"),
        metadata_sha256=hashlib.sha256(METADATA.encode()).hexdigest(),
    )

    assert index.metadata(file) == METADATA


def test_metadata_other_than_announced_is_refused(server: Server, index: PackageIndex) -> None:
    server.pages[f"/files/{WHEEL}.metadata"] = ("text/plain", METADATA.encode())

    with pytest.raises(MetadataUnavailableError) as caught:
        index.metadata(listed(url=server.url.replace("simple/", f"files/{WHEEL}"), metadata_sha256=DIGEST))

    assert str(caught.value) == f"{WHEEL}: its metadata cannot be had: the index serves another text than it announces"


def test_metadata_of_a_large_wheel_takes_one_range(server: Server, index: PackageIndex) -> None:
    file = add_file(server, WHEEL, a_wheel(padding=20_000_000))

    assert index.metadata(file) == METADATA
    assert (index.requests, index.bytes) == (1, 64 * 1024)


def test_members_anywhere_in_a_wheel_are_read_by_ranges(server: Server, index: PackageIndex) -> None:
    file = add_file(server, WHEEL, a_wheel(padding=1_000_000))

    with index.open(file) as stream, zipfile.ZipFile(stream) as archive:
        assert archive.read("code.py") == b"#" * 1_000_000


def test_a_small_wheel_is_read_whole_where_ranges_are_refused(server: Server, index: PackageIndex) -> None:
    server.has_ranges = False
    file = add_file(server, WHEEL, a_wheel(padding=1_000_000))

    assert index.metadata(file) == METADATA
    assert index.requests == 1


def test_a_large_wheel_is_not_read_whole(server: Server, index: PackageIndex) -> None:
    server.has_ranges = False
    wheel = a_wheel(padding=9_000_000)
    file = add_file(server, WHEEL, wheel)

    with pytest.raises(MetadataUnavailableError) as caught:
        index.metadata(file)

    problem = f"the answer: {len(wheel)} bytes are over the limit of {8 * 1024 * 1024}"
    assert str(caught.value) == f"{WHEEL}: its metadata cannot be had: {problem}"
    assert index.bytes == 0


OLD = "Metadata-Version: 1.2\nName: absl-py\nVersion: 0.7.0\n"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param({"PKG-INFO": METADATA}, METADATA, id="requirements in PKG-INFO"),
        pytest.param(
            {"PKG-INFO": "Metadata-Version: 2.2\nName: absl-py\n"},
            "Metadata-Version: 2.2\nName: absl-py\n",
            id="none, and PKG-INFO speaks for them",
        ),
        pytest.param(
            {
                "PKG-INFO": f"{OLD}\nA description.\n",
                "absl_py.egg-info/PKG-INFO": OLD,
                "absl_py.egg-info/requires.txt": (
                    'six\nnumpy>=1.16\n\n[:python_version < "3.4"]\nenum34\n\n[gpu]\ncuda\n\n'
                    '[test:sys_platform == "win32" or sys_platform == "cygwin"]\nmock\n'
                ),
            },
            f"{OLD}Requires-Dist: six\nRequires-Dist: numpy>=1.16\n"
            'Requires-Dist: enum34 ; python_version < "3.4"\nRequires-Dist: cuda ; extra == "gpu"\n'
            'Requires-Dist: mock ; (sys_platform == "win32" or sys_platform == "cygwin") and extra == "test"\n'
            "\nA description.\n",
            id="beside PKG-INFO",
        ),
        pytest.param(
            {"PKG-INFO": OLD, "src/absl_py.egg-info/PKG-INFO": OLD}, OLD, id="none, as the lack of the file says"
        ),
    ],
)
def test_the_requirements_of_an_sdist_are_read(
    server: Server, index: PackageIndex, members: dict[str, str], expected: str
) -> None:
    assert index.metadata(add_file(server, "absl-py-0.7.0.tar.gz", an_sdist(members))) == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(
            an_sdist({"PKG-INFO": OLD}), "the source states no requirements without being run", id="setup.py alone"
        ),
        pytest.param(an_sdist({"setup.py": ""}), "the archive holds none", id="no PKG-INFO"),
        pytest.param(b"junk", "damaged archive: file could not be opened successfully", id="no archive"),
        pytest.param(
            an_sdist({"PKG-INFO": METADATA})[:-30],
            "damaged archive: Compressed file ended before the end-of-stream marker was reached",
            id="cut short",
        ),
    ],
)
def test_an_sdist_without_readable_requirements_is_unknown(
    server: Server, index: PackageIndex, content: bytes, reason: str
) -> None:
    file = add_file(server, "absl-py-0.7.0.tar.gz", content)

    with pytest.raises(MetadataUnavailableError) as caught:
        index.metadata(file)

    first_line = str(caught.value).partition(":\n")[0].partition(": \n")[0].partition("\n")[0]
    assert first_line.startswith(f"absl-py-0.7.0.tar.gz: its metadata cannot be had: {reason}")


# --- trouble -------------------------------------------------------------------------------------------------


def test_passing_trouble_is_sat_out(server: Server, index: PackageIndex) -> None:
    file = add_file(server, WHEEL, a_wheel())
    server.failures = [503, 429]

    assert index.metadata(file) == METADATA
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("failures", "asked"), [pytest.param([403], 1, id="refused"), pytest.param([503] * 5, 5, id="down")]
)
def test_lasting_trouble_is_reported_without_credentials(server: Server, failures: list[int], asked: int) -> None:
    server.failures = list(failures)
    url = server.url.replace("//", "//somebody:secret@")

    with PackageIndex(url, pause=0) as index, pytest.raises(NetworkError) as caught:
        index.files("absl-py")

    assert str(caught.value) == (
        f"reading {server.url}absl-py/: the package index cannot be reached: status {failures[0]}"
    )
    assert [authorization for _, _, authorization in server.asked] == ["Basic c29tZWJvZHk6c2VjcmV0"] * asked


def test_credentials_do_not_follow_a_redirect_to_another_host(server: Server) -> None:
    server.moved["/simple/absl-py/"] = server.url.replace("127.0.0.1", "localhost") + "absl/"
    server.pages["/simple/absl/"] = ("text/html", b"")

    with PackageIndex(server.url.replace("//", "//somebody:secret@")) as index:
        assert index.files("absl-py") == ()
    assert [authorization for _, _, authorization in server.asked] == ["Basic c29tZWJvZHk6c2VjcmV0", None]


def test_a_distribution_that_is_not_there_is_named(server: Server, index: PackageIndex) -> None:
    with pytest.raises(AbsentFromIndexError) as caught:
        index.files("absl-py")

    assert str(caught.value) == f"{server.url}absl-py/: not in the package index"


def test_an_index_on_disk_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        PackageIndex("file:///opt/simple")

    assert str(caught.value) == "file:///opt/simple/: an index is read over http or https"


# --- configuration -------------------------------------------------------------------------------------------


def test_errors_of_the_client_share_the_root() -> None:
    assert issubclass(AbsentFromIndexError, EnvlockError)
    assert issubclass(MetadataUnavailableError, EnvlockError)
