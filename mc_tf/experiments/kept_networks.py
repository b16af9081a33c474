"""Whether earlier runs kept the networks from which later ones start."""

import os
import zipfile

from mc_tf.storage.checkpoints import read_record

__all__ = ["check_kept"]


def check_kept(plan, data, folder):
    """Refuses earlier runs of a comparison that did not keep networks which are needed now.

    Args:
        plan: `mc_tf.experiments.ensemble_experiment.EnsembleExperiment`.
        data: data set from `mc_tf.data.load`.
        folder: directory of the runs of one repetition.

    Raises:
        FileNotFoundError: naming what is missing, and what to do.
    """

    def check(name, options, needed, purpose, flag):
        _check_run(os.path.join(folder, name), data, options, needed, purpose, flag)

    def check_starts(run, needed, what, flag):
        # The first and the last network are there in any case.
        needed = [epochs for epochs in needed if 0 < epochs < plan.training.epochs]
        check(f"ind-{run}", plan.training, needed, f"from which {what} starts", flag)

    for run in range(plan.budgets if "fge" in plan.methods else 0):
        begun = [os.path.join(folder, f"fge-{run}-{start}") for start in plan.fge_starts]
        needed = [
            start
            for start, path in zip(plan.fge_starts, begun)
            if not os.path.exists(os.path.join(path, "model.keras"))
        ]
        check_starts(run, needed, "FGE", "fge_starts")
    if "swa" in plan.methods:
        start = [plan.swa_pretraining or 0]  # it is evaluated, too
        check_starts(0, start, "averaging", "swa_pretraining")
        check("swa", plan.swa, plan.swa_epochs, "which is compared", "swa_epochs")


def _check_run(folder, data, options, needed, purpose, flag):
    path = os.path.join(folder, "model.keras")
    if not os.path.exists(path) or not zipfile.is_zipfile(path):
        return  # not begun, or damaged: training says so
    steps = read_record(path).get("step", 0)
    done = steps // data.steps_per_epoch(options.batch_size)
    files = {epochs: os.path.join(folder, f"model-{epochs:04d}.keras") for epochs in needed}
    missing = [n for n, file in files.items() if n <= done and not os.path.exists(file)]
    if missing:
        raise FileNotFoundError(
            f"There is no '{files[missing[0]]}': the run in '{folder}' has been trained for "
            f"{done} epochs without keeping its network after epoch "
            f"{' and '.join(map(str, missing))}, {purpose}. Remove '{folder}', and the same "
            f"command trains it again ({options.epochs} epochs) and keeps it; or give --{flag} "
            "of networks that it has, or leave that method out of --methods."
        )
