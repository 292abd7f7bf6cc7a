"""What every writer makes of a lock, and what is read back from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.errors import DamagedFileError
from envlock.locks import Lock
from envlock.provenance import Evidence
from envlock.resolution import Pin
from envlock.target import MACOS_ARM64, PLATFORMS, Target
from envlock.writers import WRITERS, LockWriter, compare
from envlock.writers.constraints_txt import ConstraintsTxtWriter
from envlock.writers.pylock_toml import PylockTomlWriter, UnwritableLockError
from envlock.writers.requirements_txt import RequirementsTxtWriter
from tests.writers.locks import LOCK, served, unserved

GOLDEN = Path(__file__).parent.parent / "golden" / "locks"

each_writer = pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)


@each_writer
def test_the_whole_file_reads_as_designed(writer: LockWriter) -> None:
    assert writer.render(LOCK) == (GOLDEN / writer.name).read_text(encoding="utf-8")


@each_writer
def test_a_writer_knows_its_own_files_by_their_beginning(writer: LockWriter) -> None:
    assert [other.name for other in WRITERS if other.is_ours(writer.render(LOCK)[:4096])] == [writer.name]


@pytest.mark.parametrize(
    ("writer", "name"),
    [
        (RequirementsTxtWriter(), "requirements-macos_arm64.txt"),
        (PylockTomlWriter(), "pylock.macos_arm64.toml"),
        (ConstraintsTxtWriter(), "constraints-macos_arm64.txt"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_locks_of_several_platforms_have_names_of_their_own(writer: LockWriter, name: str) -> None:
    assert writer.file_name_for(MACOS_ARM64) == name


def test_the_digest_is_that_of_what_is_installed() -> None:
    assert replace(LOCK, evidence=(), command=()).digest == LOCK.digest
    assert replace(LOCK, pins=LOCK.pins[:1]).digest != LOCK.digest


@pytest.mark.parametrize(
    ("files", "least"),
    [
        (["six-1-py2.py3-none-any.whl", "six-1.tar.gz"], "8.0"),
        (["numpy-1-cp27-cp27mu-manylinux1_x86_64.whl"], "8.1"),
        (["numpy-1-cp38-cp38-manylinux2010_x86_64.whl"], "19.0"),
        (["numpy-1-cp38-cp38-manylinux2014_aarch64.whl"], "19.3"),
        (["numpy-1-cp38-cp38-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"], "19.3"),
        (["numpy-1-cp38-cp38-manylinux_2_28_x86_64.whl"], "20.3"),
        (["numpy-1-cp38-cp38-macosx_10_9_x86_64.whl"], "8.0"),
        (["numpy-1-cp38-cp38-macosx_12_0_arm64.whl"], "20.3"),
        (["numpy-1-cp38-cp38-macosx_10_9_universal2.whl"], "21.0.1"),
        (["numpy-1-cp38-cp38-win_amd64.whl"], "8.0"),
        (["numpy-1-cp38-cp38-manylinux1_x86_64.whl", "numpy-1-cp38-cp38-manylinux_2_28_x86_64.whl"], "8.1"),
    ],
)
def test_the_least_pip_is_that_of_the_file_that_the_oldest_reads(files: list[str], least: str) -> None:
    pin = Pin(name="numpy", version=Version("1"), files=tuple(map(served, files)), via=())

    text = RequirementsTxtWriter().render(replace(LOCK, pins=(pin,)))

    assert f"-r THIS_FILE   (pip {least} or newer)\n" in text


@each_writer
def test_addresses_are_needed_by_the_standard_lock_alone(writer: LockWriter) -> None:
    if not isinstance(writer, PylockTomlWriter):
        assert writer.render(unserved(LOCK)) == writer.render(LOCK)
        return
    with pytest.raises(UnwritableLockError) as caught:
        writer.render(unserved(LOCK))

    assert str(caught.value) == (
        "pylock.toml: needs the address of every file; it is not known of gast, numpy, tensorflow-cpu"
    )
    assert caught.value.hint == "take --engine uv, which asks the index for the addresses"


def test_a_file_that_the_standard_does_not_admit_is_refused() -> None:
    pin = replace(LOCK.pins[0], files=(served("gast-0.2.2.tar.bz2"),))

    with pytest.raises(UnwritableLockError) as caught:
        PylockTomlWriter().render(replace(LOCK, pins=(pin,)))

    assert str(caught.value) == "pylock.toml: Invalid sdist filename 'gast-0.2.2.tar.bz2' in 'packages[0].sdist'"
    assert caught.value.hint == "write it as requirements.txt"


@pytest.mark.parametrize("text", ["numpy==1.18.5\n", 'lock-version = "1.0"\n'], ids=["no TOML", "keys are missing"])
def test_what_is_no_standard_lock_is_not_read(text: str) -> None:
    with pytest.raises(DamagedFileError, match=r"^pylock\.toml: is no lock of PEP 751: "):
        PylockTomlWriter().read_pins(text)


FOREIGN = """\
# made by hand
-e .
numpy == 1.18.5 --hash=sha256:aa --hash=sha256:bb
Six[full]==1.17.0 ; python_version < "3.9" \\
  --hash sha256:cc
