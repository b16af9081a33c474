"""Connecting saved networks by a curve, or by a chain through several, and evaluating it."""

import dataclasses
import os

from mc_tf import training
from mc_tf.arguments import check_counts
from mc_tf.curves import Curve, PolyChain, make_curve
from mc_tf.ensemble.members import read_members
from mc_tf.evaluation import CurveEvaluation
from mc_tf.experiments.parts import curve_files
from mc_tf.experiments.parts.surface_files import common_state
from mc_tf.experiments.steps.run import Run
from mc_tf.experiments.steps.step import Saved, Step, Values
from mc_tf.experiments.steps.train import build
from mc_tf.models import CurveModel
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.training import TrainingOptions
from mc_tf.training.checks import check_num_examples, output_kind
from mc_tf.training.fit import check_cycles

_SHOWN = {  # in every comparison, even if unpublished
    "train_loss": ("max",),
    "test_error": ("min", "int", "max"),
    "train_perplexity": ("max",),
    "validation_perplexity": ("max",),
    "test_perplexity": ("min", "max"),
    "length_ratio": ("",),
}


@dataclasses.dataclass(frozen=True)
class _Curve(Step):
    """Base class of curves and chains: evaluation as in Table 2."""

    num_points: int = dataclasses.field(default=61, kw_only=True)
    num_train: int | None = dataclasses.field(default=None, kw_only=True)
    label: str | None = dataclasses.field(default=None, kw_only=True)
    ends_label: str | None = dataclasses.field(default=None, kw_only=True)

    def __post_init__(self):
        check_counts(low=2, high=10**5, num_points=self.num_points)
        check_counts(optional=True, num_train=self.num_train)

    def check(self, run: Run) -> None:
        """Rejects evaluating on more examples than available."""
        check_num_examples(run.data, run.batch_size, self.num_train)

    def _evaluate(self, run, curve_model, num_points):
        run.say(f"Evaluating '{self.name}' at {num_points} positions ...")
        folder, label = run.folder(self.name), self.label or self.name
        on, path = run.on_data(self.num_train), os.path.join(folder, "evaluation")
        result = curve_files.evaluate(on, curve_model, path, num_points)
        of_values = output_kind(run.data.loss()) == "regression"
        if of_values and run.data.input_shape == (1,) and run.data.num_classes == 1:
            path = os.path.join(folder, "functions.npz")
            curve_files.save_functions(curve_model, run.data, path)
        run.say(f"\n{label[0].upper()}{label[1:]}\n{result.table()}\n")
        return result

    def values(self, result: CurveEvaluation) -> Values:
        """Returns statistics of each value; endpoints come first if they have a label."""
        ends, numbers, label = {}, {}, self.label or self.name
        for value in result.names:
            summary = result.summary(value)
            numbers |= {(label, value, s): summary[s] for s in ("min", "int", "mean", "max")}
            for name, of in (("min", min), ("max", max)) if self.ends_label else ():
                ends[self.ends_label, value, name] = of(summary["start"], summary["end"])
        return {**ends, **numbers, (label, "length_ratio", ""): result.length_ratio}

    def is_shown(self, value: str, statistic: str) -> bool:
        """Whether a key is shown by default."""
        return statistic in _SHOWN.get(value, ())


@dataclasses.dataclass(frozen=True)
class Connect(_Curve):
    """Trains a curve between two saved networks (section 3.1) and evaluates it.

    Attributes:
        name: name of its folder.
        start, end: `Saved`, the endpoints.
        curve: name of a family, see `mc_tf.curves.make_curve`.
        training: `TrainingOptions`.
        num_bends: number of bends, for families with bends.
        num_points: number of equally spaced positions to evaluate.
        num_train: number of training examples for evaluation. Default: all.
        align: whether the end's hidden units are put in the order of the start's.
        label: label in the comparison. Default: `name`.
        ends_label: label of the endpoints' rows in the comparison. Default: no such rows.
    """

    start: Saved
    end: Saved
    curve: str
    training: TrainingOptions
    num_bends: int = 1
    align: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_counts(low=1, high=1000, num_bends=self.num_bends)
        self.made()

    def check(self, run: Run) -> None:
        """Rejects unknown families, unsuitable cycles and unsupported curves."""
        super().check(run)
        curve = self.made()
        if curve.trainable:
            check_cycles(self.training, run.data.steps_per_epoch(self.training.batch_size))
        if self.curve == "trivial":  # through zero, which not every network supports
            first = run.steps[self.start.training]
            while isinstance(first.begin, Saved):
                first = run.steps[first.begin.training]
            curve.for_network(build(first.begin, run.data, first.training))

    def made(self) -> Curve:
        """Creates the `Curve`."""
        return make_curve(self.curve, self.num_bends)

    def run(self, run: Run) -> CurveEvaluation:
        """Trains and evaluates; returns the `CurveEvaluation`."""
        about = f" ({self.training.epochs} epochs)" if self.made().num_bends else ""
        run.say(f"Connecting by '{self.name}'{about} ...")
        options = dataclasses.replace(
            self.training, verbose=run.verbose, eval_batch_size=run.batch_size
        )
        ends = run.file(self.start), run.file(self.end)
        curve_model = training.train_curve(
            run.folder(self.name), run.data, *ends, self.made(), options, align=self.align
        )
        return self._evaluate(run, curve_model, self.num_points)


@dataclasses.dataclass(frozen=True)
class Chain(_Curve):
    """A polygonal chain through saved networks, without training (section A.10).

    Attributes:
        name: name of its folder.
        networks: tuple of `Saved`, at least two networks in total; each is at a position.
        num_points, num_train, label, ends_label: as in `Connect`; `num_points` is a minimum.
    """

    networks: tuple[Saved, ...] = ()

    def run(self, run: Run) -> CurveEvaluation:
        """Evaluates the chain; returns the `CurveEvaluation`."""
        run.say(f"Connecting by '{self.name}' ...")
        files = list(run.files({str(saved): saved for saved in self.networks}).values())
        network = load_checkpoint(run.network_file(self.networks[0]), compile=False)
        members = read_members(network, files)
        common_state(network, dict(zip(files, members)))
        curve_model = CurveModel(network, PolyChain(len(members) - 2))
        for index, one in enumerate(members):
            curve_model.curve_layer.set_point(index, one.weights)
        pieces = len(members) - 1
        num_points = pieces * max(2, -(-(self.num_points - 1) // pieces)) + 1
        return self._evaluate(run, curve_model, num_points)


@dataclasses.dataclass(frozen=True)
class Along(_Curve):
    """Evaluates a curve that another step has trained.

    Attributes:
        name: name of its folder.
        curve: name of the step.
        num_points, num_train, label, ends_label: as in `Connect`.
    """

    curve: str = ""
    refers_to = ("curve",)

    def run(self, run: Run) -> CurveEvaluation:
        """Evaluates; returns the `CurveEvaluation`."""
        curve_model = curve_files.load_curve(run.directory(self.curve).curve())
        return self._evaluate(run, curve_model, self.num_points)
