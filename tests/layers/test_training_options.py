"""How a curve is trained: which points move, what is added to the loss, where each part runs."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from model_zoo import BATCH, ZOO, flat, numpy, some

from mc_tf import Bezier, Combination, CurveDense, CurveModel, Segment, connect

JAX = keras.backend.backend() == "jax"


def networks(name, count):
    return [ZOO[name].model(seed) for seed in range(1, count + 1)]


def simplex(name="dense", count=3, **kwargs):
    models = networks(name, count)
    curve = kwargs.pop("curve", Combination(count))
    return connect(models[0], models[-1], curve, bends=models[1:-1], **kwargs)


# Points of a simplicial complex.


def test_draws_are_uniform_in_one_of_the_simplexes():
    curve = Combination(4, simplexes=[[0, 3], [1, 2, 3]])
    drawn = curve.sample(900, seed=1)
    assert drawn.shape == (900, 4) and drawn.dtype == np.float32
    np.testing.assert_allclose(drawn.sum(1), 1, rtol=1e-5)
    used = drawn > 0
    line = used[:, 0]
    assert (used[line] == [True, False, False, True]).all()
    assert (used[~line] == [False, True, True, True]).all()
    assert abs(line.mean() - 0.5) < 0.07  # each simplex equally often
    # Uniform in a simplex of d vertices: mean 1 / d, variance (d - 1) / d^2 / (d + 1).
    for rows, d in ((drawn[line][:, [0, 3]], 2), (drawn[~line][:, 1:], 3)):
        np.testing.assert_allclose(rows.mean(0), 1 / d, atol=0.05)
        np.testing.assert_allclose(rows.var(0), (d - 1) / d**2 / (d + 1), rtol=0.2)


def test_positions_of_every_curve_are_sampled():
    drawn = Bezier(2).sample(300, seed=2)
    assert drawn.shape == (300,) and drawn.min() >= 0 and drawn.max() <= 1
    assert abs(drawn.mean() - 0.5) < 0.06
    np.testing.assert_array_equal(drawn[:5], Bezier(2).sample(5, seed=2))
    with pytest.raises(ValueError, match="`n` must be at least 1"):
        Bezier(1).sample(0)


def test_a_complex_is_saved_and_old_configurations_load():
    curve = Combination(3, simplexes=((0, 2), (1, 2)))
    again = Combination.from_config(curve.get_config())
    assert again.simplexes == curve.simplexes == [[0, 2], [1, 2]]
    assert repr(Combination.from_config({"num_points": 3})) == "Combination(num_points=3)"
    assert Combination(3).simplexes == [[0, 1, 2]]


@pytest.mark.parametrize(
    "simplexes",
    [[], [[]], [[0, 1]], [[0, 1], [1, 3]], [[0, 1, 1], [2, 0]], [0, 1, 2], "012", [[0.5, 1], [2]]],
    ids=str,
)
def test_bad_complexes_are_refused(simplexes):
    with pytest.raises(ValueError, match=r"`simplexes` must be .* from 0 to 2.*Received"):
        Combination(3, simplexes)


# Fixed points.


def test_fixed_points_stay_and_others_move():
    model = simplex(count=4, fixed=[0, 2, -1])
    assert [v.name for v in model.trainable_variables] == ["bend_1"]
    assert (model.curve_layer.fix_start, model.curve_layer.fix_end) == (True, True)
    model.compile(keras.optimizers.SGD(0.1), ZOO["dense"].loss())
    before = numpy(model.control_points())
    model.fit(*ZOO["dense"].data(), batch_size=BATCH, verbose=0)
    after = numpy(model.control_points())
    np.testing.assert_array_equal(after[[0, 2, 3]], before[[0, 2, 3]])
    assert np.abs(after[1] - before[1]).max() > 0


def test_fixed_replaces_the_ends():
    assert simplex(fixed=[1]).curve_layer.fixed == (1,)
    assert simplex(fixed=[]).curve_layer.fixed == ()
    assert simplex(fix_end=False).curve_layer.fixed == (0,)
    assert not simplex(fixed=[1]).curve_layer.fix_end


@pytest.mark.parametrize("fixed", [3, "0", [3], [-4], [0.5], None])
def test_bad_fixed_points_are_refused(fixed):
    if fixed is None:
        assert simplex(fixed=None).curve_layer.fixed == (0, 2)
        return
    with pytest.raises(ValueError, match=r"`fixed` must be .*Received: fixed="):
        simplex(fixed=fixed)


# A term of the loss for the control points.


@keras.saving.register_keras_serializable("test_training_options")
class Spread(keras.regularizers.Regularizer):
    """The mean squared distance of neighbors, times a factor."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def __call__(self, inner, curve):
        steps = np.diff(np.eye(curve.num_points), axis=0)
        return self.factor * sum(inner(step, step) for step in steps) / len(steps)

    def get_config(self):
        return {"factor": self.factor}


