"""Posteriors in subspaces: against closed forms, and from subspace to served ensemble."""

import functools

import keras
import numpy as np
import pytest
from keras import layers, ops
from programs import needs_tensorflow
from scipy.stats import norm

import mc_tf
from mc_tf.posterior import (
    GaussianLikelihood,
    GaussianPosterior,
    Subspace,
    SubspaceGrid,
    SubspacePosterior,
    SubspaceSamples,
)
from mc_tf.posterior.likelihoods import summed_loss
from mc_tf.posterior.samplers import elliptical_slice, fit_gaussian
from mc_tf.weights.flat import flat_weights

SIZE, NOISE, PRIOR, TEMPERATURE = 120, 0.5, 1.5, 2.0


@functools.cache
def linear(outputs=1):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((7,)), layers.Dense(outputs)])


@functools.cache
def regression():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(SIZE, 7)).astype("float32")
    return x, (x[:, :2].sum(1) + NOISE * rng.normal(size=SIZE)).astype("float32")


@functools.cache
def posterior(dimensions=5):
    subspace = Subspace.random(linear(), dimensions, seed=1)
    settings = {"temperature": TEMPERATURE, "prior_std": PRIOR, "batch_size": 70}
    return SubspacePosterior(subspace, regression(), GaussianLikelihood(NOISE), **settings)


def closed_form(found):
    """Mean and covariance of the posterior of a linear model, in numpy."""
    (x, y), subspace = regression(), found.subspace
    x = np.concatenate([x, np.ones((SIZE, 1))], 1).astype("float64")
    shift, *directions = (np.asarray(point, "float64") for point in subspace.points)
    features = x @ np.stack(directions).T
    precision = (
        features.T @ features / (NOISE**2 * TEMPERATURE) + np.eye(len(directions)) / PRIOR**2
    )
    covariance = np.linalg.inv(precision)
    return covariance @ features.T @ (y - x @ shift) / (NOISE**2 * TEMPERATURE), covariance


def test_log_likelihood_is_numpys():
    found = posterior()
    (x, y), z = regression(), np.array([0.5, -1.0, 0.2, 0.0, 2.0])
    flat = found.subspace.weights(*z)
    expected = norm.logpdf(y, x @ flat[:7] + flat[7], NOISE).sum()
    assert found.log_likelihood(z) == pytest.approx(expected, rel=1e-5)
    prior = norm.logpdf(z, 0, PRIOR).sum()
    assert found.log_density(z) == pytest.approx(expected / TEMPERATURE + prior, rel=1e-5)
    value, slope = found.tempered_gradient(z)
    assert value == pytest.approx(expected / TEMPERATURE, rel=1e-5)
    steps = 0.5 * np.eye(5)  # the likelihood is quadratic: differences are exact
    numeric = [found.tempered(z + s) - found.tempered(z - s) for s in steps]
    np.testing.assert_allclose(slope, numeric, rtol=1e-3, atol=1e-2)


def quadratic():
    """The tempered log-likelihood of the linear model and its gradient in numpy, which is fast."""
    mean, covariance = closed_form(posterior())
    precision = np.linalg.inv(covariance) - np.eye(5) / PRIOR**2
    top = np.linalg.solve(precision, np.linalg.solve(covariance, mean))

    def log_likelihood(z):
        slope = precision @ (top - z)
        return 0.5 * slope @ (z - top), slope

    return log_likelihood, mean, covariance


@pytest.mark.parametrize("full", [True, False])
def test_variational_inference_finds_a_gaussian_posterior(full):
    log_likelihood, mean, covariance = quadratic()
    rng = np.random.default_rng(0)
    found, factor, bound, problem = fit_gaussian(log_likelihood, PRIOR, 5, full, 32, 500, rng)
    assert problem is None
    if not full:  # the best diagonal Gaussian
        covariance = np.diag(1 / np.diag(np.linalg.inv(covariance)))
    scale = np.sqrt(np.diag(covariance)).max()
    np.testing.assert_allclose(found, mean, atol=1e-3 * scale)
    np.testing.assert_allclose(factor @ factor.T, covariance, atol=1e-3 * scale**2)
    # The bound in closed form.
    inverse = np.linalg.inv(quadratic()[2]) - np.eye(5) / PRIOR**2
    expected = log_likelihood(mean)[0] - 0.5 * np.trace(inverse @ covariance)
    expected -= 0.5 * ((np.trace(covariance) + mean @ mean) / PRIOR**2 - 5)
    expected -= 5 * np.log(PRIOR) - 0.5 * np.linalg.slogdet(covariance)[1]
    assert bound == pytest.approx(expected, rel=1e-4)


