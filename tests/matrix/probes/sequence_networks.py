"""Networks on text, time series and speech as people build them: convolutions, recurrent layers, attention."""

from __future__ import print_function

from collections import OrderedDict

from chain_subjects import LINES, SEQUENCES, TOKENS
from layer_subjects import layer_classes, make_model, named_input, on, through
from model_subjects import fed

STEPS, FEATURES = SEQUENCES.shape[1:]
WORDS = 5


# --- text ----------------------------------------------------------------------------------------------------------


@on(TOKENS)
def text_cnn(keras, tokens):
    """Filters of several widths over the words, each pooled over time."""
    layers = keras.layers
    embedded = layers.SpatialDropout1D(0.4)(layers.Embedding(WORDS, 4, input_length=4)(tokens))
    pooled = []
    for width in (2, 3):
        tensor = layers.Conv1D(filters=3, kernel_size=width, padding="valid", activation="relu", strides=1)(embedded)
        pooled.append(layers.GlobalMaxPooling1D()(tensor))
    tensor = layers.Dropout(0.1)(layers.concatenate(pooled))
    return layers.Dense(1, activation="sigmoid")(layers.Dense(4, activation="relu")(tensor))


def text_cnn_in_two_dimensions(keras):
    """Words as an image of one channel, with filters as wide as the vectors."""
    layers = keras.layers
    tokens = layers.Input(shape=(4,), dtype="int32", name="first")
    embedded = layers.Reshape((4, 4, 1))(layers.Embedding(input_dim=WORDS, output_dim=4, input_length=4)(tokens))
    pooled = []
    for height in (2, 3):
        tensor = layers.Conv2D(2, kernel_size=(height, 4), kernel_initializer="normal", activation="relu")(embedded)
        pooled.append(layers.MaxPool2D(pool_size=(4 - height + 1, 1), strides=(1, 1))(tensor))
    tensor = layers.Flatten()(layers.Concatenate(axis=1)(pooled))
    model = make_model(keras, tokens, layers.Dense(units=2, activation="softmax")(tensor))
    model.compile(optimizer=keras.optimizers.Adam(1e-4, 0.9, 0.999, 1e-8, 0.0), loss="binary_crossentropy")
    return model, fed(TOKENS)


def fast_text(keras):
    """The mean of the vectors of the words."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Embedding(WORDS, 3, input_length=4))
    model.add(layers.GlobalAveragePooling1D())
    model.add(layers.Dense(1, activation="sigmoid"))
    model.build((None, 4))
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model, fed(TOKENS)


def sentiment(keras):
    """Padded words, an LSTM with dropout of both kinds, and one number."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Embedding(WORDS, 4))
    model.add(layers.LSTM(4, dropout=0.2, recurrent_dropout=0.2))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.build((None, 4))
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model, fed(TOKENS)


@on(TOKENS)
def sentiment_pooled(keras, tokens):
    """Both directions, pooled by mean and by maximum."""
    layers = keras.layers
    tensor = layers.SpatialDropout1D(0.2)(layers.Embedding(WORDS, 4, trainable=False)(tokens))
    tensor = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(tensor)
    tensor = layers.Bidirectional(layers.GRU(3, return_sequences=True))(tensor)
    pooled = layers.concatenate([layers.GlobalAveragePooling1D()(tensor), layers.GlobalMaxPooling1D()(tensor)])
    return layers.Dense(1, activation="sigmoid")(layers.add([pooled, layers.Dense(12, activation="relu")(pooled)]))


@on(TOKENS)
def tagger(keras, tokens):
    """A tag for each word, whose padding is masked."""
    layers = keras.layers
    tensor = layers.Embedding(input_dim=WORDS, output_dim=4, mask_zero=True)(tokens)
    tensor = layers.Bidirectional(layers.LSTM(units=3, return_sequences=True, recurrent_dropout=0.1))(tensor)
    return layers.TimeDistributed(layers.Dense(3, activation="softmax"))(tensor)


