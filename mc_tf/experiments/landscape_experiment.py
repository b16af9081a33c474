"""A whole experiment on loss surfaces, resumable: networks, curves, grids and figures."""

import dataclasses
import glob
import os

from mc_tf import training
from mc_tf.backend.precision import check_exact_products
from mc_tf.callbacks import snapshot_files
from mc_tf.curves import PolyChain
from mc_tf.ensemble.members import read_members
from mc_tf.experiments import curve_files
from mc_tf.experiments.references import parse_reference
from mc_tf.experiments.surface_files import (
    common_state,
    evaluate_surface,
    surface_from_files,
)
from mc_tf.experiments.targets import Row, compare
from mc_tf.models import CurveModel
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.destinations import holding
from mc_tf.storage.files import write_json
from mc_tf.training.checks import check_num_examples, output_kind
from mc_tf.training.fit import check_cycles
from mc_tf.training.run_directory import RunDirectory

__all__ = ["run_landscape"]


@holding("workdir")
def run_landscape(plan, data, workdir, say=print):
    """Runs an experiment on loss surfaces from start to end, or goes on where it was stopped.

    Args:
        plan: `LandscapeExperiment`.
        data: data set from `mc_tf.data.load`.
        workdir: directory for everything: a folder for each network and curve, `surfaces/` with
            the grids, figures and `comparison.json`.
        say: function that is called with a line of text at each step.

    Returns:
        List of `mc_tf.experiments.targets.Row`, beside the targets: the test error (perplexity,
        loss) of each network that was trained, as `mean`; curves as in
        `mc_tf.experiments.targets.compare`; of each surface the smallest and largest value.

    Raises:
        ValueError, OSError: as the steps themselves do.
    """
    if plan.eigenvalues:
        check_exact_products("Eigenvalues of the Hessian")
    check_num_examples(data, plan.training.batch_size, plan.num_train, plan.num_test)
    for one in plan.trainings:
        check_cycles(data, plan.options(one))
    run = _Run(plan, data, workdir, say)
    for one in plan.trainings:
        run.train(one)
    for join in plan.joins:
        run.join(join)
    for surface in plan.surfaces:
        run.evaluate(surface)
    run.draw()
    rows = compare(run.curves, {}, plan.targets, run.networks)
    rows = [row for row in rows if row.obtained is not None]
    rows += _surface_rows(run.grids, plan.targets, rows)
    write_json(os.path.join(workdir, "comparison.json"), [dataclasses.asdict(row) for row in rows])
    return rows


