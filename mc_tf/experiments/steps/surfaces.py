"""Evaluates surfaces in weight space on grids: planes, lines, rays."""

import dataclasses
from typing import TYPE_CHECKING, Any, Self

from mc_tf.arguments import check_counts, check_numbers
from mc_tf.backend.precision import check_exact_products
from mc_tf.experiments.parts import curve_files
from mc_tf.experiments.parts.surface_files import evaluate_surface, surface_from_files
from mc_tf.experiments.steps.step import Step, Values
from mc_tf.landscape import GridEvaluation
from mc_tf.landscape.factory import SURFACES
from mc_tf.training.checks import check_num_examples

if TYPE_CHECKING:
    from mc_tf.experiments.runner import Run
    from mc_tf.experiments.smoke import Smoke

__all__ = ["Grid", "Surface", "evaluate_on_grid"]

_LINES = ("line", "random_line", "rays")
_SEVERAL = ("members", "trajectory")


@dataclasses.dataclass(frozen=True)
class Grid:
    """Grid settings of surfaces.

    Attributes:
        shape: number of points on each axis of a plane: one integer, or one per axis.
        line_points: number of points on a line, and on each ray.
        margin: margin of a plane or line around the networks, relative to their extent.
        radius: extent of random planes and lines, in units of the directions.
        ray_length: length of rays in weight space.
        num_rays: number of rays per network.
        normalization, ignore: options of random directions, see `mc_tf.random_direction`.
        seed: seed of random directions.
        eigenvalues: whether to compute the extreme eigenvalues of the Hessian, too.
        eigenvalue_tolerance: their relative tolerance, see `mc_tf.hessian_eigenvalues`.
        num_train, num_test: numbers of examples for evaluation. Default: all.

    Raises:
        ValueError: if a number is invalid, or the extent of random planes or rays is zero.
    """

    shape: int | tuple = 21
    line_points: int = 51
    margin: float = 0.2
    radius: float = 1.0
    ray_length: float = 10.0
    num_rays: int = 10
    normalization: str | None = "filter"
    ignore: tuple = ("bias", "batch_norm")
    seed: int = 0
    eigenvalues: bool = False
    eigenvalue_tolerance: float = 1e-3
    num_train: int | None = None
    num_test: int | None = None

    def __post_init__(self):
        """Checks combinations of values."""
        for points in self.shape if isinstance(self.shape, tuple | list) else (self.shape,):
            check_counts(low=1, high=10_000, shape=points)
        check_counts(low=2, high=10**5, line_points=self.line_points)
        check_counts(low=1, high=10**5, num_rays=self.num_rays)
        check_counts(optional=True, num_train=self.num_train, num_test=self.num_test)
        check_numbers(low=0, margin=self.margin, eigenvalue_tolerance=self.eigenvalue_tolerance)
        if not (self.radius > 0 and self.ray_length > 0):
            raise ValueError(
                "Random planes and rays must have an extent above 0. Received: "
                f"radius={self.radius}, ray_length={self.ray_length}"
            )

    @property
    def directions(self) -> dict[str, Any]:
        """Returns arguments of `surface_from_files` for directions."""
        names = ("num_rays", "seed", "normalization", "ignore")
        return {name: getattr(self, name) for name in names}

    def small(self) -> Self:
        """Uses few points, on all examples of the smoke run."""
        few = {"shape": 3, "line_points": 3, "num_rays": 2, "num_train": None, "num_test": None}
        return dataclasses.replace(self, **few)


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

    def __post_init__(self):
        """Rejects early what `surface_from_files` would reject after all training."""
        for name in ("networks", "marks"):
            given = getattr(self, name)
            if isinstance(given, tuple):
                object.__setattr__(self, name, {str(saved): saved for saved in given})
        if self.kind not in SURFACES:
            raise ValueError(
                f"Unknown surface '{self.kind}'. Choose one of: {', '.join(SURFACES)}."
            )
        wanted, words = SURFACES[self.kind]
        number = len(self.networks)
        if self.kind == "curve_plane":
            fits = self.curve is not None and not number
        elif any(saved.kind in _SEVERAL for saved in self.networks.values()):
            fits = True  # their number is known only after training
        else:
            fits = number >= 3 if wanted is None else number == wanted
        if not fits or (self.curve is not None and self.kind != "curve_plane"):
            raise ValueError(
                f"A surface of kind '{self.kind}' needs {words}. Received for '{self.name}': "
                f"{', '.join(self.networks) or self.curve or 'nothing'}."
            )
        if self.kind == "rays" and (self.marks or self.mark_mean):
            raise ValueError(f"Networks cannot be marked on the rays '{self.name}'.")
        if self.kind == "curve_plane" and self.mark_mean:
            raise ValueError(f"The plane of a curve, '{self.name}', has no mean to mark.")

    @property
    def label(self) -> str:
        """Name in figures, without the folder."""
        return self.name.rpartition("/")[2]

    @property
    def needs(self) -> list[str]:
        """Returns the trainings of its networks and marks, and the curve."""
        return [*super().needs, *filter(None, [self.curve])]

    def check(self, run: "Run") -> None:
        """Rejects inexact products for eigenvalues, and more examples than available."""
        if self.grid.eigenvalues:
            check_exact_products("Eigenvalues of the Hessian")
        check_num_examples(run.data, run.batch_size, self.grid.num_train, self.grid.num_test)

    def run(self, run: "Run") -> GridEvaluation:
        """Evaluates; returns the `GridEvaluation`."""
        grid, settings = self.grid, {"margin": self.grid.margin}
        settings["shape"] = grid.line_points if self.kind in _LINES else grid.shape
        curve_file = self.curve and run.directory(self.curve).curve()
        made = self._made(run, curve_file)
        if self.kind.startswith("random_"):
            settings["limits"] = [(-grid.radius, grid.radius)] * made.dimensions
        elif self.kind == "rays":
            settings["limits"] = (0.0, grid.ray_length)
        if grid.eigenvalues:
            settings["eigenvalues"] = True
            settings["eigenvalue_options"] = {"tolerance": grid.eigenvalue_tolerance}
        found = evaluate_on_grid(run, made, self.name, grid, curve_file, **settings)
        run.say(f"\n{self.label}\n{found.table()}\n")
        return found

    def _made(self, run, curve_file):
        options = {"marks": run.files(self.marks), "mark_mean": self.mark_mean}
        if self.curve:
            return surface_from_files(
                self.kind, {}, curve_model=curve_files.load_curve(curve_file), **options
            )
        files = run.files(self.networks)
        options["network_file"] = run.network_file(next(iter(self.networks.values())))
        return surface_from_files(self.kind, files, **options, **self.grid.directions)

    def values(self, result: GridEvaluation) -> Values:
        """Returns the minimum and maximum of each value."""
        return {
            (self.name, value, statistic): number
            for value in result.names
            for statistic, number in (
                ("min", result.minimum(value)[0]),
                ("max", result.maximum(value)),
            )
        }

    def is_shown(self, value: str, statistic: str) -> bool:
        """Whether a key is shown by default."""
        return value in ("train_loss", "test_error")

    def small(self, smoke: "Smoke") -> Self:
        """Uses a few points."""
        return dataclasses.replace(super().small(smoke), grid=self.grid.small())


def evaluate_on_grid(run, surface, name, grid, curve_file=None, **settings):
    """Evaluates a surface on the data of a run.

    Args:
        run: `mc_tf.experiments.runner.Run`.
        surface: `Line`, `Plane` or `Rays`.
        name: name of the files.
        grid: `Grid` with the numbers of examples.
        curve_file: file of the curve of the plane.
        **settings: other arguments of `mc_tf.evaluate_grid`.

    Returns:
        `GridEvaluation`.
    """
    run.say(f"Evaluating the surface '{name}' ...")
    return evaluate_surface(
        surface,
        run.data,
        run.folder(name),
        num_train=grid.num_train,
        num_test=grid.num_test,
        batch_size=run.batch_size,
        notes={"curve": curve_file} if curve_file else None,
        verbose=run.bar,
        **settings,
    )
