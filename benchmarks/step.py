r"""A training step of a curve divided by a plain one, and what a plain one makes of the machine.

"Plain" is Keras' own step; with batch normalization `fused_batch_norm`'s stands beside it. All
train on the same random batch, in turn, in one process. With several numbers of control points, the
line through the ratios: its intercept and its slope. A plain step has three times the operations of
a forward pass.

  python benchmarks/step.py --networks=3conv3fc,preresnet20 --with_bfloat16
  python benchmarks/step.py --networks=3conv3fc --control_points=3,5,10,20
"""

import contextlib

import machine
import measuring
from absl import flags
from measuring import row

FLAGS = flags.FLAGS
NETWORKS = ["3conv3fc", "vgg16", "preresnet20", "wrn16x4", "lstm_small"]
flags.DEFINE_list("networks", NETWORKS, "Names in the registry.")
flags.DEFINE_list("control_points", ["3"], "Numbers of control points, ends included.")
flags.DEFINE_integer("batch_size", 128, "Images a batch; of text: 20 streams.", lower_bound=1)
flags.DEFINE_bool("with_xla", False, "Measure the curve compiled with XLA as well.")
flags.DEFINE_bool("with_bfloat16", False, "Measure the curve in bfloat16 (on a CPU) as well.")
flags.DEFINE_float("weight_decay", 5e-4, "L2 on all weights of image networks.", lower_bound=0.0)


def models(build):
    """The networks to train, compiled, by name."""
    import mc_tf
    from mc_tf.batch_norm.update import has_batch_norm

    def curve(count=3, **options):
        made = mc_tf.connect(build(), build(), mc_tf.Bezier(int(count) - 2))
        return measuring.compile_network(made, **options)

    networks = {"plain": measuring.compile_network(build())}
    networks |= {f"curve, k = {count}": curve(count) for count in FLAGS.control_points}
    if FLAGS.with_xla:
        networks["curve with XLA"] = curve(jit_compile=True)
    if FLAGS.with_bfloat16:
        networks["curve in bfloat16"] = curve()
    if has_batch_norm(networks["plain"]):
        networks["fused"] = measuring.compile_network(build())
    return networks


def network_rows(name):
    """Yields the rows of one network."""
    import numpy as np
    import tensorflow as tf

    import mc_tf
    from mc_tf.backend.precision import automatic_bfloat16

    text = name.startswith("lstm")
    x, y = measuring.images(FLAGS.batch_size)
    classes, shape, decay = 10, x.shape[1:], FLAGS.weight_decay
    if text:
        classes, shape, decay = 10_000, (20,), 0.0
        x, y = np.random.default_rng(0).integers(0, classes, (2, 20, 20), "int32")
    trained = models(lambda: mc_tf.models.build(name, classes, shape, weight_decay=decay))
    plain = trained["plain"]

    def step(label, model):
        with contextlib.ExitStack() as contexts:
            if label == "fused":
                contexts.enter_context(mc_tf.fused_batch_norm(model))
            if "bfloat16" in label:
                contexts.enter_context(automatic_bfloat16())
            model.train_on_batch(x, y)

    runs = {label: lambda pair=(label, model): step(*pair) for label, model in trained.items()}
    references = machine.references()
    runs |= {label: reference for label, (reference, _) in references.items()}
    vector = tf.Variable(tf.zeros(plain.count_params()))
    runs["addition"] = lambda: vector.assign_add(vector)
    times = measuring.rounds(runs)
    yield row(f"{name}: plain step", 1000 * times["plain"], "ms")
    for label in trained:
        if label != "plain":
            beside = "" if label == "fused" else "floor 1"
            beside += "; the paper asks for less than 1.5" * (label == "curve, k = 3")
            yield row(f"{name}: {label} / plain", times[label] / times["plain"], "", beside)
        if label.startswith("curve") and "fused" in trained:
            yield row(f"{name}: {label} / fused", times[label] / times["fused"], "", "floor 1")
    if len(FLAGS.control_points) > 1:
        counts = [int(count) for count in FLAGS.control_points]
        ratios = [times[f"curve, k = {count}"] / times["plain"] for count in counts]
        slope, intercept = np.polyfit(counts, ratios, 1)
        # A point is read and added to the others; its momentum and the point are updated.
        least = np.median(2 * times["addition"] / times["plain"])
        yield row(f"{name}: line through k = {counts}, at k = 0", intercept)
        beside = f"floor {measuring.text(least)} (two sums of weight vectors)"
        yield row(f"{name}: line, a control point more", slope, "", beside)
    elif not text:
        fastest = "fused" if "fused" in trained else "plain"
        speed = 3 * machine.operations(plain, len(x)) / times[fastest]
        for label, (_, work) in references.items():
            share = 100 * speed / (work / times[label])
            beside = f"{measuring.text(np.median(work / times[label]) / 1e9)} GFLOP/s"
            yield row(f"{name}: {fastest} step, share of a {label}", share, "%", beside)


def rows():
    """Yields the rows of all networks."""
    for name in FLAGS.networks:
        yield from network_rows(name)


if __name__ == "__main__":
    measuring.main(rows, networks=["3conv3fc", "preresnet20"], batch_size=16)
