"""Writes the HDF5 files beside this script, and what h5py reads from them into expected.json.

Run it with every h5py whose files are wanted; the version of the HDF5 library ends up in the names:

    python make_hdf5.py            # in an environment with h5py, numpy
    python make_hdf5.py keras      # only the cases whose names start with "keras"
    python make_hdf5.py --real DIR # digests of what h5py reads from other people's files in DIR, into real.json

The committed files are of h5py 2.10.0 (HDF5 1.10.4) and h5py 3.16.0 (HDF5 2.0.0).
"""

import hashlib
import json
import os
import sys

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
EXPECTED = os.path.join(HERE, "expected.json")
LIBRARY = ".".join(h5py.version.hdf5_version.split(".")[:2])
TEXT = h5py.special_dtype(vlen=str)
CONFIG = '{"class_name": "Sequential", "config": {"name": "sequential", "layers": []}}'


def keras_model(file, **storage):
    """What Keras 2 writes for a model of one layer."""
    file.attrs["keras_version"] = b"2.4.0"
    file.attrs["backend"] = b"tensorflow"
    file.attrs["model_config"] = CONFIG.encode("utf-8")
    file.attrs["training_config"] = b"{}"
    weights = file.create_group("model_weights")
    weights.attrs["layer_names"] = [b"dense"]
    weights.attrs["keras_version"] = b"2.4.0"
    group = weights.create_group("dense")
    group.attrs["weight_names"] = [b"dense/kernel:0", b"dense/bias:0"]
    group.create_dataset("dense/kernel:0", data=np.arange(6, dtype="float32").reshape(2, 3), **storage)
    group.create_dataset("dense/bias:0", data=np.zeros(3, dtype="float32"), **storage)


def packed_keras_model(file):
    """The same, as h5repack leaves it when it compresses the weights."""
    keras_model(file, compression="gzip")


def strings(file):
    attrs = file.attrs
    attrs["fixed"] = np.bytes_(b"fixed")
    attrs["variable"] = "variable"
    attrs["unicode"] = u"\u00e9\u4e16\U0001f600"
    attrs["no UTF-8"] = np.bytes_(b"caf\xe9")
    attrs["empty variable"] = ""
    attrs["fixed array"] = np.array([b"a", b"bb", b"ccc"])
    attrs.create("variable array", np.array(["x", "", "z" * 40], dtype=object), dtype=TEXT)
    attrs["matrix"] = np.array([[b"a", b"b"], [b"c", b"d"]])
    attrs["without value"] = h5py.Empty(np.dtype("S10"))
    attrs["no items"] = np.array([], dtype="S3")
    for name, padding in (("null-terminated", h5py.h5t.STR_NULLTERM), ("space-padded", h5py.h5t.STR_SPACEPAD)):
        kind = h5py.h5t.TypeID.copy(h5py.h5t.C_S1)
        kind.set_size(8)
        kind.set_strpad(padding)
        attribute = h5py.h5a.create(file.id, name.encode(), kind, h5py.h5s.create(h5py.h5s.SCALAR))
        attribute.write(np.array(b"pad     " if "space" in name else b"end\0more"), mtype=kind)
    attrs[u"n\u00e4me"] = np.bytes_(b"in UTF-8")


def numbers(file):
    attrs = file.attrs
    for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i2", ">u4", ">i8"):
        attrs[kind] = np.array(-3 if "i" in kind else 200).astype(kind)
    for kind in ("f2", "f4", "f8", ">f4", ">f8"):
        attrs[kind] = np.array(-1.5).astype(kind)
    attrs["true"], attrs["false"] = np.bool_(True), np.bool_(False)
    attrs["booleans"] = np.array([True, False, True])
    attrs["floats"] = np.linspace(0, 1, 5)
    attrs["matrix"] = np.arange(6).reshape(2, 3)
    colours = h5py.special_dtype(enum=("i4", {"RED": 0, "GREEN": 1, "BLUE": -2}))
    attrs.create("enumeration", np.array([0, 1, -2], dtype="i4"), dtype=colours)
    attrs.create("array type", np.arange(6, dtype="i2").reshape(3, 2), shape=(3, 2), dtype=np.dtype("(3,2)i2"))
    attrs["not a number"] = float("inf")
    attrs["opaque"] = np.void(b"\1\2\3")
    file["named type"] = np.dtype("f4")
    attrs.create("of a named type", 2.5, dtype=file["named type"])
    file.create_dataset("also of a named type", data=[1.0, 2.0], dtype=file["named type"])


def many_attributes(file):
    for number in range(20):
        file.attrs["attribute%02d" % number] = number
    file.attrs["model_config"] = np.bytes_(b"large " * 700)
    file.attrs["variable"] = "text"
    file.attrs["names"] = np.array([b"layer_%03d" % number for number in range(30)])


