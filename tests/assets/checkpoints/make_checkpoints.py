"""Writes the checkpoints beside this file: run it with the Python of an environment that holds TensorFlow.

    python make_checkpoints.py names 1.12        # TensorFlow 1.12.3 on Python 3.6
    python make_checkpoints.py shards 1.15       # TensorFlow 1.15.5 on Python 3.7
    python make_checkpoints.py first 1.15-v1     # the same
    python make_checkpoints.py objects 2.3       # TensorFlow 2.3.4 on Python 3.8
    python make_checkpoints.py weights 2.10      # TensorFlow 2.10.1 on Python 3.10
    python make_checkpoints.py objects 2.15      # TensorFlow 2.15.1 on Python 3.11
    python make_checkpoints.py objects 2.16      # TensorFlow 2.16.2 with Keras 3 on Python 3.12

The second argument names the folder. The checkpoints are as small as each line writes them.
"""

import os
import sys
from pathlib import Path

import tensorflow as tf

PREFIX = "./model.ckpt"


def save_names(**options):
    """A TensorFlow 1.x checkpoint of a variable under training, by name, with its graph."""
    v1 = getattr(tf, "compat", tf)
    v1 = getattr(v1, "v1", tf)
    config = v1.ConfigProto(device_count={"CPU": 2})
    with v1.Session(graph=tf.Graph(), config=config) as session:
        with tf.device("/cpu:0"):
            weights = v1.get_variable("weights", [2, 1], initializer=v1.ones_initializer())
            step = v1.train.get_or_create_global_step()
        with tf.device("/cpu:1" if options.get("sharded") else "/cpu:0"):
            bias = v1.get_variable("bias", [1], initializer=v1.ones_initializer())
        train = v1.train.AdamOptimizer().minimize(tf.reduce_sum(weights) * bias[0], global_step=step)
        session.run(v1.global_variables_initializer())
        session.run(train)
        v1.train.Saver(**options).save(session, PREFIX)


def save_shards():
    """The same with its variables on two devices, each of which writes a shard."""
    save_names(sharded=True)


def save_first():
    """The same in the first format of checkpoints."""
    v1 = tf.compat.v1
    save_names(write_version=v1.train.SaverDef.V1)


def small_model():
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, name="only")])
    model.compile(tf.keras.optimizers.Adam(), "mse")
    model.fit(tf.ones([1, 2]), tf.ones([1, 1]), verbose=0)
    return model


def save_objects():
    """A model and its optimizer by the graph of their objects."""
    model = small_model()
    tf.train.CheckpointManager(
        tf.train.Checkpoint(model=model, optimizer=model.optimizer), ".", max_to_keep=1, checkpoint_name="model.ckpt").save()


def save_weights():
    """What ``Model.save_weights`` writes in the format of TensorFlow."""
    small_model().save_weights(PREFIX)


if __name__ == "__main__":
    folder = Path(__file__).resolve().parent / sys.argv[2]
    folder.mkdir()
    # State files keep paths as they are given: relative ones name nothing of the machine they were made on.
    os.chdir(str(folder))
    {"names": save_names, "shards": save_shards, "first": save_first, "objects": save_objects,
     "weights": save_weights}[sys.argv[1]]()
