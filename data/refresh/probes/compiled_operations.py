# Runs in an environment with TensorFlow 2: prints as one JSON object its "version", and "operations", the names of those
# that XLA compiles. A TPU runs nothing else but what its own kernels do.
#
#     python compiled_operations.py
from __future__ import print_function

import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from tensorflow.python.framework import kernels

DEVICES = ("XLA_CPU_JIT", "TPU", "TPU_SYSTEM")


def main():
    # The kernels of the compiler are registered when it is first used. The argument had another name before 2.5.
    try:
        compiled = tf.function(tf.negative, jit_compile=True)
    except TypeError:
        compiled = tf.function(tf.negative, experimental_compile=True)
    compiled(tf.ones(1))
    registered = kernels.get_all_registered_kernels().kernel
    names = sorted(set(kernel.op for kernel in registered if kernel.device_type in DEVICES))
    print(json.dumps({"version": tf.__version__, "operations": names}))


if __name__ == "__main__":
    main()
