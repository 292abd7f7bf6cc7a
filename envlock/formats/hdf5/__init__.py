"""Reads the structure and the attributes of an HDF5 file, as far as saved Keras models need it.

Takes a :class:`~envlock.formats.ranges.RangeReader`, gives plain values. Nothing outside of the file is opened:
soft, external and user-defined links, external storage and virtual datasets are named, never followed.

Nothing is imported here: whoever asks for the signature alone (``superblock``) does not wait for the rest (``file``).

Layouts follow the *HDF5 File Format Specification*, version 3.0 (The HDF Group).
"""