def test_a_regularizer_of_the_points_is_part_of_the_training_loss():
    model = simplex(points_regularizer=Spread(0.5))
    points = numpy(model.control_points()).astype("float64")
    expected = 0.5 * np.square(np.diff(points, axis=0)).sum(1).mean()
    x, y = ZOO["dense"].data(BATCH)
    model(x, training=False)
    without = float(sum(model.losses))  # the L2 term of the network
    model(x, t=model.t, training=True)
    assert float(sum(model.losses)) - without == pytest.approx(expected, rel=1e-4)
    # A step at rate 1 with no other loss moves the points by its gradient.
    model.compile(keras.optimizers.SGD(1.0), lambda y, p: 0 * ops.sum(p))
    for each in model.network.trainable_variables:
        each.regularizer = None
    free = CurveModel(model.network, model.curve, fixed=[], points_regularizer=Spread(0.5))
    for index, point in enumerate(points):
        free.curve_layer.set_point(index, point.astype("float32"))
    free.compile(keras.optimizers.SGD(0.1), lambda y, p: 0 * ops.sum(p))
    free.train_on_batch(x, y)
    a, b = np.diff(points, axis=0)
    gradient = 0.5 * np.stack([-a, a - b, b])  # the mean of two squares, times 0.5
    np.testing.assert_allclose(
        numpy(free.control_points()), points - 0.1 * gradient, rtol=1e-4, atol=1e-5
    )


def test_inner_products_of_combinations():
    layer = simplex().curve_layer
    points = np.stack([numpy(each) for each in layer.points]).astype("float64")
    inner = layer.inner_products()
    rows = np.array([[1.0, 0, 0], [1, -1, 0], [-2, 0, 0.5], [-1, 1, 1], [0, 0, 0]])
    expected = rows @ points @ points.T @ rows.T
    found = [[float(inner(a, b)) for b in rows] for a in rows]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_network_that_does_not_know_training_has_the_term_too():
    class Plain(keras.Model):
        def build(self, shape):
            self.w = self.add_weight(shape=(2,), name="w")
            self.built = True

        def call(self, x):
            return x * self.w

    models = Plain(), Plain()
    for value, model in enumerate(models):
        model.build((None, 2))
        model.w.assign([value, value])
    curve_model = connect(*models, Segment(), points_regularizer=Spread())
    curve_model(np.ones((1, 2), "float32"), training=True)
    assert [float(loss) for loss in curve_model.losses] == [2.0]


def test_bad_regularizers_are_refused():
    with pytest.raises(ValueError, match="`points_regularizer` must be a function.*Received: 0.1"):
        simplex(points_regularizer=0.1)


# Positions in training.


class Weightless(keras.Model):
    """Gives its weight back: the output shows where on the curve it runs."""

    def build(self, shape):
        self.w = self.add_weight(shape=(), name="w")
        self.built = True

    def call(self, x):
        return x * 0 + self.w


def ruler(**kwargs):
    """A curve model whose output is `t` itself."""
    models = Weightless(), Weightless()
    for value, model in enumerate(models):
        model.build((None, 1))
        model.w.assign(value)
    return connect(*models, Segment(), **kwargs)


