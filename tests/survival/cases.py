"""Programs that write, small enough to be killed a thousand times, and how results are compared."""

import dataclasses
import io
import json
import pathlib
import re
import zipfile

import h5py
import numpy as np
from programs import run, run_all

from mc_tf import GridEvaluation

_SMALL = ("--network=fc", "--network_option=units=[8]", "--batch_size=256", "--verbose=0")
_A, _B = "../inputs/a/model.keras", "../inputs/b/model.keras"
_CURVE = "--curve_file=../inputs/bezier/curve.keras"
_MEMBERS = "--members=../inputs/sse"


@dataclasses.dataclass(frozen=True)
class Case:
    """A command line, run in a directory next to `inputs`.

    Attributes:
        name: of the case.
        program: in `bin/`.
        flags: its flags; all that it writes is in its working directory.
        alone: whether a second program is refused while the first one runs.
        other: files that need not be equal.
    """

    name: str
    program: str
    flags: tuple
    alone: bool = True
    other: tuple = ()


def make_inputs(folder):
    """Makes the files that the cases read.

    Args:
        folder: `pathlib.Path` of a directory that does not exist yet.
    """
    run_all(
        "train",
        {
            name: (f"--workdir={folder}/{name}", *_SMALL, "--epochs=0", f"--seed={seed}")
            for seed, name in enumerate("ab", start=1)
        },
    )
    ends = (f"--start={folder}/a/model.keras", f"--end={folder}/b/model.keras")
    small = ("--batch_size=256", "--verbose=0", "--epochs=0")
    run("connect", f"--workdir={folder}/bezier", *ends, *small)
    run("sse", f"--workdir={folder}/sse", *_SMALL, "--epochs=2", "--cycle_epochs=1")
    few = ("--num_train_examples=64", "--verbose=0")
    curve = f"--curve_file={folder}/bezier/curve.keras"
    run("eval_curve", curve, "--num_points=5", *few)
    plane = "a", "b", "sse"
    networks = ",".join(f"{name}={folder}/{name}/model.keras" for name in plane)
    networks = f"--networks={networks}"
    run("eval_grid", networks, f"--output={folder}/plane", "--shape=4", *few, "--margin=0.2")
    result = GridEvaluation.load(folder / "plane")
    result.marks = {name: 2 * mark for name, mark in result.marks.items()}
    result.save(folder / "wider")


