"""What strings of a signature usually are: words, records, pictures."""

import re
import struct
import zlib


def make_words(features):
    return b"one two"


def make_example(features):
    """A serialised tf.train.Example with *features*, which maps a name to a type and a length."""
    import tensorflow as tf

    makers = {
        "float": lambda count: tf.train.Feature(float_list=tf.train.FloatList(value=[0.0] * count)),
        "int64": lambda count: tf.train.Feature(int64_list=tf.train.Int64List(value=[0] * count)),
        "string": lambda count: tf.train.Feature(bytes_list=tf.train.BytesList(value=[b""] * count)),
    }
    made = dict((name, makers[kind](count)) for name, (kind, count) in features.items())
    return tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()


def make_picture(features):
    """A grey PNG of 8 x 8 pixels."""
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x80" * 24) * 8
    parts = [png_chunk(b"IHDR", header), png_chunk(b"IDAT", zlib.compress(rows)), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def png_chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data) & 0xFFFFFFFF)


MAKERS = {"words": make_words, "example": make_example, "picture": make_picture}
TEXTS = ("words", "example", "picture")
"""In the order in which they are tried."""

MISSING_FEATURE = re.compile(r"Feature: (.+?) \(data type: (\w+)\) is required but could not be found")
FEATURE_LENGTH = re.compile(
    r"Key: (.+?)(?:, Index: \d+)?\.\s+Number of \w+ values != expected\.\s+"
    r"values size: \d+ but output shape: \[([\d,]*)\]",
    re.IGNORECASE,
)


def learn_feature(error, features):
    """Add what TensorFlow's parser of examples has missed; False when it missed nothing new."""
    missing = MISSING_FEATURE.search(error)
    length = FEATURE_LENGTH.search(error)
    if missing:
        name, learnt = missing.group(1), (missing.group(2), 1)
    elif length and length.group(1) in features:
        name, count = length.group(1), 1
        for axis in filter(None, length.group(2).split(",")):
            count *= int(axis)
        learnt = (features[name][0], count)
    else:
        return False
    is_new = features.get(name) != learnt
    features[name] = learnt
    return is_new