@on(LINES)
def vectorized_text(keras, lines):
    """From text to a class in one model."""
    layers = keras.layers
    vectorize = layer_classes(keras)["TextVectorization"](
        max_tokens=6, output_mode="int", output_sequence_length=4, name="vectorize"
    )
    vectorize.adapt(LINES[:, 0])
    tensor = layers.Embedding(6, 4, name="embedding")(vectorize(lines))
    return layers.Dense(1)(layers.Dense(4, activation="relu")(layers.GlobalAveragePooling1D()(tensor)))


@on(LINES)
def vectorized_text_recurrent(keras, lines):
    """From text over vectors whose padding is masked to an LSTM of both directions."""
    layers = keras.layers
    vectorize = layer_classes(keras)["TextVectorization"](max_tokens=6)
    vectorize.adapt(LINES[:, 0])
    tensor = layers.Embedding(len(vectorize.get_vocabulary()), 4, mask_zero=True)(vectorize(lines))
    return layers.Dense(1)(layers.Bidirectional(layers.LSTM(3))(tensor))


# --- attention -----------------------------------------------------------------------------------------------------


@on(SEQUENCES)
def attention_over_steps(keras, tensor):
    """Weights from a dense layer over time."""
    layers = keras.layers
    weights = layers.Permute((2, 1))(tensor)
    weights = layers.Permute((2, 1), name="attention_vec")(layers.Dense(STEPS, activation="softmax")(weights))
    tensor = layers.LSTM(4, return_sequences=False)(layers.multiply([tensor, weights]))
    return layers.Dense(1, activation="sigmoid")(tensor)


@on(SEQUENCES)
def attention_by_products(keras, tensor):
    """The states of an encoder, weighted by their products with those of a decoder."""
    layers = keras.layers
    encoded, hidden, cell = layers.LSTM(3, return_sequences=True, return_state=True)(tensor)
    decoded = layers.LSTM(3, return_sequences=True)(tensor, initial_state=[hidden, cell])
    weights = layers.Activation("softmax", name="attention")(layers.dot([decoded, encoded], axes=[2, 2]))
    context = layers.dot([weights, encoded], axes=[2, 1])
    combined = layers.concatenate([context, decoded])
    tensor = layers.TimeDistributed(layers.Dense(4, activation="tanh"))(combined)
    return layers.TimeDistributed(layers.Dense(2, activation="softmax"))(tensor)


@on(SEQUENCES)
def attention_layers(keras, tensor):
    """The layers for attention between the outputs of recurrent ones."""
    layers = keras.layers
    queries = layers.GRU(4, return_sequences=True)(tensor)
    values = layers.Bidirectional(layers.GRU(2, return_sequences=True))(tensor)
    by_product = layers.Attention(name="attention_layer")([queries, values])
    by_sum = layers.AdditiveAttention()([queries, values])
    return layers.Dense(2)(layers.Concatenate(axis=-1)([queries, by_product, by_sum]))


@on(SEQUENCES)
def transformer_of_series(keras, tensor):
    """Encoder blocks on numbers, with convolutions of one step."""
    layers = keras.layers
    for _ in range(2):
        inner = layers.LayerNormalization(epsilon=1e-6)(tensor)
        inner = layers.MultiHeadAttention(key_dim=2, num_heads=2, dropout=0.25)(inner, inner)
        attended = layers.Dropout(0.25)(inner) + tensor
        inner = layers.LayerNormalization(epsilon=1e-6)(attended)
        inner = layers.Dropout(0.25)(layers.Conv1D(filters=4, kernel_size=1, activation="relu")(inner))
        tensor = layers.Conv1D(filters=FEATURES, kernel_size=1)(inner) + attended
    tensor = layers.GlobalAveragePooling1D(data_format="channels_last")(tensor)
    return layers.Dense(2, activation="softmax")(layers.Dropout(0.4)(layers.Dense(4, activation="relu")(tensor)))


