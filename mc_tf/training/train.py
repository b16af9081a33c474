"""Resumable training of a network with the reference's settings."""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras

from mc_tf.backend.fused_batch_norm import fused_batch_norm
from mc_tf.batch_norm.update import update_batch_norm
from mc_tf.distribute.processes import agreed, is_chief
from mc_tf.storage.averages import WeightAverage
from mc_tf.storage.checkpoints import load_checkpoint, read_record, save_checkpoint
from mc_tf.storage.destinations import holding
from mc_tf.storage.initial_weights import load_initial_weights
from mc_tf.training.fit import check_cycles, fit
from mc_tf.training.networks import (
    announcement,
    build_network,
    compile_for,
    fixed_batch_size,
    read_network,
)
from mc_tf.training.options import TrainingOptions
from mc_tf.training.run_directory import (
    RunDirectory,
    find_difference,
    open_run,
    stored_settings,
)
from mc_tf.typing import PathLike
from mc_tf.weights.flat import assign_flat

if TYPE_CHECKING:
    from mc_tf.data.dataset import Dataset

__all__ = [
    "averaged_network",
    "is_begun",
    "train_network",
]


@holding("workdir")
def train_network(
    workdir: PathLike,
    data: "Dataset",
    network: str | None,
    options: TrainingOptions,
    weight_decay: float = 0.0,
    network_options: Mapping[str, Any] | None = None,
    initial_weights: PathLike | None = None,
) -> keras.Model:
    """Trains one network, an endpoint (section 4), or resumes its training.

    Args:
        workdir: directory for `model.keras`, `history.csv` and `settings.json`; `best.keras`,
            `model-0010.keras`, `members/`, averages and `tensorboard/` if the options request them.
        data: data set from `mc_tf.data.load`.
        network: name in the registry, or `None` for the network in `initial_weights`.
        options: `TrainingOptions`.
        weight_decay: factor `wd` of the loss term `wd / 2 * sum(w ** 2)`, default 0.
        network_options: dict of options of the builder, such as `{"width": 0.5}`.
        initial_weights: file of initial weights (`.keras`, `.weights.h5` or `.h5`) of the same
            network. With `network=None` a `.keras` file, whose network has its own weight decay and
            options. Default: random weights from the seed.

    Returns:
        The trained `keras.Model`.

    Raises:
        ValueError, OSError: if the network is unknown, the weights do not match, the directory
            contains another run or cannot be written to, or its checkpoint is damaged.
    """
    if network is None and initial_weights is None:
        raise ValueError("Pass a network, or a `.keras` file of initial weights that contains one.")
    if options.keep_best and not data.has_validation:
        raise ValueError(
            "keep_best chooses by validation examples, but the data set has none with use_test. "
            "Leave one of the two out."
        )
    steps = data.steps_per_epoch(options.batch_size)
    check_cycles(options, steps)
    chosen = dict(network_options or {})
    settings = {"network": network, "weight_decay": weight_decay, **options.settings(data)}
    if chosen:
        settings["network_options"] = chosen
    files = {"initial_weights": initial_weights} if initial_weights else {}
    path = RunDirectory(workdir).network()
    begun = is_begun(path)
    keras.utils.set_random_seed(options.seed)
    # A run with equal settings was checked when it started.
    if not begun or find_difference(workdir, settings, files):
        if network is None:
            model = read_network(initial_weights, data, options.batch_size)
        else:
            model = build_network(network, data, options, weight_decay, chosen)
    if initial_weights and network is not None and not begun:
        load_initial_weights(model, initial_weights)
    open_run(workdir, settings, files)
    if begun:
        model = load_checkpoint(path)
    else:
        compile_for(model, data, options)
    if options.verbose and is_chief():
        print(announcement(model, data, workdir), flush=True)
    with fused_batch_norm(model):
        return fit(model, path, data, options, steps, validate=True)


def is_begun(path):
    """Whether the checkpoint of a training exists, for all processes."""
    return agreed(
        os.path.exists(path),
        f"Only some of the processes of this training see the file '{path}'. Choose a directory "
        "that all of them share.",
    )


@holding("workdir")
def averaged_network(
    workdir: PathLike, data: "Dataset", epochs: int | None = None, batch_size: int = 500
) -> keras.Model:
    """Returns the network with averaged weights of a run with `swa_start` (arXiv 1803.05407).

    Batch normalization statistics are estimated on all training examples. The network is saved to
    `swa.keras` (`swa-0160.keras`), and loaded from there if it is the same average.

    Args:
        workdir: directory of `train_network`.
        data: data set from `mc_tf.data.load`.
        epochs: use the average after this number of epochs, one of the run's `keep_epochs`.
            Default: the latest.
        batch_size: examples per batch for the estimation, default 500.

    Returns:
        Compiled `keras.Model`.

    Raises:
        ValueError: if the directory does not have this average.
    """
    stored = stored_settings(workdir) or {}
    if stored.get("swa_start") is None:
        raise ValueError(f"No weights were averaged in '{workdir}'. Train with swa_start.")
    step = sys.maxsize
    if epochs is not None:
        step = (epochs - stored["swa_start"]) * data.steps_per_epoch(stored["batch_size"])
    average = WeightAverage.load(workdir, step)
    if not average.count or epochs is not None and average.step != step:
        raise ValueError(
            f"There is no average of {epochs or 'any'} epochs in '{workdir}'. Train for longer, "
            "with that number in keep_epochs."
        )
    path = RunDirectory(workdir).average(epochs)
    if os.path.exists(path) and read_record(path).get("step") == average.step:
        return load_checkpoint(path)
    model = load_checkpoint(RunDirectory(workdir).network())
    assign_flat(model, average.mean)
    update_batch_norm(model, data.batch_norm_data(fixed_batch_size(model) or batch_size))
    save_checkpoint(model, path, step=average.step, count=average.count)
    return model
