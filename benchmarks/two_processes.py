r"""Trains, connects and collects an FGE ensemble on MNIST: one process against two on loopback.

Both run the same commands with the same global batches, so that results differ by rounding only.
Prints a Markdown table. Run the same command again to resume after an interruption.

  python benchmarks/two_processes.py --data_dir=$TFDS --workdir=runs/two_processes
"""

import json
import os
import socket
import subprocess
import sys
import time

from absl import app, flags

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", None, "Directory of tensorflow-datasets with mnist/VERSION.")
flags.DEFINE_string("workdir", "runs/two_processes", "Directory for the runs.")
flags.DEFINE_integer("num_train_examples", None, "Training examples to use. Default: all.")
flags.DEFINE_integer("epochs", 3, "Epochs of each network and of the curve.", lower_bound=1)
flags.DEFINE_integer("num_points", 21, "Positions along the curve.", lower_bound=2)
flags.DEFINE_integer("batch_size", 128, "Examples in each global batch.", lower_bound=1)


def commands(folder):
    """Programs and their flags, by the name of the step."""
    start, end = (f"{folder}/{name}/model.keras" for name in "ab")
    training = [f"--batch_size={FLAGS.batch_size}", "--verbose=0"]
    few = [*training, f"--epochs={FLAGS.epochs}"]
    network = [*few, "--network=fc", "--learning_rate=0.05"]
    cycles = [*training, "--epochs=4", "--cycle_epochs=2", f"--checkpoint={start}"]
    curve = ["--curve=bezier", f"--start={start}", f"--end={end}", "--seed=3"]
    return {
        "network a": ["train", *network, "--seed=1", f"--workdir={folder}/a"],
        "network b": ["train", *network, "--seed=2", f"--workdir={folder}/b"],
        "curve": ["connect", *few, *curve, f"--workdir={folder}/curve"],
        "points of the curve": [
            *("eval_curve", f"--num_points={FLAGS.num_points}", "--verbose=0"),
            *(f"--curve_file={folder}/curve/curve.keras", f"--output={folder}/points"),
        ],
        "FGE": ["fge", *cycles, f"--workdir={folder}/fge"],
    }


def run(program, *given, processes=1):
    """Runs a program in one or several processes; returns the seconds."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(processes)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    command = [sys.executable, f"{ROOT}/bin/{program}.py", "--dataset=mnist", "--use_test", *given]
    for name in ("data_dir", "num_train_examples"):
        command += [f"--{name}={FLAGS[name].value}"] if FLAGS[name].value else []
    began, running = time.perf_counter(), []
    for index in range(processes):
        environment = dict(os.environ)
        if processes > 1:
            task = {"type": "worker", "index": index}
            config = {"cluster": {"worker": addresses}, "task": task}
            environment["TF_CONFIG"] = json.dumps(config)
        several = ["--distribute=multi_worker"] if processes > 1 else []
        running.append(subprocess.Popen([*command, *several], env=environment))
    for process in running:
        if process.wait():
            sys.exit(f"{program} failed in one of {processes} processes")
    return time.perf_counter() - began


def numbers(folder):
    """Results by name, from the files of the programs."""
    with open(f"{folder}/points.json", encoding="utf-8") as file:
        points = json.load(file)["summary"]
    with open(f"{folder}/ensemble.json", encoding="utf-8") as file:
        ensemble = json.load(file)["cumulative"]
    return {
        "test error of network a, b": [points["test_error"][end] for end in ("start", "end")],
        "train loss along the curve, mean, max": [points["train_loss"][n] for n in ("mean", "max")],
        "test error along the curve, mean, max": [points["test_error"][n] for n in ("mean", "max")],
        "FGE ensemble, test error, loss": [ensemble[name][-1] for name in ("error", "loss")],
    }


def difference(folders, file):
    """Distance of the weights in two files relative to their norm."""
    import keras
    import numpy as np

    first, second = (
        np.concatenate([w.ravel() for w in keras.saving.load_model(f"{f}/{file}").get_weights()])
        for f in folders
    )
    return np.linalg.norm(first - second) / np.linalg.norm(first)


def main(_):
    """Runs all steps in one process, then in two, and prints the table."""
    folders = [f"{FLAGS.workdir}/{name}" for name in ("one", "two")]
    seconds = []
    for processes, folder in enumerate(folders, start=1):
        steps = commands(folder)
        seconds.append({name: run(*given, processes=processes) for name, given in steps.items()})
        members = [f"--members={folder}/fge", f"--output={folder}/ensemble", "--verbose=0"]
        run("eval_ensemble", *members)
    print("\n| | one process | two processes | difference |\n| --- | --- | --- | --- |")
    one, two = map(numbers, folders)
    for name, values in one.items():
        texts = [", ".join(f"{value:.4f}" for value in each) for each in (values, two[name])]
        far = max(abs(a - b) for a, b in zip(values, two[name]))
        print(f"| {name} | {texts[0]} | {texts[1]} | {far:.1g} |")
    sys.path.insert(0, ROOT)
    import mc_tf  # noqa: F401  registers its layers

    for name, file in {"network a": "a/model.keras", "curve": "curve/curve.keras"}.items():
        print(f"| weights of {name}, relative distance | | | {difference(folders, file):.1g} |")
    for name, value in seconds[0].items():
        print(f"| seconds: {name} | {value:.0f} | {seconds[1][name]:.0f} | |")


if __name__ == "__main__":
    app.run(main)
