"""Chains of layers on one input, each a subject: arguments, cells, masks, types, and one for each named function.

A chain is a function from Keras to a list of layers; a line that lacks what it names does not have the subject.
"""

from __future__ import print_function

import inspect

import numpy

from layer_subjects import on, through
from running_keras import wave

ROWS = wave((2, 4), 1)
SEQUENCES = wave((2, 4, 3), 1)
IMAGES = wave((2, 5, 5, 2), 1)
FILMS = wave((2, 3, 4, 4, 2), 1)
VOLUMES = wave((2, 4, 4, 4, 2), 1)
TOKENS = (numpy.arange(8).reshape((2, 4)) % 4).astype("int32")
LINES = numpy.array([["red blue"], ["green red"]], dtype=object)
DOUBLES = ROWS.astype("float64")

# Name, example inputs, and the layers.
CHAINS = [
    ("dense_without_bias", ROWS, lambda keras: [keras.layers.Dense(2, use_bias=False)]),
    ("dense_on_sequences", SEQUENCES, lambda keras: [keras.layers.Dense(2, activation="relu")]),
    ("dense_frozen", ROWS, lambda keras: [keras.layers.Dense(2, trainable=False)]),
    ("dense_quantized", ROWS, lambda keras: [quantized(keras.layers.Dense(2))]),
    ("dense_low_rank", ROWS, lambda keras: [keras.layers.Dense(2, lora_rank=1)]),
    ("convolution_strides", IMAGES, lambda keras: [keras.layers.Conv2D(2, 2, strides=2, padding="same")]),
    ("convolution_dilation", IMAGES, lambda keras: [keras.layers.Conv2D(2, 2, dilation_rate=2)]),
    ("convolution_groups", IMAGES, lambda keras: [keras.layers.Conv2D(2, 2, groups=2)]),
    ("convolution_causal", SEQUENCES, lambda keras: [keras.layers.Conv1D(2, 2, padding="causal", dilation_rate=2)]),
    ("convolution_without_bias", IMAGES, lambda keras: [keras.layers.Conv2D(2, (2, 1), use_bias=False)]),
    ("transposed_output_padding", IMAGES, lambda keras: [
        keras.layers.Conv2DTranspose(2, 3, strides=2, output_padding=1, padding="same")]),
    ("depthwise_multiplier", IMAGES, lambda keras: [keras.layers.DepthwiseConv2D(2, depth_multiplier=2)]),
    ("depthwise_dilation", IMAGES, lambda keras: [keras.layers.DepthwiseConv2D(2, dilation_rate=(2, 2))]),
    ("separable_multiplier", IMAGES, lambda keras: [keras.layers.SeparableConv2D(2, 2, depth_multiplier=2)]),
    ("normalized_convolution", IMAGES, lambda keras: [
        keras.layers.Conv2D(2, 2), keras.layers.BatchNormalization(), keras.layers.ReLU()]),
    ("batch_normalization_bare", IMAGES, lambda keras: [
        keras.layers.BatchNormalization(center=False, scale=False, momentum=0.9)]),
    ("batch_normalization_axis", SEQUENCES, lambda keras: [keras.layers.BatchNormalization(axis=1)]),
    ("batch_normalization_axes", SEQUENCES, lambda keras: [keras.layers.BatchNormalization(axis=[1, 2])]),
    ("batch_normalization_renorm", IMAGES, lambda keras: [keras.layers.BatchNormalization(renorm=True)]),
    ("batch_normalization_virtual", ROWS, lambda keras: [keras.layers.BatchNormalization(virtual_batch_size=2)]),
    ("batch_normalization_fused", IMAGES, lambda keras: [keras.layers.BatchNormalization(fused=True)]),
    ("batch_normalization_synchronized", IMAGES, lambda keras: [keras.layers.BatchNormalization(synchronized=True)]),
    ("layer_normalization_axes", SEQUENCES, lambda keras: [keras.layers.LayerNormalization(axis=[1, 2])]),
    ("layer_normalization_root_mean_square", SEQUENCES, lambda keras: [
        keras.layers.LayerNormalization(rms_scaling=True)]),
    ("group_normalization", IMAGES, lambda keras: [keras.layers.GroupNormalization(groups=1)]),
    ("normalization_adapted", ROWS, lambda keras: [adapted(keras.layers.Normalization(), ROWS)]),
    ("pooling_kept_axes", IMAGES, lambda keras: [keras.layers.GlobalAveragePooling2D(keepdims=True)]),
    ("pooling_strides", IMAGES, lambda keras: [keras.layers.MaxPooling2D((2, 1), strides=2, padding="same")]),
    ("upsampling_bilinear", IMAGES, lambda keras: [keras.layers.UpSampling2D(2, interpolation="bilinear")]),
    ("padding_by_side", IMAGES, lambda keras: [keras.layers.ZeroPadding2D(((1, 0), (0, 2)))]),
    ("cropping_by_side", IMAGES, lambda keras: [keras.layers.Cropping2D(((1, 0), (0, 2)))]),
    ("flatten_named", IMAGES, lambda keras: [keras.layers.Flatten(name="flat_1"), keras.layers.Dense(2, name="out.1")]),
    ("flatten_channels_first", IMAGES, lambda keras: [keras.layers.Flatten(data_format="channels_first")]),
    ("dropout_noise_shape", SEQUENCES, lambda keras: [keras.layers.Dropout(0.5, noise_shape=(None, 1, 3), seed=7)]),
    ("softmax_axis", SEQUENCES, lambda keras: [keras.layers.Softmax(axis=1)]),
    ("relu_limited", ROWS, lambda keras: [keras.layers.ReLU(max_value=0.3, negative_slope=0.1, threshold=0.1)]),
    ("prelu_shared_axes", IMAGES, lambda keras: [keras.layers.PReLU(shared_axes=[1, 2])]),
    ("leaky_relu_slope", ROWS, lambda keras: [keras.layers.LeakyReLU(0.2)]),
    ("activity_regularization", ROWS, lambda keras: [keras.layers.Dense(2, activity_regularizer="l2")]),
    # --- recurrent layers
    ("lstm_sequences", SEQUENCES, lambda keras: [keras.layers.LSTM(2, return_sequences=True), keras.layers.LSTM(2)]),
    ("lstm_backwards", SEQUENCES, lambda keras: [keras.layers.LSTM(2, go_backwards=True)]),
    ("lstm_unrolled", SEQUENCES, lambda keras: [keras.layers.LSTM(2, unroll=True)]),
    ("lstm_dropout", SEQUENCES, lambda keras: [keras.layers.LSTM(2, dropout=0.1, recurrent_dropout=0.1)]),
    ("lstm_implementation_1", SEQUENCES, lambda keras: [keras.layers.LSTM(2, implementation=1)]),
    ("lstm_hard_sigmoid", SEQUENCES, lambda keras: [keras.layers.LSTM(2, recurrent_activation="hard_sigmoid")]),
    ("lstm_without_bias", SEQUENCES, lambda keras: [keras.layers.LSTM(2, use_bias=False, unit_forget_bias=False)]),
    ("lstm_without_cudnn", SEQUENCES, lambda keras: [keras.layers.LSTM(2, use_cudnn=False)]),
    ("lstm_time_major", SEQUENCES, lambda keras: [keras.layers.LSTM(2, time_major=False)]),
    ("gru_reset_after", SEQUENCES, lambda keras: [keras.layers.GRU(2, reset_after=True)]),
    ("gru_reset_before", SEQUENCES, lambda keras: [keras.layers.GRU(2, reset_after=False)]),
    ("gru_sequences", SEQUENCES, lambda keras: [keras.layers.GRU(2, return_sequences=True)]),
    ("cells_lstm", SEQUENCES, lambda keras: [keras.layers.RNN(keras.layers.LSTMCell(2))]),
    ("cells_gru", SEQUENCES, lambda keras: [keras.layers.RNN(keras.layers.GRUCell(2), return_sequences=True)]),
    ("cells_listed", SEQUENCES, lambda keras: [keras.layers.RNN([keras.layers.LSTMCell(2), keras.layers.GRUCell(3)])]),
    ("cells_stacked", SEQUENCES, lambda keras: [
        keras.layers.RNN(keras.layers.StackedRNNCells([keras.layers.SimpleRNNCell(2), keras.layers.LSTMCell(3)]))]),
    ("cells_nested", SEQUENCES, lambda keras: [
        keras.layers.Bidirectional(keras.layers.RNN(keras.layers.LSTMCell(2), return_sequences=True))]),
    ("bidirectional_gru", SEQUENCES, lambda keras: [keras.layers.Bidirectional(keras.layers.GRU(2))]),
    ("bidirectional_sequences", SEQUENCES, lambda keras: [
        keras.layers.Bidirectional(keras.layers.LSTM(2, return_sequences=True)),
        keras.layers.Bidirectional(keras.layers.LSTM(2))]),
    ("bidirectional_sum", SEQUENCES, lambda keras: [keras.layers.Bidirectional(keras.layers.LSTM(2), merge_mode="sum")]),
    ("bidirectional_apart", SEQUENCES, lambda keras: [
        keras.layers.Bidirectional(keras.layers.LSTM(2), merge_mode=None)]),
    ("bidirectional_backward_layer", SEQUENCES, lambda keras: [keras.layers.Bidirectional(
        keras.layers.LSTM(2), backward_layer=keras.layers.LSTM(2, go_backwards=True, activation="relu"))]),
    ("convolutional_lstm", FILMS, lambda keras: [keras.layers.ConvLSTM2D(2, 2, return_sequences=True)]),
    # --- wrappers
    ("time_distributed_dense", SEQUENCES, lambda keras: [keras.layers.TimeDistributed(keras.layers.Dense(2))]),
    ("time_distributed_convolution", FILMS, lambda keras: [keras.layers.TimeDistributed(keras.layers.Conv2D(2, 2))]),
    ("time_distributed_lstm", FILMS[..., 0], lambda keras: [keras.layers.TimeDistributed(keras.layers.LSTM(2))]),
    ("spectral_normalization_convolution", IMAGES, lambda keras: [
        keras.layers.SpectralNormalization(keras.layers.Conv2D(2, 2))]),
    # --- tokens and masks
    ("embedding", TOKENS, lambda keras: [keras.layers.Embedding(5, 3), keras.layers.Flatten(), keras.layers.Dense(2)]),
    ("embedding_masked", TOKENS, lambda keras: [keras.layers.Embedding(5, 3, mask_zero=True), keras.layers.LSTM(2)]),
    ("embedding_input_length", TOKENS, lambda keras: [keras.layers.Embedding(5, 3, input_length=4)]),
    ("embedding_constrained", TOKENS, lambda keras: [
        keras.layers.Embedding(5, 3, embeddings_constraint="max_norm", embeddings_regularizer="l2")]),
    ("masking", SEQUENCES, lambda keras: [keras.layers.Masking(0.5), keras.layers.GRU(2)]),
    ("masking_pooled", TOKENS, lambda keras: [
        keras.layers.Embedding(5, 3, mask_zero=True), keras.layers.GlobalAveragePooling1D()]),
    # --- preprocessing
    ("vocabulary_one_hot", LINES, lambda keras: [
        keras.layers.TextVectorization(vocabulary=["red", "green"], output_mode="multi_hot")]),
    ("vocabulary_tf_idf", LINES, lambda keras: [keras.layers.TextVectorization(
        vocabulary=["red", "green"], idf_weights=[0.4, 0.6], output_mode="tf_idf")]),
    ("vocabulary_adapted", LINES, lambda keras: [adapted(
        keras.layers.TextVectorization(output_sequence_length=3), LINES[:, 0])]),
    ("vocabulary_split_characters", LINES, lambda keras: [keras.layers.TextVectorization(
        vocabulary=["r", "e"], split="character", output_sequence_length=3, standardize="lower")]),
    ("vocabulary_embedded", LINES, lambda keras: [
        keras.layers.TextVectorization(vocabulary=["red", "green"], output_sequence_length=3),
        keras.layers.Embedding(5, 2)]),
    ("words_one_hot", LINES, lambda keras: [
        keras.layers.StringLookup(vocabulary=["red blue", "green"], output_mode="one_hot")]),
    ("words_inverted", TOKENS.astype("int64"), lambda keras: [
        keras.layers.StringLookup(vocabulary=["red", "green"], invert=True)]),
    ("integers_adapted", TOKENS.astype("int64"), lambda keras: [adapted(
        keras.layers.IntegerLookup(), TOKENS.astype("int64"))]),
    ("discretization_adapted", ROWS, lambda keras: [adapted(keras.layers.Discretization(num_bins=3), ROWS)]),
    ("hashing_salted", LINES, lambda keras: [keras.layers.Hashing(5, salt=[3, 4])]),
    ("augmentation", IMAGES, lambda keras: [
        keras.layers.Rescaling(0.5, offset=0.1), keras.layers.RandomFlip("horizontal", seed=3),
        keras.layers.RandomRotation(0.2), keras.layers.RandomZoom(0.1), keras.layers.Conv2D(2, 2)]),
    ("resizing_nearest", IMAGES, lambda keras: [keras.layers.Resizing(3, 3, interpolation="nearest")]),
    ("resizing_cropped", IMAGES, lambda keras: [keras.layers.Resizing(3, 2, crop_to_aspect_ratio=True)]),
    # --- types
    ("dtype_float64", DOUBLES, lambda keras: [keras.layers.Dense(2, dtype="float64")]),
    ("dtype_float16", ROWS, lambda keras: [keras.layers.Dense(2, dtype="float16")]),
    ("dtype_mixed_float16", ROWS, lambda keras: [
        keras.layers.Dense(2, dtype=policy(keras, "mixed_float16")), keras.layers.Dense(2, dtype="float32")]),
    ("dtype_mixed_bfloat16", ROWS, lambda keras: [keras.layers.Dense(2, dtype=policy(keras, "mixed_bfloat16"))]),
]  # fmt: skip

