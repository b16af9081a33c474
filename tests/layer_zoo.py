"""Small networks with each layer and operation that alignment knows, and some that it must not.

`NETWORKS` maps a name to `(make, sizes)`: a function that makes the model, and the sizes of the
groups that can be permuted, counted by hand.
"""

import keras
import numpy as np
from keras import layers as L
from keras import ops

Dense = L.Dense
NETWORKS = {}


def network(*shape, sizes, dtype=None):
    """Adds a functional model, given by a function of its input."""

    def add(function):
        def make():
            inputs = keras.Input(shape, dtype=dtype)
            return keras.Model(inputs, function(inputs))

        NETWORKS[function.__name__] = make, sizes
        return function

    return add


def chain(name, *shape, sizes):
    """Adds a sequential model, given by a function that makes its layers."""

    def add(function):
        NETWORKS[name] = lambda: keras.Sequential([keras.Input(shape), *function()]), sizes

    return add


def layer_of_activations(x):
    """As users write it."""
    return L.LeakyReLU(0.3)(x)


def inputs_of(model, size=4, seed=0):
    """Random inputs."""
    rng, (given,) = np.random.default_rng(seed), model.inputs
    if "int" in given.dtype:
        return rng.integers(1, 11, (size, *given.shape[1:])).astype("int32")
    return rng.standard_normal((size, *given.shape[1:])).astype("float32")


# Images.

chain("flatten", 6, 6, 2, sizes=[4, 5])(
    lambda: [L.Conv2D(4, 3), L.Flatten(), Dense(5, "relu"), Dense(3)]
)
chain("conv1d", 6, 2, sizes=[4])(
    lambda: [
        *(L.Conv1D(4, 3, padding="causal"), L.MaxPooling1D(), L.UpSampling1D(2)),
        *(L.ZeroPadding1D(1), L.Cropping1D((0, 1)), L.GlobalMaxPooling1D(), Dense(3)),
    ]
)
chain("conv3d", 4, 4, 4, 2, sizes=[4])(
    lambda: [L.Conv3D(4, 3), L.AveragePooling3D(2), L.Flatten(), Dense(3)]
)
chain("transposed", 4, 4, 2, sizes=[4, 5])(
    lambda: [
        *(L.Conv2DTranspose(4, 3, strides=2), L.Conv2DTranspose(5, 3, activation="relu")),
        *(L.GlobalAveragePooling2D(), Dense(3)),
    ]
)
chain("depthwise", 6, 6, 2, sizes=[4, 3])(  # three units within each of four
    lambda: [
        *(L.Conv2D(4, 3), L.DepthwiseConv2D(3, depth_multiplier=3), L.BatchNormalization()),
        *(L.GlobalAveragePooling2D(), Dense(3)),
    ]
)
chain("separable", 6, 6, 2, sizes=[4, 2, 5])(
    lambda: [
        *(L.Conv2D(4, 3), L.SeparableConv2D(5, 3, depth_multiplier=2)),
        *(L.PReLU(shared_axes=[1, 2]), L.PReLU(), L.Flatten(), Dense(3)),
    ]
)
chain("grouped", 6, 6, 2, sizes=[4, 2, 3])(
    lambda: [
        *(L.Conv2D(8, 3), L.Conv2D(12, 3, groups=4), L.GroupNormalization(4)),
        *(L.GlobalAveragePooling2D(), Dense(3)),
    ]
)
chain("group_norms", 6, 6, 2, sizes=[4, 2, 2, 2, 2])(  # the last: 2 x 4 and 4 x 2 of 8 units
    lambda: [
        *(L.Conv2D(8, 3), L.GroupNormalization(4), L.GroupNormalization(-1)),
        *(L.GroupNormalization(1), L.Conv2D(8, 1), L.GroupNormalization(2)),
        *(L.GroupNormalization(4), L.GlobalAveragePooling2D(), Dense(3)),
    ]
)
chain("padded_channels", 6, 6, 2, sizes=[4, 2, 5])(  # two of the three zeros are on one side
    lambda: [
        L.Conv2D(4, 3),
        L.ZeroPadding2D(((0, 0), (1, 2)), data_format="channels_first"),
        *(L.Conv2D(5, 3), L.Flatten(), Dense(3)),
    ]
)
chain("conv_lstm", 3, 6, 6, 2, sizes=[4, 3])(
    lambda: [
        *(L.ConvLSTM2D(4, 3, return_sequences=True), L.TimeDistributed(L.BatchNormalization())),
        *(L.ConvLSTM2D(3, 3), L.Flatten(), Dense(3)),
    ]
)

# Vectors.