def large_attributes(file):
    file.attrs["fixed"] = np.bytes_(b"0123456789" * 450)
    file.attrs["variable"] = "abcdefghij" * 450


def chunked_attributes(file):
    """An array of names as Keras splits it."""
    group = file.create_group("model_weights")
    for part in range(3):
        group.attrs["layer_names%d" % part] = np.array([b"layer_%d_%d" % (part, item) for item in range(4)])
    group.attrs["whole"] = np.array([b"a", b"b"])


def many_links(file):
    for number in range(140):
        file["l%03d" % number] = h5py.SoftLink("/t")
    file.create_group("group")


def links(file):
    group = file.create_group("group")
    group.create_group("member")
    group["parent"] = file["/"]
    file["hard"] = group
    file["soft"] = h5py.SoftLink("/group/member")
    file["loop"] = h5py.SoftLink("/loop")
    file["dangling"] = h5py.SoftLink("/nowhere")
    file["external"] = h5py.ExternalLink("other.h5", "/group")
    file[u"\u00fcber"] = group


def datasets(file):
    file["scalar"] = 7
    file["text"] = "vocabulary"
    file["without value"] = h5py.Empty(np.dtype("f4"))
    file["contiguous"] = np.arange(6, dtype="int64").reshape(2, 3)
    file["fixed strings"] = np.array([b"alpha", b"beta"])
    file.create_dataset("strings", data=np.array(["one", "two", "three"], dtype=object), dtype=TEXT)
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    created = h5py.h5d.create(
        file.id, b"compact", h5py.h5t.STD_I16LE, h5py.h5s.create_simple((3,)), compact
    )
    created.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([1, 2, 3], dtype="i2"))
    file.create_dataset("one chunk", data=np.arange(6, dtype="i4"), chunks=(6,), maxshape=(6,))
    file.create_dataset("one packed chunk", data=np.arange(9, dtype="i4"), chunks=(9,), compression="gzip")


def chunks(file):
    """Chunks under a B-tree, some of them hanging over the edge of their dataset."""
    file.create_dataset("plain", data=np.arange(35, dtype="i4").reshape(5, 7), chunks=(2, 3))
    file.create_dataset(
        "packed", data=np.arange(20, dtype="f8").reshape(4, 5), chunks=(2, 4), compression="gzip", shuffle=True
    )
    file.create_dataset("growing", data=np.array([b"a", b"bb", b"c"]), chunks=(2,), maxshape=(None,))


def unread_datasets(file):
    """Datasets that are described, but whose values are not read."""
    file.create_dataset("other filter", data=np.arange(4), chunks=(2,), compression="lzf")
    file.create_dataset("never written", (3,), "f4")
    file.create_dataset("partly written", (4,), "i4", chunks=(2,))[:2] = [1, 2]
    elsewhere = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    elsewhere.set_external(b"values.bin", 0, 8)
    h5py.h5d.create(file.id, b"external", h5py.h5t.STD_I32LE, h5py.h5s.create_simple((2,)), elsewhere)
    layout = h5py.VirtualLayout(shape=(2,), dtype="i4")
    layout[:] = h5py.VirtualSource("other.h5", "values", shape=(2,))
    file.create_virtual_dataset("virtual", layout)


def chunk_indexes(file):
    """Chunk indexes of the newest layouts, each plain and packed; arrays so long that they have pages and super blocks."""
    small, long = np.arange(20, dtype="i2").reshape(4, 5), np.arange(1100) % 100
    for name, storage in (("", {}), ("packed ", {"compression": "gzip", "shuffle": True, "fletcher32": True})):
        for kind, largest in (
            ("fixed array", (4, 5)),
            ("fixed array that may grow", (6, 9)),
            ("extensible array of rows", (None, 5)),
            ("extensible array of columns", (6, None)),
            ("version 2 B-tree", (None, None)),
        ):
            file.create_dataset(name + kind, data=small, chunks=(2, 3), maxshape=largest, **storage)
    file.create_dataset("fixed array with pages", data=long.astype("i1"), chunks=(1,))
    file.create_dataset("extensible array with super blocks", data=long[:300].astype("i1"), chunks=(1,), maxshape=(None,))
    file.create_dataset("checksum over an odd byte", data=np.array([9, 8, 7, 6, 5], dtype="i1"), chunks=(5,), fletcher32=True)
    early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    early.set_chunk((2,))
    early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    created = h5py.h5d.create(file.id, b"implicit", h5py.h5t.STD_I16LE, h5py.h5s.create_simple((5,)), early)
    created.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(5, dtype="i2"))


