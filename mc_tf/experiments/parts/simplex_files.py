"""Networks of a simplex in files: samples as members of ensembles, and its middle."""

import dataclasses
import os

import numpy as np

from mc_tf.batch_norm import update_batch_norm
from mc_tf.callbacks import snapshot_files
from mc_tf.storage.checkpoints import save_checkpoint
from mc_tf.storage.files import remove
from mc_tf.storage.snapshots import save_snapshot
from mc_tf.training import compile_for
from mc_tf.training.run_directory import RunDirectory


def middle_of(curve):
    """The middle of a curve or simplex; of a complex, the middle of the vertices that all share."""
    if not curve.position_shape:
        return 0.5
    shared = set(range(curve.num_points)).intersection(*curve.simplexes)
    chosen = sorted(shared or range(curve.num_points))
    return np.eye(curve.num_points, dtype="float32")[chosen].mean(0)


def save_middle(on, curve_model, workdir, step):
    """Saves the network in the middle as `model.keras`, with its own statistics."""
    middle = curve_model.point(middle_of(curve_model.curve))
    compile_for(middle, on.data)
    update_batch_norm(middle, on.batch_norm_data())
    save_checkpoint(middle, RunDirectory(workdir).network(), step=step)


def save_samples(ensemble, workdir, step):
    """Saves the members of an ensemble in `members/`, as after a number of steps of training."""
    folder, files, before = RunDirectory(workdir).members, [], None
    os.makedirs(folder, exist_ok=True)
    for number in range(ensemble.num_members):
        snapshot = ensemble.snapshot(number)
        distance = 0.0 if before is None else float(np.linalg.norm(snapshot.weights - before))
        record = {"step": step, "distance_from_previous": distance}
        files.append(os.path.join(folder, f"snapshot-{number + 1:08d}.npz"))
        save_snapshot(files[-1], dataclasses.replace(snapshot, record=record))
        before = snapshot.weights
    remove(set(snapshot_files(folder)) - set(files))  # of a larger number