def transformer_of_sequences(keras):
    """An encoder, and a decoder that looks back only."""
    layers = keras.layers
    encoder_inputs = named_input(keras, "encoder_inputs", SEQUENCES)
    decoder_inputs = named_input(keras, "decoder_inputs", SEQUENCES)

    def feed_forward(tensor):
        inner = layers.Dense(FEATURES)(layers.Dense(4, activation="relu")(tensor))
        return layers.LayerNormalization()(layers.Add()([tensor, inner]))

    encoded = layers.MultiHeadAttention(num_heads=2, key_dim=2)(
        query=encoder_inputs, value=encoder_inputs, key=encoder_inputs
    )
    encoded = feed_forward(layers.LayerNormalization()(layers.Add()([encoder_inputs, encoded])))
    decoded = layers.MultiHeadAttention(num_heads=2, key_dim=2)(decoder_inputs, decoder_inputs, use_causal_mask=True)
    decoded = layers.LayerNormalization()(layers.Add()([decoder_inputs, decoded]))
    crossed = layers.MultiHeadAttention(num_heads=2, key_dim=2)(query=decoded, value=encoded, key=encoded)
    output = layers.Dense(3, activation="softmax")(feed_forward(layers.Add()([decoded, crossed])))
    inputs = OrderedDict([("encoder_inputs", SEQUENCES), ("decoder_inputs", SEQUENCES * 0.5)])
    return make_model(keras, [encoder_inputs, decoder_inputs], output), inputs


@on(TOKENS)
def vision_transformer_like(keras, tokens):
    """Learnt positions added to vectors, blocks with gelu, and a flat head."""
    layers = keras.layers
    tensor = layers.Embedding(input_dim=WORDS, output_dim=4)(tokens)
    positions = layers.Embedding(input_dim=4, output_dim=4, name="positions")(tokens)
    tensor = layers.Add()([tensor, positions])
    inner = layers.LayerNormalization(epsilon=1e-6)(tensor)
    tensor = layers.Add()([tensor, layers.MultiHeadAttention(num_heads=2, key_dim=4, dropout=0.1)(inner, inner)])
    inner = layers.Dense(8, activation="gelu")(layers.LayerNormalization(epsilon=1e-6)(tensor))
    tensor = layers.Add()([tensor, layers.Dense(4, activation="gelu")(inner)])
    return layers.Dense(3)(layers.Dropout(0.5)(layers.Flatten()(tensor)))


# --- from sequence to sequence ---------------------------------------------------------------------------------------


def sequence_to_sequence(keras):
    """An encoder whose states are those that a decoder begins with, as it is trained."""
    layers = keras.layers
    encoder_inputs = layers.Input(shape=(None, FEATURES), name="encoder_inputs")
    _, hidden, cell = layers.LSTM(4, return_state=True)(encoder_inputs)
    decoder_inputs = layers.Input(shape=(None, FEATURES), name="decoder_inputs")
    decoded, _, _ = layers.LSTM(4, return_sequences=True, return_state=True)(
        decoder_inputs, initial_state=[hidden, cell]
    )
    output = layers.Dense(3, activation="softmax")(decoded)
    model = keras.models.Model([encoder_inputs, decoder_inputs], output)
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy")
    return model, OrderedDict([("encoder_inputs", SEQUENCES), ("decoder_inputs", SEQUENCES * 0.5)])


def sequence_encoder(keras):
    """The encoder alone, which gives its states."""
    inputs = keras.layers.Input(shape=(None, FEATURES), name="first")
    _, hidden, cell = keras.layers.LSTM(4, return_state=True)(inputs)
    return keras.models.Model(inputs, [hidden, cell]), fed(SEQUENCES)


