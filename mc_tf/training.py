"""Training a network or a curve with the reference's settings, resumable in a directory."""

import json
import os

import keras

from mc_tf import backend
from mc_tf.callbacks.checkpoint import AtomicCheckpoint, load_checkpoint
from mc_tf.files import check_writable, write_json
from mc_tf.models import connect, registry
from mc_tf.schedules import piecewise_linear

__all__ = ["claim", "compile_classifier", "train_curve", "train_network"]


def claim(workdir, settings):
    """Makes a directory ready for a run and refuses one that holds a different run.

    Args:
        workdir: directory; made if it is not there.
        settings: dict of everything that the run's result depends on.

    Raises:
        OSError: if the directory cannot be written.
        ValueError: if it holds a run with other settings, naming the first difference.
    """
    check_writable(workdir)
    path = os.path.join(workdir, "settings.json")
    if os.path.exists(path):
        try:
            with open(path, encoding="utf-8") as file:
                stored = json.load(file)
        except ValueError as error:
            raise ValueError(f"'{path}' is damaged. Choose another --workdir.") from error
        for key in settings.keys() | stored.keys():
            if stored.get(key) != settings.get(key):
                raise ValueError(
                    f"'{workdir}' holds a run with {key}={stored.get(key)}, but this one has "
                    f"{key}={settings.get(key)}. Choose another --workdir to start anew."
                )
    else:
        write_json(path, settings)


def compile_classifier(model, learning_rate=0.0):
    """Compiles a network or curve as the experiments do: SGD, cross-entropy of logits, accuracy.

    Args:
        model: a Keras model that outputs logits.
        learning_rate: of SGD with momentum 0.9.
    """
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate, momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=backend.use_xla(),
    )


def _fit(model, path, data, *, epochs, batch_size, learning_rate, seed, validate, verbose):
    """Trains with the reference's schedule, from the epoch that `model` has reached."""
    steps = data.steps_per_epoch(batch_size)
    start_epoch = int(model.optimizer.iterations) // steps
    checkpoint = AtomicCheckpoint(path)
    if epochs == 0:
        checkpoint.save(model)
    if start_epoch >= epochs:
        return model
    model.fit(
        data.train_batches(batch_size, seed=seed, start_epoch=start_epoch),
        steps_per_epoch=steps,
        shuffle=False,  # the data set does it
        initial_epoch=start_epoch,
        epochs=epochs,
        validation_data=data.test_batches() if validate else None,
        verbose=verbose,
        callbacks=[
            keras.callbacks.LearningRateScheduler(
                lambda epoch, _: piecewise_linear(epoch, epochs, learning_rate)
            ),
            checkpoint,
            keras.callbacks.CSVLogger(
                os.path.join(os.path.dirname(path), "history.csv"), append=start_epoch > 0
            ),
        ],
    )
    return model


def train_network(
    workdir,
    data,
    network,
    *,
    epochs,
    learning_rate,
    weight_decay,
    batch_size=128,
    seed=0,
    verbose=1,
):
    """Trains one network, an endpoint (section 4), or goes on where training was stopped.

    Args:
        workdir: directory for `model.keras`, `history.csv` and `settings.json`.
        data: data set from `mc_tf.data.load`.
        network: name in the registry.
        epochs: number of epochs in all.
        learning_rate: base rate of the schedule `piecewise_linear`.
        weight_decay: factor `wd` of the loss term `wd / 2 * sum(w ** 2)`.
        batch_size: examples a batch, default 128.
        seed: integer that decides initial weights, order and augmentation.
        verbose: Keras' verbosity of training.

    Returns:
        The trained `keras.Model`.

    Raises:
        ValueError, OSError: if the directory holds another run, cannot be written, or its
            checkpoint is damaged.
    """
    settings = _settings(data, epochs, learning_rate, batch_size, seed)
    claim(workdir, {"network": network, "weight_decay": weight_decay, **settings})
    path = os.path.join(workdir, "model.keras")
    if os.path.exists(path):
        model = load_checkpoint(path)
    else:
        keras.utils.set_random_seed(seed)
        model = registry.build(
            network, data.num_classes, data.image_shape, weight_decay=weight_decay
        )
        compile_classifier(model, learning_rate)
    return _fit(
        model,
        path,
        data,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        validate=True,
        verbose=verbose,
    )


def train_curve(
    workdir,
    data,
    start,
    end,
    curve,
    *,
    epochs,
    learning_rate,
    batch_size=128,
    seed=0,
    verbose=1,
):
    """Connects two trained networks (section 3.1), or goes on where training was stopped.

    Args:
        workdir: directory for `curve.keras`, `history.csv` and `settings.json`.
        data: data set from `mc_tf.data.load`.
        start, end: `.keras` files of the endpoints.
        curve: a `Curve`. One without bends is saved without training.
        epochs, learning_rate, batch_size, seed, verbose: as for `train_network`. The weight
            decay is the networks' own.

    Returns:
        The trained `CurveModel`.

    Raises:
        ValueError, OSError: if the endpoints differ or are not finite, or as `train_network`.
    """
    epochs = epochs if curve.num_bends else 0
    settings = _settings(data, epochs, learning_rate, batch_size, seed)
    check_writable(workdir)
    first, last = load_checkpoint(start, compile=False), load_checkpoint(end, compile=False)
    made = connect(first, last, curve, seed=seed)
    claim(workdir, {"curve": repr(curve), "start": start, "end": end, **settings})
    path = os.path.join(workdir, "curve.keras")
    if os.path.exists(path):
        made = load_checkpoint(path)
    else:
        keras.utils.set_random_seed(seed)
        compile_classifier(made, learning_rate)
    return _fit(
        made,
        path,
        data,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        validate=False,  # it would look at the start only
        verbose=verbose,
    )


def _settings(data, epochs, learning_rate, batch_size, seed):
    return {
        "data": data.name,
        "test": data.test_name,
        "epochs": epochs,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "seed": seed,
    }
