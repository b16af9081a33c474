"""A typed program of a user, which mypy checks and nobody runs.

It fails if an `assert_type` differs from the hints, or if mypy finds nothing wrong with a line that
has a `type: ignore`.
"""

import pathlib
from typing import Any, assert_type

import keras
import numpy as np

import mc_tf
from mc_tf.experiments import Network, Recipe, Saved, Step, run_experiment, two_networks
from mc_tf.training import TrainingOptions, evaluate_network, test_score, train_curve, train_network


def connects(first: keras.Model, second: keras.Model, train: Any, test: Any) -> None:
    curve = mc_tf.connect(first, "second.keras", mc_tf.Bezier(num_bends=1), seed=0)
    assert_type(curve, mc_tf.CurveModel)
    curve.fit(train, epochs=30)
    assert_type(curve.t, float | list[float])
    curve.t = 0.5
    assert_type(curve.curve, mc_tf.Curve)
    assert_type(curve.length_ratio(), float)
    assert_type(curve.arc_lengths([0.0, 1.0]), np.ndarray)
    assert_type(curve.point(0.5), keras.Model)
    assert_type(mc_tf.update_batch_norm(curve.point(0.5), train), int)
    result = mc_tf.evaluate_curve(curve, train, test, num_points=61, path=pathlib.Path("mine"))
    assert_type(result, mc_tf.CurveEvaluation)
    assert_type(result["test_error"], np.ndarray)
    assert_type(result.summary("test_error"), dict[str, float])
    assert_type(mc_tf.CurveEvaluation.load("mine"), mc_tf.CurveEvaluation)
    print(result.table(["test_loss"]))
    mc_tf.connect(first, second, mc_tf.Bezier)  # type: ignore[arg-type]
    mc_tf.evaluate_curve(curve, train)  # type: ignore[call-arg]
    result.sumary("test_error")  # type: ignore[attr-defined]
    mc_tf.bezier(1)  # type: ignore[attr-defined]


def aligns(first: keras.Model, second: keras.Model, train: Any, test: Any) -> None:
    alignment = mc_tf.align(first, "second.keras", data=train, method="activations", seed=1)
    assert_type(alignment, mc_tf.alignment.Alignment)
    assert_type(alignment.model, keras.Model)
    assert_type(alignment.groups[0].order, np.ndarray)
    assert_type(mc_tf.align_all([first, second], reference=0), list[mc_tf.alignment.Alignment])
    mc_tf.connect(first, second, align=True, position_per="replica")
    blocks = {"hidden": ["dense"]}
    result = mc_tf.barrier(first, second, train, test, align="weights", repair=True, layers=blocks)
    assert_type(result.heights("test_error"), dict[str, float])
    assert_type(result.layer_heights(), dict[str, dict[str, float]])
    mc_tf.plots.save(result.plot_layers(), "layers.png")
    assert_type(mc_tf.repair(first, [first, second], train), int)
    mc_tf.align(first, second, method="both")  # type: ignore[arg-type]


def brings_its_own() -> None:
    @mc_tf.curves.register("arc")
    class Arc(mc_tf.Curve):
        """A user's own family."""

        def __init__(self, num_bends: int = 1, height: float = 1.0) -> None:
            super().__init__(num_bends)
            self.height = height

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "height": self.height}

    assert_type(Arc.from_config({"height": 2.0}), Arc)
    assert_type(mc_tf.curves.make_curve("arc", num_bends=2), mc_tf.Curve)

    @mc_tf.models.register("mine<depth>", examples=("mine3",))
    def mine(num_classes: int, input_shape: tuple[int, ...], depth: int = 3) -> keras.Model:
        return mc_tf.models.build("fc", num_classes, input_shape, units=[10] * depth)

    mine(10, "8")  # type: ignore[arg-type]
    mc_tf.models.vgg.vgg(10, (32, 32, 3), depth="16")  # type: ignore[arg-type]


def trains(model: keras.Model, train: Any) -> None:
    cycle = mc_tf.CyclicLearningRate(4, 0.05, 0.0005, start_epoch=3)
    saver = mc_tf.SnapshotSaver("members", cycle, unit="epochs")
    swa = mc_tf.SWA(start_epoch=3, cycle=cycle, batch_norm_data=train, keep_epochs=(5, 7))
    distance = mc_tf.DistanceFromStart(every=10)
    model.fit(train, epochs=7, callbacks=[cycle, saver, swa, distance])
    with swa.averaged() as averaged:
        assert_type(averaged, keras.Model)
        averaged.save("averaged.keras")
    assert_type(saver.members, list[str])
    assert_type(saver.directory, str | None)
    assert_type(distance.history, list[tuple[int, float]])
    assert_type(mc_tf.callbacks.snapshot_files("members"), list[str])
    assert_type(mc_tf.TriangularCycle(4, 0.05, 0.0005).snapshot_place, int)
    assert_type(mc_tf.load_snapshot(model, saver.members[-1]), dict[str, float])
    mc_tf.SWA(start_epoch=3, unit="step")  # type: ignore[arg-type]
    mc_tf.SWA(start="3")  # type: ignore[call-arg]


