"""What users of several devices do, on several logical CPUs and on one."""

import numpy as np

POINTS = 3


def work(folder, devices, task):
    """A task, a function of a strategy, in another process; leaves `results.npz`."""
    from programs import prepare

    prepare(f"{folder}/", folder)
    import tensorflow as tf

    parts = devices * [tf.config.LogicalDeviceConfiguration()]
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    import mc_tf

    strategy = mc_tf.distribute.make_strategy("none" if devices == 1 else "mirrored")
    assert strategy.num_replicas_in_sync == devices
    np.savez("results.npz", **task(strategy))


def examples():
    """Arrays; the last batch of 16 has 7 examples."""
    x = np.random.default_rng(0).normal(size=(55, 4)).astype("float32")
    return x, (x[:, 0] > 0).astype("int32")


def compiled(model, **options):
    import keras

    optimizer = keras.optimizers.SGD(0.1, **options)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
    return model


def network(seed):
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    parts = [layers.Dense(8, kernel_regularizer="l2"), layers.BatchNormalization()]
    model = keras.Sequential([keras.Input((4,)), *parts, layers.ReLU(), layers.Dense(2)])
    return compiled(model, momentum=0.9, global_clipnorm=0.5)


def trainings_and_evaluations(strategy):
    """Arrays by name, which do not depend on the number of devices."""
    import tensorflow as tf

    import mc_tf
    from mc_tf.distribute import global_batch
    from mc_tf.storage.snapshots import read_snapshot

    data = tf.data.Dataset.from_tensor_slices(examples()).batch(16)
    with strategy.scope():
        first, second, third = map(network, range(3))
    cycle = mc_tf.CyclicLearningRate(2, max_learning_rate=0.1, min_learning_rate=0.01)
    saver = mc_tf.SnapshotSaver("members", cycle)
    swa = mc_tf.SWA(0, batch_norm_data=data, validation_data=data, end_with_average=False)
    with global_batch(first):
        history = first.fit(data, epochs=4, verbose=0, callbacks=[cycle, saver, swa]).history
    members = [read_snapshot(path) for path in saver.members]
    assert [m.record["step"] for m in members] == [4, 12]
    found = {f"history of {key}": value for key, value in history.items()}
    found |= {f"member {n}": member.weights for n, member in enumerate(members)}
    found |= {f"rate {n}": member.record["learning_rate"] for n, member in enumerate(members)}
    found |= {f"weights {n}": value for n, value in enumerate(first.get_weights())}
    found |= {"average": swa.average.mean, "averaged": swa.average.count}
    with strategy.scope():
        curve = compiled(mc_tf.connect(first, second, seed=3))
        untrained = mc_tf.evaluate_curve(curve, data, data, num_points=POINTS, verbose=0)
    before = np.array(curve.control_points())
    found["history of the curve"] = curve.fit(data, epochs=2, verbose=0).history["loss"]
    found["points"] = after = np.array(curve.control_points())
    np.testing.assert_array_equal(before[[0, 2]], after[[0, 2]])
    assert np.abs(before[1] - after[1]).max() > 1e-3
    trained = mc_tf.evaluate_curve(curve, data, data, num_points=POINTS, verbose=0)
    found |= {"untrained": untrained["test_loss"], "trained": trained["train_loss"]}
    middle = curve.point(0.5)
    mc_tf.update_batch_norm(middle, data)
    found |= {f"middle {n}": value for n, value in enumerate(middle.get_weights())}
    second.set_weights(middle.get_weights())
    score = second.evaluate(data, verbose=0)
    np.testing.assert_allclose(score[0], trained["test_loss"][1], rtol=1e-5)
    with strategy.scope():
        ensemble = mc_tf.Ensemble(first, [*saver.members, second])
        scores = ensemble.evaluate_members(data).scores
        plane = mc_tf.Plane.through(first, second, third)
        grid = mc_tf.evaluate_grid(first, plane, data, data, shape=(2, 2), verbose=0)
        batch = examples()
        finer = mc_tf.evaluate_grid(first, plane, batch, batch, shape=(6, 7), verbose=0)
    found |= {f"ensemble's {name}": value for name, value in scores.items()}
    found |= {"grid": grid["train_loss"], "its errors": grid["test_error"]}
    found |= {"finer grid": finer["train_loss"], "its errors too": finer["test_error"]}
    return found


def positions_per_replica(strategy):
    """Trains with one position for each replica; arrays in pairs that must be equal."""
    import keras
    import tensorflow as tf

    import mc_tf
    from mc_tf.backend.ops import compiled_each
    from mc_tf.storage.checkpoints import load_checkpoint, save_checkpoint

    replicas, devices = strategy.num_replicas_in_sync, strategy.extended.worker_devices
    # Points of an evaluation are computed on devices of their own.
    found = compiled_each(lambda a, b: a + b, devices)(
        [(tf.constant(float(n)),) for n in range(replicas)], 1.0
    )
    assert [value.backing_device for value in found] == list(devices), found
    assert [int(value) for value in found] == [n + 1 for n in range(replicas)]
    x, y = examples()
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)

    def curve(**options):
        return compiled(mc_tf.connect(network(1), network(2), seed=3, **options))

    with strategy.scope():
        trained = curve(position_per="replica")
    # One step is the mean of the steps at each position on its part.
    plain, seed = curve(), keras.random.SeedGenerator(3)
    bend, before = plain.curve_layer.points[1], plain.get_weights()
    after = []
    for part in range(replicas):
        own = slice(part * 16 // replicas, (part + 1) * 16 // replicas)
        with tf.GradientTape() as tape:
            outputs = plain(x[own], t=plain.curve.draw(seed), training=True)
            loss = tf.reduce_sum(plain.losses) + plain.loss(y[own], outputs)
        bend.assign_sub(0.1 * tape.gradient(loss, bend.value))
        after.append([np.array(v) for v in (bend, *plain.curve_layer.state)])
        plain.set_weights(before)
    assert np.abs(after[0][0] - after[1][0]).max() > 1e-3  # at other positions
    trained.fit(data.take(1), verbose=0)
    found = [np.array(v) for v in (trained.curve_layer.points[1], *trained.curve_layer.state)]
    pairs = {f"step {n}": (v, np.mean(w, 0)) for n, (v, *w) in enumerate(zip(found, *after))}
    # A training that is saved and continued is the same.
    save_checkpoint(trained, "curve.keras")
    with strategy.scope():
        continued = load_checkpoint("curve.keras")
    assert continued.curve_layer.position_per == "replica"
    for each in (trained, continued):
        each.fit(data, verbose=0)
    for number, (one, other) in enumerate(zip(trained.variables, continued.variables)):
        on_each = [np.array(v) for v in strategy.experimental_local_results(one.value)]
        assert np.isfinite(on_each).all() and (on_each == on_each[0]).all(), one.path
        pairs[f"continued {number}"] = np.array(other), on_each[0]
    return {name: np.stack(pair) for name, pair in pairs.items()}
