"""Rooms of the library: each imports only from those before it."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
# From the ground up; CONTRIBUTING's table has the purpose of each.
ROOMS = (
    *(
        "version",
        "typing",
        "warning",
        "deprecation",
        "moved",
        "arguments",
        "settings",
        "registry",
        "backend",
        "distribute",
        "curves",
        "weights",
        "storage",
        "plots",  # knows results by their attributes: hence a result can draw itself
        "schedules",
        "cycles",
    ),
    "alignment",
    *("metrics", "layers", "models.zoo", "models", "batch_norm", "callbacks", "evaluation"),
    *("ensemble", "merging", "landscape", "simplexes", "posterior", "data", "training"),
    *("experiments.parts", "experiments.steps", "experiments", "reports"),
)
FILES = sorted((ROOT / "mc_tf").rglob("*.py"))


def room(name):
    """The longest room that a dotted name lies in, `""` for the package itself."""
    inside = [r for r in ROOMS if f"{name}.".startswith(f"mc_tf.{r}.")]
    return max(inside, key=len, default="")


def imports(path):
    """The imports of a file when it runs, without names for hints under `TYPE_CHECKING`."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("name", ROOMS)
def test_no_import_runs_upward(name):
    place = ROOT / "mc_tf" / name.replace(".", "/")
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    for path in files:
        own = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if room(own) != name:  # of a room within
            continue
        for wanted in imports(path):
            if wanted == "mc_tf" or wanted.startswith("mc_tf."):
                other = room(wanted)
                assert other, f"{own} imports from the top: {wanted}"
                assert ROOMS.index(other) <= ROOMS.index(name), f"{own} imports {wanted}"


def test_every_file_has_its_room():
    outside = [
        str(path.relative_to(ROOT))
        for path in FILES
        if not room(".".join(path.relative_to(ROOT).with_suffix("").parts))
    ]
    assert outside == ["mc_tf/__init__.py"]


@pytest.mark.parametrize(
    "name", [r for r in ROOMS if (ROOT / "mc_tf" / r.replace(".", "/")).is_dir()]
)
def test_a_room_says_what_it_is_for(name):
    text = (ROOT / "mc_tf" / name.replace(".", "/") / "__init__.py").read_text()
    first = ast.get_docstring(ast.parse(text)).splitlines()[0]
    assert first.endswith(".")
    private = ("backend", "weights", "storage", "experiments.parts")
    assert ("Private" in first) == (name in private)
    table = (ROOT / "CONTRIBUTING.md").read_text()
    assert f"`mc_tf/{name}/`" in table or f"`{name.rpartition('.')[2]}/`" in table
