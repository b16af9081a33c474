"""Ensembles from directories of runs: members, scores, mean predictions."""

import os

import numpy as np

from mc_tf.callbacks.snapshot_saver import snapshot_files
from mc_tf.ensemble import Ensemble, MemberFiles, evaluate_members
from mc_tf.ensemble.member_outputs import member_outputs
from mc_tf.ensemble.reading import read_output
from mc_tf.ensemble.scores import score
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.destinations import holding
from mc_tf.storage.files import write_arrays, write_json
from mc_tf.storage.snapshots import read_snapshot
from mc_tf.training.checks import check_classes
from mc_tf.training.run_directory import RunDirectory, runs_around


def find_members(paths, include_start=False):
    """Finds the files of an ensemble's members, in the order of the paths and of their steps.

    A path is the directory of a run (with `members/`) or of snapshots, or a file (`.npz`, `.keras`,
    `.weights.h5`). With `include_start` the initial weights of a run are a member, too.
    """
    files = []
    for path in paths:
        inner = RunDirectory(path).members
        folder = inner if os.path.isdir(inner) else path
        members = [path] if os.path.isfile(path) else snapshot_files(folder, include_start)
        if not members:
            raise FileNotFoundError(
                f"There are no snapshots in '{path}'. Use the directory of a run of fge.py or "
                "sse.py, or files of networks."
            )
        files.extend(members)
    return files


def find_network(paths):
    """Finds the `.keras` file among members, or `model.keras` next to them or in their run."""
    for path in map(os.fspath, paths):
        for file in [path, *(run.network() for run in runs_around(path))]:
            if file.endswith(".keras") and os.path.isfile(file):
                return file
    raise FileNotFoundError(
        f"There is no network next to the members {', '.join(map(str, paths))}. Pass the `.keras` "
        "file of a network with the same layers: --network_file=FILE."
    )


def load_ensemble(paths, include_start=False, network=None, in_files=False):
    """Creates an `Ensemble` of networks from files, see `find_members`, or `MemberFiles`.

    The kind of outputs is inferred from the network and its loss. If that fails, logits are
    assumed, as for networks trained by the programs.
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


@holding("path", ".npz", ".json")
def evaluate_ensemble(on, ensemble, path, cache=None):
    """Scores an `Ensemble` or `MemberFiles` on the test (or validation) data.

    Writes `PATH.npz` with all arrays of the returned `EnsembleEvaluation`, and `PATH.json` with the
    scores. The directory `cache` (default: `PATH-predictions`) is for resuming.
    """
    on.announce(ensemble.model, path)
    passes = (cache or f"{path}-predictions", on.batch_size, on.verbose)
    result = evaluate_members(ensemble, on.test(), *passes)
    result.save(f"{path}.npz")
    summary = {
        "data": on.data.settings,
        "members": {name: values.tolist() for name, values in result.members.items()},
        "cumulative": {name: values.tolist() for name, values in result.cumulative.items()},
        "mean_disagreement": result.mean_disagreement,
        "temperatures": list(map(float, ensemble.temperatures)),
    }
    write_json(f"{path}.json", summary)
    return result


@holding("path", ".npz")
def evaluate_trajectory(on, folder, path, network=None):
    """Computes errors of networks along a training trajectory (figure 3, left), or resumes.

    The folder is a run with `trajectory_every`, or has snapshots. Returns a dict of arrays, those
    of `PATH.npz`: `step`, `learning_rate`, `distance_from_start`, `distance_from_previous`, `error`
    (percent) and `loss` of each network.
    """
    inner = RunDirectory(folder).trajectory
    files = find_members([inner if os.path.isdir(inner) else folder])
    records = [read_snapshot(file).record for file in files]
    model = load_checkpoint(network or find_network([folder]), compile=False)
    check_classes(on.data, "Errors of a trajectory", "it")
    networks = MemberFiles(model, files, output="logits")
    on.announce(model, path)
    passes = (f"{path}-predictions", on.batch_size, on.verbose)
    names = ("step", "learning_rate", "distance_from_start", "distance_from_previous")
    rows = []
    for m, outputs, targets in member_outputs(networks, on.test(), *passes):
        scores = score(networks.output_spec.predictions(outputs), targets.labels)
        rows.append({**records[m], **scores})
    columns = {name: np.array([row[name] for row in rows]) for name in (*names, "error", "loss")}
    write_arrays(f"{path}.npz", **columns)
    return columns


@holding("path", ".npz")
def evaluate_mean_prediction(on, ensemble, path, scales=(1.0, 0.5, 0.25, 0.125)):
    """Measures the approximation of an ensemble by mean weights, depending on its spread.

    For members at a distance of order `D` from their mean, a member's predictions differ from the
    prediction of the mean weights by `O(D)`, but the mean prediction only by `O(D ** 2)`. Therefore
    weight averaging approximates fast geometric ensembling (arXiv 1803.05407, 3.5). To show both
    orders, members are scaled towards their mean: `mean + scale * (member - mean)`.

    Returns a dict of arrays over the scales, as in `PATH.npz`: `scale`, and root mean squares:
    `distance` of the members from their mean, `member_difference` and `mean_difference` of a
    member's and of the mean prediction from the prediction of the mean weights.
    """
    scales = np.asarray(scales, "float64")
    if ensemble.num_members < 2:
        raise ValueError("A mean needs at least two members. Received: 1.")
    if scales.ndim != 1 or not scales.size or not ((scales > 0) & (scales <= 1)).all():
        raise ValueError(f"`scales` must be numbers in (0, 1]. Received: {scales.tolist()}")
    on.announce(ensemble.model, path)
    members = ensemble.members.astype("float64")
    mean = members.mean(0)

    def predictions(weights):
        made = Ensemble(ensemble.model, weights.astype("float32"), ensemble.output_spec)
        made.update_batch_norm(on.batch_norm_data(), verbose=on.verbose)
        return made.member_predictions(on.test()).astype("float64")

    (at_mean,) = predictions(mean[None])
    rows = []
    for scale in scales:
        each = predictions(mean + scale * (members - mean))
        rows.append([_size(each - at_mean), _size(each.mean(0) - at_mean)])
    distance = np.sqrt(np.square(members - mean).sum(1).mean())
    columns = {"scale": scales, "distance": scales * distance}
    columns["member_difference"], columns["mean_difference"] = np.array(rows).T
    write_arrays(f"{path}.npz", **columns)
    return columns


def _size(difference):
    return np.sqrt(np.square(difference).mean())