chain("norms", 4, sizes=[8])(
    lambda: [
        *(Dense(8), L.LayerNormalization(), L.RMSNormalization(), L.UnitNormalization()),
        *(L.Softmax(), Dense(3)),
    ]
)
chain("activations", 4, sizes=[5, 6, 7, 4])(
    lambda: [
        *(Dense(5, "hard_silu"), Dense(6, "softmax"), Dense(7, lambda x: ops.sin(x) * 2)),
        *(Dense(4, layer_of_activations), Dense(3)),
    ]
)
chain("rescaled", 4, sizes=[6])(
    lambda: [
        *(Dense(5), L.Rescaling(np.arange(5.0)), Dense(6), L.Rescaling(2.0, 1.0), Dense(3)),
    ]
)
chain("lambdas", 4, sizes=[5])(
    lambda: [
        *(Dense(6), L.Lambda(lambda x: ops.flip(x, -1) * 2)),
        *(Dense(5), L.Lambda(lambda x: x**2), Dense(3)),
    ]
)


@network(4, sizes=[8, 4])
def residual(x):
    hidden = Dense(8, "relu")(x)
    added = L.Add()([hidden, Dense(8)(L.LayerNormalization()(hidden))])
    scaled = L.Multiply()([added, Dense(8, "sigmoid")(x)])
    joined = L.Concatenate()([scaled, Dense(4)(x), scaled])
    return Dense(3)(L.Average()([joined, Dense(20)(joined)]))


@network(4, sizes=[6, 7])
def nested_twice(x):
    inner = keras.Sequential([keras.Input((6,)), Dense(7, "relu"), Dense(6)])
    return Dense(3)(inner(inner(Dense(6)(x))) + inner(Dense(6)(x)))


@network(4, sizes=[6])
def dots(x):
    return Dense(3)(L.Dot(1)([Dense(6)(x), Dense(6)(x)]))


# Texts and sequences.


def _language(cell, **options):
    def language(x):
        x = L.Embedding(11, 6, mask_zero=True)(x)
        x = cell(7, return_sequences=True, **options)(x)
        x = L.Bidirectional(cell(5, return_sequences=True, **options))(x)
        return Dense(3)(L.Bidirectional(cell(4, **options), merge_mode="sum")(x))

    return language


for _name, _function in {
    "lstm": _language(L.LSTM),
    "gru": _language(L.GRU),
    "gru_before": _language(L.GRU, reset_after=False),
    "simple_rnn": _language(L.SimpleRNN, activation="softmax"),
}.items():
    _function.__name__ = _name
    network(5, sizes=[6, 7, 5, 5, 4], dtype="int32")(_function)


@network(5, sizes=[6, 5, 4], dtype="int32")
def states(x):
    x = L.Embedding(11, 6)(x)
    _, *state = L.LSTM(5, return_state=True)(x)
    return Dense(3)(
        L.TimeDistributed(Dense(4))(L.LSTM(5, return_sequences=True)(x, initial_state=state))
    )


@network(5, 3, sizes=[4, 5])
def stacked_cells(x):
    return Dense(2)(L.RNN([L.LSTMCell(4), L.GRUCell(5)])(x))


