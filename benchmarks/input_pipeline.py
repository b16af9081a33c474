r"""Images a second that the input pipelines deliver, with nobody training on them.

Each pipeline runs on; every round takes a fixed number of its batches. Without --data_dir, random
images of the shapes of CIFAR-10 and MNIST stand in for them.

  python benchmarks/input_pipeline.py --data_dir=~/tensorflow_datasets
"""

import itertools
import os

import measuring
from absl import flags
from measuring import row

FLAGS = flags.FLAGS
DATA_DIR = os.environ.get("MC_TF_DATA_DIR")
flags.DEFINE_string("data_dir", DATA_DIR, "TFDS directory; random images without it.")
flags.DEFINE_integer("batch_size", 128, "Images a batch.", lower_bound=1)
flags.DEFINE_integer("batches", 300, "Batches in a round; of ImageNet a 100th.", lower_bound=1)


def small_images(name, data_dir):
    """The data set and what to call it: the stored one, or random images of its shape."""
    import numpy as np

    from mc_tf.data import ImageData, load

    if data_dir and os.path.isdir(os.path.join(data_dir, name)):
        return load(name, data_dir, use_test=True), name
    colors = {"mean": (0.5,) * 3, "std": (0.2,) * 3, "padding": 4, "flip": True}
    shape, options = {"cifar10": ((32, 32, 3), colors), "mnist": ((28, 28, 1), {})}[name]
    x = np.random.default_rng(0).integers(0, 256, (50000, *shape), dtype="uint8")
    y = np.arange(len(x)) % 10
    return ImageData(name, 10, x, y, x[:10], y[:10], **options), f"random images like {name}"


def rows():
    """Yields a row for each pipeline."""
    from mc_tf.data import endless_batches
    from mc_tf.data.imagenet import load_imagenet

    size = FLAGS.batch_size
    data_dir = FLAGS.data_dir and os.path.expanduser(FLAGS.data_dir)
    pipelines = {}
    for name, transformed in (("cifar10", "cropped and flipped"), ("mnist", "as they are")):
        data, label = small_images(name, data_dir)
        pipelines[f"{label}, {transformed}"] = endless_batches(data, size), FLAGS.batches
    if data_dir and os.path.isdir(os.path.join(data_dir, "imagenet2012")):
        data = load_imagenet(data_dir, use_test=True)
        few = max(1, FLAGS.batches // 100)
        label = f"imagenet2012 ({data.num_train} + {data.num_test} images)"
        pipelines[f"{label}, training"] = endless_batches(data, size), few
        test = data.test_batches(batch_size=size).repeat()
        pipelines[f"{label}, evaluation"] = test, few
    for label, (batches, count) in pipelines.items():
        batches = iter(batches)

        def take(batches=batches, count=count):
            for _ in itertools.islice(batches, count):
                pass

        seconds = measuring.rounds({label: take})[label]
        yield row(f"input pipeline, {label}", size * count / seconds, "images a second")


if __name__ == "__main__":
    measuring.main(rows, batches=100)