POLICIES = ("mixed_float16", "mixed_bfloat16", "float64")


def quantized(layer):
    """*layer*, whose weights become integers when it is built."""
    layer.build((None, 4))
    layer.quantize("int8")
    return layer


def adapted(layer, values):
    """*layer* after it has learnt from *values*."""
    layer.adapt(values)
    return layer


def policy(keras, name):
    """The policy of types of that name, where this Keras has policies."""
    module = keras.mixed_precision
    return getattr(module, "experimental", module).Policy(name)


def chain_subjects(keras):
    """Pairs of a name and a builder (from Keras to a model and its inputs)."""
    found = [("chain_" + name, builder_for(values, layers)) for name, values, layers in CHAINS]
    found += [("policy_" + name, with_policy(name)) for name in POLICIES if hasattr(keras, "mixed_precision")]
    for kind, argument in (
        ("initializers", "kernel_initializer"),
        ("regularizers", "kernel_regularizer"),
        ("constraints", "kernel_constraint"),
    ):
        found += [
            ("%s_%s" % (kind[:-1], name), builder_for(ROWS, dense_with(argument, member)))
            for name, member in sorted(members_of(getattr(keras, kind, None)).items())
        ]
    for name, function in sorted(activation_functions(keras).items()):
        found.append(("activation_%s" % name, builder_for(ROWS, dense_with("activation", lambda found=name: found))))
        found.append(("activation_function_%s" % name, builder_for(ROWS, activated_by(function))))
    return found