def ensembles(model: keras.Model, curve: mc_tf.CurveModel, train: Any, test: Any) -> None:
    ensemble = mc_tf.Ensemble(model, ["members", pathlib.Path("one.npz"), model], output="logits")
    assert_type(mc_tf.Ensemble.from_curve(curve, positions=10), mc_tf.Ensemble)
    assert_type(ensemble.add(np.zeros(8)), mc_tf.Ensemble)
    assert_type(ensemble.member(0), keras.Model)
    assert_type(ensemble.update_batch_norm(train), int)
    assert_type(ensemble.fit_temperature(train, per_member=False), np.ndarray)
    ensemble.temperatures = [1.0, 2.0]
    result = ensemble.evaluate_members(test, cache="cache")
    assert_type(result, mc_tf.ensemble.EnsembleEvaluation)
    assert_type(result.scores, dict[str, float])
    assert_type(result.table(), str)
    files = mc_tf.ensemble.MemberFiles(model, ["a.npz", pathlib.Path("b.npz")])
    assert_type(mc_tf.ensemble.evaluate_members(files, test).mean_disagreement, float)
    assert_type(mc_tf.ensemble.accuracy([[0.9, 0.1]], [0]), float)
    assert_type(mc_tf.ensemble.disagreement_matrix(result.predictions), np.ndarray)
    outside = ensemble.evaluate_out_of_distribution(result, test, verbose=0)
    assert_type(outside, mc_tf.ensemble.OutOfDistributionEvaluation)
    assert_type(outside.scores, dict[str, float])
    assert_type(mc_tf.ensemble.evaluate_out_of_distribution(files, test, test).table(), str)
    assert_type(result.reliability(10), dict[str, np.ndarray])
    assert_type(result.risk_coverage(), tuple[np.ndarray, np.ndarray])
    result.plot_reliability(title="mine", ax=None)
    mc_tf.plots.plot_risk_coverage({"FGE": result, "SSE": result})
    assert_type(result.uncertainty["entropy"], np.ndarray)
    assert_type(mc_tf.metrics.adaptive_calibration_error([[0.9, 0.1]], [0], num_bins=2), float)
    assert_type(mc_tf.metrics.mutual_information(ensemble.member_predictions(test)), np.ndarray)
    assert_type(mc_tf.metrics.auroc([0.1, 0.2], [False, True]), float)
    assert_type(mc_tf.metrics.gaussian_crps([0.0], [1.0], [0.0]), float)
    x, y = np.zeros((4, 8, 8, 1)), np.zeros(4, int)
    images = mc_tf.data.ImageData("mine", 2, x, y, x, y)
    assert_type(images.corrupted("blur", strength=2), mc_tf.data.ImageData)
    assert_type(images.inputs_from(images), np.ndarray)
    mc_tf.data.corrupt(images.x_test, "noise", strength=1, seed=2, value_range=(0, 1))
    mc_tf.metrics.auroc([0.1, 0.2])  # type: ignore[call-arg]
    ensemble.export(pathlib.Path("served"))
    ensemble.export()  # type: ignore[call-arg]
    mc_tf.ensemble.accuracy([[0.9, 0.1]], None)  # type: ignore[arg-type]


def posteriors(model: keras.Model, curve: mc_tf.CurveModel, train: Any) -> None:
    swag = mc_tf.SWAG(start_epoch=3, max_rank=10, batch_norm_data=train)
    assert_type(swag.posterior, mc_tf.posterior.GaussianPosterior)
    assert_type(swag.posterior.sample(3, low_rank=False), np.ndarray)
    assert_type(swag.posterior.ensemble(30, batch_norm_data=train), mc_tf.Ensemble)
    plane = mc_tf.posterior.Subspace.of_curve(curve)
    assert_type(plane, mc_tf.posterior.Subspace)
    likelihood = mc_tf.posterior.GaussianLikelihood(noise=0.1)
    posterior = mc_tf.posterior.SubspacePosterior(plane, train, likelihood, temperature=10)
    assert_type(posterior.log_density([0.0, 1.0]), float)
    samples = posterior.slice_sample(300, chains=2)
    assert_type(samples, mc_tf.posterior.SubspaceSamples)
    assert_type(samples.effective_sample_size(), np.ndarray)
    assert_type(posterior.fit_gaussian().sample(30).ensemble(), mc_tf.Ensemble)
    assert_type(posterior.grid(shape=(21, 11)).probabilities, np.ndarray)
    mc_tf.SWAG(start_epoch="3")  # type: ignore[arg-type]
    posterior.slice_sample()  # type: ignore[call-arg]


