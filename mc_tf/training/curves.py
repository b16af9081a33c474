"""Resumable training of a curve with the reference's settings."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from mc_tf.curves import Curve
from mc_tf.distribute.processes import is_chief
from mc_tf.layers.positions import PositionPer
from mc_tf.models import CurveModel, connect
from mc_tf.schedules import CYCLES
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.destinations import holding
from mc_tf.training.fit import check_cycles, fit
from mc_tf.training.networks import announcement, compile_for, read_network
from mc_tf.training.options import TrainingOptions
from mc_tf.training.provenance import check_same_data
from mc_tf.training.run_directory import RunDirectory, open_run
from mc_tf.training.train import is_begun
from mc_tf.typing import PathLike

if TYPE_CHECKING:
    from mc_tf.data.dataset import Dataset

__all__ = ["train_curve", "train_made_curve"]


def train_curve(
    workdir: PathLike,
    data: "Dataset",
    start: PathLike,
    end: PathLike,
    curve: Curve,
    options: TrainingOptions,
    position_per: PositionPer = "batch",
    align: bool = False,
) -> CurveModel:
    """Connects two trained networks (section 3.1), or resumes training the curve.

    Args:
        workdir: directory for `curve.keras`, `history.csv` and `settings.json`.
        data: data set from `mc_tf.data.load`.
        start, end: `.keras` files of the endpoints, which include their weight decay.
        curve: a `Curve`. A curve without trainable bends is saved directly.
        options: `TrainingOptions`.
        position_per: `"batch"` (default), `"replica"` or `"layer"`: who shares a position; see
            `CurveLayer`.
        align: whether the end's hidden units are put in the order of the start's first, see
            `mc_tf.align`. Default `False`.

    Returns:
        The trained `CurveModel`.

    Raises:
        ValueError, OSError: if the endpoints differ, are not finite or were trained on other data,
            the directory contains another run or cannot be written to, or its checkpoint is
            damaged.
    """
    if not curve.trainable:
        options = _untrained(options)

    def make():
        networks = [read_network(path, data, options.batch_size) for path in (start, end)]
        passes = {"seed": options.seed, "position_per": position_per, "align": align}
        return connect(*networks, curve, **passes)

    settings = {"curve": repr(curve)}
    if position_per != "batch":
        settings["position_per"] = position_per
    if align:
        settings["align"] = True
    return train_made_curve(workdir, data, make, options, settings, {"start": start, "end": end})


@holding("workdir")
def train_made_curve(
    workdir: PathLike,
    data: "Dataset",
    make: Callable[[], CurveModel],
    options: TrainingOptions,
    settings: Mapping[str, Any],
    files: Mapping[str, PathLike] | None = None,
) -> CurveModel:
    """Trains the curve that a function makes, or resumes its training.

    Args:
        workdir: directory for `curve.keras`, `history.csv` and `settings.json`.
        data: data set from `mc_tf.data.load`.
        make: function without arguments that returns a `CurveModel`, with random weights from
            Keras' seed.
        options: `TrainingOptions`.
        settings: dict of all other settings that affect the curve, for `settings.json`.
        files: dict from name to a file that affects it, such as `start`. Default: none.

    Returns:
        The trained `CurveModel`.

    Raises:
        ValueError, OSError: as for `train_curve`.
    """
    files = dict(files or {})
    steps = data.steps_per_epoch(options.batch_size)
    check_cycles(options, steps)
    check_same_data(list(files.values()), data.settings)
    keras.utils.set_random_seed(options.seed)  # a file may lack the seeds of dropout layers
    made = make()
    open_run(workdir, {**settings, **options.settings(data)}, files)
    path = RunDirectory(workdir).curve()
    if is_begun(path):
        fixed = _fixed(made)
        made = load_checkpoint(path)
        if not all(np.array_equal(a, b) for a, b in zip(_fixed(made), fixed)):
            raise ValueError(
                f"'{path}' joins other networks than {' and '.join(f'--{name}' for name in files)} "
                "now contain. Choose another --workdir to start over."
            )
    else:
        keras.utils.set_random_seed(options.seed)
        compile_for(made, data, options)
    if options.verbose and is_chief():
        print(announcement(made, data, workdir), flush=True)
    # Validation would evaluate one position only.
    return fit(made, path, data, options, steps, validate=False)


def _untrained(options):
    """Returns options with zero epochs and without settings that act during training."""
    numbers = ("swa_start", "swag_rank", "cycle_epochs", "trajectory_every")
    acting = {**dict.fromkeys(numbers), "snapshots": False}
    if options.schedule in ("swa", *CYCLES):
        acting["schedule"] = "constant"
    return dataclasses.replace(options, epochs=0, **acting)


def _fixed(curve_model):
    """The points that training does not move; a curve without training has no others."""
    points, trained = curve_model.curve_layer.points, curve_model.curve.trainable
    return [ops.convert_to_numpy(p) for p in points if not (trained and p.trainable)]