def builder_for(values, layers):
    """A builder of a functional model of *layers* in a row on inputs like *values*."""
    return on(values)(lambda keras, tensor: through(tensor, *layers(keras)))


def with_policy(name):
    """A builder of a small model under a policy of types that holds for all of it."""

    def build(keras):
        module = getattr(keras.mixed_precision, "experimental", keras.mixed_precision)
        set_policy = getattr(keras.mixed_precision, "set_global_policy", None) or module.set_policy
        set_policy(name)
        try:
            return builder_for(IMAGES, small_network)(keras)
        finally:
            set_policy("float32")

    return build


def small_network(keras):
    """Convolution, normalisation and a head."""
    layers = keras.layers
    return [layers.Conv2D(2, 2), layers.BatchNormalization(), layers.Flatten(), layers.Dense(2, activation="softmax")]


def dense_with(argument, make):
    """Layers: one dense layer with an argument made by *make*."""
    return lambda keras: [keras.layers.Dense(2, **{argument: make()})]


def activated_by(function):
    """Layers: a dense one and an activation by a function itself rather than by its name."""
    return lambda keras: [keras.layers.Dense(3), keras.layers.Activation(function)]


def members_of(module):
    """Makers of what the public classes of *module* give without arguments, by name; none where there is no module."""
    return {
        kind.__name__: kind
        for kind in (getattr(module, name) for name in (dir(module) if module else ()))
        if inspect.isclass(kind) and kind.__name__ not in ("Constraint", "Initializer", "Regularizer")
    }


def activation_functions(keras):
    """The functions of ``keras.activations`` from a tensor to one of the same shape, by name."""
    return {
        name: function
        for name, function in vars(keras.activations).items()
        if inspect.isfunction(function)
        and getattr(function, "__name__", None) == name
        and not name.startswith(("_", "get", "serialize", "deserialize", "glu"))
        and "keras" in (function.__module__ or "")
    }
