"""Training a network or a curve with the reference's settings, resumable in a directory."""

import dataclasses
import json
import os
import warnings

import keras
from keras import ops

from mc_tf.callbacks.checkpoint import load_checkpoint
from mc_tf.files import check_writable, remove_leftovers, write_json
from mc_tf.fitting import fit, fixed_batch_size
from mc_tf.models import connect, registry
from mc_tf.options import TrainingOptions, compile_for, precision

__all__ = [
    "TrainingOptions",
    "check_batch_size",
    "check_fits",
    "claim",
    "load_initial_weights",
    "train_curve",
    "train_network",
]


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
    stored, settings = _stored_settings(workdir), _as_stored(settings)
    if stored is None:
        write_json(path, settings)
        return
    for key in settings.keys() | stored.keys():
        if stored.get(key) != settings.get(key):
            raise ValueError(
                f"'{workdir}' holds a run with {key}={stored.get(key)}, but this one has "
                f"{key}={settings.get(key)}. Choose another --workdir to start anew."
            )


def _as_stored(settings):
    return json.loads(json.dumps(settings, default=str))  # as in the file: tuples are lists


def _stored_settings(workdir):
    """The settings of the run that a directory holds, or `None` if there is none."""
    path = os.path.join(workdir, "settings.json")
    if not os.path.exists(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except ValueError as error:
        raise ValueError(f"'{path}' is damaged. Choose another --workdir.") from error


def check_fits(network, data):
    """Refuses a network made for examples of another shape or for other classes than `data`'s.

    Args:
        network: `keras.Model`. One that does not know its shapes is not checked.
        data: data set from `mc_tf.data.load`.

    Raises:
        ValueError: naming both shapes.
    """
    pairs = (
        ("examples", getattr(network, "input_shape", None), tuple(data.input_shape)),
        ("classes", (getattr(network, "output_shape", None) or ())[-1:], (data.num_classes,)),
    )
    for what, made_for, given in pairs:
        if what == "examples" and isinstance(made_for, tuple):
            made_for = made_for[1:]
        if isinstance(made_for, tuple) and made_for and not _same_shape(made_for, given):
            raise ValueError(
                f"The network '{network.name}' is made for {what} of shape {made_for}, but "
                f"those of the data set '{data.name}' are {given}. Give the data set that it was "
                "trained on."
            )


def _same_shape(made_for, given):
    """Whether shapes are equal; a dimension that the network leaves open fits anything."""
    return len(made_for) == len(given) and all(
        size in (None, other) for size, other in zip(made_for, given)
    )


def check_batch_size(network, batch_size):
    """Refuses a batch size that a network with carried state has no state for.

    Args:
        network: `keras.Model`.
        batch_size: examples a batch.

    Raises:
        ValueError: naming both.
    """
    fixed = fixed_batch_size(network)
    if fixed not in (None, batch_size):
        raise ValueError(
            f"The network '{network.name}' carries state for batches of {fixed}, but batch_size "
            f"is {batch_size}. Give --batch_size={fixed}."
        )


def train_network(
    workdir,
    data,
    network,
    options,
    weight_decay=0.0,
    network_options=None,
    initial_weights=None,
):
    """Trains one network, an endpoint (section 4), or goes on where training was stopped.

    Args:
        workdir: directory for `model.keras`, `history.csv` and `settings.json`; `best.keras`,
            `model-0010.keras` and `tensorboard/` where the options ask for them.
        data: data set from `mc_tf.data.load`.
        network: name in the registry.
        options: `TrainingOptions`.
        weight_decay: factor `wd` of the loss term `wd / 2 * sum(w ** 2)`, default 0.
        network_options: dict of the builder's own options, such as `{"width": 0.5}`.
        initial_weights: file of weights to start from (`.keras`, `.weights.h5` or `.h5`), of the
            same network. Default: fresh weights from the seed.

    Returns:
        The trained `keras.Model`.

    Raises:
        ValueError, OSError: if the network is unknown, the weights do not fit, or the directory
            holds another run, cannot be written, or its checkpoint is damaged.
    """
    chosen = dict(network_options or {})
    settings = {"network": network, "weight_decay": weight_decay, **options.settings(data)}
    if chosen:
        settings["network_options"] = chosen
    if initial_weights:
        settings["initial_weights"] = os.path.abspath(initial_weights)
    path = os.path.join(workdir, "model.keras")
    begun = os.path.exists(path)
    keras.utils.set_random_seed(options.seed)
    # What a run with equal settings began with need not be built again to be checked.
    if not begun or _stored_settings(workdir) != _as_stored(settings):
        model = _build(network, data, options, weight_decay, chosen)
    if initial_weights and not begun:
        load_initial_weights(model, initial_weights)
    claim(workdir, settings)
    if begun:
        model = load_checkpoint(path)
    else:
        compile_for(model, data, options)
    return fit(model, path, data, options, validate=True)


def _build(network, data, options, weight_decay, network_options):
    """A fresh network for a data set, refused if it cannot be trained with the options."""
    with precision(options.precision):
        model = registry.build(
            network,
            data.num_classes,
            data.input_shape,
            weight_decay=weight_decay,
            **{**data.network_options(options.batch_size), **network_options},
        )
    check_batch_size(model, options.batch_size)
    return model


def load_initial_weights(model, path):
    """Loads a file of weights with one clear line if that fails.

    Args:
        model: built Keras model.
        path: file name: `.keras`, `.weights.h5`, or `.h5` as `keras.applications` publishes.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds other weights, or none.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file of weights '{path}'.")
    try:
        with warnings.catch_warnings(record=True) as caught:
            model.load_weights(path)
    except Exception as error:  # zip, h5py and Keras each have their own
        reason = str(error).strip().splitlines() or [""]
        raise ValueError(
            f"The file '{path}' does not hold the weights of the network '{model.name}' "
            f"({type(error).__name__}: {reason[0][:200]})."
        ) from error
    for warning in caught:  # where it fails, one line is enough
        warnings.warn(warning.message, stacklevel=2)


def train_curve(workdir, data, start, end, curve, options):
    """Connects two trained networks (section 3.1), or goes on where training was stopped.

    Args:
        workdir: directory for `curve.keras`, `history.csv` and `settings.json`.
        data: data set from `mc_tf.data.load`.
        start, end: `.keras` files of the endpoints, which bring their own weight decay.
        curve: a `Curve`. One with nothing to train is saved as it is.
        options: `TrainingOptions`.

    Returns:
        The trained `CurveModel`.

    Raises:
        ValueError, OSError: if the endpoints differ or are not finite, or the directory holds
            another run, cannot be written, or its checkpoint is damaged.
    """
    if not curve.trainable:
        options = dataclasses.replace(options, epochs=0)
    check_writable(workdir)
    first, last = load_checkpoint(start, compile=False), load_checkpoint(end, compile=False)
    check_fits(first, data)
    check_batch_size(first, options.batch_size)
    made = connect(first, last, curve, seed=options.seed)
    files = {"start": os.path.abspath(start), "end": os.path.abspath(end)}
    claim(workdir, {"curve": repr(curve), **files, **options.settings(data)})
    path = os.path.join(workdir, "curve.keras")
    if os.path.exists(path):
        ends = _ends(made)
        made = load_checkpoint(path)
        _check_same_ends(made, ends, path)
    else:
        keras.utils.set_random_seed(options.seed)
        compile_for(made, data, options)
    # Validation would look at the start only.
    return fit(made, path, data, options, validate=False)


def _check_same_ends(curve_model, ends, path):
    """Refuses to go on with a curve whose endpoint files were trained anew in between."""
    if not all(bool(ops.all(a == b)) for a, b in zip(_ends(curve_model), ends)):
        raise ValueError(
            f"'{path}' joins other networks than the files of --start and --end hold now. "
            "Choose another --workdir to start anew."
        )


def _ends(curve_model):
    return [curve_model.curve_layer.flat_point(t) for t in (0.0, 1.0)]
