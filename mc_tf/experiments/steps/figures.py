"""Figures of the results of other steps, each as PNG and SVG."""

import dataclasses
import os

from mc_tf.ensemble import EnsembleEvaluation
from mc_tf.evaluation.results import CurveEvaluation
from mc_tf.experiments.steps.run import Run
from mc_tf.experiments.steps.step import Step
from mc_tf.experiments.steps.surfaces import Surface

# Of the result of a step, by kind.
_PART = {"ensembles": "result", "budgets": "epochs"}
_PART |= {"reliability": "result", "risk_coverage": "result", "corruptions": "corrupted"}
_ONE = ("trajectory", "barrier", "barriers", "layers")  # figures of one result


@dataclasses.dataclass(frozen=True)
class Figure(Step):
    """One figure.

    Attributes:
        name: name of its files `NAME.png` and `NAME.svg`.
        kind: `"curves"` (figure 2), `"pairs"` (figure 2, right), `"curve_ensembles"` (figure 6),
            `"widths"` (figure 7), `"ensembles"` by members, `"budgets"` by epochs,
            `"reliability"`, `"risk_coverage"` or `"corruptions"` of `Uncertainty` steps,
            `"simplex"` of `AddVertices`, `"trajectory"` (figure 3, left), `"barrier"` and its
            `"layers"`, or `"barriers"` of several: `mc_tf.plots.plot_KIND` draws it.
        of: dict from label to the name of a step, or to a tuple of names (of widths or
            repetitions).
        options: dict of other arguments of the plot function.
    """

    kind: str
    of: dict
    options: dict = dataclasses.field(default_factory=dict)
    refers_to = ("of",)

    @property
    def needs(self) -> list[str]:
        """Returns the steps with the results to draw."""
        names = super().needs
        of_ensembles = [f"{name}/ensemble" for name in names]
        return names + of_ensembles if self.kind == "curve_ensembles" else names

    def run(self, run: Run) -> None:
        """Draws."""
        from mc_tf import plots

        def result(names):
            if isinstance(names, tuple):
                return [result(name) for name in names]
            whole = run.results[names]
            return whole[_PART[self.kind]] if self.kind in _PART else whole

        results = {label: result(names) for label, names in self.of.items()}
        options = {"title": run.title, **self.options}
        if self.kind in _ONE:
            (results,) = results.values()
        if self.kind == "layers":
            results = results.layers
        elif self.kind == "barrier":
            results = results.results
        elif self.kind == "barriers":
            results = {key: [each.results[key] for each in results] for key in results[0].results}
        if self.kind == "curve_ensembles":
            options["ensembles"] = {
                label: [
                    EnsembleEvaluation.load(os.path.join(run.folder(name), f"ensemble-{kind}.npz"))
                    for kind in ("ensemble", "scaled-ensemble")
                ]
                for label, name in self.of.items()
            }
        figure = getattr(plots, f"plot_{self.kind}")(results, **options)
        plots.save(figure, run.folder(self.name), ("png", "svg"))


@dataclasses.dataclass(frozen=True)
class SurfaceFigures(Step):
    """The figures of all curves and surfaces before this step.

    They are `curves`; `planes-train_loss`, `planes-test_error`, `lines-...`, `random-lines-...` and
    `rays`, if available; `relief-NAME`, a 3D figure of each plane in random directions;
    `eigenvalues`, and `regression` (`regression-NAME` for several planes).

    Attributes:
        name: unique name of the step.
        maximum: upper limit of train losses. Default: chosen by the figures.
    """

    maximum: float | None = None

    def run(self, run: Run) -> None:
        """Draws."""
        from mc_tf import plots

        def save(draw, results, name, **options):
            if results:
                figure = draw(results, **{"title": run.title, **options})
                plots.save(figure, os.path.join(run.workdir, name), ("png", "svg"))

        results = run.results
        curves = {_title(n): r for n, r in results.items() if isinstance(r, CurveEvaluation)}
        surfaces = [run.steps[name] for name in results if isinstance(run.steps[name], Surface)]
        by_kind = {"Plane": {}, "Line": {}, "random_line": {}, "Rays": {}}
        for surface in surfaces:
            grid, title = results[surface.name], _title(surface.label)
            kind = surface.kind if surface.kind in by_kind else grid.surface
            if kind in ("Rays", "random_line"):  # from one network, which has a label
                title = next(iter(surface.networks))
            by_kind[kind][surface.label if title in by_kind[kind] else title] = grid
        evaluated = [*curves.values(), *(results[surface.name] for surface in surfaces)]
        quality = plots.inputs.quality(set().union(*(grid.names for grid in evaluated)))
        save(plots.plot_curves, curves, "curves", names=("train_loss", quality))
        for value in ("train_loss", quality):
            limit = {"maximum": self.maximum if value == "train_loss" else None}
            save(plots.plot_plane, by_kind["Plane"], f"planes-{value}", value=value, **limit)
            for kind, name, label in _ALONG:
                options = {"values": [value], "label": label, **limit}
                save(plots.plot_line, by_kind[kind], f"{name}-{value}", **options)
        save(plots.plot_rays, by_kind["Rays"], "rays", values=("train_loss", quality))
        planes = by_kind["Plane"].items()
        ratios = {title: grid for title, grid in planes if "train_eigenvalue_ratio" in grid.names}
        save(plots.plot_eigenvalue_ratio, ratios, "eigenvalues")
        several = len([surface for surface in surfaces if surface.curve]) > 1
        for surface in surfaces:
            grid, label = results[surface.name], surface.label
            if surface.kind == "random_plane":
                title = f"{run.title}: {label}" if run.title else label
                save(plots.plot_surface, grid, f"relief-{label}", title=title, maximum=self.maximum)
            functions = surface.curve and os.path.join(run.folder(surface.curve), "functions.npz")
            if functions and os.path.exists(functions):
                name = f"regression-{label}" if several else "regression"
                save(plots.plot_regression, grid, name, functions=functions)


_ALONG = (
    ("Line", "lines", "distance from the first network"),
    ("random_line", "random-lines", "multiple of a direction"),
)


def _title(name):
    return (name[0].upper() + name[1:]).replace("_", " ")