def test_slice_sampling_recovers_a_gaussian_posterior():
    log_likelihood, mean, covariance = quadratic()
    value = lambda z: log_likelihood(z)[0]
    drawn = elliptical_slice(value, PRIOR, 5, np.random.default_rng(0))
    samples = np.array([next(drawn) for _ in range(20_100)])[100:] - mean
    products = samples[:, :, None] * samples[:, None]
    for values, expected in ((samples, np.zeros(5)), (products, covariance)):
        # In blocks that are longer than the samples remember.
        blocks = values.reshape(40, 500, *expected.shape).mean(1)
        error = blocks.std(0, ddof=1) / 40**0.5
        assert (np.abs(blocks.mean(0) - expected) < 4 * error).all()
        assert (error < 0.15 * np.abs(covariance).max() ** (expected.ndim / 2)).all()


def test_slice_samples_are_those_of_the_chain():
    drawn = elliptical_slice(posterior().tempered, PRIOR, 5, np.random.default_rng([5, 1]))
    chain = np.array([next(drawn) for _ in range(6)])
    thinned = posterior().slice_sample(2, burn_in=2, thin=2, chains=2, seed=5, verbose=0)
    np.testing.assert_array_equal(thinned.chains[1], chain[[3, 5]])
    assert thinned.z.shape == (4, 5) and (thinned.chains[0] != thinned.chains[1]).all()


def test_the_grid_agrees_in_two_dimensions():
    found = posterior(2)
    mean, covariance = closed_form(found)
    spread = np.sqrt(np.diag(covariance))
    limits = np.stack([mean - 5 * spread, mean + 5 * spread], 1)
    grid = found.grid(17, limits, verbose=0)
    np.testing.assert_allclose(grid.mean, mean, atol=0.02 * spread.max())
    np.testing.assert_allclose(grid.covariance, covariance, rtol=0.03, atol=1e-4)
    assert grid.probabilities.shape == (17, 17) and grid.border < 1e-3
    samples = grid.sample(4000, seed=0)
    assert (np.abs(samples.mean - mean) < 5 * spread / 4000**0.5).all()
    fitted = found.fit_gaussian(num_samples=8)
    np.testing.assert_allclose(fitted.covariance, grid.covariance, rtol=0.05, atol=1e-4)
    with pytest.warns(UserWarning, match="on the border of the grid"):
        found.grid(3, [(mean[0], mean[0] + 1), (0, 1)], verbose=0)


def test_subspaces_have_the_points_that_they_are_made_of():
    deviations = np.random.default_rng(0).normal(size=(6, 8)).astype("float32")
    trajectory = GaussianPosterior(np.arange(8.0), np.ones(8), deviations, network=linear())
    subspace = Subspace.principal(trajectory, 3)
    directions = np.stack(subspace.points[1:]).astype("float64")
    covariance = deviations.T @ deviations / 5
    values, vectors = np.linalg.eigh(covariance)
    np.testing.assert_allclose((directions**2).sum(1), values[::-1][:3], rtol=1e-4)
    np.testing.assert_allclose(
        directions.T @ directions,
        (vectors[:, ::-1][:, :3] * values[::-1][:3]) @ vectors[:, ::-1][:, :3].T,
        rtol=1e-3,
        atol=1e-4,
    )
    np.testing.assert_array_equal(subspace.points[0], np.arange(8))
    np.testing.assert_allclose(
        subspace.weights(1.0, 0.0, -2.0),
        np.arange(8) + directions[0] - 2 * directions[2],
        rtol=1e-5,
    )
    drawn = Subspace.random(linear(), 4)
    np.testing.assert_array_equal(drawn.points[0], flat_weights(linear()))
    np.testing.assert_allclose([np.linalg.norm(point) for point in drawn.points[1:]], 1, rtol=1e-5)
    keras.utils.set_random_seed(7)
    other = keras.Sequential([keras.Input((7,)), layers.Dense(1)])
    curve = mc_tf.connect(linear(), other)
    curve.curve_layer.set_point(1, np.linspace(-1, 1, 8).astype("float32"))
    plane = Subspace.of_curve(curve)
    for z, t in (((-1, 0), 0.0), ((1, 0), 1.0), ((0, 1), 0.5)):
        expected = ops.convert_to_numpy(curve.curve_layer.flat_weights_at(t))
        np.testing.assert_allclose(plane.weights(*z), expected, rtol=1e-5, atol=1e-6)
    assert plane.dimensions == 2 and list(plane.paths) == ["Bezier"]


