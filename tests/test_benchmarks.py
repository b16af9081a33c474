"""The command that measures: its smallest part, and what all parts import. No time is asserted."""

import ast
import importlib
import pathlib
import subprocess
import sys

import pytest

RUN = pathlib.Path(__file__).parents[1] / "benchmarks" / "run.py"


def test_a_part_becomes_a_table_in_a_file(tmp_path):
    flags = [f"--directory={tmp_path}/parts", f"--output={tmp_path}/table.md"]
    command = [sys.executable, RUN, "--quick", "--parts=programs", *flags]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    head, table = printed.rstrip().split("\n\n")
    assert [line.split(":")[0] for line in head.splitlines()] == [
        "- Command",
        "- Date",
        "- Machine",
        "- Versions",
    ]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert rows[0] == ["quantity", "median", "quartiles", "floor or aim"]
    assert rows[2][0] == "start-up: `train.py --help`" and rows[2][1].endswith(" s")
    assert {len(row) for row in rows} == {4}
    assert (tmp_path / "table.md").read_text() == printed


@pytest.mark.parametrize("path", sorted(RUN.parent.glob("*.py")), ids=lambda path: path.name)
def test_names_that_parts_import_exist(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "mc_tf":
            module = importlib.import_module(node.module)
            missing = [each.name for each in node.names if not hasattr(module, each.name)]
            assert not missing, f"{node.module} has no {missing}"
