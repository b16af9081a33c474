"""Trains networks and evaluates them."""

import dataclasses
import os

from mc_tf import training
from mc_tf.data import Dataset
from mc_tf.experiments.steps.run import Run
from mc_tf.experiments.steps.step import Network, Saved, Step, Values, networks_in
from mc_tf.models.zoo import registry
from mc_tf.storage.checkpoints import load_checkpoint, read_record
from mc_tf.training import TrainingOptions
from mc_tf.training.checks import check_num_examples
from mc_tf.training.fit import check_cycles
from mc_tf.training.provenance import check_not_held_out


@dataclasses.dataclass(frozen=True)
class Train(Step):
    """Trains a network from random or given weights, or from a saved network.

    Attributes:
        name: name of its folder.
        begin: `Network` to build, or `Saved` to start from.
        training: `TrainingOptions`; checkpoints needed by other steps are kept, too.
        score: whether the comparison shows its test error.
        num_train: number of training examples, from the start. Default: all.
    """

    begin: Network | Saved
    training: TrainingOptions
    score: bool = False
    num_train: int | None = None

    def data(self, run: Run) -> Dataset:
        """Returns the data that it trains on."""
        return run.data if self.num_train is None else run.data.first(self.num_train)

    def check(self, run: Run) -> None:
        """Rejects unsuitable cycles, weights trained on test data, and missing checkpoints."""
        check_num_examples(run.data, self.training.batch_size, self.num_train)
        check_cycles(self.training, self.data(run).steps_per_epoch(self.training.batch_size))
        for saved in self._saved_for(run.steps):
            self._check_saves(saved)
        if isinstance(self.begin, Network):
            registry.options(self.begin.name)  # rejects an unknown name
            check_not_held_out(list(filter(None, [self.begin.initial_weights])), run.data.settings)
            first = next(step for step in run.steps.values() if isinstance(step, Train))
            if self.begin != first.begin:  # which is built next in any case
                build(self.begin, run.data, self.training)
        self._check_kept(run)

    def run(self, run: Run) -> tuple[str, float] | None:
        """Trains; returns the name and value of its score, if requested."""
        kept = {saved.epoch for saved in self._saved_for(run.steps) if saved.epoch}
        kept = tuple(sorted(kept | set(self.training.keep_epochs)))
        passes = {"verbose": run.verbose, "eval_batch_size": run.batch_size}
        options = dataclasses.replace(self.training, keep_epochs=kept, **passes)
        run.say(f"Training '{self.name}' ({options.epochs} epochs) ...")
        begin = self.begin
        if isinstance(begin, Saved):
            settings = {"network": None, "initial_weights": run.file(begin)}
        else:
            settings = {
                "network": begin.name,
                "weight_decay": begin.weight_decay,
                "network_options": begin.options,
                "initial_weights": begin.initial_weights,
            }
        data = self.data(run)
        model = training.train_network(run.folder(self.name), data, options=options, **settings)
        return score(run, self.name, model) if self.score else None

    def values(self, result: tuple[str, float] | None) -> Values:
        """Returns its score, as a mean."""
        return {(self.name, result[0], "mean"): result[1]} if result else {}

    def _saved_for(self, steps):
        """The networks of this training that steps refer to."""
        return [saved for saved in networks_in(steps) if saved.training == self.name]

    def _check_saves(self, saved):
        """Rejects references to networks that this training will not save."""
        options = self.training
        saves = {
            "checkpoint": saved.number is not None and 0 < saved.number <= options.epochs,
            "average": options.swa_start is not None,
            "member": options.snapshots,
            "members": options.snapshots,
            "trajectory": options.trajectory_every,
            "posterior": options.swag_rank,
        }
        if not saves.get(saved.kind, True):
            raise ValueError(
                f"'{self.name}' does not save what another step needs: {saved}. A checkpoint needs "
                "as many epochs, an average swa_start, members snapshots, a trajectory "
                "trajectory_every, a posterior swag_rank."
            )
        if saved.kind != "average" or saved.number is None:
            return
        every = options.cycle_epochs or options.swa_every
        since = saved.number - options.swa_start
        if since < 0 or since % every or saved.number > options.epochs:
            raise ValueError(
                f"There would be no average of '{self.name}' after {saved.number} epochs: averages "
                f"are updated from epoch {options.swa_start} to {options.epochs}, every {every} "
                "epochs. Choose one of these epochs."
            )

    def _check_kept(self, run):
        """Rejects an earlier run that has passed a checkpoint that an unfinished step needs.

        A started training no longer needs its initial network.
        """
        directory = run.directory(self.name)
        if not os.path.exists(directory.network()):
            return
        done = read_record(directory.network()).get("step", 0)
        done //= self.data(run).steps_per_epoch(self.training.batch_size)
        begun = {name for name in run.steps if os.path.exists(run.directory(name).network())}
        unfinished = [step for name, step in run.steps.items() if name not in begun]
        for saved in self._saved_for(unfinished):
            file = directory.network(saved.epoch)
            if saved.epoch and saved.epoch <= done and not os.path.exists(file):
                raise FileNotFoundError(
                    f"There is no '{file}': the run in '{directory.path}' has been trained for "
                    f"{done} epochs without keeping its network after epoch {saved.epoch}. Remove "
                    f"'{directory.path}', and the same command trains it again "
                    f"({self.training.epochs} epochs) and keeps it."
                )


def score(run, label, model):
    """Evaluates a network, prints its scores, and returns `mc_tf.training.test_score`."""
    scores = training.evaluate_network(model, run.data, run.batch_size)
    run.say(f"{label}: {training.describe(scores)}")
    return training.test_score(scores)


def build(network, data, options):
    """Builds a `Network` for a data set; see `mc_tf.training.build_network`."""
    return training.build_network(
        network.name, data, options, network.weight_decay, network.options
    )


@dataclasses.dataclass(frozen=True)
class Score(Step):
    """Computes the test error (perplexity, loss) of one saved network.

    Attributes:
        name: unique name of the step; nothing is written.
        network: `Saved`.
        label: label in the comparison. Default: `name`.
    """

    network: Saved
    label: str | None = None

    def run(self, run: Run) -> tuple[str, float]:
        """Evaluates; returns the name and the value."""
        model = load_checkpoint(run.file(self.network))
        return score(run, (self.label or self.name).replace("-", " "), model)

    def values(self, result: tuple[str, float]) -> Values:
        """Returns its value, as a mean."""
        value, number = result
        return {(self.label or self.name, value, "mean"): number}
