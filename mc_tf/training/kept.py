"""What a run keeps beside its checkpoint, and what it can no longer keep."""

import os
import warnings

__all__ = ["warn_of_lost"]


def warn_of_lost(path, epochs, options, validate):
    """Warns of what the options ask to keep of epochs that are trained already.

    Args:
        path: `.keras` file of the checkpoint.
        epochs: whole epochs that the checkpoint has been trained for.
        options: `TrainingOptions`.
        validate: whether the training evaluates, without which there is no best network.
    """
    folder, (root, ending) = os.path.dirname(path), os.path.splitext(path)
    every = options.keep_every
    kept = {*options.keep_epochs, *(range(every, epochs + 1, every) if every else ())}
    files = [f"{root}-{number:04d}{ending}" for number in sorted(kept) if number <= epochs]
    if epochs >= options.epochs > 0:  # nothing is left to train
        files += [os.path.join(folder, "best.keras")] * (options.keep_best and validate)
        files += [os.path.join(folder, "tensorboard")] * options.tensorboard
    lost = [os.path.basename(file) for file in files if not os.path.exists(file)]
    if lost:
        warnings.warn(
            f"The run in '{folder}' is already at epoch {epochs}, too late to keep "
            f"{', '.join(lost)}. Choose another directory to have them.",
            stacklevel=3,
        )