def sequence_decoder(keras):
    """The decoder of one step after the other: states come in and go out."""
    layers = keras.layers
    tokens = layers.Input(shape=(None,), name="tokens")
    states = [layers.Input(shape=(3,), name=name) for name in ("hidden", "cell")]
    decoded, hidden, cell = layers.LSTM(3, return_sequences=True, return_state=True)(
        layers.Embedding(WORDS, 3)(tokens), initial_state=states
    )
    output = layers.Dense(WORDS, activation="softmax")(decoded)
    state = SEQUENCES[:, 0]
    inputs = OrderedDict([("tokens", TOKENS[:, :1].astype("float32")), ("hidden", state), ("cell", state * 0.5)])
    return keras.models.Model([tokens] + states, [output, hidden, cell]), inputs


def sequence_repeated(keras):
    """A vector for the whole, repeated for each step to come."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.LSTM(4, activation="relu", input_shape=(STEPS, FEATURES)))
    model.add(layers.RepeatVector(2))
    model.add(layers.LSTM(4, activation="relu", return_sequences=True))
    model.add(layers.TimeDistributed(layers.Dense(1)))
    model.compile(optimizer="adam", loss="mse")
    return model, fed(SEQUENCES)


@on(SEQUENCES)
def states_through_a_stack(keras, tensor):
    """Recurrent layers of which each begins with the states of the one below, and all of which are returned."""
    layers = keras.layers
    tensor, hidden, cell = layers.LSTM(3, return_sequences=True, return_state=True)(tensor)
    states = [hidden, cell]
    tensor, hidden, cell = layers.LSTM(3, return_sequences=True, return_state=True)(tensor, initial_state=states)
    tensor, last = layers.GRU(3, return_sequences=True, return_state=True)(tensor, initial_state=hidden)
    return [layers.Dense(1)(tensor), cell, last]


# --- series ----------------------------------------------------------------------------------------------------------


def forecast(keras):
    """Recurrent layers on top of each other, with dropout between them."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.LSTM(units=4, return_sequences=True, input_shape=(STEPS, FEATURES)))
    model.add(layers.Dropout(0.2))
    model.add(layers.GRU(4, return_sequences=True, activation="tanh", recurrent_activation="sigmoid"))
    model.add(layers.SimpleRNN(units=3))
    model.add(layers.Dense(units=1))
    model.compile(optimizer="adam", loss="mean_squared_error")
    return model, fed(SEQUENCES)


def stateful_forecast(keras):
    """States that are kept from batch to batch of a fixed size."""
    layers = keras.layers
    source = layers.Input(batch_shape=(2, STEPS, FEATURES), name="first")
    tensor = layers.LSTM(3, stateful=True, return_sequences=True)(source)
    model = make_model(keras, source, layers.Dense(1)(layers.GRU(3, stateful=True)(tensor)))
    model.compile(loss="mean_squared_error", optimizer="adam")
    return model, fed(SEQUENCES)


def generated_text(keras):
    """The next character, from an embedding with a fixed number of examples and a stateful GRU."""
    layers = keras.layers
    model = keras.models.Sequential(
        [
            layers.Embedding(WORDS, 3, batch_input_shape=[2, None]),
            layers.GRU(4, return_sequences=True, stateful=True, recurrent_initializer="glorot_uniform"),
            layers.Dense(WORDS),
        ]
    )
    return model, fed(TOKENS)


def masked_steps(keras):
    """Padding that is masked through to a dense layer for each step, with a weight for each."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Masking(mask_value=0.0, input_shape=(STEPS, FEATURES)))
    model.add(layers.LSTM(3, return_sequences=True))
    model.add(layers.TimeDistributed(layers.Dense(1, activation="sigmoid")))
    model.compile(loss="binary_crossentropy", optimizer="rmsprop", sample_weight_mode="temporal")
    padded = SEQUENCES.copy()
    padded[0, 2:] = 0.0
    return model, fed(padded)


def convolutions_and_lstm(keras):
    """Convolutions shorten the series before an LSTM reads it."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Conv1D(filters=4, kernel_size=2, activation="relu", input_shape=(STEPS, FEATURES)))
    model.add(layers.MaxPooling1D(pool_size=2, strides=1))
    model.add(layers.LSTM(3, kernel_regularizer=keras.regularizers.l2(0.01)))
    model.add(layers.Dense(1))
    model.compile(loss="mae", optimizer=keras.optimizers.RMSprop())
    return model, fed(SEQUENCES)