_FEW = ("--num_train_examples=200", "--verbose=0")
_NETWORKS = f"--networks=a={_A},b={_B},c=../inputs/sse/model.keras"
CASES = (
    Case(
        "train",
        "train",
        ("--workdir=out", *_SMALL, "--epochs=3", "--keep_every=2", "--save_every=2"),
    ),
    Case(
        "train by steps",
        "train",
        ("--workdir=out", *_SMALL, "--epochs=2", "--keep_best", "--save_every_steps=1"),
        other=("out/history.csv",),  # means of an epoch in two parts are rounded otherwise
    ),
    Case(
        "connect",
        "connect",
        (
            *("--workdir=out", f"--start={_A}", f"--end={_B}", "--batch_size=256"),
            *("--epochs=2", "--verbose=0"),
        ),
    ),
    Case(
        "swa",
        "swa",
        ("--workdir=out", *_SMALL, "--epochs=3", "--swa_start=1", "--swa_learning_rate=0.02"),
    ),
    Case(
        "swag",
        "swa",
        (
            *("--workdir=out", *_SMALL, "--epochs=4", "--swa_start=1", "--swa_learning_rate=0.02"),
            *("--swag_rank=2", "--swag_samples=3"),
        ),
    ),
    Case("sse", "sse", ("--workdir=out", *_SMALL, "--epochs=2", "--cycle_epochs=1")),
    Case(
        "fge",
        "fge",
        (
            *("--workdir=out", f"--checkpoint={_A}", "--batch_size=256", "--epochs=2"),
            *("--cycle_epochs=1", "--trajectory_every=2", "--verbose=0"),
        ),
    ),
    Case("eval_curve", "eval_curve", (_CURVE, "--output=out/curve", "--num_points=9", *_FEW)),
    Case(
        "eval_grid",
        "eval_grid",
        (_NETWORKS, "--output=out/plane", "--shape=3", *_FEW, "--num_test_examples=100"),
    ),
    Case("eval_ensemble", "eval_ensemble", (_MEMBERS, "--output=out/scores", "--verbose=0")),
    Case(
        "eval_pairs",
        "eval_pairs",
        ("--curve_files=../inputs/bezier/curve.keras", "--output=out/pairs", "--num_points=3"),
    ),
    Case("merge", "merge", (_MEMBERS, "--output=out/soup", "--verbose=0")),
    Case("export_ensemble", "export_ensemble", (_MEMBERS, "--saved_model=out/served")),
    Case(
        "plot curve",
        "plot",
        ("curve", "--results=../inputs/bezier/evaluation.npz", "--figure=out/curve.png"),
        alone=False,
    ),
    Case(
        "plot plane",
        "plot",
        ("plane", "--results=../inputs/plane.npz", "--figure=out/plane.svg"),
        alone=False,
    ),
    Case(
        "plot film",
        "plot",
        ("film", "--results=1=../inputs/plane.npz,2=../inputs/wider.npz", "--figure=out/film.gif"),
        alone=False,
    ),
    Case("report", "report", ("../inputs", "--page=out/report.html"), alone=False),
    Case(
        "reproduce",
        "reproduce",
        (
            *("--recipe=digits", "--smoke", "--set=curves=[bezier]", "--verbose=0"),
            *("--workdir=out", "--results_file=r.csv"),
        ),
    ),
    Case(
        "demo",
        "demo",
        ("--workdir=out", "--epochs=1", "--curve_epochs=1", "--num_points=3"),
    ),
)


# Comparing.


def contents(folder):
    """Contents of the files below a directory, without the times at which they were written.

    Args:
        folder: `pathlib.Path`.

    Returns:
        dict from relative path to something that can be compared.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): _content(path) for path in paths}


def differences(folder, reference, case):
    """Names of files that differ, are missing or are left over.

    Args:
        folder: `pathlib.Path`.
        reference: what `contents` returned for an undisturbed run.
        case: `Case`.

    Returns:
        List of str.
    """
    found = contents(folder)
    names = sorted((found.keys() | reference.keys()) - set(case.other))
    return [name for name in names if found.get(name) != reference.get(name)]


def _content(path):
    if path.name == "fingerprint.pb" or path.name == "saved_model.pb":
        return "of TensorFlow"  # holds random names
    content = path.read_bytes()
    if path.suffix == ".keras":
        return _network(content)
    if path.suffix == ".html":
        return re.sub(rb"(page written|latest file)</th>\s*<td[^>]*>[^<]*<", b"", content)
    if path.name == "r.csv":
        return re.sub(rb"^\d{4}-\d\d-\d\d", b"", content, flags=re.MULTILINE)
    return content


def _network(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(members["metadata.json"])
    about.pop("date_saved")
    members["metadata.json"] = about
    # Keras numbers layers and optimizers of a process, and objects that two layers share until it
    # has loaded them once.
    numbers = rb', "shared_object_id": \d+|(?<=[a-z0-9])_\d+(?=")'
    members["config.json"] = re.sub(numbers, b"", members["config.json"])
    weights = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            value = np.asarray(item[()])
            weights[name] = (str(value.dtype), value.shape, value.tobytes())

    with h5py.File(io.BytesIO(members["model.weights.h5"])) as file:
        file.visititems(visit)
    members["model.weights.h5"] = weights
    return members


def hidden(folder):
    """Temporary files and locks that are left.

    Args:
        folder: `pathlib.Path`.

    Returns:
        List of paths.
    """
    return [path for path in pathlib.Path(folder).rglob(".*") if path.name != "."]
