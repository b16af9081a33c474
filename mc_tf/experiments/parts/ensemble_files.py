"""Ensembles from directories of runs: members and scores."""

import os

import numpy as np

from mc_tf.callbacks.snapshot_saver import snapshot_files
from mc_tf.ensemble import Ensemble, MemberFiles, evaluate_members
from mc_tf.ensemble import temperature as ensemble_temperature
from mc_tf.ensemble.member_outputs import member_outputs
from mc_tf.ensemble.reading import read_output
from mc_tf.ensemble.scores import score
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.destinations import holding
from mc_tf.storage.files import write_arrays, write_json
from mc_tf.storage.snapshots import read_snapshot
from mc_tf.training.checks import check_classes
from mc_tf.training.networks import announcement, check_fits
from mc_tf.training.run_directory import RunDirectory, runs_around

__all__ = [
    "evaluate_ensemble",
    "evaluate_trajectory",
    "find_members",
    "find_network",
    "fit_temperature",
    "load_ensemble",
]


def find_members(paths, include_start=False):
    """Finds the files of an ensemble's members.

    Args:
        paths: list of directories of runs (with `members/`) or of snapshots, and of files (`.npz`,
            `.keras`, `.weights.h5`).
        include_start: whether the initial weights of a run are a member. Default `False`.

    Returns:
        List of files, in the order of the paths, and of the steps in each directory.

    Raises:
        FileNotFoundError: if a path does not exist, or a directory has no snapshots.
    """
    files = []
    for path in paths:
        if os.path.isfile(path):
            files.append(path)
            continue
        inner = RunDirectory(path).members
        found = snapshot_files(inner if os.path.isdir(inner) else path, include_start)
        if not found:
            raise FileNotFoundError(
                f"There are no snapshots in '{path}'. Use the directory of a run of fge.py or "
                "sse.py, or files of networks."
            )
        files.extend(found)
    return files


def find_network(paths):
    """Finds the file of the network of members.

    Args:
        paths: as for `find_members`.

    Returns:
        The first `.keras` file among them, or `model.keras` next to them or in the run's directory.

    Raises:
        FileNotFoundError: if no file is found.
    """
    for path in map(os.fspath, paths):
        for file in [path, *(run.network() for run in runs_around(path))]:
            if file.endswith(".keras") and os.path.isfile(file):
                return file
    raise FileNotFoundError(
        f"There is no network next to the members {', '.join(map(str, paths))}. Pass the `.keras` "
        "file of a network with the same layers."
    )


def load_ensemble(paths, include_start=False, network=None, in_files=False):
    """Creates an ensemble of networks from files.

    The kind of outputs is inferred from the network and its loss. If that fails, logits are
    assumed, as for networks trained by the programs.

    Args:
        paths, include_start: as for `find_members`.
        network: `.keras` file of a network with the same layers. Default: found next to them.
        in_files: whether members are loaded one by one for evaluation, so that memory does not grow
            with their number. Default `False`.

    Returns:
        `Ensemble`, or `MemberFiles`.

    Raises:
        FileNotFoundError, ValueError: if a file is missing, damaged or does not match.
    """
    files = find_members(paths, include_start)
    network = network or find_network(paths)
    try:
        model = load_checkpoint(network)
    except ValueError:  # perhaps it has a custom loss or metric
        model = load_checkpoint(network, compile=False)
    try:
        output = read_output(model, compiled=(model,))
    except ValueError:  # not compiled: a network of the programs
        output = "logits"
    return (MemberFiles if in_files else Ensemble)(model, files, output=output)