class _Run:
    """The steps of an experiment, and what they have found so far."""

    def __init__(self, plan, data, workdir, say):
        self.plan, self.data, self.workdir, self.say = plan, data, workdir, say
        self.networks, self.curves, self.grids, self.frames = {}, {}, {}, {}
        self.verbose = int(plan.training.verbose > 0)

    def train(self, one):
        """Trains a network."""
        plan, changes, options = self.plan, one.changes, self.plan.options(one)
        self.say(f"Training the network '{one.name}' ({options.epochs} epochs) ...")
        start = changes.get("start")
        settings = {"initial_weights": self._file(start)} if start else {}
        if not start:
            settings["weight_decay"] = changes.get("weight_decay", plan.weight_decay)
            settings["network_options"] = changes.get("network_options", plan.network_options)
        network = None if start else changes.get("network", plan.network)
        folder = os.path.join(self.workdir, one.name)
        model = training.train_network(folder, self.data, network, options, **settings)
        scores = training.evaluate_network(model, self.data, plan.training.eval_batch_size)
        self.networks[one.name] = training.test_score(scores)
        self.say(f"{one.name}: {training.describe(scores)}")

    def join(self, join):
        """Finds a curve, or makes a chain, and evaluates it."""
        plan = self.plan
        self.say(f"Connecting by '{join.name}' ...")
        folder = os.path.join(self.workdir, join.name)
        points = plan.num_points
        if join.family == "through":
            curve_model = self._chain(join)
            pieces = curve_model.curve.num_points - 1
            points = pieces * max(2, -(-(points - 1) // pieces)) + 1  # each network is a position
        else:
            options = plan.curve_training
            if plan.film == join.name:
                options = dataclasses.replace(options, keep_every=1)
            files = [self._file(reference) for reference in join.networks]
            curve = curve_files.make_curve(join.family, plan.num_bends)
            curve_model = training.train_curve(folder, self.data, *files, curve, options)
        result = curve_files.evaluate(
            curve_model,
            self.data,
            os.path.join(folder, "evaluation"),
            num_points=points,
            batch_size=plan.training.eval_batch_size,
            num_train=plan.num_train,
            verbose=self.verbose,
        )
        of_values = output_kind(self.data.loss()) == "values"
        if of_values and self.data.input_shape == (1,) and self.data.num_classes == 1:
            path = os.path.join(folder, "functions.npz")
            curve_files.save_functions(curve_model, self.data, path)
        self.curves[join.name] = result
        self.say(f"\n{join.name}\n{result.table()}\n")

    def _chain(self, join):
        """A polygonal chain through networks that are there (section A.10)."""
        files = list(self._files(join.networks, {}).values())
        network = load_checkpoint(self._network(join.networks[0]), compile=False)
        members = read_members(network, files)
        common_state(network, dict(zip(files, members)))
        curve_model = CurveModel(network, PolyChain(len(members) - 2))
        for index, member in enumerate(members):
            curve_model.curve_layer.set_point(index, member.weights)
        return curve_model

    def evaluate(self, surface):
        """Evaluates a surface on a grid."""
        plan = self.plan
        self.say(f"Evaluating the surface '{surface.name}' ...")
        made, curve_file = self._surface(surface)
        random = surface.kind.startswith("random_")
        settings = {"shape": plan.line_points if surface.kind in _LINES else plan.shape}
        if random:
            settings["limits"] = [(-plan.radius, plan.radius)] * made.dimensions
        elif surface.kind == "rays":
            settings["limits"] = (0.0, plan.ray_length)
        if plan.eigenvalues:
            settings["eigenvalues"] = True
            settings["eigenvalue_options"] = {"tolerance": plan.eigenvalue_tolerance}
        found = self._grid(made, surface.name, curve_file, margin=plan.margin, **settings)
        self.grids[surface.name] = found
        self.say(f"\n{surface.name}\n{found.table()}\n")
        if plan.film == surface.name:
            self._evaluate_frames(surface, [(axis[0], axis[-1]) for axis in found.axes])

    def _evaluate_frames(self, surface, limits):
        """The plane of the curve after each epoch of its training, all within the same limits."""
        name, shape = surface.networks[0], self.plan.film_shape
        pattern = os.path.join(glob.escape(os.path.join(self.workdir, name)), "curve-*.keras")
        for path in sorted(glob.glob(pattern)):
            epoch = os.path.basename(path).removeprefix("curve-").removesuffix(".keras")
            curve_model = curve_files.load_curve(path)
            made = surface_from_files(surface.kind, {}, curve_model=curve_model)
            frame = f"{surface.name}-{epoch}"
            self.say(f"Evaluating the surface '{frame}' ...")
            settings = {"shape": shape, "limits": limits}
            found = self._grid(made, frame, path, **settings)
            self.frames[f"epoch {int(epoch)}"] = found

    def _grid(self, made, name, curve_file, **settings):
        plan = self.plan
        return evaluate_surface(
            made,
            self.data,
            os.path.join(self.workdir, "surfaces", name),
            num_train=plan.num_train,
            num_test=plan.num_test,
            batch_size=plan.training.eval_batch_size,
            notes={"curve": curve_file} if curve_file else None,
            verbose=self.verbose,
            **settings,
        )

    def _surface(self, surface):
        plan = self.plan
        marks = [reference for reference in surface.marks if reference != "mean"]
        options = {
            "marks": self._files(marks, surface.labels),
            "mark_mean": "mean" in surface.marks,
        }
        files, curve_file = {}, None
        if surface.kind == "curve_plane":
            curve_file = os.path.join(self.workdir, surface.networks[0], "curve.keras")
            options["curve_model"] = curve_files.load_curve(curve_file)
        else:
            files = self._files(surface.networks, surface.labels)
            options["network_file"] = self._network(surface.networks[0])
            options |= {"num_rays": plan.num_rays, "seed": plan.training.seed, **plan.directions}
        return surface_from_files(surface.kind, files, **options), curve_file

    def _files(self, references, labels):
        """Files of networks by label, `NAME/members` taken apart."""
        files = {}
        for reference in references:
            name, _, part = parse_reference(reference)
            if part in ("members", "trajectory"):
                found = snapshot_files(os.path.join(self.workdir, name, part), include_start=True)
                files |= {f"{name} {number}": file for number, file in enumerate(found)}
            else:
                files[labels.get(reference, reference)] = self._file(reference)
        return files

    def _file(self, reference):
        """File of one network."""
        name, mark, part = parse_reference(reference)
        folder = os.path.join(self.workdir, name)
        if mark == "@":
            return RunDirectory(folder).network(int(part))
        if part == "swa":
            size = self.plan.training.eval_batch_size
            training.averaged_network(folder, self.data, batch_size=size)
            return os.path.join(folder, "swa.keras")
        return self._member(folder, part) if part else os.path.join(folder, "model.keras")

    def _member(self, folder, number):
        members = snapshot_files(RunDirectory(folder).members)
        if not number.isdigit() or not 1 <= int(number) <= len(members):
            raise ValueError(
                f"'{folder}' has members 1 to {len(members)}. Received: '{number}'. Train it with "
                "snapshots=true and a schedule in cycles."
            )
        return members[int(number) - 1]

    def _network(self, reference):
        return os.path.join(self.workdir, parse_reference(reference)[0], "model.keras")

    def draw(self):
        """Draws the curves, planes, lines and rays that there are."""
        from mc_tf.experiments.landscape_figures import draw_landscape

        draw_landscape(self.plan, self.curves, self.grids, self.frames, self.workdir)


_LINES = ("line", "random_line", "rays")


def _surface_rows(grids, targets, rows):
    """The smallest and largest value of each surface, and targets that nothing obtained."""
    wanted = {(target.curve, target.value, target.statistic): target.number for target in targets}
    for row in rows:
        wanted.pop((row.curve, row.value, row.statistic), None)
    found = []
    for name, grid in grids.items():
        for value in grid.names:
            found_there = {"min": grid.minimum(value)[0], "max": grid.maximum(value)}
            for statistic, number in found_there.items():
                key = (name, value, statistic)
                if value in ("train_loss", "test_error") or key in wanted:
                    found.append(Row(*key, wanted.pop(key, None), number))
    return found + [Row(*key, number, None) for key, number in wanted.items()]