@on(SEQUENCES)
def temporal_convolutions(keras, tensor):
    """Causal convolutions with growing holes, and what they skip."""
    layers = keras.layers
    skipped = []
    for rate in (1, 2):
        before = layers.Conv1D(4, 1, padding="same")(tensor)
        for _ in range(2):
            tensor = layers.Conv1D(4, 2, padding="causal", dilation_rate=rate, kernel_initializer="he_normal")(tensor)
            tensor = layers.SpatialDropout1D(0.05)(layers.Activation("relu")(tensor))
        skipped.append(tensor)
        tensor = layers.Activation("relu")(layers.add([before, tensor]))
    return layers.Dense(1)(layers.Flatten()(layers.add(skipped)))


@on(SEQUENCES)
def gated_convolutions(keras, tensor):
    """The product of a filter and a gate at each size of hole."""
    layers = keras.layers
    tensor = layers.Conv1D(4, 1, padding="same", activation="relu")(tensor)
    skips = []
    for rate in (1, 2):
        filtered = layers.Conv1D(filters=4, kernel_size=2, padding="causal", dilation_rate=rate)(tensor)
        gate = layers.Conv1D(filters=4, kernel_size=2, padding="causal", dilation_rate=rate)(tensor)
        product = layers.Multiply()([layers.Activation("tanh")(filtered), layers.Activation("sigmoid")(gate)])
        product = layers.Conv1D(4, 1, padding="same", activation="relu")(product)
        tensor = layers.Add()([tensor, product])
        skips.append(product)
    tensor = layers.Activation("relu")(layers.Add()(skips))
    return layers.Conv1D(1, 1, padding="same")(layers.Dropout(0.2)(tensor))


@on(SEQUENCES)
def probabilistic_forecast(keras, tensor):
    """Mean and spread of what comes next, each in an output of its own."""
    layers = keras.layers
    tensor = layers.LSTM(4, return_sequences=True, dropout=0.1)(tensor)
    tensor = layers.Dense(4, activation="relu")(tensor)
    return [layers.Dense(1, name="mu")(tensor), layers.Dense(1, activation="softplus", name="sigma")(tensor)]


@on(SEQUENCES[:, :, 0])
def expansion_of_bases(keras, tensor):
    """Blocks that take away what they explain, and add up what they foresee."""
    layers = keras.layers
    forecasts = []
    for block in range(3):
        hidden = through(tensor, layers.Dense(6, activation="relu"), layers.Dense(6, activation="relu"))
        forecasts.append(layers.Dense(2, use_bias=False, name="forecast_%d" % block)(hidden))
        tensor = layers.subtract([tensor, layers.Dense(STEPS, name="backcast_%d" % block)(hidden)])
    return layers.add(forecasts)


@on(SEQUENCES)
def recurrent_defaults(keras, tensor):
    """Recurrent layers of both directions without a single option."""
    layers = keras.layers
    joined = layers.concatenate([layers.LSTM(3)(tensor), layers.GRU(3)(tensor), layers.SimpleRNN(3)(tensor)])
    return layers.Dense(2)(layers.concatenate([joined, layers.Bidirectional(layers.LSTM(2))(tensor)]))


