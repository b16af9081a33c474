"""The barrier between two saved networks."""

import dataclasses

from mc_tf.arguments import check_counts
from mc_tf.evaluation.barrier import Barrier
from mc_tf.experiments.parts import curve_files
from mc_tf.experiments.steps.run import Run
from mc_tf.experiments.steps.step import Saved, Step, Values
from mc_tf.training.checks import check_num_examples

_SHOWN = ("train_loss", "test_loss", "test_error", "test_perplexity")


@dataclasses.dataclass(frozen=True)
class Barriers(Step):
    """Evaluates the segment between two saved networks, see `mc_tf.barrier`.

    Attributes:
        name: name of its files `NAME.npz`, `NAME-aligned.npz`, `NAME-repaired.npz`.
        first, second: `Saved`.
        align: `False`, `"weights"` or `"activations"`.
        repair: whether to evaluate repaired networks, too.
        layers: whether to move one layer at a time, too.
        num_points: number of equally spaced positions.
        num_train: number of training examples. Default: all.
        prefix: prefix of the labels in the comparison.
    """

    first: Saved
    second: Saved
    align: bool | str = False
    repair: bool = False
    layers: bool | dict = False
    num_points: int = 25
    num_train: int | None = None
    prefix: str = ""

    def __post_init__(self):
        """Checks the numbers and the method."""
        if self.align not in (False, True, "weights", "activations"):
            raise ValueError(f"align must be weights or activations. Received: {self.align!r}.")
        check_counts(low=2, high=10**5, num_points=self.num_points)
        check_counts(optional=True, num_train=self.num_train)

    def check(self, run: Run) -> None:
        """Rejects evaluating on more examples than available."""
        check_num_examples(run.data, run.batch_size, self.num_train)

    def run(self, run: Run) -> Barrier:
        """Evaluates; returns the `Barrier`."""
        run.say(f"Evaluating the segment '{self.name}' ...")
        names = ("align", "repair", "layers", "num_points")
        result = curve_files.evaluate_barrier(
            *(run.on_data(self.num_train), run.file(self.first), run.file(self.second)),
            run.folder(self.name),
            **{name: getattr(self, name) for name in names},
        )
        moved = f"\n{result.alignment}" if result.alignment else ""
        run.say(f"\n{self.name}{moved}\n{result.table()}\n")
        return result

    def values(self, result: Barrier) -> Values:
        """Returns the ends' values, the heights of all barriers, and distances."""
        numbers = {}
        first = result.results["as trained"]
        for value in first.names:
            ends = first[value][[0, -1]]
            numbers[f"{self.prefix}single", value, "min"] = float(ends.min())
            numbers[f"{self.prefix}single", value, "max"] = float(ends.max())
            for key, height in result.heights(value).items():
                numbers[f"{self.prefix}{key}", value, "barrier"] = height
            for layer, heights in result.layer_heights(value).items():
                for key, height in heights.items():
                    numbers[f"{self.prefix}{key}, {layer}", value, "barrier"] = height
        if result.alignment:
            both = result.alignment.distance_before, result.alignment.distance_after
            for key, distance in zip(result.results, both):
                numbers[f"{self.prefix}{key}", "distance", ""] = distance
        return numbers

    def is_shown(self, value: str, statistic: str) -> bool:
        """Whether a key is shown by default."""
        shown = _SHOWN if statistic == "barrier" else ("test_error", "test_perplexity")
        return value in (*shown, "distance")
