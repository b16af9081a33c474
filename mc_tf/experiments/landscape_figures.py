"""The figures of an experiment on loss surfaces, from its results."""

import os

__all__ = ["draw_landscape"]


def draw_landscape(plan, curves, grids, frames, workdir):
    """Draws what there is: curves, planes, lines, rays, functions of a regression, a film.

    Args:
        plan: `LandscapeExperiment`.
        curves: dict from name to `CurveEvaluation`.
        grids: dict from name to `GridEvaluation`.
        frames: dict from `"epoch 1"` and so on to `GridEvaluation`, for the film.
        workdir: directory of the figures, each as PNG and SVG: `curves`; `planes-train_loss`,
            `planes-test_error`, `lines-...`, `random-lines-...` and `rays` for what there is;
            `relief-NAME` in three dimensions of each plane in random directions; `eigenvalues`,
            `regression` (`regression-NAME` of several planes); and `film.gif`.
    """
    from mc_tf import plots

    def save(function, results, name, *arguments, **options):
        if results:
            path = os.path.join(workdir, name)
            plots.in_both_formats(function, results, path, *arguments, title=plan.title, **options)

    by_kind = {"Plane": {}, "Line": {}, "random_line": {}, "Rays": {}}
    for surface in plan.surfaces:
        grid, title = grids[surface.name], _title(surface.name)
        kind = surface.kind if surface.kind in by_kind else grid.surface
        if kind in ("Rays", "random_line"):  # of one network, which may have a label
            title = surface.labels.get(surface.networks[0], title)
        by_kind[kind][surface.name if title in by_kind[kind] else title] = grid
    names = set().union(*(result.names for result in (*curves.values(), *grids.values())))
    quality = [name for name in ("test_error", "test_perplexity", "test_loss") if name in names][0]
    labelled = {_title(name): curve for name, curve in curves.items()}
    save(plots.plot_curves, labelled, "curves", ("train_loss", quality))
    for value in ("train_loss", quality):
        highest = plan.max_loss if value == "train_loss" else None
        save(plots.plot_plane, by_kind["Plane"], f"planes-{value}", value, maximum=highest)
        along = {
            "Line": "distance from the first network",
            "random_line": "multiple of a direction",
        }
        for kind, label in along.items():
            name = "lines" if kind == "Line" else "random-lines"
            options = {"maximum": highest, "label": label}
            save(plots.plot_line, by_kind[kind], f"{name}-{value}", [value], **options)
    save(plots.plot_rays, by_kind["Rays"], "rays", ("train_loss", quality))
    ratios = {k: g for k, g in by_kind["Plane"].items() if "train_eigenvalue_ratio" in g.names}
    save(plots.plot_eigenvalue_ratio, ratios, "eigenvalues")
    curve_planes = [surface.name for surface in plan.surfaces if surface.kind == "curve_plane"]
    for surface in plan.surfaces:
        grid = grids[surface.name]
        if surface.kind == "random_plane":
            save(plots.plot_surface, grid, f"relief-{surface.name}", maximum=plan.max_loss)
        functions = os.path.join(workdir, surface.networks[0], "functions.npz")
        if surface.kind == "curve_plane" and os.path.exists(functions):
            stem = f"regression-{surface.name}" if curve_planes[1:] else "regression"
            for ending in ("png", "svg"):
                path = os.path.join(workdir, f"{stem}.{ending}")
                plots.plot_regression(grid, functions, path, title=plan.title)
    if len(frames) > 1:
        path = os.path.join(workdir, "film.gif")
        options = {"labels": list(frames), "maximum": plan.max_loss, "title": plan.title}
        plots.plot_film(list(frames.values()), path, **options)


def _title(name):
    return (name[0].upper() + name[1:]).replace("_", " ")
