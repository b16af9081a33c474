"""Networks sampled from the posterior of a training run."""

import os
import sys
from typing import TYPE_CHECKING

from mc_tf.callbacks.snapshot_saver import snapshot_files
from mc_tf.posterior import GaussianPosterior
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.destinations import holding
from mc_tf.storage.files import remove
from mc_tf.storage.moments import WeightMoments
from mc_tf.storage.snapshots import save_snapshot
from mc_tf.training.networks import fixed_batch_size
from mc_tf.training.run_directory import RunDirectory, stored_settings
from mc_tf.typing import PathLike

if TYPE_CHECKING:
    from mc_tf.data.dataset import Dataset

__all__ = ["sample_networks", "weight_posterior"]


def weight_posterior(workdir: PathLike) -> GaussianPosterior:
    """Returns the posterior of a run with `swag_rank` (SWAG, arXiv 1902.02476).

    Args:
        workdir: directory of `train_network`.

    Returns:
        `GaussianPosterior` of the latest average, with the network of the run.

    Raises:
        ValueError: if the run has no `swag_rank`, or has averaged fewer than two networks.
    """
    rank = (stored_settings(workdir) or {}).get("swag_rank")
    if rank is None:
        raise ValueError(f"There is no posterior in '{workdir}'. Train with swag_rank.")
    average = WeightMoments.load(workdir, sys.maxsize, max_rank=rank)
    model = load_checkpoint(RunDirectory(workdir).network())
    return GaussianPosterior.of(average, model)


@holding("workdir")
def sample_networks(
    workdir: PathLike,
    data: "Dataset",
    num_samples: int = 30,
    scale: float = 0.5,
    seed: int = 0,
    batch_size: int = 500,
) -> list[str]:
    """Samples networks from the posterior of a run, the members of an ensemble.

    They are saved as snapshots in `samples/`. Batch normalization statistics are estimated for each
    on all training examples.

    Args:
        workdir: directory of `train_network` with `swag_rank`.
        data: data set from `mc_tf.data.load`.
        num_samples: number of networks. Default 30.
        scale: factor of the covariance. Default 0.5.
        seed: integer.
        batch_size: examples per batch for the estimation, default 500.

    Returns:
        List of file names.

    Raises:
        ValueError: as for `weight_posterior`.
    """
    posterior = weight_posterior(workdir)
    batches = data.batch_norm_data(fixed_batch_size(posterior.network) or batch_size)
    ensemble = posterior.ensemble(
        num_samples, scale, seed=seed, batch_norm_data=batches, output="regression", verbose=0
    )
    folder = RunDirectory(workdir).samples
    os.makedirs(folder, exist_ok=True)
    files = [os.path.join(folder, f"snapshot-{m + 1:08d}.npz") for m in range(num_samples)]
    for m, file in enumerate(files):
        save_snapshot(file, ensemble.snapshot(m))
    remove(set(snapshot_files(folder)) - set(files))  # of a larger number
    return files
