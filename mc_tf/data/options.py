"""The settings of a data set, as programs take them."""

import dataclasses

from mc_tf.data.catalog import load
from mc_tf.data.dataset import Dataset
from mc_tf.data.validation import check_num_examples
from mc_tf.settings import check_settings, documented, setting

__all__ = ["DataOptions"]


@documented
@dataclasses.dataclass(frozen=True)
class DataOptions:
    """Which data set, and how many of its examples.

    Raises:
        ValueError: if a value cannot be.
    """

    dataset: str = setting(
        "digits",
        help="Data set: digits, mnist, cifar10, cifar100, imagenet2012, ptb, pydoc, regression, "
        "or a registered name of yours.",
    )
    data_dir: str | None = setting(
        None,
        help="Directory of tensorflow-datasets, holding NAME/VERSION (default: its own); of ptb: "
        "that of its three text files.",
        changes_results=False,
    )
    use_test: bool = setting(
        False,
        help="Train on all training examples and evaluate on the test set; without it the last "
        "5,000 training examples (of digits and regression a fifth, of imagenet2012 a hundredth; "
        "texts have a validation part) are held out and evaluated on.",
    )
    normalization: str | None = setting(
        None,
        choices=("resnet", "vgg", "caffe", "torch"),
        help="CIFAR: channel means and deviations of the ResNet (default) or VGG experiments. "
        "ImageNet: as keras.applications' ResNets expect (caffe, the default) or as most others "
        "(torch).",
    )
    image_size: int | None = setting(
        None, help="Of ImageNet: pixels; default 224.", low=1, high=4096
    )
    num_steps: int | None = setting(
        None, help="Of texts: words a window; default 20.", low=1, high=1_000_000
    )
    num_train_examples: int | None = setting(
        None, help="Use the first training examples only (of texts: words). Default: all.", low=1
    )
    num_test_examples: int | None = setting(
        None, help="Evaluate on the first examples only (of texts: words). Default: all.", low=1
    )

    def __post_init__(self):
        """Checks the values."""
        check_settings(self)

    def load(self) -> Dataset:
        """Opens the data set, with all of its examples, see `mc_tf.data.load`.

        Returns:
            `Dataset`.
        """
        served = ("normalization", "image_size", "num_steps")
        options = {name: getattr(self, name) for name in served}
        return load(self.dataset, self.data_dir, self.use_test, **options)

    def limited(self, data: Dataset) -> Dataset:
        """The first examples of what `load` returned, as many as are wanted.

        Args:
            data: `Dataset`.

        Returns:
            `Dataset`.

        Raises:
            ValueError: if there are fewer.
        """
        few = (self.num_train_examples, self.num_test_examples)
        for part, number in zip(("train", "test"), few):
            available = getattr(data, f"num_{part}")
            check_num_examples(number, available, "examples", f"num_{part}_examples")
        return data if few == (None, None) else data.first(*few)
