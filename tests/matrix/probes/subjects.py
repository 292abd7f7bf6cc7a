"""All subjects of the experiment: what can be built with the Keras of the running environment."""

from __future__ import print_function

from chain_subjects import chain_subjects
from custom_subjects import code_subjects, custom_subjects
from layer_subjects import layer_subjects
from model_subjects import model_subjects
from network_subjects import network_subjects
from training_subjects import training_subjects


def all_subjects(keras, definitions):
    """Builders (from Keras to a model and its inputs, name to array) by name of the subject, in order."""
    return (
        model_subjects(keras)
        + chain_subjects(keras)
        + layer_subjects(keras)
        + training_subjects(keras)
        + custom_subjects(definitions)
        + code_subjects(keras)
        + network_subjects(keras, definitions)
    )