OLD, NEW = {"libver": "earliest"}, {"libver": "latest"}
CASES = {
    "keras-earliest": (keras_model, OLD),
    "keras-v108": (keras_model, {"libver": ("v108", "v108")}),
    "keras-latest": (keras_model, NEW),
    "keras-narrow": (keras_model, {"sizes": (4, 4)}),
    "keras-packed": (packed_keras_model, OLD),
    "strings-earliest": (strings, OLD),
    "strings-latest": (strings, NEW),
    "numbers-earliest": (numbers, OLD),
    "numbers-latest": (numbers, NEW),
    "many-attributes-earliest": (many_attributes, OLD),
    "many-attributes-latest": (many_attributes, NEW),
    "large-attributes-earliest": (large_attributes, OLD),
    "large-attributes-latest": (large_attributes, NEW),
    "chunked-attributes": (chunked_attributes, OLD),
    "user-block": (chunked_attributes, dict(NEW, userblock_size=1024)),
    "many-links-earliest": (many_links, OLD),
    "many-links-latest": (many_links, NEW),
    "links-earliest": (links, OLD),
    "links-latest": (links, NEW),
    "datasets-earliest": (datasets, OLD),
    "datasets-latest": (datasets, NEW),
    "unread-datasets-earliest": (unread_datasets, OLD),
    "chunks-earliest": (chunks, OLD),
    "chunk-indexes-latest": (chunk_indexes, NEW),
}
OLD_LIBRARY_CASES = ("keras-earliest", "many-links-latest")


def open_new(path, sizes=None, **options):
    if sizes is None:
        return h5py.File(path, "w", **options)
    creation = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    creation.set_sizes(*sizes)
    return h5py.File(h5py.h5f.create(path.encode(), h5py.h5f.ACC_TRUNC, creation))


def plain(value):
    """*value* as JSON can hold it: bytes that stand for text as text, other bytes in hexadecimal."""
    if isinstance(value, h5py.Empty):
        return []
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.ravel()]
    if isinstance(value, np.void):
        return {"bytes": value.tobytes().hex()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value.item() if isinstance(value, np.generic) else value


def describe_links(group):
    rows = []
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.SoftLink):
            rows.append([name, "soft", link.path])
        elif isinstance(link, h5py.ExternalLink):
            rows.append([name, "external", link.filename + ":" + link.path])
        else:
            rows.append([name, "hard", ""])
    return sorted(rows, key=lambda row: row[0].encode("utf-8", "surrogateescape"))


def describe_object(item, with_values):
    # A plain `h5py.Empty` has no order of its own; names are sorted so that the file is stable.
    found = {"attributes": {name: plain(item.attrs[name]) for name in sorted(item.attrs)}}
    if isinstance(item, h5py.Group):
        found["members"] = describe_links(item)
    elif isinstance(item, h5py.Dataset):
        found["shape"] = [0] if item.shape is None else list(item.shape)
        kind = item.dtype
        found["dtype"] = "compound" if kind.names else "string" if kind.kind in "OS" else kind.name
        if with_values:
            found["values"] = plain(item[()])
    else:
        found["members"] = []
    return found


def describe(path, with_values):
    """Everything that is reached by hard links, each object once."""
    found, seen = {}, set()

    def visit(place, item):
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            return
        seen.add(address)
        found[place] = describe_object(item, with_values)
        for name, kind, _ in found[place].get("members", []):
            if kind == "hard":
                visit(place.rstrip("/") + "/" + name, item[name])

    with h5py.File(path, "r") as file:
        visit("/", file)
    return found


def digest_real(folder):
    """SHA-256 of the description of every file below *folder* that ends in .h5 or .hdf5 and is not malformed."""
    digests = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if name.endswith((".h5", ".hdf5")) and "cve_hdf5" not in path:
                text = json.dumps(describe(path, with_values=False), sort_keys=True)
                digests[os.path.relpath(path, folder)] = hashlib.sha256(text.encode()).hexdigest()
    with open(os.path.join(HERE, "real.json"), "w") as file:
        json.dump(digests, file, indent=1, sort_keys=True)
        file.write("\n")


def main(prefix=""):
    expected = {}
    if os.path.exists(EXPECTED):
        with open(EXPECTED) as file:
            expected = json.load(file)
    for name, (fill, options) in CASES.items():
        is_wanted = LIBRARY != "1.10" or name in OLD_LIBRARY_CASES
        if not (name.startswith(prefix) and is_wanted):
            continue
        file_name = "%s-%s.h5" % (name, LIBRARY)
        path = os.path.join(HERE, file_name)
        with open_new(path, **options) as file:
            fill(file)
        expected[file_name] = describe(path, with_values=fill is not unread_datasets)
    rows = [json.dumps(name) + ": " + json.dumps(expected[name], sort_keys=True, separators=(",", ":")) for name in sorted(expected)]
    with open(EXPECTED, "w") as file:
        file.write(",\n".join(rows).join(["{\n", "\n}\n"]))


if __name__ == "__main__":
    digest_real(sys.argv[2]) if sys.argv[1:2] == ["--real"] else main(*sys.argv[1:])
