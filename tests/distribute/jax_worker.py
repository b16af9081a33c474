"""One of several processes under JAX: a network with cycles, snapshots, averages; then a curve.

Arguments: folder, number of processes, index of this one, port.
"""

import os
import sys

import keras
import numpy as np
from keras import layers

BATCH = 16


class Part(keras.utils.PyDataset):
    """The examples of one process in each global batch, as many as in the others."""

    def __init__(self, x, y, processes, index):
        super().__init__()
        self.x, self.y, self.processes, self.index = x, y, processes, index

    def __len__(self):
        return -(-len(self.x) // BATCH)

    def __getitem__(self, step):
        first = step * BATCH
        size = min(BATCH, len(self.x) - first) // self.processes
        part = slice(first + self.index * size, first + (self.index + 1) * size)
        return self.x[part], self.y[part]


def network(seed):
    keras.utils.set_random_seed(seed)
    norm = layers.BatchNormalization()
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(8), norm, layers.ReLU(), layers.Dense(2)]
    )


def compiled(model):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss)
    return model


def main(folder, processes, index, port):
    if processes > 1:
        import jax

        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        keras.distribution.initialize(f"127.0.0.1:{port}", processes, index)
        devices = keras.distribution.DataParallel(auto_shard_dataset=False)
        keras.distribution.set_distribution(devices)
    if index:  # only the chief may write
        os.replace = os.remove = lambda *paths: sys.exit(f"process {index} changes {paths}")
    import mc_tf
    from mc_tf.callbacks import AtomicCheckpoint
    from mc_tf.distribute import global_batch
    from mc_tf.storage.checkpoints import load_checkpoint, read_record

    os.chdir(folder)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(54, 4)).astype("float32")  # the last batch of 16 has 6
    y = (x[:, 0] > 0).astype("int32")
    data = Part(x, y, processes, index)
    done = (
        int(read_record("model.keras")["step"]) // len(data) if os.path.exists("model.keras") else 0
    )
    model = load_checkpoint("model.keras") if done else compiled(network(1))
    cycle = mc_tf.CyclicLearningRate(2, max_learning_rate=0.1, min_learning_rate=0.01)
    callbacks = [
        cycle,
        mc_tf.SnapshotSaver("members", cycle),
        mc_tf.SWA(0, directory="average", batch_norm_data=False, end_with_average=False),
        AtomicCheckpoint("model.keras"),
    ]
    with global_batch(model):
        model.fit(data, shuffle=False, initial_epoch=done, epochs=6, verbose=0, callbacks=callbacks)
    curve = compiled(mc_tf.connect(model, network(2), seed=3))
    curve.fit(data, shuffle=False, epochs=2, verbose=0)
    result = mc_tf.evaluate_curve(curve, (x, y), (x, y), num_points=3, path="result", verbose=0)
    named = {"network": model, "curve": curve}
    weights = {
        f"{name}-{number}": np.array(value)
        for name, one in named.items()
        for number, value in enumerate(one.get_weights())
    }
    average = callbacks[2].average.mean
    np.savez(f"{index}.npz", result=result["test_loss"], average=average, **weights)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