@on(SEQUENCES)
def speech(keras, tensor):
    """Clipped activations, recurrent layers that are added up, and the characters of each step."""
    layers = keras.layers
    for place in range(2):
        tensor = layers.TimeDistributed(layers.Dense(4, activation="relu"), name="dense%d" % place)(tensor)
        tensor = layers.Dropout(0.1)(layers.BatchNormalization()(tensor))
    forwards = layers.LSTM(3, return_sequences=True, kernel_initializer="he_normal")(tensor)
    backwards = layers.LSTM(3, return_sequences=True, go_backwards=True, kernel_initializer="he_normal")(tensor)
    return layers.Dense(4, activation="softmax", name="softmax")(layers.add([forwards, backwards]))


def captions(keras):
    """An image, as the vector of another network, and the words so far."""
    layers = keras.layers
    vector, tokens = named_input(keras, "vector", SEQUENCES[:, 0]), named_input(keras, "tokens", TOKENS)
    image = layers.Dense(4, activation="relu")(layers.Dropout(0.5)(vector))
    words = layers.LSTM(4)(layers.Dropout(0.5)(layers.Embedding(WORDS, 4, mask_zero=True)(tokens)))
    output = layers.Dense(WORDS, activation="softmax")(layers.Dense(4, activation="relu")(layers.add([image, words])))
    model = make_model(keras, [vector, tokens], output)
    model.compile(loss="categorical_crossentropy", optimizer="adam")
    return model, OrderedDict([("vector", SEQUENCES[:, 0]), ("tokens", TOKENS)])


def questions_on_stories(keras):
    """Memories that a question is compared with."""
    layers = keras.layers
    story, question = named_input(keras, "story", TOKENS), named_input(keras, "question", TOKENS)
    memory = keras.models.Sequential([layers.Embedding(WORDS, 3, input_length=4), layers.Dropout(0.3)])
    answers = keras.models.Sequential([layers.Embedding(WORDS, 4, input_length=4), layers.Dropout(0.3)])
    asked = layers.Embedding(WORDS, 3)(question)
    match = layers.Activation("softmax")(layers.dot([memory(story), asked], axes=(2, 2)))
    response = layers.Permute((2, 1))(layers.add([match, answers(story)]))
    tensor = layers.LSTM(3)(layers.concatenate([response, asked]))
    output = layers.Activation("softmax")(layers.Dense(WORDS)(layers.Dropout(0.3)(tensor)))
    return make_model(keras, [story, question], output), OrderedDict([("story", TOKENS), ("question", 3 - TOKENS)])


def bidirectional(mode, name):
    """A builder of a network whose directions are merged by *mode*."""

    @on(SEQUENCES)
    def build(keras, tensor):
        layers = keras.layers
        tensor = layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode=mode)(tensor)
        tensor = layers.concatenate(tensor) if mode is None else tensor
        return layers.Dense(2, activation="softmax")(layers.GlobalMaxPooling1D()(tensor))

    build.__name__ = "bidirectional_" + name
    return build


SEQUENCE_NETWORKS = (
    text_cnn,
    text_cnn_in_two_dimensions,
    fast_text,
    sentiment,
    sentiment_pooled,
    tagger,
    vectorized_text,
    vectorized_text_recurrent,
    attention_over_steps,
    attention_by_products,
    attention_layers,
    transformer_of_series,
    transformer_of_sequences,
    vision_transformer_like,
    sequence_to_sequence,
    sequence_encoder,
    sequence_decoder,
    sequence_repeated,
    states_through_a_stack,
    forecast,
    stateful_forecast,
    generated_text,
    masked_steps,
    convolutions_and_lstm,
    temporal_convolutions,
    gated_convolutions,
    probabilistic_forecast,
    expansion_of_bases,
    recurrent_defaults,
    speech,
    captions,
    questions_on_stories,
) + tuple(
    bidirectional(mode, name)
    for mode, name in (
        ("sum", "sum"),
        ("mul", "mul"),
        ("concat", "concat"),
        ("ave", "ave"),
        (None, "apart"),
    )
)
