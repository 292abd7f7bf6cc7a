"""Reads the structure and the attributes of an HDF5 file, as far as saved Keras models need it.

Takes a :class:`~envlock.formats.ranges.RangeReader`, gives plain values. Nothing outside of the file is opened:
soft, external and user-defined links, external storage and virtual datasets are named, never followed.

Layouts follow the *HDF5 File Format Specification*, version 3.0 (The HDF Group).
"""

from __future__ import annotations

from envlock.formats.hdf5.datatypes import AttributeValue, Scalar
from envlock.formats.hdf5.file import Dataset, Hdf5File
from envlock.formats.hdf5.links import Link, LinkKind
from envlock.formats.hdf5.superblock import find_hdf5_signature

__all__ = ["AttributeValue", "Dataset", "Hdf5File", "Link", "LinkKind", "Scalar", "find_hdf5_signature"]
