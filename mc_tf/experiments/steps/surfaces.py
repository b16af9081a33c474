"""Evaluates surfaces in weight space on grids: planes, lines, rays."""

import dataclasses

from mc_tf.arguments import check_counts
from mc_tf.backend.precision import check_exact_products
from mc_tf.experiments.parts.surface_files import evaluate_surface, surface_from_files
from mc_tf.experiments.steps.run import Run
from mc_tf.experiments.steps.step import Step, Values
from mc_tf.landscape import GridEvaluation
from mc_tf.landscape.factory import check_networks
from mc_tf.settings import check_settings, documented, setting
from mc_tf.training.checks import check_num_examples

_LINES = ("line", "random_line", "rays")
_SEVERAL = ("members", "trajectory")


@documented
@dataclasses.dataclass(frozen=True)
class Grid:
    """Grid settings of surfaces.

    Raises:
        ValueError: if a number is invalid, or the extent of random planes or rays is zero.
    """

    shape: int | tuple = setting(
        21, help="Number of points on each axis of a plane: one integer, or one per axis."
    )
    line_points: int = setting(
        51, help="Number of points on a line, and on each ray.", low=2, high=100_000
    )
    margin: float = setting(
        0.2, help="Margin around the networks, relative to their extent.", low=0
    )
    radius: float = setting(
        1.0, help="Extent of random planes and lines, in units of the directions."
    )
    ray_length: float = setting(10.0, help="Length of rays in weight space.")
    num_rays: int = setting(10, help="Number of rays per network.", low=1, high=100_000)
    normalization: str | None = setting(
        "filter", help="Normalization of random directions, see `mc_tf.random_direction`."
    )
    ignore: tuple = setting(
        ("bias", "batch_norm"), help="Weights to exclude from random directions."
    )
    seed: int = setting(0, help="Seed of random directions.")
    eigenvalues: bool = setting(
        False, help="Also compute the largest and smallest Hessian eigenvalue (slow)."
    )
    eigenvalue_tolerance: float = setting(
        1e-3, help="Relative tolerance of the eigenvalues.", low=0
    )
    num_train: int | None = setting(
        None, help="Number of training examples for evaluation. Default: all.", low=1
    )
    num_test: int | None = setting(
        None, help="Number of test examples for evaluation. Default: all.", low=1
    )

    def __post_init__(self):
        check_settings(self)
        for points in self.shape if isinstance(self.shape, tuple | list) else (self.shape,):
            check_counts(low=1, high=10_000, shape=points)
        if not (self.radius > 0 and self.ray_length > 0):
            raise ValueError(
                "Random planes and rays must have an extent above 0. Received: "
                f"radius={self.radius}, ray_length={self.ray_length}"
            )


@dataclasses.dataclass(frozen=True)
class Surface(Step):
    """Evaluates a surface on a grid (figures 1, 4 and 5).

    Attributes:
        name: name of its files, such as `"surfaces/optima"`.
        kind: see `mc_tf.landscape.factory.SURFACES`.
        networks: tuple of `Saved`, or dict from label to `Saved`: networks that span it; empty for
            a plane of a curve.
        curve: name of a `Connect` step, for its plane.
        marks: additional networks to show, like `networks`.
        mark_mean: whether to show the mean of the weights of `networks`, too.
        grid: `Grid`.

    Raises:
        ValueError: if the kind is unknown, or needs other networks.
    """

    kind: str
    networks: dict = dataclasses.field(default_factory=dict)
    curve: str | None = None
    marks: dict = dataclasses.field(default_factory=dict)
    mark_mean: bool = False
    grid: Grid = Grid()
    refers_to = ("curve",)

    def __post_init__(self):
        # Rejects early what `surface_from_files` would reject after all training.
        for name in ("networks", "marks"):
            given = getattr(self, name)
            if isinstance(given, tuple):
                object.__setattr__(self, name, {str(saved): saved for saved in given})
        several = [saved for saved in self.networks.values() if saved.kind in _SEVERAL]
        if self.curve or not several:  # whose number is known only after training
            check_networks(self.kind, self.networks, self.curve is not None, self.name)
        if self.kind == "rays" and (self.marks or self.mark_mean):
            raise ValueError(f"Networks cannot be marked on the rays '{self.name}'.")
        if self.curve and self.mark_mean:
            raise ValueError(f"The plane of a curve, '{self.name}', has no mean to mark.")

    @property
    def label(self) -> str:
        """Name in figures, without the folder."""
        return self.name.rpartition("/")[2]

    def check(self, run: Run) -> None:
        """Rejects inexact products for eigenvalues, and more examples than available."""
        if self.grid.eigenvalues:
            check_exact_products("Eigenvalues of the Hessian")
        check_num_examples(run.data, run.batch_size, self.grid.num_train, self.grid.num_test)

    def run(self, run: Run) -> GridEvaluation:
        """Evaluates; returns the `GridEvaluation`."""
        grid, first = self.grid, next(iter(self.networks.values()), None)
        directions = ("num_rays", "seed", "normalization", "ignore")
        made = surface_from_files(
            self.kind,
            run.files(self.networks),
            curve_file=self.curve and run.directory(self.curve).curve(),
            marks=run.files(self.marks),
            mark_mean=self.mark_mean,
            network_file=first and run.network_file(first),
            **{name: getattr(grid, name) for name in directions},
        )
        shape = grid.line_points if self.kind in _LINES else grid.shape
        settings = {"shape": shape, "margin": grid.margin, "eigenvalues": grid.eigenvalues}
        if self.kind.startswith("random_"):
            settings["limits"] = [(-grid.radius, grid.radius)] * made.dimensions
        elif self.kind == "rays":
            settings["limits"] = (0.0, grid.ray_length)
        settings["eigenvalue_options"] = {"tolerance": grid.eigenvalue_tolerance}
        result = evaluate_on_grid(run, made, self.name, grid, **settings)
        run.say(f"\n{self.label}\n{result.table()}\n")
        return result

    def values(self, result: GridEvaluation) -> Values:
        """Returns the minimum and maximum of each value."""
        numbers = {}
        for value in result.names:
            numbers[self.name, value, "min"] = result.minimum(value)[0]
            numbers[self.name, value, "max"] = result.maximum(value)
        return numbers

    def is_shown(self, value: str, statistic: str) -> bool:
        """Whether a key is shown by default."""
        return value in ("train_loss", "test_error")


def evaluate_on_grid(run, surface, name, grid, **settings):
    """Evaluates a surface on the examples of a `Grid`; the settings are of `evaluate_grid`."""
    run.say(f"Evaluating the surface '{name}' ...")
    on = run.on_data(grid.num_train, grid.num_test)
    return evaluate_surface(on, surface, run.folder(name), **settings)