def merges(first: keras.Model, second: keras.Model, train: Any, validation: Any) -> None:
    soup = mc_tf.merge([first, "second.keras"], validation=validation, batch_norm_data=train)
    assert_type(soup, keras.Model)
    mc_tf.merge(mc_tf.Ensemble(first, [first, second]), "ties", base="base.keras", density=0.3)
    assert_type(mc_tf.greedy_soup([first, second], validation, "loss", align=True), keras.Model)
    weights = np.zeros((2, 8))
    assert_type(mc_tf.merging.uniform(weights, shares=[0.5, 0.5]), np.ndarray)
    assert_type(mc_tf.merging.dare(weights, weights[0], drop=0.9, seed=1), np.ndarray)
    found = mc_tf.merging.greedy(weights, lambda vector, kept: float(vector.sum()))
    assert_type(found, tuple[np.ndarray, list[int]])
    mc_tf.merge([first, second], "mean")  # type: ignore[arg-type]
    mc_tf.greedy_soup([first, second])  # type: ignore[call-arg]


def simplexes(first: keras.Model, second: keras.Model, train: Any) -> None:
    lines = mc_tf.simplexes.add_vertex([first, "second.keras"], 0.1, to=[0], seed=1)
    assert_type(lines, mc_tf.CurveModel)
    assert_type(mc_tf.simplexes.add_vertex(lines, positions_per_batch=2), mc_tf.CurveModel)
    assert_type(mc_tf.simplexes.volume(lines), float)
    curve = mc_tf.Combination(3, simplexes=[[0, 2], [1, 2]])
    assert_type(curve.sample(5, seed=0), np.ndarray)
    term = mc_tf.simplexes.Similarity(1.0)
    options = mc_tf.simplexes.LogVolume(0.1)
    mc_tf.connect(first, second, mc_tf.Segment(), fixed=[], points_regularizer=term)
    mc_tf.CurveModel(first, curve, position_per="layer", points_regularizer=options)
    mc_tf.simplexes.add_vertex([first], "large")  # type: ignore[arg-type]
    mc_tf.connect(first, second, position_per="weight")  # type: ignore[arg-type]


def surfaces(first: keras.Model, curve: mc_tf.CurveModel, train: Any, test: Any) -> None:
    direction = mc_tf.random_direction(first, seed=1, normalization="filter")
    assert_type(direction, np.ndarray)
    assert_type(mc_tf.Line.along(first, direction), mc_tf.Line)
    assert_type(mc_tf.Plane.through(first, direction, first), mc_tf.Plane)
    plane = mc_tf.Plane.of_curve(curve)
    assert_type(plane.dimensions, int)
    assert_type(plane.mark("start", first), tuple[np.ndarray, float])
    grid = mc_tf.evaluate_grid(first, plane, train, test, shape=(21, 11), shard=(1, 4))
    assert_type(grid.minimum("test_error"), tuple[float, np.ndarray])
    assert_type(mc_tf.GridEvaluation.merge("grid", 4).complete, bool)
    assert_type(mc_tf.hessian_eigenvalues(first, train).ratio, float)
    mc_tf.evaluate_grid(first, "plane", train, test)  # type: ignore[arg-type]
    mc_tf.random_direction(first, normalization="filters")  # type: ignore[arg-type]


def devices(model: keras.Model, train: Any) -> None:
    strategy = mc_tf.distribute.make_strategy("multi_worker")
    with strategy.scope(), mc_tf.distribute.global_batch(model) as nothing:
        assert_type(nothing, None)
        model.fit(train)
    assert_type(mc_tf.distribute.is_chief(), bool)
    mc_tf.distribute.make_strategy()  # type: ignore[call-arg]


def whole_trainings(workdir: pathlib.Path) -> None:
    data = mc_tf.data.load("digits", data_dir=workdir)
    assert_type(data, mc_tf.data.Dataset)
    assert_type(data.input_shape, tuple[int, ...])
    options = TrainingOptions(epochs=3, learning_rate=0.1)
    model = train_network(workdir / "a", data, "convnet", options, network_options={})
    assert_type(model, keras.Model)
    assert_type(test_score(evaluate_network(model, data)), tuple[str, float])
    curve = train_curve(workdir / "c", data, "a.keras", "b.keras", mc_tf.Segment(), options)
    assert_type(curve, mc_tf.CurveModel)
    steps = two_networks(Network("convnet"), options, options, curves=("bezier",), num_points=5)
    assert_type(steps, tuple[Step, ...])
    recipe = Recipe("Digits", two_networks, mc_tf.experiments.Data("digits"), num_points=5)
    _, experiment = recipe.experiment(["num_points=3"], smoke=True)
    rows = run_experiment(experiment, data, workdir, say=print)
    assert_type(rows[0].obtained, float | None)
    assert_type(mc_tf.experiments.average("a", 3), Saved)
    train_network(data, workdir, "convnet", options)  # type: ignore[arg-type]
    two_networks("convnet", options, options)  # type: ignore[arg-type]
