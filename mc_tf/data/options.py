"""Settings of a data set, for programs."""

import dataclasses

from mc_tf.data.catalog import load
from mc_tf.data.dataset import Dataset
from mc_tf.data.validation import check_num_examples
from mc_tf.settings import check_settings, documented, setting

__all__ = ["DataOptions"]


@documented
@dataclasses.dataclass(frozen=True)
class DataOptions:
    """Choice of a data set and of the number of examples.

    Raises:
        ValueError: if a value is invalid.
    """

    dataset: str = setting(
        "digits",
        help="Data set: digits, mnist, cifar10, cifar100, imagenet2012, ptb, pydoc, regression, "
        "uci:boston:0 (boston, concrete, energy, naval or yacht, and the split from 0 to 19), or a "
        "registered name.",
    )
    data_dir: str | None = setting(
        None,
        help="Directory of tensorflow-datasets with NAME/VERSION (default: "
        "~/tensorflow_datasets); for ptb and uci: directory of their files.",
        changes_results=False,
    )
    use_test: bool = setting(
        False,
        help="Train on all training examples and evaluate on the test set. Otherwise, the last "
        "5,000 training examples (a fifth for digits and regressions, a hundredth "
        "for imagenet2012; texts have a validation part) are held out for evaluation.",
    )
    normalization: str | None = setting(
        None,
        choices=("resnet", "vgg", "caffe", "torch"),
        help="CIFAR: channel means and deviations of the ResNet (default) or VGG experiments. "
        "ImageNet: as keras.applications' ResNets expect (caffe, the default) or as most others "
        "(torch).",
    )
    image_size: int | None = setting(
        None, help="Image size in pixels (ImageNet only). Default: 224.", low=1, high=4096
    )
    num_steps: int | None = setting(
        None, help="Words per window (texts only). Default: 20.", low=1, high=1_000_000
    )
    num_train_examples: int | None = setting(
        None, help="Number of training examples (for texts: words) to use. Default: all.", low=1
    )
    num_test_examples: int | None = setting(
        None, help="Number of examples (for texts: words) to evaluate on. Default: all.", low=1
    )

    def __post_init__(self):
        """Checks the values."""
        check_settings(self)

    def load(self) -> Dataset:
        """Opens the data set with all examples, see `mc_tf.data.load`.

        Returns:
            `Dataset`.
        """
        served = ("normalization", "image_size", "num_steps")
        options = {name: getattr(self, name) for name in served}
        return load(self.dataset, self.data_dir, self.use_test, **options)

    def limited(self, data: Dataset) -> Dataset:
        """Selects the first examples of a data set, as many as requested.

        Args:
            data: `Dataset`.

        Returns:
            `Dataset`.

        Raises:
            ValueError: if the data set has fewer.
        """
        few = (self.num_train_examples, self.num_test_examples)
        for part, number in zip(("train", "test"), few):
            available = getattr(data, f"num_{part}")
            check_num_examples(number, available, "examples", f"num_{part}_examples")
        return data if few == (None, None) else data.first(*few)
