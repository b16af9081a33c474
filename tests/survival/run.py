"""Kills every program that writes files at random moments, and compares the final files.

  python tests/survival/run.py --kills=1000 --seed=1
  python tests/survival/run.py --pairs=100 --seed=1

Each trial kills a program up to three times, runs the same command to its end, and compares all
files, bit for bit, with an undisturbed run; no temporary file may be left. A pair is two
equal commands at once: each leaves the same files, or one is refused with one line. The last lines
are a summary; the exit status is 1 if anything differed.
"""

import argparse
import collections
import pathlib
import sys
import tempfile
import time

sys.path[:0] = [str(pathlib.Path(__file__).parents[1]), str(pathlib.Path(__file__).parents[2])]


def main():
    """Runs the trials."""
    import numpy as np
    from trials import Trials

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=0, help="How many kills at least.")
    parser.add_argument("--pairs", type=int, default=0, help="How many pairs of equal commands.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", help="NAME,NAME,...; default: all.")
    given = parser.parse_args()
    begun = time.monotonic()
    counts, problems = collections.defaultdict(collections.Counter), 0
    with tempfile.TemporaryDirectory(prefix="survival-") as folder:
        trials = Trials(
            folder, np.random.default_rng(given.seed), given.cases and given.cases.split(",")
        )
        for wanted, kind in ((given.kills, "kills"), (given.pairs, "pairs")):
            done = number = 0
            while done < wanted:
                case = trials.cases[number % len(trials.cases)]
                number += 1
                if kind == "kills":
                    hits, found = trials.kill(case)
                    done += hits
                else:
                    hits, (refused, found) = 1, trials.pair(case)
                    done += 1
                    counts[case.name]["refused"] += refused
                counts[case.name][kind] += hits
                counts[case.name]["runs"] += 1
                problems += bool(found)
                for text in found:
                    counts[case.name]["problems"] += 1
                    print(f"{kind} {done}, {case.name}: {text}", flush=True)
                if number % 10 == 0:
                    minutes = (time.monotonic() - begun) / 60
                    print(f"{done} of {wanted} {kind}, {minutes:.0f} minutes", flush=True)
    print(f"\n{'program':<18}{'trials':>8}{'kills':>8}{'pairs':>8}{'refused':>9}{'problems':>10}")
    for name, count in counts.items():
        columns = (("runs", 8), ("kills", 8), ("pairs", 8), ("refused", 9), ("problems", 10))
        print(f"{name:<18}" + "".join(f"{count[key]:>{width}}" for key, width in columns))
    total = sum((count for count in counts.values()), collections.Counter())
    print(
        f"{total['kills']} kills, {total['pairs']} pairs, {problems} trials with a difference, "
        f"seed {given.seed}, {(time.monotonic() - begun) / 60:.0f} minutes"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
