"""A running experiment: what its steps look up."""

import dataclasses
import functools
import os
from collections.abc import Callable, Mapping
from typing import Any

from mc_tf import training
from mc_tf.callbacks import snapshot_files
from mc_tf.data import Dataset, load
from mc_tf.experiments.parts.on_data import OnData
from mc_tf.experiments.steps.step import Saved, Step
from mc_tf.training.run_directory import RunDirectory


@dataclasses.dataclass(eq=False)
class Run:
    """A running experiment: data, folders and results for its steps.

    Attributes:
        steps: dict from name to `Step`.
        data: data set from `mc_tf.data.load`.
        workdir: directory of the experiment.
        batch_size: examples per batch in evaluations.
        title: heading of the figures.
        say: function that prints a line of text.
        verbose: verbosity of Keras in training, 0 for none.
        load: function that opens another data set by name, such as one out of distribution.
            Default: `mc_tf.data.load`.
        other_data: like `load`, but opens each data set once.
        results: dict from name to the results of finished steps.
    """

    steps: dict[str, Step]
    data: Dataset
    workdir: str
    batch_size: int = 500
    title: str | None = None
    say: Callable[[str], Any] = print
    verbose: int = 2
    load: Callable[[str], Dataset] = functools.partial(load, use_test=True)
    results: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.other_data = functools.cache(self.load)

    def on_data(self, num_train: int | None = None, num_test: int | None = None) -> OnData:
        """The data for evaluations, limited to numbers of examples."""
        return OnData(self.data, self.batch_size, num_train, num_test, int(self.verbose > 0))

    def folder(self, name: str) -> str:
        """The folder of a step."""
        return os.path.join(self.workdir, *name.split("/"))

    def directory(self, name: str) -> RunDirectory:
        """The `RunDirectory` of a training or a curve."""
        return RunDirectory(self.folder(name))

    def network_file(self, saved: Saved) -> str:
        """Returns the `.keras` file with the architecture of a saved network."""
        return self.directory(saved.training).network()

    def file(self, saved: Saved) -> str:
        """Returns the file of one network; rejects a member that the training does not have."""
        directory = self.directory(saved.training)
        if saved.kind == "average":
            data = self.steps[saved.training].data(self)  # type: ignore[attr-defined]
            training.averaged_network(directory.path, data, saved.number, self.batch_size)
            return directory.average(saved.number)
        if saved.kind == "member":
            members = snapshot_files(directory.members)
            if not 1 <= saved.number <= len(members):
                raise ValueError(
                    f"'{directory.path}' has members 1 to {len(members)}. Received: {saved.number}."
                    " Train it with snapshots and a cyclic schedule."
                )
            return members[saved.number - 1]
        return directory.network(saved.number)

    def files(self, networks: Mapping[str, Saved]) -> dict[str, str]:
        """Returns files of networks by label; members and trajectories give several."""
        files = {}
        for label, saved in networks.items():
            if saved.kind in ("members", "trajectory"):
                folder = getattr(self.directory(saved.training), saved.kind)
                several = snapshot_files(folder, include_start=True)
                files |= {f"{label} {number}": file for number, file in enumerate(several)}
            else:
                files[label] = self.file(saved)
        return files
