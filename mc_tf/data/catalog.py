"""The named data sets: `load("cifar10", data_dir)` and `@register("name")`."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from mc_tf.data import corpora as texts
from mc_tf.data import digits
from mc_tf.data import tfds_reader as prepared
from mc_tf.data.dataset import Dataset
from mc_tf.data.decoding import NORMALIZATIONS
from mc_tf.data.imagenet import load_imagenet
from mc_tf.data.images import ImageData
from mc_tf.data.regression import load_regression
from mc_tf.data.uci import SETS, load_uci
from mc_tf.registry import Registry
from mc_tf.typing import PathLike

_LOADERS = Registry("data set", "mc_tf.data")
_Maker = TypeVar("_Maker", bound=Callable[..., Any])

_NORMALIZATIONS = {
    "resnet": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "vgg": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "mnist": ((0.1307,), (0.3081,)),
    "digits": ((0.3053,), (0.3760,)),
}


@dataclasses.dataclass(frozen=True)
class _Entry:
    num_classes: int
    normalizations: tuple  # the first is the default
    read: object  # (name, split, data_dir) -> (images, labels)
    held_out: float  # size of the validation part: number of images, or, below 1, fraction
    scale: float = 255.0
    padding: int = 0
    flip: bool = False


_CIFAR = {
    "normalizations": ("resnet", "vgg"),
    "read": prepared.read,
    "held_out": 5000,
    "padding": 4,
    "flip": True,
}
_ENTRIES = {
    "cifar10": _Entry(num_classes=10, **_CIFAR),
    "cifar100": _Entry(num_classes=100, **_CIFAR),
    "digits": _Entry(10, ("digits",), digits.read, 1 / 5, scale=16.0),
    "mnist": _Entry(10, ("mnist",), prepared.read, 5000),
}


def register(name: str) -> Callable[[_Maker], _Maker]:
    """Registers a data set by name, for `load` and all programs.

    Args:
        name: Str, such as `"moons"`.

    Returns:
        A decorator for a function or class that creates the `Dataset`; returns it unchanged. `load`
        passes `data_dir`, `use_test` and other options if it has such arguments. With
        `use_test=False` it should hold out training examples for testing, see `ArrayData.held_out`.
        Without a `use_test` argument, only `use_test=True` is supported.

    Raises:
        ValueError: If the name is taken.

    Example:
    >>> import mc_tf, numpy as np
    >>> @register("stripes")
    ... def stripes(use_test=False, width=3):
    ...     x = np.arange(60.0, dtype="float32")[:, None]
    ...     y = (x[:, 0] // width).astype(int) % 2
    ...     data = mc_tf.data.ArrayData("stripes", 2, x[:40], y[:40], x[40:], y[40:])
    ...     return data if use_test else data.held_out(10)
    >>> load("stripes", width=5).num_train
    30
    """
    return _LOADERS.register(name)


def names() -> list[str]:
    """Names that `load` accepts, sorted.

    Returns:
        List of str.
    """
    return sorted(_LOADERS)


def normalizations(name: str) -> tuple[str, ...]:
    """Names of the normalizations of a data set, the default first.

    Args:
        name: Name of the data set, one of `names()`.

    Returns:
        Tuple of str, empty if there is no choice.

    Raises:
        ValueError: If the data set is unknown.

    Example:
    >>> normalizations("cifar10")
    ('resnet', 'vgg')
    """
    _find(name)
    if name == "imagenet2012":
        return NORMALIZATIONS
    return _ENTRIES[name].normalizations if name in _ENTRIES else ()


def load(
    name: str, data_dir: PathLike | None = None, use_test: bool = False, **options: Any
) -> Dataset:
    """Opens a named data set: images in memory, a text, or ImageNet streamed from its files.

    | name | images | normalization: mean / std after scaling to 0..1 | augmentation |
    | --- | --- | --- | --- |
    | `"cifar10"`, `"cifar100"` | 32 × 32 × 3 | `"resnet"` (default): .4914 .4822 .4465 / \
.2023 .1994 .2010; `"vgg"`: .485 .456 .406 / .229 .224 .225 | pad 4, crop 32, flip |
    | `"mnist"` | 28 × 28 × 1 | `"mnist"`: .1307 / .3081 | none |
    | `"digits"` | 8 × 8 × 1, values 0..16 | `"digits"`: .3053 / .3760 | none |

    Without `use_test`, the last 5,000 training images (digits: the last fifth) are held out and
    replace the test images, so that no choice is made on the test set. The digits are included in
    scikit-learn and need no download; their test set is a fixed stratified third of the 1,797
    images.

    Two texts are for language models: `"ptb"`, Penn Treebank, from its three files in `data_dir`,
    and `"pydoc"`, the documentation included in Python. Without `use_test`, their validation part
    replaces the test part. For `"imagenet2012"` see `load_imagenet`; for `"regression"`, generated
    data with one input, see `load_regression`; for `"uci:boston"` and other small regressions, and
    their splits `"uci:boston:0"` to `"uci:boston:19"`, see `load_uci`.

    Args:
        name: One of `names()`, for a UCI regression also with the number of a split.
        data_dir: TFDS directory containing `NAME/VERSION`. Defaults to `~/tensorflow_datasets`. The
            digits do not need it.
        use_test: Whether to train on all training images and test on the test set.
            Defaults to `False`.
        **options: Options of some data sets: `normalization`, a name from the table; for texts
            `num_steps`, words per window (20); for ImageNet `image_size`, height and width in
            pixels (224); arguments of a registered function. `None` selects the default.

    Returns:
        `Dataset`: `ImageData`, `TextData`, `ImageNetData`, `RegressionData` or a registered class.

    Raises:
        ValueError: If the data set, its normalization or an option is unknown.
        OSError: If its files are damaged.
        FileNotFoundError: If the data set is neither in `data_dir` nor downloadable.

    Example:
    >>> data = load("digits")
    >>> data.num_train, data.num_test, data.test_name
    (959, 239, 'validation')
    """
    loader = _find(name)
    taken = inspect.signature(loader).parameters
    given = {option: value for option, value in options.items() if value is not None}
    for option, value in given.items():
        if option not in taken:
            raise ValueError(
                f"The data set {name!r} has no {option}. Received: {option}={value!r}. Leave it "
                "out."
            )
    if "use_test" not in taken and not use_test:
        raise ValueError(
            f"The data set {name!r} holds out no training examples to test on. Set use_test "
            "(--use_test), or add an argument use_test to the registered function."
        )
    known = {"data_dir": data_dir, "use_test": use_test}
    data = loader(**given, **{key: value for key, value in known.items() if key in taken})
    if not isinstance(data, Dataset):
        raise ValueError(
            f"The function registered as the data set {name!r} must return a mc_tf.data.Dataset. "
            f"Received: {type(data).__name__}. Return an ArrayData of the arrays, for example."
        )
    return data


def _find(name):
    known, _, split = name.rpartition(":")  # uci:boston:3
    if known in _LOADERS and known.startswith("uci:"):
        return functools.partial(_LOADERS.find(known), split=split)
    return _LOADERS.find(name)


def _load_images(name, data_dir=None, use_test=False, normalization=None):
    entry = _ENTRIES[name]
    normalization = normalization or entry.normalizations[0]
    if normalization not in entry.normalizations:
        raise ValueError(
            f"Unknown normalization for {name!r}. Received: {normalization!r}. Expected "
            f"one of: {', '.join(entry.normalizations)}."
        )
    x_train, y_train = entry.read(name, "train", data_dir)
    if use_test:
        x_test, y_test = entry.read(name, "test", data_dir)
    else:
        held_out = entry.held_out if entry.held_out >= 1 else int(len(x_train) * entry.held_out)
        kept = len(x_train) - held_out
        x_train, x_test = x_train[:kept], x_train[kept:]
        y_train, y_test = y_train[:kept], y_train[kept:]
    mean, std = _NORMALIZATIONS[normalization]
    served = {"scale": entry.scale, "padding": entry.padding, "flip": entry.flip}
    return ImageData(
        name=name,
        num_classes=entry.num_classes,
        x_train=x_train,
        y_train=y_train,
        x_test=x_test,
        y_test=y_test,
        mean=mean,
        std=std,
        test_name="test" if use_test else "validation",
        usual=served,
        **served,
    )


for _name in _ENTRIES:
    _LOADERS[_name] = functools.partial(_load_images, _name)
_LOADERS |= {"ptb": texts.load_ptb, "pydoc": texts.load_pydoc}
_LOADERS |= {"imagenet2012": load_imagenet, "regression": load_regression}
_LOADERS |= {f"uci:{_name}": functools.partial(load_uci, _name) for _name in SETS}