PARTS = ["dense", "two_inputs", "subclassed"]


def test_each_part_of_a_batch_has_its_own_position():
    found = numpy(ruler(positions_per_batch=3, seed=1)(np.ones((8, 1)), training=True))[:, 0]
    assert len(np.unique(found)) == 3
    assert [len(set(part)) for part in (found[:2], found[2:5], found[5:])] == [1, 1, 1]
    # One position, when it is given and at inference.
    model = ruler(positions_per_batch=3)
    model.t = 0.25
    np.testing.assert_allclose(numpy(model(np.ones((8, 1)), t=0.5, training=True)), 0.5)
    np.testing.assert_allclose(numpy(model(np.ones((2, 1)))), 0.25)


@pytest.mark.parametrize("name", some(PARTS, PARTS, ["two_inputs"]))
def test_parts_are_separate_calls(name):
    """Outputs, their order and the losses equal calls with the parts."""
    case = ZOO[name]
    x, _ = case.data(8)
    model = simplex(name, positions_per_batch=2, curve=Bezier(1), seed=4)
    drawn = []

    class Recorded(Bezier):
        def draw(self, seed):
            drawn.append(super().draw(seed))
            return drawn[-1]

    model.curve_layer.curve = Recorded(1)
    found = keras.tree.flatten(model(x, training=True))
    losses = sum(map(numpy, model.losses))
    assert len(drawn) == 2
    if name == "subclassed":  # which has dropout: only the shapes
        assert [each.shape[0] for each in found] == [8] * len(found)
        return
    each, expected = [], 0
    for t, rows in zip(drawn, (slice(4), slice(4, 8))):
        part = keras.tree.map_structure(lambda leaf, rows=rows: leaf[rows], x)
        each.append(keras.tree.flatten(model(part, t=t, training=True)))
        expected += sum(map(numpy, model.losses)) / 2
    for k, outputs in enumerate(found):
        joined = np.concatenate([numpy(part[k]) for part in each])
        np.testing.assert_allclose(numpy(outputs), joined, rtol=1e-4, atol=1e-5)
    assert losses == pytest.approx(expected, rel=1e-4)


def test_parts_keep_their_masks():
    inputs = keras.Input((None,), dtype="int32")
    hidden = layers.Embedding(5, 3, mask_zero=True)(inputs)
    hidden = CurveDense(3, curve=Segment(), positions_per_batch=2)(hidden)
    network = keras.Model(inputs, layers.GlobalAveragePooling1D()(hidden))
    for index in (0, -1):
        network.layers[2].set_point(index, np.ones(12, "float32") * (1 + index))
    words = np.array([[1, 2, 0, 0], [3, 0, 0, 0], [1, 1, 1, 2], [4, 4, 0, 0]], "int32")
    long = np.concatenate([words, np.zeros_like(words)], axis=1)
    with keras.StatelessScope():
        first = numpy(network(words, training=True))
    with keras.StatelessScope():
        second = numpy(network(long, training=True))
    np.testing.assert_allclose(first, second, rtol=1e-5)


