r"""Seconds until a program answers `--help` or `--list`, and `import mc_tf` beside `import keras`.

Each runs in a fresh process, in turn with the others.

  python benchmarks/startup.py --what=programs,imports
"""

import subprocess
import sys

import measuring
from absl import flags
from measuring import row

FLAGS = flags.FLAGS
flags.DEFINE_list("what", ["programs", "imports"], "What to start.")


def rows():
    """Yields a row for each command."""
    commands = {}
    if "programs" in FLAGS.what:
        commands["`train.py --help`"] = ["bin/train.py", "--help"]
        commands["`reproduce.py --list`"] = ["bin/reproduce.py", "--list"]
        commands["`python -c pass`"] = ["-c", "pass"]
    if "imports" in FLAGS.what:
        commands["`import mc_tf`"] = ["-c", "import mc_tf"]
        commands["`import keras`"] = ["-c", "import keras"]

    def started(arguments):
        command = [sys.executable, *arguments]
        subprocess.run(command, cwd=measuring.ROOT, check=True, stdout=subprocess.DEVNULL)

    runs = {label: lambda given=given: started(given) for label, given in commands.items()}
    times = measuring.rounds(runs)
    for label in runs:
        yield row(f"start-up: {label}", times[label], "s", "aim 0.2" if "--help" in label else "")
    if "imports" in FLAGS.what:
        ratio = times["`import mc_tf`"] / times["`import keras`"]
        yield row("start-up: `import mc_tf` / `import keras`", ratio, "", "floor 1")


if __name__ == "__main__":
    measuring.main(rows, rounds=1)
