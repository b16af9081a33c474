"""SWAG: moments, deviations and samples against numpy and scipy; resumed; served."""

import functools

import keras
import numpy as np
import pytest
from keras import layers, ops
from model_zoo import long_under_jax, some
from programs import needs_tensorflow
from scipy.stats import multivariate_normal

import mc_tf
from mc_tf.posterior import GaussianPosterior
from mc_tf.storage.averages import WeightAverage
from mc_tf.storage.moments import WeightMoments
from mc_tf.weights.flat import flat_weights

EPOCHS, SIZE, BATCH = 6, 48, 8


def data(size=SIZE, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(size, 4)).astype("float32")
    return x, (x[:, 0] > 0).astype("int32") + (x[:, 1] > 0)


def network(hidden=(), precision="float32"):
    """`hidden` holds functions that create layers."""
    keras.utils.set_random_seed(0)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        parts = [keras.Input((4,)), *(make() for make in hidden)]
        model = keras.Sequential([*parts, layers.Dense(3, dtype="float32")])
    finally:
        keras.config.set_dtype_policy(before)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss, metrics=["accuracy"])
    return model


def normalized():
    return network([lambda: layers.Dense(5), layers.BatchNormalization, layers.ReLU])


class Recorder(keras.callbacks.Callback):
    """The weights at the start and after each epoch."""

    def on_train_begin(self, logs=None):
        self.weights = [flat_weights(self.model)]

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(flat_weights(self.model))


def fit(model, callbacks, epochs=EPOCHS, **kwargs):
    options = {"batch_size": BATCH, "shuffle": False, "verbose": 0, **kwargs}
    return model.fit(*data(), epochs=epochs, callbacks=callbacks, **options)


def oracle(weights, rank):
    """Algorithm 1 in numpy: mean, variance and deviations of the networks so far."""
    weights = np.asarray(weights, "float64")
    means = np.cumsum(weights, 0) / np.arange(1, len(weights) + 1)[:, None]
    variance = (weights**2).mean(0) - weights.mean(0) ** 2
    return means[-1], variance, (weights - means)[-rank:]


@functools.cache
def posterior():
    """Of a small network, with more networks than deviations."""
    recorder, swag = Recorder(), mc_tf.SWAG(0, max_rank=4, batch_norm_data=False)
    fit(network(), [recorder, swag])
    return swag.posterior, recorder.weights


def covariance(found, scale, low_rank):
    cross = found.deviations.astype("float64")
    cross = cross.T @ cross / (len(cross) - 1)
    return scale * (np.diag(found.variance) + low_rank * cross)


@pytest.mark.parametrize("rank", [3, 20])
@pytest.mark.parametrize("precision", some(["float32", "mixed_bfloat16"], ["float32"]))
def test_moments_and_deviations_are_numpys(rank, precision):
    model, recorder = network([lambda: layers.Dense(3)], precision), Recorder()
    swag = mc_tf.SWAG(2, max_rank=rank, batch_norm_data=False)
    fit(model, [recorder, swag])
    found = swag.posterior
    expected = oracle(recorder.weights[2:], rank)
    for one, two in zip((found.mean, found.variance, found.deviations), expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-6)
    assert (found.mean.dtype, found.deviations.dtype) == ("float64", "float32")
    np.testing.assert_allclose(flat_weights(model), found.mean, rtol=1e-6, atol=1e-6)


