r"""All benchmarks as one Markdown table: under 20 minutes on two quiet cores.

Each part runs in a fresh process. Finished parts are kept in --directory; the same command
continues with the others, and measures anew what another commit, machine or flag has measured.

  python benchmarks/run.py --output=benchmarks.md
  python benchmarks/run.py --parts=steps,plane --quick
"""

import datetime
import json
import os
import subprocess
import sys
import tempfile
import time

import machine
import measuring
from absl import app, flags

PARTS = {
    "steps": ["step.py"],
    "control_points": ["step.py", "--networks=3conv3fc", "--control_points=3,5,10,20"],
    "memory": ["memory.py"],
    "evaluation": ["evaluation.py", "--networks=fc,3conv3fc"],
    "batch_norm": ["evaluation.py", "--networks=preresnet20", "--examples=1000"],
    "plane": ["plane.py"],
    "curvature": ["curvature.py"],
    "callbacks": ["callbacks.py"],
    "ensembles": ["ensemble_export.py"],
    "pipelines": ["input_pipeline.py"],
    "programs": ["startup.py", "--what=programs"],
    "imports": ["startup.py", "--what=imports"],
}

FLAGS = flags.FLAGS
flags.DEFINE_list("parts", list(PARTS), "Parts to measure.")
flags.DEFINE_string("directory", "runs/benchmarks", "Directory of finished parts.")
flags.DEFINE_string("output", None, "File for the table; it is also printed.")
flags.register_validator(
    "parts", lambda parts: set(parts) <= set(PARTS), f"Choose from: {', '.join(PARTS)}."
)


def measured(part, around):
    """The stored result of a part, or a new one; `None` if it fails."""
    given = [
        f"--{name}={FLAGS[name].value}"
        for name in ("rounds", "seconds", "quick")
        if FLAGS[name].present
    ]
    key = {**around, "command": [*PARTS[part], *given]}
    path = os.path.join(FLAGS.directory, f"{part}.json")
    if os.path.exists(path) and "with changes" not in around["Versions"]:
        with open(path, encoding="utf-8") as file:
            stored = json.load(file)
        if stored["key"] == key:
            return stored
    result = {"key": key, "date": f"{datetime.date.today()}", "load": os.getloadavg()[0]}
    program, *own = PARTS[part]
    program, began = os.path.join(os.path.dirname(__file__), program), time.perf_counter()
    print(f"\n{part} ({list(PARTS).index(part) + 1} of {len(PARTS)})", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        rows = os.path.join(folder, "rows.json")
        command = [sys.executable, program, *own, *given, f"--rows={rows}"]
        log = os.path.join(FLAGS.directory, f"{part}.log")  # TensorFlow talks
        with open(log, "w+", encoding="utf-8") as errors:
            if subprocess.run(command, stdout=sys.stderr, stderr=errors).returncode:
                errors.seek(0)
                print(*errors.readlines()[-5:], f"All of it: {log}", sep="", file=sys.stderr)
                return None
        with open(rows, encoding="utf-8") as file:
            result |= {"rows": json.load(file), "seconds": time.perf_counter() - began}
    measuring.write(path, json.dumps(result))
    return result


def main(_):
    """Measures the parts, then prints and writes the table."""
    around = machine.surroundings()
    os.makedirs(FLAGS.directory, exist_ok=True)
    results = {part: measured(part, around) for part in FLAGS.parts}
    done = [result for result in results.values() if result]
    failed = [part for part, result in results.items() if not result]
    if done:
        loads = [result["load"] for result in done]
        minutes = sum(result["seconds"] for result in done) / 60
        head = {
            "Command": f"`python benchmarks/run.py {' '.join(sys.argv[1:])}`".replace(" `", "`"),
            "Date": f"{' to '.join(sorted({result['date'] for result in done}))}; {minutes:.1f} "
            f"minutes; load before the parts {min(loads):.1f} to {max(loads):.1f}",
            **around,
        }
        lines = [f"- {name}: {value}" for name, value in head.items()]
        lines += ["", measuring.HEAD]
        lines += [measuring.line(cells) for result in done for cells in result["rows"]]
        print("\n".join(lines))
        if FLAGS.output:
            measuring.write(FLAGS.output, "\n".join(lines) + "\n")
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}. The same command tries again.")


if __name__ == "__main__":
    app.run(main)
