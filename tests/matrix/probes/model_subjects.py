"""Architectures: how models hold layers, other models, operators, several inputs and outputs, and states."""

from __future__ import print_function

from collections import OrderedDict

from chain_subjects import IMAGES, ROWS, SEQUENCES, TOKENS
from layer_subjects import make_model, named_input
from running_keras import keras_version


def model_subjects(keras):
    """Pairs of a name and a builder (from Keras to a model and its inputs)."""
    return [("model_" + build.__name__, build) for build in ARCHITECTURES]


def sequential(keras):
    """A convolution, a normalisation and a head."""
    layers = keras.layers
    return keras.models.Sequential(
        first_of(keras, IMAGES, layers.Conv2D, 2, (2, 2), activation="relu")
        + [layers.BatchNormalization(), layers.Flatten(), layers.Dense(3, activation="softmax")]
    ), fed(IMAGES)


def sequential_input_layer(keras):
    """A sequential model that begins with its input."""
    layers = keras.layers
    return keras.models.Sequential([layers.InputLayer(ROWS.shape[1:]), layers.Dense(2)]), fed(ROWS)


def sequential_built_late(keras):
    """A sequential model that gets its shape from the first array."""
    model = keras.models.Sequential([keras.layers.Dense(3, activation="relu"), keras.layers.Dense(2)])
    model.build((None, 4))
    return model, fed(ROWS)


def sequential_batch_input_shape(keras):
    """A sequential model of a fixed number of examples."""
    layers = keras.layers
    return keras.models.Sequential([layers.Dense(2, batch_input_shape=(2, 4))]), fed(ROWS)


def sequential_in_sequential(keras):
    """A model as the layer of another."""
    inner = keras.models.Sequential(first_of(keras, ROWS, keras.layers.Dense, 3) + [keras.layers.Dense(2)])
    return keras.models.Sequential([inner, keras.layers.Dense(2)]), fed(ROWS)


def functional(keras):
    """Tokens and features, an embedding and an LSTM, merged."""
    layers = keras.layers
    tokens, features = named_input(keras, "tokens", TOKENS), named_input(keras, "features", ROWS)
    sequence = layers.LSTM(2)(layers.Embedding(5, 3)(tokens))
    merged = layers.concatenate([sequence, layers.Dense(2, activation="tanh")(features)])
    model = make_model(keras, [tokens, features], layers.Dense(1, activation="sigmoid")(merged))
    return model, OrderedDict([("tokens", TOKENS), ("features", ROWS)])


def functional_in_sequential(keras):
    """A functional model as the first layer of a sequential one, as in transfer learning."""
    source = named_input(keras, "inner", IMAGES)
    inner = make_model(keras, source, keras.layers.BatchNormalization()(keras.layers.Conv2D(2, 2)(source)))
    return keras.models.Sequential([inner, keras.layers.Flatten(), keras.layers.Dense(2)]), fed(IMAGES)


def functional_nested(keras):
    """A model in a model in a model."""
    inner_source = named_input(keras, "inner", ROWS)
    inner = make_model(keras, inner_source, keras.layers.Dense(4, activation="relu")(inner_source))
    middle_source = named_input(keras, "middle", ROWS)
    middle = make_model(keras, middle_source, keras.layers.Dense(4)(inner(middle_source)))
    source = named_input(keras, "first", ROWS)
    return make_model(keras, source, keras.layers.Dense(2)(middle(source))), fed(ROWS)


def shared_layer(keras):
    """One layer that is called twice."""
    shared = keras.layers.Dense(2)
    one, two = named_input(keras, "one", ROWS), named_input(keras, "two", ROWS)
    output = keras.layers.concatenate([shared(one), shared(two)])
    return make_model(keras, [one, two], output), OrderedDict([("one", ROWS), ("two", ROWS[::-1] * 0.5)])


def shared_model(keras):
    """One model that is called twice, as in siamese networks."""
    source = named_input(keras, "inner", ROWS)
    shared = make_model(keras, source, keras.layers.Dense(2)(source))
    one, two = named_input(keras, "one", ROWS), named_input(keras, "two", ROWS)
    output = keras.layers.concatenate([shared(one), shared(two)])
    return make_model(keras, [one, two], output), OrderedDict([("one", ROWS), ("two", ROWS[::-1] * 0.5)])