def classifier():
    keras.utils.set_random_seed(0)
    hidden = [layers.Dense(5), layers.BatchNormalization(), layers.ReLU()]
    model = keras.Sequential([keras.Input((4,)), *hidden, layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    return model


def labeled(size=60):
    x = np.random.default_rng(0).normal(size=(size, 4)).astype("float32")
    return x, (x[:, 0] > 0).astype("int32") + (x[:, 1] > 0)


@functools.cache
def sampled():
    """Samples around the average of a classifier with batch normalization and a regularizer."""
    model = classifier()
    swag = mc_tf.SWAG(0, batch_norm_data=labeled())
    model.fit(*labeled(), epochs=4, callbacks=[swag], verbose=0)
    subspace = Subspace.principal(swag.posterior, 2)
    found = SubspacePosterior(subspace, labeled(), batch_norm_data=labeled(), temperature=5.0)
    return model, found, found.slice_sample(4, burn_in=2, chains=2, verbose=0)


def test_likelihood_of_a_classifier_has_statistics_of_each_point():
    model, found, samples = sampled()
    z = np.array([1.0, -0.5])
    member = SubspaceSamples(found, z[None, None]).ensemble(verbose=0).member(0)
    logits = member.predict(labeled()[0], verbose=0)
    logits = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    expected = logits[np.arange(60), labeled()[1]].sum()
    assert found.log_likelihood(z) == pytest.approx(expected, rel=1e-4)
    assert samples.weights(3).shape == (3, model.count_params() - 10)


@needs_tensorflow
def test_an_exported_ensemble_of_samples_is_served(tmp_path):
    import tensorflow as tf

    _, _, samples = sampled()
    ensemble = samples.ensemble(5, verbose=0)
    assert ensemble.num_members == 5
    ensemble.export(tmp_path / "served")
    serve = tf.saved_model.load(str(tmp_path / "served")).signatures["serving_default"]
    served = serve(inputs=tf.constant(labeled()[0]))["probabilities"]
    np.testing.assert_allclose(
        served, ensemble.predict(labeled()[0], verbose=0), rtol=1e-5, atol=1e-6
    )


def test_gaussian_likelihood_with_given_and_with_predicted_noise():
    rng = np.random.default_rng(0)
    y, mean = (rng.normal(size=(9, 2)).astype("float32") for _ in range(2))
    variance = rng.uniform(0.1, 2, (9, 2)).astype("float32")
    given = ops.convert_to_numpy(GaussianLikelihood(0.7)(y, mean))
    assert given == pytest.approx(-norm.logpdf(y, mean, 0.7).sum(1).mean(), rel=1e-5)
    both = np.concatenate([mean, variance], 1)
    predicted = ops.convert_to_numpy(GaussianLikelihood()(y, both))
    assert predicted == pytest.approx(-norm.logpdf(y, mean, variance**0.5).sum(1).mean(), rel=1e-5)
    again = keras.losses.deserialize(keras.losses.serialize(GaussianLikelihood(0.7)))
    assert again.noise == 0.7 and isinstance(again, GaussianLikelihood)
    with pytest.raises(ValueError, match="even number of outputs"):
        GaussianLikelihood()(y[:, :1], mean[:, :1])


def test_predicted_noise_is_sampled_too():
    """A network with outputs (mean, variance) is trained and sampled with the same likelihood."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((7,))
    raw = layers.Dense(2)(inputs)
    variance = layers.Activation("softplus")(raw[:, 1:])
    model = keras.Model(inputs, layers.Concatenate()([raw[:, :1], variance]))
    model.compile(keras.optimizers.Adam(0.05), GaussianLikelihood())
    x, y = regression()
    model.fit(x, y, epochs=30, verbose=0)
    found = SubspacePosterior(Subspace.random(model, 2), (x, y))
    outputs = model.predict(x, verbose=0)
    expected = norm.logpdf(y, outputs[:, 0], outputs[:, 1] ** 0.5).sum()
    assert found.log_likelihood([0.0, 0.0]) == pytest.approx(expected, rel=1e-4)
    fitted = found.fit_gaussian(num_samples=8)
    assert fitted.bound < found.log_likelihood([0.0, 0.0])
    ensemble = fitted.sample(3, seed=0).ensemble(output="regression")
    assert ensemble.predict(x, verbose=0).shape == (SIZE, 2)


def test_losses_are_summed_over_examples_and_labels():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (6, 3)).astype("float32")
    p = rng.uniform(0.1, 0.9, (6, 3)).astype("float32")
    model = keras.Sequential([keras.Input((2,)), layers.Dense(3, activation="sigmoid")])
    model.compile(loss="binary_crossentropy")
    expected = -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum()
    assert float(ops.convert_to_numpy(summed_loss(model)(y, p))) == pytest.approx(expected, 1e-4)


def test_diagnostics_by_arviz():
    pytest.importorskip("arviz")
    rng = np.random.default_rng(0)
    independent = SubspaceSamples(posterior(), rng.normal(size=(2, 500, 3)))
    assert (independent.effective_sample_size() > 500).all()
    steps = np.cumsum(rng.normal(size=(2, 500, 3)), 1)
    assert (SubspaceSamples(posterior(), steps).effective_sample_size() < 50).all()
    assert len(independent.plot_trace().axes) == 6


def test_missing_arviz_is_one_line(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "arviz", None)
    with pytest.raises(ImportError, match="need arviz: pip install"):
        SubspaceSamples(posterior(), np.zeros((1, 9, 2))).effective_sample_size()


def uncompiled():
    return keras.Sequential([keras.Input((7,)), layers.Dense(1)])


def squared():
    model = uncompiled()
    model.compile(loss="mean_squared_error")
    return model


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Subspace.along(linear(), []), "at least one direction"),
        (lambda: Subspace.along(linear(), [np.ones(8), 2 * np.ones(8)]), "parallel"),
        (lambda: Subspace.along(linear(), [np.ones(7)]), r"\(8,\). Received: \(7,\)"),
        (lambda: Subspace.random(linear(), 0), "`dimensions` must be at least 1"),
        (lambda: Subspace.principal("swag"), "`posterior` must be a `GaussianPosterior`"),
        (
            lambda: Subspace.principal(GaussianPosterior(np.zeros(4), np.ones(4), np.ones((3, 4)))),
            "`dimensions` must be at least 1 and at most 3",
        ),
        (
            lambda: Subspace.principal(
                GaussianPosterior(np.zeros(4), np.ones(4), np.ones((3, 4))), 2
            ),
            "span 1 dimensions. Received: dimensions=2",
        ),
        (lambda: SubspacePosterior("plane", regression()), "`subspace` must be a"),
        (
            lambda: SubspacePosterior(Subspace.along(np.zeros(8), [np.ones(8)]), regression()),
            "call `model\\(network\\)`",
        ),
        (
            lambda: SubspacePosterior(Subspace.random(uncompiled()), regression()),
            "needs a likelihood.*Received: a model without a compiled loss",
        ),
        (
            lambda: SubspacePosterior(Subspace.random(squared()), regression()),
            "needs a likelihood.*GaussianLikelihood.*Received: mean_squared_error",
        ),
        (
            lambda: SubspacePosterior(
                Subspace.random(linear()), regression(), GaussianLikelihood(1.0), temperature=0
            ),
            "`temperature` must be a finite number",
        ),
        (
            lambda: SubspacePosterior(Subspace.random(classifier()), labeled()),
            "batch normalization.*at each point of the subspace",
        ),
        (
            lambda: SubspacePosterior(
                Subspace.random(linear()), regression()[:1], GaussianLikelihood(1.0)
            ),
            "`data` has inputs without labels",
        ),
        (lambda: posterior().log_density([1.0, 2.0]), r"\(5,\) or \(N, 5\). Received: \(2,\)"),
        (lambda: posterior().grid(), "one or two dimensions. Received: 5"),
        (lambda: posterior().slice_sample(0), "`n` must be at least 1"),
        (lambda: posterior().fit_gaussian(num_samples=4), "`num_samples` must be at least 10"),
        (lambda: GaussianLikelihood(noise=0.0), "`noise` must be a positive number"),
    ],
)
def test_bad_arguments_are_refused(call, words):
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_grid_of_one_dimension():
    grid = SubspaceGrid(posterior(), [np.linspace(-4, 4, 81)], -0.5 * np.linspace(-4, 4, 81) ** 2)
    assert grid.covariance[0, 0] == pytest.approx(1, rel=0.01)
    assert grid.sample(50, seed=0).z.shape == (50, 1)
