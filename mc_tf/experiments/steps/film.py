"""The training of a curve as a film of its plane."""

import dataclasses
import glob
import os

from mc_tf.arguments import check_counts
from mc_tf.experiments.parts.surface_files import surface_from_files
from mc_tf.experiments.steps.run import Run
from mc_tf.experiments.steps.step import Step
from mc_tf.experiments.steps.surfaces import evaluate_on_grid
from mc_tf.landscape import GridEvaluation


@dataclasses.dataclass(frozen=True)
class Film(Step):
    """Draws the plane of a curve after each training epoch, with common limits.

    The curve must keep the checkpoints of all epochs: `keep_every=1`.

    Attributes:
        name: name of the file `NAME.gif`.
        surface: name of the `Surface` step with the plane of the curve.
        shape: number of points on each axis of a frame.
        maximum: upper limit of values. Default: chosen by the figure.
    """

    surface: str
    shape: int = 11
    maximum: float | None = None
    refers_to = ("surface",)

    def __post_init__(self):
        check_counts(low=2, high=1000, shape=self.shape)

    def check(self, run: Run) -> None:
        """Rejects planes without a curve, and curves that keep only their last epoch."""
        plane = run.steps[self.surface]
        curve = getattr(plane, "curve", None)
        if curve is None or run.steps[curve].training.keep_every != 1:
            raise ValueError(
                "A film needs the plane of a curve whose training keeps every epoch "
                f"(keep_every=1). Received: surface='{self.surface}', of "
                f"{f'the curve {curve!r}' if curve else 'no curve'}."
            )

    def run(self, run: Run) -> dict[str, GridEvaluation]:
        """Evaluates and draws the frames; returns them by epoch."""
        from mc_tf import plots

        plane, grid = run.steps[self.surface], run.results[self.surface]
        limits = [(axis[0], axis[-1]) for axis in grid.axes]
        pattern = os.path.join(glob.escape(run.folder(plane.curve)), "curve-*.keras")
        frames = {}
        for path in sorted(glob.glob(pattern)):
            epoch = os.path.basename(path).removeprefix("curve-").removesuffix(".keras")
            made = surface_from_files(plane.kind, {}, curve_file=path)
            on_grid = {"shape": self.shape, "limits": limits}
            frame = evaluate_on_grid(run, made, f"{self.surface}-{epoch}", plane.grid, **on_grid)
            frames[f"epoch {int(epoch)}"] = frame
        if len(frames) > 1:
            options = {"labels": list(frames), "maximum": self.maximum, "title": run.title}
            film = plots.plot_film(list(frames.values()), **options)
            plots.save(film, run.folder(self.name), ("gif",))
        return frames
