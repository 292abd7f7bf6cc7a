"""Networks with layers, functions and models of their authors' own, as papers and tutorials publish them."""

from __future__ import print_function

from collections import OrderedDict

from chain_subjects import ROWS, SEQUENCES, TOKENS
from image_networks import PHOTOGRAPHS
from layer_subjects import make_model, named_input, on, through
from model_subjects import fed
from table_networks import CLASSES, perceptron


def custom_networks(own):
    """Builders of the networks that are made of what the module *own* defines."""

    # --- text and series

    @on(TOKENS)
    def attention_with_context(keras, tokens):
        layers = keras.layers
        tensor = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(layers.Embedding(5, 4)(tokens))
        return layers.Dense(1, activation="sigmoid")(own.ContextAttention(name="att")(tensor))

    @on(SEQUENCES)
    def additive_attention(keras, tensor):
        encoded, state = keras.layers.GRU(4, return_sequences=True, return_state=True)(tensor)
        return keras.layers.Dense(2)(keras.layers.concatenate([own.AdditiveScores(3)([state, encoded]), state]))

    @on(TOKENS)
    def transformer_classifier(keras, tokens):
        layers = keras.layers
        tensor = own.TokenAndPositionEmbedding(4, 5, 4)(tokens)
        tensor = layers.GlobalAveragePooling1D()(own.TransformerBlock(4, 2, 6)(tensor))
        tensor = layers.Dense(4, activation="relu")(layers.Dropout(0.1)(tensor))
        return layers.Dense(2, activation="softmax")(layers.Dropout(0.1)(tensor))

    @on(TOKENS)
    def positions_by_waves(keras, tokens):
        tensor = own.PositionalEncoding()(keras.layers.Embedding(5, 4)(tokens))
        return keras.layers.Dense(2)(keras.layers.LSTM(3)(tensor))

    @on(TOKENS)
    def tagger_with_transitions(keras, tokens):
        layers = keras.layers
        tensor = layers.Embedding(5, 4, mask_zero=True)(tokens)
        tensor = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(tensor)
        return own.Transitions(name="crf")(layers.TimeDistributed(layers.Dense(3))(tensor))

    @on(SEQUENCES)
    def cells_of_ones_own(keras, tensor):
        tensor = keras.layers.RNN(own.MinimalCell(3), return_sequences=True)(tensor)
        return keras.layers.RNN([own.MinimalCell(3), own.MinimalCell(2)])(tensor)

    @on(SEQUENCES)
    def gated_units(keras, tensor):
        layers = keras.layers
        tensor = own.GatedLinearUnit(4)(layers.LSTM(4, return_sequences=True)(tensor))
        return layers.Dense(1)(layers.GlobalMaxPooling1D()(layers.BatchNormalization()(tensor)))

    # --- images

    def residual_units(keras):
        layers = keras.layers
        model = keras.models.Sequential()
        model.add(layers.Conv2D(4, 3, padding="same", use_bias=False, input_shape=PHOTOGRAPHS.shape[1:]))
        model.add(own.ResidualUnit(4))
        model.add(own.ResidualUnit(6, strides=2))
        model.add(layers.GlobalAveragePooling2D())
        model.add(layers.Dense(3, activation="softmax"))
        return model, fed(PHOTOGRAPHS)

    @on(PHOTOGRAPHS)
    def pixel_shuffle(keras, tensor):
        tensor = own.PixelShuffle(2)(keras.layers.Conv2D(8, 3, padding="same")(tensor))
        return keras.layers.Conv2D(3, 3, padding="same", activation="tanh")(tensor)

    def capsules(keras):
        layers = keras.layers
        source = named_input(keras, "first", PHOTOGRAPHS)
        primary = layers.Conv2D(4, 3, strides=2, name="primarycap_conv2d")(source)
        primary = layers.Reshape((-1, 4), name="primarycap_reshape")(primary)
        squashed = layers.Activation(own.squash, name="primarycap_squash")(primary)
        model = make_model(keras, source, own.Length(name="capsnet")(squashed))
        model.compile(optimizer=keras.optimizers.Adam(), loss=[own.margin_loss], metrics={"capsnet": "accuracy"})
        return model, fed(PHOTOGRAPHS)

    def segmentation_by_overlap(keras):
        layers = keras.layers
        source = named_input(keras, "first", PHOTOGRAPHS)
        tensor = layers.MaxPooling2D()(layers.Conv2D(2, 3, activation="relu", padding="same")(source))
        tensor = layers.Conv2DTranspose(2, 2, strides=2)(tensor)
        model = make_model(keras, source, layers.Conv2D(1, 1, activation="sigmoid")(tensor))
        model.compile(optimizer=keras.optimizers.Adam(1e-5), loss=own.dice_loss, metrics=[own.dice_coefficient])
        return model, fed(PHOTOGRAPHS)

    def model_in_code(keras):
        model = own.ResidualNetwork()
        model.predict(PHOTOGRAPHS)
        return model, fed(PHOTOGRAPHS)

    # --- rows

    @on(ROWS)
    def deep_cross(keras, first):
        crossed = own.CrossLayer()([first, own.CrossLayer()([first, first])])
        deep = keras.layers.Dense(4, activation="relu")(first)
        return keras.layers.Dense(1, activation="sigmoid")(keras.layers.concatenate([crossed, deep]))

    @on(ROWS)
    def factorization_machine(keras, features):
        pairs = own.FactorizationMachine(2, kernel_regularizer=keras.regularizers.l2(1e-4))(features)
        return keras.layers.Activation("sigmoid")(keras.layers.add([keras.layers.Dense(1)(features), pairs]))

    def variational(keras):
        layers = keras.layers
        source = named_input(keras, "first", ROWS)
        hidden = layers.Dense(4, activation="relu")(source)
        code = own.Sampling(name="z")(
            [layers.Dense(2, name="z_mean")(hidden), layers.Dense(2, name="z_log_var")(hidden)]
        )
        model = make_model(keras, source, layers.Dense(4, activation="sigmoid")(code))
        model.compile(optimizer="adam", loss="mse")
        return model, fed(ROWS)

    def center_loss(keras):
        layers = keras.layers
        source, label = named_input(keras, "first", ROWS), named_input(keras, "label", CLASSES)
        features = layers.PReLU(name="features")(layers.Dense(2)(source))
        outputs = [layers.Dense(3, activation="softmax", name="main_out")(features)]
        outputs.append(own.CenterLoss(name="centerlosslayer")([features, label]))
        return make_model(keras, [source, label], outputs), OrderedDict([("first", ROWS), ("label", CLASSES)])

    @on(ROWS)
    def spectral_discriminator(keras, tensor):
        return through(
            tensor, own.SpectralDense(4), keras.layers.LeakyReLU(alpha=0.2), own.SpectralDense(1, activation="sigmoid")
        )

    @on(ROWS)
    def mixture(keras, tensor):
        layers = keras.layers
        hidden = layers.Dense(4, activation="relu")(tensor)
        spreads = layers.Dense(2, activation=own.elu_plus_one, name="mdn_sigmas")(hidden)
        return layers.Concatenate(name="mdn_outputs")([layers.Dense(2, name="mdn_mus")(hidden), spreads])

    @on(ROWS)
    def dropout_always(keras, tensor):
        # So rare that a model computes the same each time.
        tensor = own.AlwaysDropout(1e-9)(keras.layers.Dense(4, activation="relu")(tensor))
        return keras.layers.Dense(1)(tensor)

    @on(ROWS)
    def arguments_of_ones_own(keras, tensor):
        tensor = keras.layers.Dense(
            4, kernel_initializer=own.small_weights, kernel_regularizer=own.OrthogonalRegularizer(0.2)
        )(tensor)
        return keras.layers.Dense(2, kernel_constraint=own.Bounded(), activation=own.squeeze_activation)(tensor)

    # --- what they are trained with

    def compiled(make_arguments):
        def build(keras):
            model = perceptron(keras)
            model.compile(**make_arguments(keras))
            model.train_on_batch(ROWS, CLASSES)
            return model, fed(ROWS)

        build.__name__ = make_arguments.__name__
        return build

    @compiled
    def loss_with_arguments(keras):
        return {"optimizer": "adam", "loss": own.focal_loss(gamma=1.5), "metrics": ["accuracy"]}

    @compiled
    def loss_and_metric_classes(keras):
        return {"optimizer": "sgd", "loss": own.ScaledHuber(0.7), "metrics": [own.MeanPrediction()]}

    @compiled
    def schedule(keras):
        optimizer = keras.optimizers.Adam(own.WarmUp(16), beta_1=0.9, beta_2=0.98, epsilon=1e-9)
        return {"optimizer": optimizer, "loss": "mse"}

    def step_of_training(keras):
        source = named_input(keras, "first", ROWS)
        model = own.StepModel(source, keras.layers.Dense(3)(keras.layers.Dense(4, activation="relu")(source)))
        model.compile(optimizer="adam")
        model.fit(ROWS, CLASSES, epochs=1, verbose=0)
        return model, fed(ROWS)

    return (
        attention_with_context,
        additive_attention,
        transformer_classifier,
        positions_by_waves,
        tagger_with_transitions,
        cells_of_ones_own,
        gated_units,
        residual_units,
        pixel_shuffle,
        capsules,
        segmentation_by_overlap,
        model_in_code,
        deep_cross,
        factorization_machine,
        variational,
        center_loss,
        spectral_discriminator,
        mixture,
        dropout_always,
        arguments_of_ones_own,
        step_of_training,
        loss_with_arguments,
        loss_and_metric_classes,
        schedule,
    )