def several_outputs(keras):
    """Two named heads on one trunk."""
    source = named_input(keras, "first", ROWS)
    trunk = keras.layers.Dense(3, activation="relu")(source)
    heads = [keras.layers.Dense(2, name="head_a")(trunk), keras.layers.Dense(1, name="head_b")(trunk)]
    return make_model(keras, source, heads), fed(ROWS)


def output_dictionary(keras):
    """Heads by name."""
    source = named_input(keras, "first", ROWS)
    heads = {"b": keras.layers.Dense(2)(source), "a": keras.layers.Dense(1)(source)}
    return make_model(keras, source, heads), fed(ROWS)


def residual(keras):
    """A block that adds its input to its output."""
    source = named_input(keras, "first", IMAGES)
    block = keras.layers.Conv2D(2, 3, padding="same", activation="relu")(source)
    return make_model(keras, source, keras.layers.Flatten()(keras.layers.add([source, block]))), fed(IMAGES)


def input_as_output(keras):
    """A model that hands its input on beside what it computes."""
    source = named_input(keras, "first", ROWS)
    return make_model(keras, source, [source, keras.layers.Dense(2)(source)]), fed(ROWS)


def operators(keras):
    """Arithmetic on tensors between layers."""
    source = named_input(keras, "first", ROWS)
    hidden = keras.layers.Dense(4)(source)
    return make_model(keras, source, keras.layers.Dense(2)(hidden * 2.0 + source)), fed(ROWS)


def slicing(keras):
    """A part of a tensor between layers."""
    source = named_input(keras, "first", SEQUENCES)
    hidden = keras.layers.Dense(2)(source)
    return make_model(keras, source, keras.layers.Dense(2)(hidden[:, 0])), fed(SEQUENCES)


def functions(keras):
    """Functions of TensorFlow, or the operations of Keras 3, between layers."""
    source = named_input(keras, "first", ROWS)
    hidden = keras.layers.Dense(4)(source)
    if keras_version(keras) >= (3,):
        tensor = keras.ops.reshape(keras.ops.tanh(hidden), (-1, 2, 2))
    else:
        import tensorflow

        tensor = tensorflow.reshape(tensorflow.tanh(hidden), (-1, 2, 2))
    return make_model(keras, source, keras.layers.Flatten()(tensor)), fed(ROWS)


def joined_tensors(keras):
    """A function between layers that takes a list of tensors."""
    source = named_input(keras, "first", ROWS)
    hidden = keras.layers.Dense(4)(source)
    if keras_version(keras) >= (3,):
        tensor = keras.ops.concatenate([source, hidden], axis=-1)
    else:
        import tensorflow

        tensor = tensorflow.concat([source, hidden], axis=-1)
    return make_model(keras, source, keras.layers.Dense(2)(tensor)), fed(ROWS)


def stateful_lstm(keras):
    """A recurrent layer that remembers the last batch, of a fixed number of examples."""
    source = keras.layers.Input(batch_shape=SEQUENCES.shape, name="first")
    return make_model(keras, source, keras.layers.LSTM(2, stateful=True)(source)), fed(SEQUENCES)


def returned_states(keras):
    """A recurrent layer that also gives its states."""
    source = named_input(keras, "first", SEQUENCES)
    outputs = keras.layers.LSTM(2, return_sequences=True, return_state=True)(source)
    return make_model(keras, source, list(outputs)), fed(SEQUENCES)


def encoder_decoder(keras):
    """A recurrent layer that starts from the states of another."""
    layers = keras.layers
    one, two = named_input(keras, "one", SEQUENCES), named_input(keras, "two", SEQUENCES)
    _, hidden, cell = layers.LSTM(2, return_state=True)(one)
    decoded = layers.LSTM(2, return_sequences=True)(two, initial_state=[hidden, cell])
    return make_model(keras, [one, two], decoded), OrderedDict([("one", SEQUENCES), ("two", SEQUENCES * 0.5)])


def bidirectional_states(keras):
    """Both directions start from given states and return theirs."""
    layers = keras.layers
    source = named_input(keras, "first", SEQUENCES)
    outputs = layers.Bidirectional(layers.GRU(2, return_state=True))(source)
    return make_model(keras, source, list(outputs)), fed(SEQUENCES)


