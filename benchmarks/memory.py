r"""Peak memory of training on a curve, in weight vectors above the plain network.

Each process builds a network, trains a few steps and prints its peak (Linux: VmHWM).

  python benchmarks/memory.py --networks=imagenet_resnet50 --control_points=3,5
"""

import math
import resource
import subprocess
import sys

import measuring
from absl import flags
from measuring import row

FLAGS = flags.FLAGS
flags.DEFINE_list("networks", ["3conv3fc", "imagenet_resnet50"], "Names in the registry.")
flags.DEFINE_list("control_points", ["3", "5"], "Numbers of control points, ends included.")
flags.DEFINE_integer("processes", 2, "Processes for each figure.", lower_bound=1)
flags.DEFINE_integer(
    "one", None, "Train here with this number of control points; 0: the plain network."
)


def train():
    """Trains three steps and prints the number of weights and the peak in bytes."""
    import mc_tf

    large = FLAGS.networks[0].startswith("imagenet")
    x, y = measuring.images(*((4, (64, 64, 3)) if large else (64, (32, 32, 3))))
    network = mc_tf.models.build(FLAGS.networks[0], 10, x.shape[1:])
    weights = sum(math.prod(v.shape) for v in network.trainable_variables)
    if FLAGS.one:
        network = mc_tf.connect(network, network, mc_tf.Bezier(FLAGS.one - 2))
    measuring.compile_network(network)
    for _ in range(3):
        network.train_on_batch(x, y)
    print(weights, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def peak(name, count):
    """Number of weights and peak of a fresh process."""
    command = [sys.executable, __file__, f"--networks={name}", f"--one={count}"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [int(number) for number in output.split()]


def rows():
    """Yields the rows of all networks."""
    for name in FLAGS.networks:
        counts = [0, *map(int, FLAGS.control_points)]
        peaks = {count: [] for count in counts}
        for _ in range(FLAGS.processes):
            for count in counts:
                weights, most = peak(name, count)
                peaks[count].append(most / (4 * weights))
        megabytes = [number * 4 * weights / 1e6 for number in peaks[0]]
        yield row(f"{name}: peak of plain training, {weights:,} weights", megabytes, "MB")
        for count in counts[1:]:
            more = [curve - plain for curve, plain in zip(peaks[count], peaks[0])]
            label = f"{name}: peak with k = {count} above it"
            yield row(label, more, "weight vectors", f"aim {count + 3} at most")


if __name__ == "__main__":
    if any(argument.startswith("--one") for argument in sys.argv):
        from absl import app

        app.run(lambda _: train())
    else:
        measuring.main(rows, networks=["3conv3fc"], control_points=["3"], processes=1)