scipy>=1.4
keras==2.*
h5py==2.10.0,!=3  # not one version
"""


def test_pins_are_read_from_requirements_that_others_wrote() -> None:
    assert RequirementsTxtWriter().read_pins(FOREIGN) == {"numpy": Version("1.18.5"), "six": Version("1.17.0")}
    assert RequirementsTxtWriter().read_hashes(FOREIGN) == {
        "numpy": frozenset({"sha256:aa", "sha256:bb"}),
        "six": frozenset({"sha256:cc"}),
    }


# --- what has changed ----------------------------------------------------------------------------------------

NUMPY = LOCK.pins[1]


@each_writer
def test_another_heading_does_not_make_a_file_stale(writer: LockWriter) -> None:
    text = writer.render(replace(LOCK, evidence=(), command=(), database="ffff", engine="offline"))

    assert not compare(LOCK, text, writer).is_stale


@each_writer
def test_each_difference_is_told(writer: LockWriter) -> None:
    before = replace(
        LOCK,
        pins=(
            LOCK.pins[0],
            replace(NUMPY, version=Version("1.18.4"), files=(served("numpy-1.18.4-py3-none-any.whl"),)),
        ),
    )
    after = replace(LOCK, pins=LOCK.pins[1:])

    differences = compare(after, writer.render(before), writer)

    assert differences.is_stale
    assert list(differences.lines()) == [
        "tensorflow-cpu 2.3.4 is not in the file",
        "gast 0.2.2 is no longer needed",
        "numpy 1.18.4 -> 1.18.5",
    ]  # fmt: skip


@pytest.mark.parametrize("writer", [RequirementsTxtWriter(), PylockTomlWriter()], ids=lambda writer: writer.name)
def test_other_files_of_the_same_version_make_a_file_stale(writer: LockWriter) -> None:
    text = writer.render(replace(LOCK, pins=(replace(NUMPY, files=NUMPY.files[:1]),)))

    differences = compare(replace(LOCK, pins=(NUMPY,)), text, writer)

    assert list(differences.lines()) == ["numpy: other files of the same version"]


# --- any lock ------------------------------------------------------------------------------------------------

names = st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)?", fullmatch=True).map(canonicalize_name)
versions = st.from_regex(r"([1-9]!)?[0-9]{1,3}(\.[0-9]{1,3}){0,2}(rc1|\.post2|\.dev3)?(\+cpu)?", fullmatch=True)
sizes = st.none() | st.integers(min_value=0)
times = st.none() | st.sampled_from(("2021-01-06T22:38:01Z", "2021-01-06T22:38:01.123456Z"))
tags = st.sampled_from(("py3-none-any", "cp38-cp38-manylinux2014_x86_64", "cp38-abi3-manylinux_2_28_x86_64"))


@st.composite
def pins(draw: st.DrawFn, name: str) -> Pin:
    version = Version(draw(versions))
    prefix = f"{name.replace('-', '_')}-{version}"
    wheels = [f"{prefix}-{tag}.whl" for tag in draw(st.lists(tags, unique=True))]
    files = [served(file, size=draw(sizes), uploaded=draw(times)) for file in sorted(wheels) or [f"{prefix}.tar.gz"]]
    return Pin(
        name=name,
        version=version,
        files=tuple(files),
        via=tuple(sorted(draw(st.sets(names, max_size=2)))),
        is_source=not wheels,
        build=() if wheels else ("setuptools==1", "wheel==2"),
    )


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    evidence = st.builds(Evidence, fact=st.just("keras-version"), value=st.text(), location=st.text())
    return replace(
        LOCK,
        artifact=draw(st.text()),
        target=Target(python=draw(st.sampled_from(("2.7", "3.8"))), platform=draw(st.sampled_from(PLATFORMS))),
        pins=tuple(draw(pins(name)) for name in sorted(draw(st.sets(names, max_size=4)))),
        evidence=tuple(draw(st.lists(evidence, max_size=2))),
        command=tuple(draw(st.lists(st.text(), max_size=3))),
    )


@each_writer
@given(lock=locks())
def test_what_is_written_is_read_back(writer: LockWriter, lock: Lock) -> None:
    text = writer.render(lock)

    assert writer.read_pins(text) == {pin.name: pin.version for pin in lock.pins}
    assert not compare(lock, text, writer).is_stale
    assert writer.render(lock).encode() == text.encode()
