"""What the benchmarks share: interleaved rounds and rows of a table.

A part is a program with a function that yields rows and ends with `measuring.main(rows)`. Alone it
prints its table; `run.py` runs many parts and joins their rows.
"""

import json
import math
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from absl import app, flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_integer("rounds", 15, "Interleaved rounds of a comparison.", lower_bound=1)
flags.DEFINE_float("seconds", 20, "A comparison ends after these, but not before 4 rounds.")
flags.DEFINE_bool("quick", False, "Try that everything runs: figures mean little.")
for _name in ("rounds", "seconds", "quick"):  # in the `--help` of each program
    FLAGS.register_key_flag_for_module(sys.argv[0], FLAGS[_name])
flags.DEFINE_string("rows", None, "File for the rows (JSON), written atomically at the end.")

HEAD = "| quantity | median | quartiles | floor or aim |\n| --- | --- | --- | --- |"


def rounds(runs):
    """Seconds of functions that run in turn, each round begun by another one.

    Each runs once before, which traces it and is not counted.

    Args:
        runs: dict of functions without arguments, by name.

    Returns:
        dict of arrays `(rounds,)`, by name.
    """
    import numpy as np

    times = {name: [] for name in runs}
    for run in runs.values():
        run()
    names, began = list(runs), time.perf_counter()
    for turn in range(FLAGS.rounds):
        if turn >= 4 and time.perf_counter() - began > FLAGS.seconds:
            break
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            start = time.perf_counter()
            runs[name]()
            times[name].append(time.perf_counter() - start)
    return {name: np.array(values) for name, values in times.items()}


def row(quantity, values, unit="", beside=""):
    """Cells of a row of the table: quantity, median, quartiles, what stands beside.

    Args:
        quantity: what was measured.
        values: numbers, one a round.
        unit: unit of the numbers.
        beside: floor or aim.
    """
    values = [float(value) for value in values]
    spread = ""
    if len(values) > 1:
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
        spread = f"{text(low)} to {text(high)}"
    return [quantity, f"{text(statistics.median(values))} {unit}".strip(), spread, beside]


def text(value):
    """A number with three digits."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def line(cells):
    """A line of the Markdown table."""
    return f"| {' | '.join(cells)} |"


def write(path, content):
    """Writes a text file that is whole or not there."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(content)
    os.replace(temporary, path)


def main(rows, **quick):
    """Runs a part: prints its rows as they come, and writes them to `--rows`.

    Args:
        rows: function that yields the cells of rows.
        **quick: values of flags under `--quick`, where the command line gives none.
    """

    def run(_):
        for name, value in ({"rounds": 2} | quick if FLAGS.quick else {}).items():
            if not FLAGS[name].present:
                FLAGS[name].value = value
        print(HEAD, flush=True)
        cells_of_rows = []
        for cells in rows():
            print(line(cells), flush=True)
            cells_of_rows.append(cells)
        if FLAGS.rows:
            write(FLAGS.rows, json.dumps(cells_of_rows))

    app.run(run)


def compile_network(network, **options):
    """Compiles a network for training on classes, and returns it."""
    import keras

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(1e-4, momentum=0.9)
    network.compile(optimizer, loss, metrics=["accuracy"], **options)
    return network


def images(count, shape=(32, 32, 3)):
    """Random images `(count, *shape)` and labels below 10."""
    import numpy as np

    rng = np.random.default_rng(0)
    return rng.normal(size=(count, *shape)).astype("float32"), rng.integers(0, 10, count)


def parts(count):
    """Random training and test data of `count` images each, not the same ones."""
    x, y = images(2 * count)
    return (x[:count], y[:count]), (x[count:], y[count:])
