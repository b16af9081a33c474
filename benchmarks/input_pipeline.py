r"""Images a second that the input pipelines deliver, with nobody training on them.

Each pipeline runs on; after a warm-up, every round takes a fixed number of its batches. Printed
are the median over the rounds and the slowest and fastest round. Without --data_dir, random
images of the shapes of CIFAR-10 and MNIST stand in for them.

  python benchmarks/input_pipeline.py --data_dir=~/tensorflow_datasets
"""

import argparse
import itertools
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def parse_arguments():
    parser = argparse.ArgumentParser(description="Images a second of the input pipelines.")
    parser.add_argument("--data_dir", help="TFDS directory; random images without it.")
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batches", type=int, default=300, help="in a round; ImageNet: a 100th")
    arguments = parser.parse_args()
    for name in ("batch_size", "rounds", "batches"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name} must be at least 1. Received: {getattr(arguments, name)}.")
    return arguments


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


def images_per_second(batches, rounds, batches_a_round):
    """Median, lowest and highest rate over the rounds, after a warm-up of one round."""
    batches = iter(batches)
    rates = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        images = sum(len(y) for _, y in itertools.islice(batches, batches_a_round))
        rates.append(images / (time.perf_counter() - began))
    return statistics.median(rates[1:]), min(rates[1:]), max(rates[1:])


def main():
    """Measures every pipeline and prints a line for each."""
    from mc_tf.data import endless_batches

    arguments = parse_arguments()
    size = arguments.batch_size
    data_dir = arguments.data_dir and os.path.expanduser(arguments.data_dir)
    pipelines = {}
    for name, transformed in (("cifar10", "cropped and flipped"), ("mnist", "as they are")):
        data, label = small_images(name, data_dir)
        batches = endless_batches(data, size)
        pipelines[f"{label}, training, {transformed}"] = batches, arguments.batches
    if data_dir and os.path.isdir(os.path.join(data_dir, "imagenet2012")):
        from mc_tf.data.imagenet import load_imagenet

        data = load_imagenet(data_dir, use_test=True)
        few = max(1, arguments.batches // 100)
        label = f"imagenet2012 ({data.num_train} + {data.num_test} images)"
        pipelines[f"{label}, training"] = endless_batches(data, size), few
        test = data.test_batches(batch_size=size).repeat()
        pipelines[f"{label}, evaluation"] = test, few
    for label, (batches, count) in pipelines.items():
        median, low, high = images_per_second(batches, arguments.rounds, count)
        print(f"{label}: {median:,.0f} images/s ({low:,.0f} .. {high:,.0f})", flush=True)
    print(
        f"Medians of {arguments.rounds} rounds (slowest .. fastest); batch {size}; "
        f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}."
    )


if __name__ == "__main__":
    main()
