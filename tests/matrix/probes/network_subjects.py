"""Networks as people build them, each a subject: what the parts make of each other that are tried alone elsewhere.

Written in the style of the Keras that they come from; a line that lacks what one names does not have the subject.
"""

from __future__ import print_function

from code_networks import code_networks
from custom_networks import custom_networks
from early_networks import EARLY_NETWORKS
from image_networks import IMAGE_NETWORKS
from sequence_networks import SEQUENCE_NETWORKS
from table_networks import TABLE_NETWORKS
from tutorial_networks import TUTORIAL_NETWORKS


def network_subjects(keras, definitions):
    """Pairs of a name and a builder (from Keras to a model and its inputs)."""
    plain = EARLY_NETWORKS + IMAGE_NETWORKS + SEQUENCE_NETWORKS + TABLE_NETWORKS
    return [
        (prefix + build.__name__, build)
        for prefix, networks in (
            ("network_", plain),
            ("network_tutorial_", TUTORIAL_NETWORKS),
            ("network_code_", code_networks(keras)),
            ("network_custom_", custom_networks(definitions)),
        )
        for build in networks
    ]
