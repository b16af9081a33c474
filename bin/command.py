"""The command `mc_tf`: runs the programs in this folder.

`mc_tf train --epochs=3` is `python bin/train.py --epochs=3`. `mc_tf` alone lists the programs.
"""

import ast
import os
import runpy
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def programs():
    """Purpose of each program, the first line of its docstring, by its name."""
    purposes = {}
    for file in sorted(os.listdir(_FOLDER)):
        if file.endswith(".py"):
            with open(os.path.join(_FOLDER, file), encoding="utf-8") as source:
                text = source.read()
            if '\nif __name__ == "__main__":' in text:
                about = ast.get_docstring(ast.parse(text))
                purposes[file.removesuffix(".py")] = about.split("\n")[0]
    return purposes


def main():
    """Runs the program that the first argument names, with the other arguments."""
    name, *arguments = sys.argv[1:] or ["--help"]
    known = programs()
    if name in ("--help", "-h", "help"):
        print("usage: mc_tf PROGRAM --FLAG=VALUE ...; mc_tf PROGRAM --help explains its flags.\n")
        for program, purpose in known.items():
            print(f"  {program:<22}{purpose}")
        return 0
    if name not in known:
        program, _, kind = name.partition("_")  # plot_curve became plot curve
        near = f"Did you mean: mc_tf {program} {kind}?" if kind and program in known else ""
        hint = near or f"Choose one of: {', '.join(known)}."
        print(f"mc_tf: error: unknown program '{name}'. {hint}", file=sys.stderr)
        return 1
    path = os.path.join(_FOLDER, f"{name}.py")
    sys.argv = [path, *arguments]
    sys.path.insert(0, _FOLDER)  # shared modules of the programs
    runpy.run_path(path, run_name="__main__")
    return 0
