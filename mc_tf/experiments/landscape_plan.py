"""What an experiment on loss surfaces trains, joins and evaluates."""

import dataclasses
import re

from mc_tf.curves import names as curve_names
from mc_tf.experiments.references import check_references, parse_reference
from mc_tf.landscape.factory import SURFACES
from mc_tf.training import TrainingOptions

__all__ = ["Join", "LandscapeExperiment", "SurfacePlan", "Training"]

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_SEVERAL = ("/members", "/trajectory")
_OF_NETWORK = ("network", "weight_decay", "network_options", "start")


@dataclasses.dataclass(frozen=True)
class Training:
    """A network to train.

    Attributes:
        name: its folder.
        changes: dict of what differs from the experiment's settings: fields of `TrainingOptions`,
            `network`, `weight_decay`, `network_options`, and `start`, the network of another
            training to go on from (`"sgd"`, or `"sgd@16"` for its checkpoint after 16 epochs).
    """

    name: str
    changes: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Join:
    """A curve between two networks, or a polygonal chain through several.

    Attributes:
        name: its folder.
        family: name of a curve, see `mc_tf.experiments.curve_files.make_curve`, or `"through"`.
        networks: what it joins, see `SurfacePlan`.
    """

    name: str
    family: str
    networks: tuple


@dataclasses.dataclass(frozen=True)
class SurfacePlan:
    """A surface to evaluate.

    Attributes:
        name: its files.
        kind: see `mc_tf.landscape.factory.SURFACES`.
        networks: what it is made of: networks of the experiment, see
            `mc_tf.experiments.references.parse_reference`, or the name of a curve.
        marks: networks that are shown in it too, likewise; `"mean"` for the mean of `networks`.
        labels: dict from such a network to its label in figures. Default: as it is written.
    """

    name: str
    kind: str
    networks: tuple
    marks: tuple = ()
    labels: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class LandscapeExperiment:
    """Networks to train, curves to find, and surfaces to look at.

    Attributes:
        network: name in the registry.
        training: `TrainingOptions` of the networks, which each changes as it says.
        curve_training: `TrainingOptions` of the curves.
        trainings: tuple of `Training`, in order.
        joins: tuple of `Join`.
        surfaces: tuple of `SurfacePlan`.
        weight_decay: factor `wd` of the loss term `wd / 2 * sum(w ** 2)`.
        network_options: dict of the builder's own options.
        num_bends: of Bezier curves and polygonal chains.
        num_points: positions at which curves are evaluated.
        shape: points on each axis of a grid: one integer, or one for each.
        line_points: points of a line, and of each ray.
        margin: how far a grid reaches beyond the networks, as a part of their extent.
        radius: how far random planes and lines reach, in directions.
        ray_length: how far rays reach, in weight space.
        num_rays: of each network.
        directions: dict of `normalization` and `ignore`, see `mc_tf.random_direction`.
        eigenvalues: whether the Hessian's extreme eigenvalues are computed on the grids too.
        eigenvalue_tolerance: their error, see `mc_tf.hessian_eigenvalues`.
        num_train, num_test: examples to evaluate on. Default: all.
        film: name of a curve whose training is shown as a film: the plane of the curve after each
            epoch, within the limits of the surface of its name.
        film_shape: points on each axis of these planes.
        max_loss: values above are drawn alike. Default: chosen by the figure.
        targets: list of `mc_tf.experiments.targets.Target`, the published numbers.
        title: heading of the figures.

    Raises:
        ValueError: if a name is used twice or is none, or something refers to what is not there.
    """

    network: str
    training: TrainingOptions
    curve_training: TrainingOptions
    trainings: tuple
    joins: tuple = ()
    surfaces: tuple = ()
    weight_decay: float = 0.0
    network_options: dict = dataclasses.field(default_factory=dict)
    num_bends: int = 1
    num_points: int = 61
    shape: object = 21
    line_points: int = 51
    margin: float = 0.2
    radius: float = 1.0
    ray_length: float = 10.0
    num_rays: int = 10
    directions: dict = dataclasses.field(default_factory=dict)
    eigenvalues: bool = False
    eigenvalue_tolerance: float = 1e-3
    num_train: int | None = None
    num_test: int | None = None
    film: str | None = None
    film_shape: int = 11
    max_loss: float | None = None
    targets: tuple = ()
    title: str | None = None

    def __post_init__(self):
        """Checks names and references."""
        named = [*self.trainings, *self.joins]
        for index, part in enumerate(named):
            if not _NAME.fullmatch(part.name) or part.name in ("mean", "surfaces"):
                raise ValueError(f"'{part.name}' cannot be the name of a network or curve.")
            if part.name in [other.name for other in named[:index]]:
                raise ValueError(f"Two networks or curves have the name '{part.name}'.")
        names = [surface.name for surface in self.surfaces]
        for name in names:
            if not _NAME.fullmatch(name) or names.count(name) > 1:
                raise ValueError(f"'{name}' cannot be the name of a surface, or of two.")
        networks = self._check_trainings()
        for join in self.joins:
            if join.family not in (*curve_names(), "through"):
                raise ValueError(
                    f"Unknown curve '{join.family}' of '{join.name}'. Choose one of: "
                    f"{', '.join(curve_names())}, through."
                )
            check_references(join.name, join.networks, networks)
        curves = {join.name: None for join in self.joins}
        for surface in self.surfaces:
            if surface.kind not in SURFACES:
                raise ValueError(
                    f"Unknown surface '{surface.kind}'. Choose one of: {', '.join(SURFACES)}."
                )
            known = curves if surface.kind == "curve_plane" else networks
            check_references(surface.name, surface.networks, known)
            check_references(surface.name, set(surface.marks) - {"mean"}, networks)
            _check_surface(surface)
            labels = list(surface.labels.values())
            if len(set(labels)) < len(labels):
                raise ValueError(f"Two networks of '{surface.name}' have one label: {labels}.")
        filmed = [s for s in self.surfaces if s.kind == "curve_plane" and s.networks == (s.name,)]
        if self.film is not None and self.film not in [surface.name for surface in filmed]:
            raise ValueError(
                "A film needs a curve and the plane of that curve (curve_plane) with its name. "
                f"Received: film='{self.film}', curves {sorted(curves)}, surfaces {names}."
            )
        if not (self.radius > 0 and self.ray_length > 0):
            raise ValueError(
                "Random planes and rays must reach somewhere. Received: "
                f"radius={self.radius}, ray_length={self.ray_length}"
            )

    def _check_trainings(self):
        """Refuses what would end the experiment after a training; returns options by name."""
        fields = {field.name for field in dataclasses.fields(TrainingOptions)}
        seen = {}
        for training in self.trainings:
            unknown = set(training.changes) - fields - set(_OF_NETWORK)
            if unknown:
                raise ValueError(
                    f"Unknown setting of the training '{training.name}': {sorted(unknown)}. "
                    f"Expected some of: {', '.join(sorted(fields | set(_OF_NETWORK)))}."
                )
            if "start" in training.changes:
                check_references(training.name, [training.changes["start"]], seen)
            try:
                seen[training.name] = self.options(training)
            except (TypeError, ValueError) as error:
                raise ValueError(f"The training '{training.name}': {error}") from error
        return seen

    def options(self, training):
        """The `TrainingOptions` of one of the trainings, with checkpoints that others need.

        Args:
            training: `Training`.
        """
        references = [other.changes.get("start", "") for other in self.trainings]
        for join in self.joins:
            references += join.networks
        for surface in self.surfaces:
            references += [*surface.networks, *surface.marks]
        parsed = map(parse_reference, references)
        epochs = [part for name, mark, part in parsed if (name, mark) == (training.name, "@")]
        kept = {int(number) for number in epochs if number.isdigit()}
        changes = {k: v for k, v in training.changes.items() if k not in _OF_NETWORK}
        options = dataclasses.replace(self.training, **changes)
        kept |= set(options.keep_epochs)
        return dataclasses.replace(options, keep_epochs=tuple(sorted(kept)))


def _check_surface(surface):
    """Refuses what `mc_tf.experiments.surface_files` would refuse after all training."""
    wanted, words = SURFACES[surface.kind]
    number = len(surface.networks)
    if any(reference.endswith(_SEVERAL) for reference in surface.networks):
        fits = True  # how many these are, only training will tell
    elif surface.kind == "curve_plane":
        fits = number == 1
    else:
        fits = number >= 3 if wanted is None else number == wanted
    if not fits:
        raise ValueError(
            f"A surface of kind '{surface.kind}' is made of {words}. Received for "
            f"'{surface.name}': {', '.join(surface.networks)}."
        )
    if surface.marks and surface.kind == "rays":
        raise ValueError(f"On the rays '{surface.name}' nothing can be marked.")
    if "mean" in surface.marks and surface.kind == "curve_plane":
        raise ValueError(f"The plane of a curve, '{surface.name}', has no mean to be marked.")
