"""What each of several processes does: trains, connects, FGE, SWA, evaluates; in a folder."""

import json
import os
import socket
import sys

import numpy as np
from programs import prepare, server

NAMES = ("network", "cycles", "average", "curve")


def free_ports(count):
    """Numbers of free ports on loopback."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def configs(processes):
    """`TF_CONFIG` of each process."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(processes)]
    for index in range(processes):
        task = {"type": "worker", "index": index}
        yield {"cluster": {"worker": addresses}, "task": task}


def start(folder, processes):
    """Starts the processes of one training; `processes=1` is one without `TF_CONFIG`."""
    started = []
    for index, config in enumerate(configs(processes)):
        environment = {"TF_CONFIG": json.dumps(config)} if processes > 1 else {}
        one = server().Process(target=_work, args=(str(folder), index, environment), daemon=True)
        one.start()
        started.append(one)
    return started


def _work(folder, index, environment):
    os.environ.update(environment)
    os.makedirs(folder, exist_ok=True)
    prepare(f"{folder}/{index}-", folder)
    if index:  # only the chief may write in the folder
        os.replace = os.remove = lambda *paths: sys.exit(f"process {index} changes {paths}")
    train(index, "multi_worker" if environment else "none")


def data():
    """55 examples: the last batch of 16 has 7, which two processes cannot share evenly."""
    import mc_tf.data

    x = np.random.default_rng(0).normal(size=(55, 4)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    return mc_tf.data.ArrayData("toy", 2, x, y, x[:21], y[:21])


def small(num_classes, input_shape, weight_decay=0.0):
    """A network with batch normalization and a penalty."""
    import keras
    from keras import layers

    penalty = keras.regularizers.L2(weight_decay / 2)
    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Dense(8, kernel_regularizer=penalty),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dense(num_classes, kernel_regularizer=penalty),
        ]
    )


def train(index, kind):
    """The same commands in each process; leaves weights in `INDEX.npz`."""
    import mc_tf
    from mc_tf.evaluation.points import PointEvaluator
    from mc_tf.training import TrainingOptions, averaged_network, train_curve, train_network

    mc_tf.models.register("small")(small)
    given = {"batch_size": 16, "learning_rate": 0.2, "verbose": 0}
    options = TrainingOptions(epochs=1, clip_norm=1.0, **given)
    cycles = TrainingOptions(
        epochs=2,
        schedule="triangular_cycle",
        cycle_epochs=2,
        min_learning_rate=0.01,
        snapshots=True,
        swa_start=0,
        save_every_steps=3,
        **given,
    )
    measured, measure = [], PointEvaluator.__call__
    PointEvaluator.__call__ = lambda *given: measured.append(given) or measure(*given)
    with mc_tf.distribute.make_strategy(kind).scope():
        network = train_network("network", data(), "small", options, 1e-2)
        start = "network/model.keras"
        cycled = train_network("cycles", data(), "small", cycles, initial_weights=start)
        average = averaged_network("cycles", data(), batch_size=16)
        curve = train_curve("curve", data(), start, "cycles/swa.keras", mc_tf.Bezier(), options)
        result = mc_tf.evaluate_curve(
            curve,
            data().train_eval_batches(16),
            data().test_batches(8),
            num_points=3,
            path="result",
        )
    weights = {
        f"{name}-{number}": value
        for name, model in zip(NAMES, (network, cycled, average, curve))
        for number, value in enumerate(model.get_weights())
    }
    with open(f"{index}-measured", "w") as file:
        file.write(str(len(measured)))
    np.savez(f"{index}.npz", result=result["test_loss"], **weights)
