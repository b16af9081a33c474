"""What users of several devices do, on several logical CPUs and on one."""

import numpy as np

POINTS = 3


def work(folder, devices):
    """Everything in a process of its own; leaves `results.npz` in the folder."""
    from programs import prepare

    prepare(f"{folder}/", folder)
    import tensorflow as tf

    parts = devices * [tf.config.LogicalDeviceConfiguration()]
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    import mc_tf

    strategy = mc_tf.distribute.make_strategy("none" if devices == 1 else "mirrored")
    assert strategy.num_replicas_in_sync == devices
    np.savez("results.npz", **results(strategy))


def results(strategy):
    """Arrays by name."""
    import keras
    import tensorflow as tf
    from keras import layers

    import mc_tf
    from mc_tf.distribute import global_batch
    from mc_tf.storage.snapshots import read_snapshot

    rng = np.random.default_rng(0)
    x = rng.normal(size=(55, 4)).astype("float32")  # the last batch of 16 has 7
    data = tf.data.Dataset.from_tensor_slices((x, (x[:, 0] > 0).astype("int32"))).batch(16)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    metrics = {"metrics": ["accuracy"], "jit_compile": False}

    def network(seed):
        keras.utils.set_random_seed(seed)
        parts = [layers.Dense(8, kernel_regularizer="l2"), layers.BatchNormalization()]
        model = keras.Sequential([keras.Input((4,)), *parts, layers.ReLU(), layers.Dense(2)])
        optimizer = keras.optimizers.SGD(0.1, momentum=0.9, global_clipnorm=0.5)
        model.compile(optimizer, loss, **metrics)
        return model

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
        curve = mc_tf.connect(first, second, seed=3)
        curve.compile(keras.optimizers.SGD(0.1), loss, **metrics)
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
    found |= {f"ensemble's {name}": value for name, value in scores.items()}
    found |= {"grid": grid["train_loss"], "its errors": grid["test_error"]}
    return found
