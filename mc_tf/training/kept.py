"""Files that a run keeps besides its checkpoint, and files it can no longer provide."""

import os

from mc_tf.storage.checkpoints import copy_after
from mc_tf.training.run_directory import RunDirectory
from mc_tf.warning import warn

__all__ = ["warn_of_lost"]


def warn_of_lost(path, epochs, options, validate):
    """Warns about requested files of epochs that are already trained.

    Args:
        path: `.keras` file of the checkpoint.
        epochs: number of whole epochs of the checkpoint.
        options: `TrainingOptions`.
        validate: whether training runs validation, which the best network needs.
    """
    run = RunDirectory(os.path.dirname(path))
    every = options.keep_every
    kept = {*options.keep_epochs, *(range(every, epochs + 1, every) if every else ())}
    files = [copy_after(path, number) for number in sorted(kept) if number <= epochs]
    if epochs >= options.epochs > 0:  # training is complete
        files += [run.best] * (options.keep_best and validate)
        files += [run.tensorboard] * options.tensorboard
    lost = [os.path.basename(file) for file in files if not os.path.exists(file)]
    if lost:
        warn(
            f"The run in '{run.path}' is already at epoch {epochs}, too late to keep "
            f"{', '.join(lost)}. Choose another directory to keep them."
        )
