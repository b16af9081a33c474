"""The wheel, installed outside the checkout: the command `mc_tf`, its programs and recipes."""

import os
import pathlib
import subprocess
import sys
import sysconfig
import zipfile

import pytest
from programs import REPO, needs_tensorflow

import mc_tf

pytestmark = [needs_tensorflow, pytest.mark.xdist_group("wheel")]


def called(*command, folder, **more):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=environment | more,
        capture_output=True,
        text=True,
        timeout=280,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, so that the checkout stays unchanged."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    for name in listed:
        if name.startswith(("mc_tf/", "bin/")) or "/" not in name:
            copy = folder / "source" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((REPO / name).read_bytes())
    command = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, "./source")
    code, _, errors = called(*command, folder=folder)
    assert code == 0, errors
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Bin folder of an environment with only this wheel, which sees the tests' dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    assert called(sys.executable, "-m", "venv", "--without-pip", folder, folder=folder)[0] == 0
    python = folder / "bin" / "python"
    command = ("-m", "pip", "--python", python, "install", "-q", "--no-deps", wheel)
    code, _, errors = called(sys.executable, *command, folder=folder)
    assert code == 0, errors
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"


def test_the_wheel_holds_the_library_the_programs_and_the_recipes(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert f"-{mc_tf.__version__}-" in wheel.name
    assert {"mc_tf/py.typed", "mc_tf/__init__.py", "mc_tf_programs/command.py"} <= names
    folder = REPO / "bin"
    for path in (*folder.glob("*.py"), *folder.glob("recipes/*.py")):
        assert f"mc_tf_programs/{path.relative_to(folder)}" in names
    assert not any(name.startswith(("tests", "benchmarks")) for name in names)


def test_the_command_runs_the_programs(installed, tmp_path):
    code, out, errors = called(installed / "mc_tf", folder=tmp_path)
    assert (code, errors) == (0, "")
    programs = {path.stem for path in (REPO / "bin").glob("*.py")}
    listed = {line.split()[0] for line in out.splitlines()[2:]}
    assert {"train", "connect", "reproduce", "eval_curve"} <= listed <= programs
    code, out, errors = called(installed / "mc_tf", "trian", folder=tmp_path)
    assert code == 1 and out == "" and "unknown program 'trian'" in errors
    code, out, errors = called(installed / "mc_tf", "plot_mean_prediction", folder=tmp_path)
    assert code == 1 and out == "" and "mean: mc_tf plot mean_prediction?" in errors
    code, out, errors = called(installed / "mc_tf", "train", "--epoch=3", folder=tmp_path)
    assert code == 1 and "train.py: error: Unknown command line flag 'epoch'" in errors
    code, out, errors = called(installed / "mc_tf", "reproduce", "--list", folder=tmp_path)
    assert code == 0 and "table2_cifar10_vgg16" in out
    assert "not begun" in out and not list(tmp_path.iterdir())


def test_a_recipe_runs_from_the_wheel(installed, tmp_path):
    few = ("--set=curves=[segment]", "--set=network.name=fc", "--verbose=0")
    command = (installed / "mc_tf", "reproduce", "--recipe=digits", "--smoke", *few)
    code, out, errors = called(*command, folder=tmp_path)
    assert (code, errors) == (0, "")  # no line from TensorFlow either
    assert "segment" in out and (tmp_path / "runs/smoke/digits/curves.png").exists()
    python = installed / "python"
    find = "import importlib.util; print(importlib.util.find_spec('mc_tf').origin)"
    code, out, _ = called(python, "-c", find, folder=tmp_path)
    assert pathlib.Path(out.strip()).is_relative_to(installed.parent)