@holding("path", ".npz")
def evaluate_trajectory(folder, data, path, *, network=None, batch_size=500, verbose=1):
    """Computes errors of networks along a training trajectory (figure 3, left).

    One network is in memory at a time. Predictions are stored in `PATH-predictions`, so that the
    evaluation can be resumed.

    Args:
        folder: directory of a run with `trajectory_every`, or of snapshots.
        data: data set from `mc_tf.data.load`.
        path: result file without extension: `PATH.npz` with the returned arrays.
        network: `.keras` file of a network with the same layers. Default: found there.
        batch_size: examples per batch, default 500.
        verbose: 1 for a progress bar.

    Returns:
        dict of arrays, one entry per network: `step`, `learning_rate`, `distance_from_start`,
        `distance_from_previous`, `error` (percent) and `loss`.

    Raises:
        FileNotFoundError, ValueError, OSError: as `evaluate_ensemble`.
    """
    inner = RunDirectory(folder).trajectory
    files = find_members([inner if os.path.isdir(inner) else folder])
    for file in files:
        if not file.endswith(".npz"):
            read_snapshot(file)  # raises an error that explains it
    model = load_checkpoint(network or find_network([folder]), compile=False)
    check_fits(model, data)
    check_classes(data, "Errors of a trajectory", "it")
    networks = MemberFiles(model, files, output="logits")
    if verbose:
        print(announcement(model, data, f"{path}.npz"), flush=True)
    batches = data.test_batches(batch_size)
    outputs = member_outputs(networks, batches, f"{path}-predictions", batch_size, verbose)
    names = ("step", "learning_rate", "distance_from_start", "distance_from_previous")
    rows = []
    for m, found, targets in outputs:
        record = read_snapshot(files[m]).record
        scores = score(networks.output_spec.predictions(found), targets.labels)
        rows.append({**{name: record[name] for name in names}, **scores})
    found = {name: np.array([row[name] for row in rows]) for name in (*names, "error", "loss")}
    write_arrays(f"{path}.npz", **found)
    return found


@holding("path", ".npz", ".json")
def evaluate_ensemble(ensemble, data, path, *, cache=None, batch_size=500, verbose=1):
    """Scores an ensemble on the test (or validation) data and writes the results.

    Args:
        ensemble: `Ensemble` or `MemberFiles`.
        data: data set from `mc_tf.data.load`.
        path: result files without extension: `PATH.npz` with all arrays, `PATH.json` with the
            scores.
        cache: directory of predictions, so that the evaluation can be resumed. Default:
            `PATH-predictions`.
        batch_size: examples per batch, default 500.
        verbose: 1 for a progress bar.

    Returns:
        `mc_tf.ensemble.EnsembleEvaluation`.

    Raises:
        ValueError, OSError: if the data does not match the network, the cache belongs to other
            data, or a file cannot be written.
    """
    check_fits(ensemble.model, data)
    if verbose:
        print(announcement(ensemble.model, data, f"{path}.npz"), flush=True)
    result = evaluate_members(
        ensemble,
        data.test_batches(batch_size),
        cache=cache or f"{path}-predictions",
        batch_size=batch_size,
        verbose=verbose,
    )
    result.save(f"{path}.npz")
    summary = {
        "data": data.settings,
        "members": {name: list(map(float, values)) for name, values in result.members.items()},
        "cumulative": {
            name: list(map(float, values)) for name, values in result.cumulative.items()
        },
        "mean_disagreement": result.mean_disagreement,
        "temperatures": list(map(float, ensemble.temperatures)),
    }
    write_json(f"{path}.json", summary)
    return result


def fit_temperature(ensemble, data, batch_size=500, verbose=1):
    """Fits the temperature of each member to held-out data.

    Args:
        ensemble: `Ensemble` or `MemberFiles`.
        data: data set from `mc_tf.data.load` without `use_test`. The members must not have been
            trained on its held-out part.
        batch_size: examples per batch, default 500.
        verbose: 1 for a progress bar.

    Returns:
        float32 array `(M,)`.

    Raises:
        ValueError: if the data does not match the network.
    """
    check_fits(ensemble.model, data)
    held_out = data.test_batches(batch_size)
    return ensemble_temperature.fit_temperature(ensemble, held_out, verbose=verbose)