class Positions(L.Layer):
    """Embeddings of words and of positions, as Keras' own examples write them."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.words, self.places = L.Embedding(11, 8), L.Embedding(5, 8)

    def build(self, shape):
        self.words.build(shape)
        self.places.build((5,))

    def call(self, x):
        return self.words(x) + self.places(ops.arange(x.shape[-1]))


def _transformer(attention):
    def transformer(x):
        x = Positions()(x)
        for _ in range(2):
            x = L.LayerNormalization()(x + attention()(x, x, use_causal_mask=True))
            x = L.LayerNormalization()(x + Dense(8)(Dense(12, "gelu")(x)))
        return Dense(3)(x)

    return transformer


_transformers = {
    "transformer": (
        lambda: L.MultiHeadAttention(3, 4, value_dim=5, dropout=0.1),
        [8, *[3, 4, 5, 12] * 2],
    ),
    "grouped_queries": (lambda: L.GroupQueryAttention(4, 6, 2), [8, *[2, 3, 4, 4, 12] * 2]),
}
for _name, (_attention, _sizes) in _transformers.items():
    _function = _transformer(_attention)
    _function.__name__ = _name
    network(5, sizes=_sizes, dtype="int32")(_function)


@network(5, 6, sizes=[8, 8, 4, 4])  # the heads of the scores are an output
def scores(x):
    both = L.MultiHeadAttention(3, 4)(Dense(8)(x), Dense(8)(x), return_attention_scores=True)
    return list(both)


@network(5, 4, sizes=[6, 7, 9])
def attentions(x):
    dot = L.Attention(use_scale=True)([Dense(6)(x), Dense(7)(x), Dense(6)(x)])
    return Dense(3)(dot + Dense(7)(L.AdditiveAttention()([Dense(9)(x), Dense(9)(x)])))


@network(5, 4, sizes=[8, 10])
def mixer(x):
    x = Dense(8)(x)
    y = Dense(5)(Dense(10, "gelu")(L.Permute((2, 1))(x)))
    return Dense(3)(L.GlobalAveragePooling1D()(x + L.Permute((2, 1))(y)))


# Operations.


@network(4, sizes=[6, 3, 3, 3])  # of nine, each third for itself
def halves(x):
    one, two = ops.split(Dense(12)(x), 2, axis=-1)
    joined = ops.concatenate([one * ops.sigmoid(two), two], -1)
    return Dense(3)(joined) + Dense(3)(Dense(9)(x)[:, 3:6])


@network(4, sizes=[3, 4, 3, 4, 4, 6, 5, 4])
def shapes(x):
    turned = ops.transpose(ops.reshape(Dense(12)(x), (-1, 3, 4)), (0, 2, 1))
    swapped = ops.swapaxes(ops.reshape(Dense(12)(x), (-1, 3, 4)), 1, 2)
    stacked = ops.mean(ops.stack([Dense(4)(x), Dense(4)(x)], 1), 1)
    wide = ops.broadcast_to(Dense(5)(x)[:, None], (4, 2, 5))
    return (
        Dense(3)(ops.reshape(turned, (-1, 12)))
        + ops.mean(Dense(3)(swapped), 1)
        + Dense(3)(ops.repeat(Dense(4)(x), 2, axis=-1))
        + Dense(3)(ops.where(Dense(6)(x) > 0, 0.5, 1.0))
        + Dense(3)(wide[:, 1])
        + ops.squeeze(ops.expand_dims(Dense(3)(ops.softmax(stacked)), 1), 1)
    )


@network(4, sizes=[])
def orders(x):
    best = ops.cast(ops.argmax(Dense(4)(x), -1, keepdims=True), "float32")
    taken = ops.take(Dense(4)(x), ops.array([1, 0, 2]), axis=-1)
    return Dense(3)(ops.cumsum(Dense(5)(x), -1)) + Dense(3)(taken) + Dense(3)(best)


@network(5, 6, sizes=[3, 4, 5, 6])
def einsums(x):
    query = L.EinsumDense("abc,cde->abde", (None, 3, 4), bias_axes="de")(x)
    key = L.EinsumDense("abc,cde->abde", (None, 3, 4))(x)
    value = L.EinsumDense("...c,cde->...de", (3, 5))(x)
    weights = ops.softmax(ops.einsum("btde,bsde->bdts", query, key))
    found = ops.einsum("bdts,bsde->btde", weights, value)
    found = L.EinsumDense("abde,dec->abc", (None, 6), bias_axes="c")(found)
    return Dense(3)(ops.matmul(ops.matmul(found, ops.transpose(found, (0, 2, 1))), found))


# Layers of the user's own.


class Gated(L.Layer):
    """A block as in language models, with its own weights."""

    def build(self, shape):
        self.into = self.add_weight(shape=(shape[-1], 10), name="into")
        self.bias = self.add_weight(shape=(10,), name="bias")
        self.out = Dense(shape[-1])
        self.out.build((*shape[:-1], 5))

    def call(self, x):
        one, two = ops.split(ops.matmul(x, self.into) + self.bias, 2, axis=-1)
        self.add_loss(ops.mean(one))
        return x + self.out(ops.silu(one) * two)


class Slow(L.Layer):
    """Not of Keras operations."""

    def call(self, x):
        return x * np.arange(x.shape[-1]).astype("float32") if ops.is_tensor(x) else x.numpy()

    def compute_output_shape(self, shape):
        return shape


class Numbered(Dense):
    """A layer of Keras with another computation."""

    def call(self, x):
        return super().call(x) * ops.arange(self.units, dtype="float32")


class Sorted(L.Layer):
    """Uses its weight where no operation shows it."""

    def build(self, shape):
        self.factors = self.add_weight(shape=(shape[-1],), name="factors")

    def call(self, x):
        return x * ops.sort(ops.convert_to_tensor(self.factors))


class Tied(L.Layer):
    """Words in and words out by one table."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.words, self.hidden = L.Embedding(11, 6), Dense(6, "tanh")

    def build(self, shape):
        self.words.build(shape)
        self.hidden.build((*shape, 6))

    def call(self, x):
        return ops.matmul(self.hidden(self.words(x)), ops.transpose(self.words.embeddings))


class TwoUses(L.Layer):
    """An operation shows one use of the weight, and nothing the other."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], shape[-1]), name="kernel")

    def call(self, x):
        return ops.matmul(ops.matmul(x, self.kernel), ops.exp(ops.transpose(self.kernel)))


@network(5, sizes=[6], dtype="int32")
def tied(x):
    return Tied()(x)


chain("two_uses", 4, sizes=[5])(lambda: [Dense(6), TwoUses(), Dense(5), Dense(3)])
chain("gated", 4, sizes=[6, 5])(lambda: [Dense(6), Gated(), Dense(3)])
chain("slow", 4, sizes=[5])(lambda: [Dense(6), Slow(), Dense(5), Dense(3)])
chain("numbered", 4, sizes=[5])(lambda: [Dense(5), Numbered(6), Dense(3)])
chain("sorted", 4, sizes=[])(lambda: [Dense(6), Sorted(), Dense(3)])
