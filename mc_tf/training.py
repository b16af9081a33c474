"""Training a network or a curve with the reference's settings, resumable in a directory."""

import dataclasses
import json
import os

import keras
from keras import ops

from mc_tf import backend
from mc_tf.callbacks.checkpoint import AtomicCheckpoint, load_checkpoint
from mc_tf.files import atomic_path, check_writable, remove_leftovers, write_json
from mc_tf.models import connect, registry
from mc_tf.schedules import piecewise_linear

__all__ = [
    "TrainingOptions",
    "check_fits",
    "claim",
    "compile_classifier",
    "train_curve",
    "train_network",
]


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """How to train: the settings that networks and curves share.

    Attributes:
        epochs: number of epochs in all.
        learning_rate: base rate of SGD with momentum 0.9, in the schedule `piecewise_linear`.
        batch_size: examples a batch.
        seed: integer that decides initial weights, order, augmentation and positions `t`.
        save_every: epochs between two checkpoints.
        verbose: Keras' verbosity of training.
    """

    epochs: int
    learning_rate: float
    batch_size: int = 128
    seed: int = 0
    save_every: int = 1
    verbose: int = 1

    def settings(self, data):
        """What the result depends on, as a dict for `claim`."""
        names = ("epochs", "learning_rate", "batch_size", "seed")
        chosen = {name: getattr(self, name) for name in names}
        return {"data": data.name, "test": data.test_name, **chosen}


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
    remove_leftovers(path)
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


def check_fits(network, data):
    """Refuses a network made for images of another shape or for other classes than `data`'s.

    Args:
        network: `keras.Model`. One that does not know its shapes is not checked.
        data: data set from `mc_tf.data.load`.

    Raises:
        ValueError: naming both shapes.
    """
    pairs = (
        ("images", getattr(network, "input_shape", None), tuple(data.image_shape)),
        ("classes", getattr(network, "output_shape", None), (data.num_classes,)),
    )
    for what, made_for, given in pairs:
        if isinstance(made_for, tuple) and made_for[1:] != given:
            raise ValueError(
                f"The network '{network.name}' is made for {what} of shape {made_for[1:]}, but "
                f"those of the data set '{data.name}' are {given}. Give the data set that it was "
                "trained on."
            )


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


def _fit(model, path, data, options, validate):
    """Trains with the reference's schedule, from the epoch that `model` has reached."""
    steps = data.steps_per_epoch(options.batch_size)
    start_epoch = int(model.optimizer.iterations) // steps
    history = os.path.join(os.path.dirname(path), "history.csv")
    remove_leftovers(path)
    _trim_history(history, start_epoch)
    checkpoint = AtomicCheckpoint(path, every=options.save_every)
    if options.epochs == 0:
        checkpoint.save(model)
    if start_epoch >= options.epochs:
        return model
    model.fit(
        data.train_batches(options.batch_size, seed=options.seed, start_epoch=start_epoch),
        steps_per_epoch=steps,
        shuffle=False,  # the data set does it
        initial_epoch=start_epoch,
        epochs=options.epochs,
        validation_data=data.test_batches() if validate else None,
        verbose=options.verbose,
        callbacks=[
            keras.callbacks.LearningRateScheduler(
                lambda epoch, _: piecewise_linear(epoch, options.epochs, options.learning_rate)
            ),
            keras.callbacks.TerminateOnNaN(),  # the checkpoint says so and keeps the last state
            checkpoint,
            keras.callbacks.CSVLogger(history, append=start_epoch > 0),
        ],
    )
    return model


def _trim_history(path, epochs):
    """Drops rows of epochs after the checkpoint, which are trained again, and half a line."""
    remove_leftovers(path)
    if os.path.exists(path):
        with open(path, "rb") as file:
            first, *rows = file.readlines() or [b""]
        rows = [row for row in rows if row.endswith(b"\n") and int(row.split(b",")[0]) < epochs]
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            file.writelines([first, *rows])


def train_network(workdir, data, network, options, weight_decay=0.0):
    """Trains one network, an endpoint (section 4), or goes on where training was stopped.

    Args:
        workdir: directory for `model.keras`, `history.csv` and `settings.json`.
        data: data set from `mc_tf.data.load`.
        network: name in the registry.
        options: `TrainingOptions`.
        weight_decay: factor `wd` of the loss term `wd / 2 * sum(w ** 2)`, default 0.

    Returns:
        The trained `keras.Model`.

    Raises:
        ValueError, OSError: if the network is unknown, or the directory holds another run,
            cannot be written, or its checkpoint is damaged.
    """
    keras.utils.set_random_seed(options.seed)
    model = registry.build(network, data.num_classes, data.image_shape, weight_decay=weight_decay)
    settings = {"network": network, "weight_decay": weight_decay, **options.settings(data)}
    claim(workdir, settings)
    path = os.path.join(workdir, "model.keras")
    if os.path.exists(path):
        model = load_checkpoint(path)
    else:
        compile_classifier(model, options.learning_rate)
    return _fit(model, path, data, options, validate=True)


def train_curve(workdir, data, start, end, curve, options):
    """Connects two trained networks (section 3.1), or goes on where training was stopped.

    Args:
        workdir: directory for `curve.keras`, `history.csv` and `settings.json`.
        data: data set from `mc_tf.data.load`.
        start, end: `.keras` files of the endpoints, which bring their own weight decay.
        curve: a `Curve`. One without bends is saved without training.
        options: `TrainingOptions`.

    Returns:
        The trained `CurveModel`.

    Raises:
        ValueError, OSError: if the endpoints differ or are not finite, or the directory holds
            another run, cannot be written, or its checkpoint is damaged.
    """
    if not curve.num_bends:
        options = dataclasses.replace(options, epochs=0)
    check_writable(workdir)
    first, last = load_checkpoint(start, compile=False), load_checkpoint(end, compile=False)
    check_fits(first, data)
    made = connect(first, last, curve, seed=options.seed)
    files = {"start": os.path.abspath(start), "end": os.path.abspath(end)}
    claim(workdir, {"curve": repr(curve), **files, **options.settings(data)})
    path = os.path.join(workdir, "curve.keras")
    if os.path.exists(path):
        ends = made.control_points()[0], made.control_points()[-1]
        made = load_checkpoint(path)
        _check_same_ends(made, ends, path)
    else:
        keras.utils.set_random_seed(options.seed)
        compile_classifier(made, options.learning_rate)
    # Validation would look at the start only.
    return _fit(made, path, data, options, validate=False)


def _check_same_ends(curve_model, ends, path):
    """Refuses to go on with a curve whose endpoint files were trained anew in between."""
    points = curve_model.control_points()
    if not all(bool(ops.all(a == b)) for a, b in zip((points[0], points[-1]), ends)):
        raise ValueError(
            f"'{path}' joins other networks than the files of --start and --end hold now. "
            "Choose another --workdir to start anew."
        )
