"""What differs between the releases of TensorFlow that may run this."""

IMPORT = "import tensorflow as tf"


def import_tensorflow():
    import tensorflow

    return tensorflow


def is_version_2(tf):
    return int(tf.__version__.split(".")[0]) >= 2


def version_1_of(tf):
    """How the interface of TensorFlow 1 is spelt."""
    return "tf.compat.v1" if hasattr(tf, "compat") and hasattr(tf.compat, "v1") else "tf"


def new_session(prefix):
    """The line that begins a session with a graph of its own, in which the lines after it work."""
    return "session = %s.InteractiveSession(graph=%s.Graph())" % (prefix, prefix)