def test_what_swa_does_swag_does(tmp_path):
    """The average, the logs and the model at the end equal SWA's with the same arguments."""
    made = {}
    for kind in (mc_tf.SWA, mc_tf.SWAG):
        cycle = mc_tf.LinearCyclicLearningRate(2, 0.1, 0.01, start_epoch=1)
        settings = {"cycle": cycle, "include_start": False, "validation_data": data(seed=1)}
        callback = kind(
            1, batch_norm_data=data()[0], directory=tmp_path / kind.__name__, **settings
        )
        model = normalized()
        history = fit(model, [callback, cycle], epochs=5).history
        made[kind] = [callback.average.mean, *model.get_weights(), history["swa_val_loss"]]
    for one, two in zip(*made.values(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_no_more_vectors_are_kept_than_the_rank_and_two():
    moments, seen = WeightMoments(max_rank=3), set()
    for step, weights in enumerate(np.random.default_rng(0).normal(size=(9, 5))):
        moments.add(weights.astype("float32"), step)
        seen |= {id(row) for row in moments.rows}
    assert len(seen) == len(moments.rows) == 3
    large = np.float32(1e4) + np.random.default_rng(0).normal(size=(50, 5)).astype("float32")
    moments = WeightMoments()
    for step, weights in enumerate(large):
        moments.add(weights, step)
    np.testing.assert_allclose(moments.variance, large.astype("float64").var(0), rtol=1e-9)


def test_resumed_moments_have_the_same_bits(tmp_path):
    def run(folder, model, **kwargs):
        swag = mc_tf.SWAG(1, max_rank=3, batch_norm_data=False, directory=tmp_path / folder)
        checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / f"{folder}.keras")
        fit(model, [swag, checkpoint], **kwargs)
        return swag

    def again():
        return keras.saving.load_model(tmp_path / "parts.keras")

    whole = run("whole", network())
    run("parts", network(), epochs=4)
    # As if it had been killed after the average was written and before the checkpoint was.
    later = WeightMoments.load(tmp_path / "parts", 1000, max_rank=3)
    later.add(np.zeros(15), step=5 * SIZE // BATCH)
    later.save(tmp_path / "parts")
    parts = run("parts", again(), initial_epoch=4)
    for name in ("mean", "squares", "deviations"):
        one, two = (getattr(each.average, name) for each in (parts, whole))
        np.testing.assert_array_equal(one, two)
    names = [{p.name for p in (tmp_path / f).glob("*.npz")} for f in ("whole", "parts")]
    assert names[0] == names[1] and len(names[0]) == 2 + 4  # averages, and what they need
    for name in names[0]:
        one, two = ((tmp_path / folder / name).read_bytes() for folder in ("whole", "parts"))
        assert one == two
    with pytest.raises(ValueError, match="written with max_rank=3. Received: max_rank=20"):
        settings = {"batch_norm_data": False, "directory": tmp_path / "parts"}
        fit(again(), [mc_tf.SWAG(1, **settings)], initial_epoch=EPOCHS, epochs=9)
    with pytest.raises(ValueError, match="is not an average with deviations.*no 'squares'"):
        WeightAverage.load(tmp_path / "parts", 1000).save(tmp_path / "parts")
        fit(again(), [mc_tf.SWAG(1, max_rank=3, **settings)], initial_epoch=EPOCHS, epochs=9)


def saved(folder, vectors, steps, keep=2, average=None):
    average = average or WeightMoments(max_rank=2)
    for step in steps:
        average.add(vectors[step], step)
        average.save(folder, keep, keep_steps=(2,))
    return average


def deviations_until(vectors, step):
    average = WeightMoments(max_rank=2)
    for k in range(step + 1):
        average.add(vectors[k], k)
    return average.deviations


def found(folder, kind):
    return sorted(int(p.name[-12:-4]) for p in folder.glob(f"{kind}-*.npz"))


def test_a_deviation_is_a_file_while_an_average_needs_it(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(9, 5))
    saved(tmp_path, vectors, range(8))
    assert found(tmp_path, "average") == [2, 6, 7]
    assert found(tmp_path, "deviation") == [1, 2, 5, 6, 7]
    kept = WeightMoments.load(tmp_path, 4, max_rank=2)
    assert kept.step == 2
    np.testing.assert_array_equal(kept.deviations, deviations_until(vectors, 2))
    # A network that is not finite has no deviation.
    again = WeightMoments.load(tmp_path, 7, max_rank=2)
    again.leave_out(8)
    again.save(tmp_path, 2, keep_steps=(2,))
    assert found(tmp_path, "average") == [2, 7, 8]
    assert found(tmp_path, "deviation") == [1, 2, 6, 7]


def test_deviations_of_an_earlier_execution_are_replaced_step_by_step(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(9, 5))
    saved(tmp_path, vectors, range(9), keep=9)
    other = saved(tmp_path, -vectors, (0, 3), keep=9)
    assert found(tmp_path, "deviation") == [0, 3, 4, 5, 6, 7, 8]
    np.testing.assert_array_equal(
        WeightMoments.load(tmp_path, 3, max_rank=2).deviations, other.deviations
    )
    with pytest.raises(ValueError, match="deviation-00000003.npz' is from another run than"):
        WeightMoments.load(tmp_path, 4, max_rank=2)
    other.remove_later(tmp_path, 3)
    assert found(tmp_path, "deviation") == found(tmp_path, "average") == [0, 3]
    (tmp_path / "deviation-00000003.npz").unlink()
    with pytest.raises(ValueError, match="is incomplete: there is no .*deviation-00000003.npz'"):
        WeightMoments.load(tmp_path, 3, max_rank=2)


@long_under_jax  # samples are drawn in numpy
@pytest.mark.parametrize("low_rank", [True, False])
@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_samples_have_the_mean_and_covariance(scale, low_rank):
    found, number = posterior()[0], 20_000
    samples = found.sample(number, scale, low_rank, seed=1)
    assert samples.shape == (number, 15) and samples.dtype == "float32"
    expected = covariance(found, scale, low_rank)
    spread = np.sqrt(np.diag(expected))
    assert (np.abs(samples.mean(0) - found.mean) < 5 * spread / number**0.5).all()
    error = np.sqrt((np.outer(spread**2, spread**2) + expected**2) / number)
    assert (np.abs(np.cov(samples.T) - expected) < 5 * error).all()


def test_samples_depend_on_the_seed_alone():
    found = posterior()[0]
    np.testing.assert_array_equal(found.sample(5, seed=3)[:2], found.sample(2, seed=3))
    assert (found.sample(2, seed=3) != found.sample(2, seed=4)).any()
    assert (found.sample(2) != found.sample(2)).any()
    np.testing.assert_allclose(found.sample(1, scale=0)[0], found.mean, rtol=1e-6)


@pytest.mark.parametrize("low_rank", [True, False])
def test_log_density_is_scipys(low_rank):
    found = posterior()[0]
    samples = found.sample(3, seed=0).astype("float64")
    expected = multivariate_normal(found.mean, covariance(found, 0.7, low_rank)).logpdf(samples)
    received = found.log_density(samples, 0.7, low_rank)
    np.testing.assert_allclose(received, expected, rtol=1e-6)
    assert found.log_density(samples[0], 0.7, low_rank) == pytest.approx(expected[0], rel=1e-6)


def test_a_posterior_does_not_change_with_training():
    swag = mc_tf.SWAG(0, batch_norm_data=False, end_with_average=False)
    model = network()
    fit(model, [swag], epochs=3)
    found = swag.posterior
    before = [each.copy() for each in (found.mean, found.variance, found.deviations)]
    fit(model, [swag], initial_epoch=3, epochs=5)
    for one, two in zip(before, (found.mean, found.variance, found.deviations)):
        np.testing.assert_array_equal(one, two)
    assert len(swag.posterior.deviations) == len(found.deviations) + 2


def test_a_saved_posterior_is_the_same(tmp_path):
    model = normalized()
    swag = mc_tf.SWAG(0, batch_norm_data=data()[0])
    fit(model, [swag])
    swag.posterior.save(tmp_path / "posterior.npz")
    keras.utils.set_random_seed(9)
    again = GaussianPosterior.load(tmp_path / "posterior.npz", network=normalized())
    np.testing.assert_array_equal(again.sample(2, seed=0), swag.posterior.sample(2, seed=0))
    one, two = (p.ensemble(2, seed=0, batch_norm_data=False) for p in (again, swag.posterior))
    for mine, theirs in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    without = GaussianPosterior.load(tmp_path / "posterior.npz")
    with pytest.raises(ValueError, match="pass a built model.*`network=model`"):
        without.ensemble(2)
    (tmp_path / "posterior.npz").write_bytes((tmp_path / "posterior.npz").read_bytes()[:-9])
    with pytest.raises(mc_tf.DamagedFileError):
        GaussianPosterior.load(tmp_path / "posterior.npz")


def test_members_have_statistics_of_their_own():
    model = normalized()
    swag = mc_tf.SWAG(0, batch_norm_data=data()[0])
    fit(model, [swag])
    before = flat_weights(model)
    ensemble = swag.posterior.ensemble(3, seed=0, batch_norm_data=data()[0], verbose=0)
    np.testing.assert_array_equal(flat_weights(model), before)
    np.testing.assert_array_equal(ensemble.members, swag.posterior.sample(3, seed=0))
    member = ensemble.member(1)
    expected = normalized()
    expected.set_weights(member.get_weights())
    mc_tf.update_batch_norm(expected, data()[0])
    for one, two in zip(member.weights, expected.weights, strict=True):
        one, two = (ops.convert_to_numpy(each) for each in (one, two))
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="batch normalization.*each sample.*batch_norm_data"):
        swag.posterior.ensemble(3)


@needs_tensorflow
def test_an_exported_posterior_is_served(tmp_path):
    import tensorflow as tf

    swag = mc_tf.SWAG(0, batch_norm_data=data()[0])
    fit(normalized(), [swag])
    ensemble = swag.posterior.ensemble(5, seed=0, batch_norm_data=data()[0], verbose=0)
    ensemble.export(tmp_path / "served")
    serve = tf.saved_model.load(str(tmp_path / "served")).signatures["serving_default"]
    x = data(seed=2)[0]
    served = serve(inputs=tf.constant(x))["probabilities"]
    np.testing.assert_allclose(served, ensemble.predict(x, verbose=0), rtol=1e-5, atol=1e-6)


VECTORS = (np.zeros(3), np.ones(3), np.ones((2, 3)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mc_tf.SWAG(1, max_rank=1), "`max_rank` must be at least 2"),
        (lambda: mc_tf.SWAG(1, max_rank=2.5), "`max_rank` must be at least 2.*Received.*2.5"),
        (lambda: mc_tf.SWAG(1, every=0), "at least 1"),
        (lambda: mc_tf.SWAG(1).posterior, "at least two networks. 0 averaged so far"),
        (lambda: GaussianPosterior(*VECTORS[:2], np.ones((1, 3))), r"K of at least 2.*\(1, 3\)"),
        (lambda: GaussianPosterior(np.zeros(4), *VECTORS[1:]), r"Received: \(4,\), \(3,\)"),
        (lambda: GaussianPosterior(VECTORS[0], -VECTORS[1], VECTORS[2]), "no variance negative"),
        (lambda: GaussianPosterior(VECTORS[0] * np.nan, *VECTORS[1:]), "must be finite"),
        (lambda: GaussianPosterior(*VECTORS).sample(0), "`n` must be at least 1"),
        (lambda: GaussianPosterior(*VECTORS).sample(1, scale=-1.0), "`scale` .* at least 0"),
        (lambda: GaussianPosterior(*VECTORS).sample(1, seed=-1), "`seed` must be at least 0"),
        (lambda: GaussianPosterior(*VECTORS).sample(1, seed="a"), "`seed` .*Received: seed='a'"),
        (
            lambda: GaussianPosterior(*VECTORS, network()).ensemble(1),
            "have 3 weights, but the model",
        ),
        (lambda: GaussianPosterior.of(None, network()), "`average` must be `WeightMoments`"),
        (lambda: GaussianPosterior(*VECTORS).log_density(np.ones(2)), r"shape \(3,\) or \(n, 3\)"),
        (lambda: GaussianPosterior(*VECTORS).log_density(np.ones(3), scale=0), "`scale`"),
        (lambda: GaussianPosterior.load("nowhere.npz"), "no result file 'nowhere.npz'"),
    ],
)
def test_bad_arguments_are_refused(call, words):
    with pytest.raises((ValueError, FileNotFoundError), match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