def attention_scaled(keras):
    """Attention with a scale of its own."""
    layers = keras.layers
    one, two = named_input(keras, "one", SEQUENCES), named_input(keras, "two", SEQUENCES)
    output = layers.Attention(use_scale=True, dropout=0.1)([one, two])
    return make_model(keras, [one, two], output), OrderedDict([("one", SEQUENCES), ("two", SEQUENCES * 0.5)])


def attention_causal(keras):
    """Attention that looks back only, told where it is called or made."""
    layers = keras.layers
    source = named_input(keras, "first", SEQUENCES)
    if hasattr(layers, "MultiHeadAttention") and keras_version(keras) >= (2, 10):
        output = layers.MultiHeadAttention(2, 2)(source, source, use_causal_mask=True)
    else:
        output = layers.Attention(causal=True)([source, source])
    return make_model(keras, source, output), fed(SEQUENCES)


def attention_of_heads(keras):
    """Several heads with sizes of their own; the query is also the value."""
    source = named_input(keras, "first", SEQUENCES)
    layer = keras.layers.MultiHeadAttention(2, 3, value_dim=2, output_shape=4, use_bias=False, dropout=0.1)
    return make_model(keras, source, layer(source, source)), fed(SEQUENCES)


def attention_with_scores(keras):
    """Several heads over two axes, with their scores."""
    source = named_input(keras, "first", IMAGES)
    layer = keras.layers.MultiHeadAttention(1, 2, attention_axes=(1, 2))
    output, scores = layer(source, source, return_attention_scores=True)
    return make_model(keras, source, [output, scores]), fed(IMAGES)


def transformer_block(keras):
    """Attention, addition, normalisation and a feed-forward part."""
    layers = keras.layers
    tokens = named_input(keras, "tokens", TOKENS)
    hidden = layers.Embedding(5, 4)(tokens)
    hidden = layers.LayerNormalization()(layers.add([hidden, layers.MultiHeadAttention(2, 2)(hidden, hidden)]))
    hidden = layers.LayerNormalization()(layers.add([hidden, layers.Dense(4, activation="gelu")(hidden)]))
    return make_model(keras, tokens, layers.GlobalAveragePooling1D()(hidden)), OrderedDict([("tokens", TOKENS)])


def merge_functions(keras):
    """The functions that merge, without naming their layers."""
    layers = keras.layers
    one, two = named_input(keras, "one", ROWS), named_input(keras, "two", ROWS)
    output = layers.concatenate([layers.multiply([one, two]), layers.average([one, two]), layers.maximum([one, two])])
    return make_model(keras, [one, two], output), OrderedDict([("one", ROWS), ("two", ROWS[::-1] * 0.5)])


def branches(keras):
    """Three branches of the same classes, whose names are counted up."""
    layers = keras.layers
    source = named_input(keras, "first", ROWS)
    parts = [layers.Dense(2, activation=name)(source) for name in ("relu", "tanh", "sigmoid")]
    return make_model(keras, source, layers.Dense(1)(layers.concatenate(parts))), fed(ROWS)


def without_weights(keras):
    """Nothing to learn."""
    source = named_input(keras, "first", IMAGES)
    return make_model(keras, source, keras.layers.Flatten()(keras.layers.MaxPooling2D(2)(source))), fed(IMAGES)


ARCHITECTURES = (
    sequential,
    sequential_input_layer,
    sequential_built_late,
    sequential_batch_input_shape,
    sequential_in_sequential,
    functional,
    functional_in_sequential,
    functional_nested,
    shared_layer,
    shared_model,
    several_outputs,
    output_dictionary,
    residual,
    input_as_output,
    operators,
    slicing,
    functions,
    joined_tensors,
    stateful_lstm,
    returned_states,
    encoder_decoder,
    bidirectional_states,
    attention_scaled,
    attention_causal,
    attention_of_heads,
    attention_with_scores,
    transformer_block,
    merge_functions,
    branches,
    without_weights,
)


def first_of(keras, values, kind, *arguments, **options):
    """The head of a sequential model: an input and a layer, or a layer that carries the shape of its input."""
    if keras_version(keras) >= (3,):
        return [named_input(keras, "first", values), kind(*arguments, **options)]
    return [kind(*arguments, input_shape=values.shape[1:], **options)]


def fed(values):
    """The sole input."""
    return OrderedDict([("first", values)])
