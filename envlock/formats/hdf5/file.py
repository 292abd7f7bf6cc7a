"""One HDF5 file, by path: attributes, members and datasets of its groups."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING

from envlock.errors import DamagedFileError
from envlock.formats.hdf5.attributes import iterate_attributes
from envlock.formats.hdf5.datatypes import AttributeValue
from envlock.formats.hdf5.heaps import GlobalHeap
from envlock.formats.hdf5.links import Link, read_links
from envlock.formats.hdf5.object_header import Message, read_object_header
from envlock.formats.hdf5.storage import Storage
from envlock.formats.hdf5.superblock import read_superblock
from envlock.formats.ranges import RangeReader

# Most models are told by their attributes alone, and should not wait for what reads datasets.
if TYPE_CHECKING:
    from envlock.formats.hdf5.datasets import Dataset


class Hdf5File:
    """An open HDF5 file.

    Paths are names joined by ``/``, from the root group ``/`` on. Hard links alone are followed: a path that
    leads nowhere or through any other link has no attributes, no members and no dataset. All methods raise an
    :class:`~envlock.errors.ArtifactError` where the file is damaged, or larger than a model in what was asked for;
    the limits (32 MiB, 200,000 structures) hold for all calls on a file together.
    """

    def __init__(self, reader: RangeReader) -> None:
        """Read the superblock of the file behind *reader*, and nothing else yet.

        Raises:
            DamagedFileError: It is no HDF5 file, or its superblock contradicts the format.
            TruncatedFileError: It is shorter than its superblock says.
            UnsupportedFeatureError: It is one of several files that belong together.
        """
        superblock = read_superblock(reader)
        self._root = superblock.root_address
        self._renew = partial(Storage, reader, base=superblock.base, widths=superblock.widths)
        self._storage = self._renew()
        self._heap = GlobalHeap(self._storage)
        self._messages: dict[int, tuple[Message, ...]] = {}
        self._links: dict[int, tuple[Link, ...]] = {}

    def attributes(self, path: str = "/") -> dict[str, AttributeValue]:
        """All attributes of the object at *path*, sorted by name."""
        found = iterate_attributes(self._storage, self._messages_at(path), path=path)
        values = {attribute.name: attribute.decode(self._storage, self._heap) for attribute in found}
        return dict(sorted(values.items()))

    def attribute(self, name: str, path: str = "/") -> AttributeValue | None:
        """The attribute *name* of the object at *path*, without a look at the values of the others."""
        found = iterate_attributes(self._storage, self._messages_at(path), path=path, name=name)
        return next((attribute.decode(self._storage, self._heap) for attribute in found), None)

    def chunked_attribute(self, name: str, path: str = "/") -> tuple[str, ...]:
        """The strings of the attribute *name*, or of ``name0``, ``name1``, … joined.

        Keras splits an array of names like this where it is too large for one attribute. Empty where there is
        neither.

        Raises:
            DamagedFileError: It holds something else than strings.
        """
        whole = self.attribute(name, path)
        if whole is not None:
            return _require_strings(whole, name, path)
        numbered = (f"{name}{number}" for number in itertools.count())
        parts = ((part, self.attribute(part, path)) for part in numbered)
        present = itertools.takewhile(lambda item: item[1] is not None, parts)
        strings = (_require_strings(value, part, path) for part, value in present if value is not None)
        return tuple(itertools.chain.from_iterable(strings))

    def members(self, path: str = "/") -> tuple[Link, ...]:
        """The links of the group at *path*, in the order of the bytes of their names."""
        address = self._find(path)
        return () if address is None else self._links_of(address)

    def has(self, path: str) -> bool:
        """Whether an object is at *path*, by hard links alone."""
        return self._find(path) is not None

    def dataset(self, path: str) -> Dataset | None:
        """Shape and type of the dataset at *path*; ``None`` where there is none, or a group."""
        from envlock.formats.hdf5.datasets import describe_dataset

        return describe_dataset(self._storage, self._messages_at(path), where=f"dataset {path!a}")

    def values(self, path: str) -> AttributeValue | None:
        """All values of the small dataset at *path*, in row-major order; ``None`` where there is none.

        Raises:
            LimitExceededError: It is larger than 1 MiB.
            UnsupportedFeatureError: Its values are elsewhere, or stored as saved models do not store them.
        """
        from envlock.formats.hdf5.datasets import read_values

        if self.dataset(path) is None:
            return None
        return read_values(self._storage, self._heap, self._messages_at(path), where=f"dataset {path!a}")

    def verify_values(self, path: str) -> None:
        """Check that all values of the dataset at *path*, of any size, are in the file and can be unpacked.

        Raises:
            DamagedFileError: They are not.
            UnsupportedFeatureError: They are elsewhere, or stored as saved models do not store them.
        """
        from envlock.formats.hdf5.verification import verify_values

        verify_values(self._renew, self._messages_at(path), where=f"dataset {path!a}")

    def _messages_at(self, path: str) -> tuple[Message, ...]:
        address = self._find(path)
        return () if address is None else self._messages_of(address)

    def _messages_of(self, address: int) -> tuple[Message, ...]:
        messages = self._messages.get(address)
        if messages is None:
            messages = self._messages[address] = read_object_header(self._storage, address)
        return messages

    def _links_of(self, address: int) -> tuple[Link, ...]:
        links = self._links.get(address)
        if links is None:
            links = self._links[address] = read_links(self._storage, self._messages_of(address))
        return links

    def _find(self, path: str) -> int | None:
        """Address of the object at *path*."""
        address: int | None = self._root
        for name in filter(None, path.split("/")):
            if address is None:
                break
            hard = (link.address for link in self._links_of(address) if link.name == name)
            address = next(hard, None)
        return address


def _require_strings(value: AttributeValue, name: str, path: str) -> tuple[str, ...]:
    items = value if isinstance(value, tuple) else (value,)
    strings = tuple(item for item in items if isinstance(item, str))
    if len(strings) < len(items):
        raise DamagedFileError(f"attribute {name!a} of {path!a}", "expected strings, found other values")
    return strings
