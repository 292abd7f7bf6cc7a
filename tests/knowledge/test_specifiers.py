"""Ranges of versions mean what PEP 440 says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from envlock.knowledge.specifiers import admits

RELEASES = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(lambda numbers: ".".join(map(str, numbers)))
VERSIONS = st.builds("{}{}".format, RELEASES, st.sampled_from(["", "", "rc1", ".post1"]))
BOUNDS = st.one_of(
    st.builds("{}{}".format, st.sampled_from([">=", "<=", ">", "<", "==", "!= "]), VERSIONS),
    st.builds("~={}.{}".format, st.integers(0, 3), VERSIONS),
    st.builds("=={}.*".format, RELEASES),
)


@given(specifier=st.lists(BOUNDS, max_size=3).map(",".join), version=VERSIONS)
def test_a_range_admits_what_packaging_admits(specifier: str, version: str) -> None:
    assert admits(specifier, version) == SpecifierSet(specifier).contains(version, prereleases=True)
