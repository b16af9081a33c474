"""Small embedded data in the shape of a named data set, for trying experiments without it."""

from mc_tf.data.catalog import load, names
from mc_tf.data.dataset import Dataset
from mc_tf.data.digits import read
from mc_tf.data.images import ImageData

__all__ = ["stand_in"]

_SHAPES = {  # image shape, classes, and scale factor of scikit-learn's 8 x 8 digits
    "cifar10": ((32, 32, 3), 10, 4),
    "cifar100": ((32, 32, 3), 100, 4),
    "mnist": ((28, 28, 1), 10, 4),
    "digits": ((8, 8, 1), 10, 1),
    "imagenet2012": ((64, 64, 3), 1000, 8),
}


def stand_in(name: str, num_steps: int | None = None) -> Dataset:
    """Returns embedded data of the shape of a named data set.

    Images are replaced by the digits of scikit-learn, enlarged and with equal channels (64 x 64
    pixels for ImageNet), Penn Treebank by the Python documentation, UCI regressions by a generated
    one. Use it only for trying programs: scores do not carry over to the named data set. Other data
    sets, including registered ones, need no files and are returned themselves.

    Args:
        name: one of `mc_tf.data.names()`.
        num_steps: words per window, for texts.

    Returns:
        `Dataset` with a descriptive name.

    Raises:
        ValueError: if the name has no stand-in.

    Example:
    >>> stand_in("cifar100").input_shape
    (32, 32, 3)
    """
    if name.startswith("uci:"):
        name = "regression"
    if name not in names():
        known = ", ".join(names())
        raise ValueError(f"No embedded data for {name!r}. Available for: {known}.")
    if name not in _SHAPES:
        return load("pydoc" if name == "ptb" else name, use_test=True, num_steps=num_steps)
    shape, num_classes, factor = _SHAPES[name]
    parts = {}
    for split in ("train", "test"):
        images, parts[f"y_{split}"] = read("digits", split)
        images = images.repeat(factor, 1).repeat(factor, 2)[:, : shape[0], : shape[1]]
        parts[f"x_{split}"] = images.repeat(shape[2], 3)
    return ImageData(
        name="digits" if name == "digits" else f"digits in place of {name}",
        num_classes=num_classes,
        mean=(0.3053,),
        std=(0.3760,),
        scale=16.0,
        padding=4 if name.startswith("cifar") else 0,
        flip=name.startswith("cifar"),
        **parts,
    )