def test_training_with_parts_of_batches_of_every_size():
    x, y = ZOO["conv_bn"].data(7)  # the last batch has three
    model = simplex("conv_bn", curve=Bezier(1), positions_per_batch=3, fixed=[])
    model.compile(keras.optimizers.SGD(0.05), ZOO["conv_bn"].loss())
    history = model.fit(x, y, batch_size=4, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert model.predict(x, verbose=0).shape[0] == 7
    error = ValueError
    if not JAX:
        import tensorflow as tf

        error = (ValueError, tf.errors.InvalidArgumentError)
    with pytest.raises(error, match="an example for each of 3 positions"):
        model.fit(x[:5], y[:5], batch_size=4, verbose=0)  # the last has one
    with pytest.raises(ValueError, match="for each of 3 positions. Received: 2 examples"):
        model(x[:2], training=True)


@pytest.mark.parametrize("curve", [Bezier(1), Combination(3)], ids=repr)
def test_each_layer_has_its_own_position(curve):
    """The outputs are those of a network whose layers have weights of different positions."""
    case, seen = ZOO["conv_bn"], []
    model = simplex("conv_bn", curve=curve, position_per="layer", seed=3)

    class Recorded(type(curve)):
        def _coefficients(self, t):
            seen.append(super()._coefficients(t))
            return seen[-1]

    model.curve_layer.curve = Recorded.from_config(curve.get_config())
    x, _ = case.data(BATCH)
    found = numpy(model(x, training=True))
    ((*rows,),) = map(numpy, seen)
    plain = case.model(1)
    owners = [v.path.split("/")[-2] for v in plain.trainable_variables]
    assert len(np.unique(rows, axis=0)) == len(rows) == len(set(owners)) > 2
    points = numpy(model.control_points())
    for k, (variable, owner) in enumerate(zip(plain.trainable_variables, owners)):
        layout = model.curve_layer.layout
        first = sum(layout.sizes[:k])
        part = points[:, first : first + layout.sizes[k]]
        row = rows[list(dict.fromkeys(owners)).index(owner)]
        variable.assign((row @ part).reshape(variable.shape))
    np.testing.assert_allclose(found, numpy(plain(x, training=True)), rtol=1e-3, atol=1e-4)
    # At inference all layers share the position.
    model.t = model.t
    np.testing.assert_allclose(flat(model.point(model.t)), points[0], atol=1e-6)


def test_named_layers_draw_their_own_positions():
    inputs = keras.Input((1,))

    def part(seed):
        options = {"curve": Segment(), "seed": seed, "use_bias": False, "position_per": "layer"}
        layer = CurveDense(1, **options)
        found = layer(inputs)
        layer.set_point(0, np.zeros(1, "float32"))
        layer.set_point(-1, np.ones(1, "float32"))
        return found

    network = keras.Model(inputs, layers.Concatenate()([part(1), part(2)]))
    found = numpy(network(np.ones((4, 1), "float32"), training=True))
    assert len(np.unique(found)) == 2


@pytest.mark.parametrize("number", [0, -1, 1.5, True, "2", None])
def test_bad_numbers_of_positions_are_refused(number):
    with pytest.raises(ValueError, match="`positions_per_batch` must be at least 1"):
        ruler(positions_per_batch=number)


def test_batches_of_stateful_networks_are_not_split():
    nets = networks("stateful_lstm", 2)
    with pytest.raises(ValueError, match="stateful layer 'lstm.*cannot be split.*per_batch=2"):
        connect(*nets, positions_per_batch=2)


# Saved.


def test_all_of_it_is_saved(tmp_path):
    options = {"position_per": "layer", "positions_per_batch": 2, "fixed": [0, 1]}
    curve = Combination(3, simplexes=[[0, 2], [1, 2]])
    model = simplex(curve=curve, points_regularizer=Spread(0.3), seed=1, **options)
    model.compile(keras.optimizers.SGD(0.1), ZOO["dense"].loss())
    x, y = ZOO["dense"].data(BATCH)
    model.fit(x, y, batch_size=BATCH, verbose=0)
    model.save(tmp_path / "a.keras")
    again = keras.saving.load_model(tmp_path / "a.keras")
    layer = again.curve_layer
    assert (layer.position_per, layer.positions_per_batch, layer.fixed) == ("layer", 2, (0, 1))
    assert (layer.points_regularizer.factor, again.curve.simplexes) == (0.3, [[0, 2], [1, 2]])
    for each in (model, again):
        each.fit(x, y, batch_size=BATCH, verbose=0, shuffle=False)
    np.testing.assert_allclose(
        numpy(again.control_points()), numpy(model.control_points()), rtol=1e-5, atol=1e-6
    )
    part = CurveDense(2, curve=Segment(), points_regularizer=Spread(), **options | {"fixed": []})
    copy = CurveDense.from_config(part.get_config())
    assert (copy.position_per, copy.positions_per_batch, copy.fixed) == ("layer", 2, ())
    assert isinstance(copy.points_regularizer, Spread) and isinstance(copy.curve, Segment)
