"""The figures of an experiment on loss surfaces, from its results."""

import os

__all__ = ["draw_landscape"]


def draw_landscape(plan, curves, grids, workdir):
    """Draws what there is: curves, planes, lines, rays, a film.

    Args:
        plan: `LandscapeExperiment`.
        curves: dict from name to `CurveEvaluation`.
        grids: dict from name to `GridEvaluation`.
        workdir: directory of the figures, each as PNG and SVG: `curves`, and `planes-train_loss`,
            `planes-test_error`, `lines-...`, `rays-...` for what there is; `film.gif`.
    """
    from mc_tf import plots

    def save(function, results, name, *arguments, **options):
        for ending in ("png", "svg") if results else ():
            path = os.path.join(workdir, f"{name}.{ending}")
            function(results, path, *arguments, title=plan.title, **options)

    save(plots.plot_curves, curves, "curves")
    by_kind = {"Plane": {}, "Line": {}, "Rays": {}}
    for name, grid in grids.items():
        by_kind[grid.surface][name] = grid
    for value in ("train_loss", "test_error"):
        highest = plan.max_loss if value == "train_loss" else None
        save(plots.plot_plane, by_kind["Plane"], f"planes-{value}", value, max_value=highest)
        save(plots.plot_line, by_kind["Line"], f"lines-{value}", value)
        save(plots.plot_rays, by_kind["Rays"], f"rays-{value}", value)
    if plan.film:
        path = os.path.join(workdir, "film.gif")
        plots.plot_film(grids[plan.film], path, "train_loss", title=plan.title)
