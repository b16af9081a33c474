"""The kinds of lines, planes and rays, by name."""

from mc_tf.landscape.directions import ignored, principal_directions, random_direction
from mc_tf.landscape.lines import Line, Rays
from mc_tf.landscape.planes import Plane
from mc_tf.weights.flat import assign_flat

__all__ = ["SURFACES", "check_networks", "make_surface"]

# The number of networks that each kind of surface needs, and its description.
SURFACES = {
    "plane": (3, "three networks"),
    "line": (2, "two networks"),
    "curve_plane": (0, "a curve with one bend"),
    "trajectory": (None, "at least three networks in the order of their training"),
    "random_plane": (1, "one network"),
    "random_line": (1, "one network"),
    "rays": (1, "one network"),
}


def check_networks(kind, labels, with_curve, name=None):
    """Rejects an unknown kind of surface, and networks that it does not go through.

    Args:
        kind: see `make_surface`.
        labels: collection of the networks' labels.
        with_curve: whether a curve is given.
        name: name of the surface, for the message. Default: none.

    Raises:
        ValueError: naming the networks that the kind needs.
    """
    if kind not in SURFACES:
        raise ValueError(f"Unknown surface '{kind}'. Choose one of: {', '.join(SURFACES)}.")
    wanted, words = SURFACES[kind]
    fits = len(labels) == wanted if wanted is not None else len(labels) >= 3
    if not fits or (kind == "curve_plane") != with_curve:
        given = ["a curve"] if with_curve else []
        given += [f"{len(labels)} networks: {', '.join(labels)}"] if labels else []
        what = f"The surface '{name}'" if name else "A surface"
        raise ValueError(
            f"{what} of kind '{kind}' needs {words}. Received: {' and '.join(given) or 'none'}."
        )


def make_surface(
    kind,
    network,
    vectors,
    curve_model=None,
    normalization="filter",
    ignore=("bias", "batch_norm"),
    num_rays=10,
    seed=0,
):
    """Creates a line, plane or rays of one of the kinds in `SURFACES`.

    Args:
        kind: `"plane"` or `"line"`, through networks; `"curve_plane"`, through the endpoints and
            the bend of a curve; `"trajectory"`, around the last network in the two directions of
            largest variation, with the first and the last marked as `start` and `end`;
            `"random_plane"`, `"random_line"` and `"rays"`, from one network in random directions.
        network: Keras model of the architecture.
        vectors: dict from label to flat vector `(P,)`.
        curve_model: `CurveModel`, for `"curve_plane"`.
        normalization, ignore: for random planes and lines, see `mc_tf.random_direction`. Rays have
            length one and use all weights.
        num_rays: number of rays for `"rays"`, default 10.
        seed: integer seed of random directions.

    Returns:
        `Line`, `Plane` or `Rays`, with the given networks marked.

    Raises:
        ValueError: if the kind is unknown or the number of networks is wrong, and as for the
            surface itself.
    """
    check_networks(kind, vectors, curve_model is not None)
    labels, points = tuple(vectors), list(vectors.values())

    made = {}
    if len(points) == 1:
        assign_flat(network, points[0])  # random directions use its norms
        if kind == "rays":
            normalization, ignore = "unit", ()
        made = {"normalization": normalization, "ignore": list(ignored(ignore)), "seed": seed}

    def drawn(number):
        return random_direction(network, normalization, ignore, seed=[seed, number])

    if kind == "plane":
        surface = Plane.through(*points, labels=labels)
    elif kind == "line":
        surface = Line.through(*points, labels=labels)
    elif kind == "curve_plane":
        surface = Plane.of_curve(curve_model)
    elif kind == "trajectory":
        directions, shares = principal_directions(points)
        surface = Plane.along(points[-1], *directions, label="end")
        surface.mark("start", points[0])
        surface.mark_path("trajectory", points)
        made = {"variance shares": shares}
    elif kind == "rays":
        surface = Rays(points[0], [drawn(k) for k in range(num_rays)])
        surface.limits = [(0.0, 10.0)]
    elif kind == "random_line":
        surface = Line.along(points[0], drawn(0), label=labels[0])
    else:
        surface = Plane.along(points[0], drawn(0), drawn(1), label=labels[0])
    if kind.startswith("random_"):
        surface.limits = [(-1.0, 1.0)] * surface.dimensions
    surface.network = network
    surface.description = {"kind": kind, **made}
    return surface
