"""README, the guides and the notebooks: every block of code, run as written.

Only numbers are smaller: epochs, positions, points of grids.
"""

import pathlib
import re
import shlex

import keras
import numpy as np
import pytest
from keras import layers
from programs import LIMIT_SECONDS, REPO, needs_tensorflow, prepare, server, start

import mc_tf

pytestmark = needs_tensorflow
DOCS = REPO / "docs"
# Patterns, and the smaller numbers that replace them.
SMALLER = {
    r"epochs=300\b": "epochs=3",
    r"epochs=22\b": "epochs=4",
    r"epochs=50\b": "epochs=1",
    r"epoch=160\b": "epoch=1",
    r"num_points=(61|25)\b": "num_points=3",
    r"shape=\(31, 21\)": "shape=(4, 3)",
    r"shape=51\b": "shape=5",
    r"shape=9\b": "shape=2",
    r"slice_sample\(300, burn_in=50\)": "slice_sample(30, burn_in=2)",
}


def blocks(page, language):
    """The blocks of a language in a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def smaller(code):
    for pattern, text in SMALLER.items():
        code = re.sub(pattern, text, code)
    return code


def example(seed, units=8):
    """A network with batch normalization, and data for it."""
    keras.utils.set_random_seed(seed)
    network = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(units),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    network.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return network


def names():
    """The names that README and the guides assume."""
    import tensorflow as tf

    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((x, (x[:, 0] > 0).astype("int32"))).batch(16)
    made = dict(zip(("first", "second", "third", "model"), map(example, range(4))))
    made |= dict(zip(("epoch_10", "epoch_20", "last"), map(example, range(4, 7))))
    made |= dict.fromkeys(("train", "test", "validation", "augmented"), data)
    made["curve"] = mc_tf.connect(made["first"], made["second"])
    made["curve"].compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made | {"images": tf.constant(x), "mc_tf": mc_tf}


PAGES = ["README", "docs/alignment", "docs/connect", "docs/ensembles", "docs/merging"]
PAGES += ["docs/posteriors", "docs/simplexes", "docs/surfaces", "docs/uncertainty"]


@pytest.mark.parametrize("page", PAGES)
def test_code_of_a_guide(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, path = names(), REPO / f"{page}.md"
    for code in blocks(path, "python"):
        exec(compile(smaller(code), path.name, "exec"), found)
    if page == "README":
        assert found["result"].complete and found["surface"].shape == (4, 3)
        assert len(found["saver"].members) == 1 and found["swa"].average.count >= 2
        assert (tmp_path / "runs" / "served" / "saved_model.pb").exists()
    if page == "docs/ensembles":
        assert found["serve"](inputs=found["images"])["class"].shape == (64,)
    if page == "docs/posteriors":
        assert (found["samples"].z.shape, found["predictions"].shape) == ((30, 2), (30, 64, 2))
    if page == "docs/surfaces":
        assert (tmp_path / "runs" / "plane.png").read_bytes().startswith(b"\x89PNG")
        assert found["profile"]["test_error"].shape == (5,)


def test_code_of_layers():
    first, second = (
        keras.Sequential(
            [keras.Input((784,)), layers.Dense(500, activation="relu"), layers.Dense(10)]
        )
        for _ in range(2)
    )
    found = {"first": first, "second": second}
    (code,) = blocks(DOCS / "layers.md", "python")
    exec(compile(code, "layers.md", "exec"), found)
    whole = mc_tf.connect(first, second)
    whole.t = 0.5
    x = np.random.default_rng(0).normal(size=(3, 784)).astype("float32")
    values, expected = (keras.ops.convert_to_numpy(each(x)) for each in (found["network"], whole))
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)


def test_code_of_backends():
    found = names()
    (code,) = blocks(DOCS / "backends.md", "python")
    exec(compile(code, "backends.md", "exec"), found)


def test_code_of_devices(tmp_path):
    """On two logical CPUs. Blocks of `py` are for several machines; tests/distribute has them."""
    process = server().Process(target=on_two_devices, args=(str(tmp_path),), daemon=True)
    process.start()
    process.join(LIMIT_SECONDS)
    assert process.exitcode == 0, (tmp_path / "err").read_text()[-3000:]
    assert (tmp_path / "runs" / "members" / "snapshot-00000008.npz").exists()


def on_two_devices(folder):
    import tensorflow as tf

    prepare(f"{folder}/", folder)
    parts = 2 * [tf.config.LogicalDeviceConfiguration()]
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    found = names()
    (code,) = blocks(DOCS / "devices.md", "python")
    exec(compile(smaller(code), "devices.md", "exec"), found)
    assert found["curve"].distribute_strategy.num_replicas_in_sync == 2


def test_own_data_networks_and_curves(tmp_path, monkeypatch):
    """The code of the page, unchanged, all of it in one module."""
    monkeypatch.chdir(tmp_path)
    found = {"__name__": "page"}
    for code in blocks(DOCS / "own_data_networks_curves.md", "python"):
        assert len(code.strip().splitlines()) <= 20
        exec(compile(code, "own_data_networks_curves.md", "exec"), found)
    assert repr(found["again"].curve) == "arc(num_bends=2)"
    data = mc_tf.data.load("waves", use_test=True)
    assert (data.input_shape, data.num_train) == ((20,), 64)
    data = mc_tf.data.load("rings")
    assert (data.num_train, data.num_test, data.test_name) == (300, 100, "validation")
    assert mc_tf.models.build("tanh", 2, (2,), units=3).count_params() == 2 * 3 + 3 + 3 * 2 + 2
    for registry in (mc_tf.data.catalog._LOADERS, mc_tf.models.registry._BUILDERS):
        for name in ("rings", "waves", "tanh"):
            registry.pop(name, None)
    mc_tf.models.registry._EXAMPLES.pop("tanh")
    mc_tf.curves.registry._FAMILIES.pop("arc")
    del keras.saving.get_custom_objects()["mc_tf.curves>arc"]


def commands(page):
    """The programs that a page runs, with their flags."""
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            word, *rest = shlex.split(line, comments=True) or [""]
            if word == "python" and rest[0].startswith("bin/"):
                yield pathlib.Path(rest[0]).stem, rest[1:]


def test_commands_of_the_guide_to_programs(tmp_path):
    """From the first to the last, on digits instead of MNIST, one or two epochs each."""
    epochs = {"fge": "4", "sse": "2", "swa": "3"}
    changed = {"--dataset=mnist": "--dataset=digits", "--keep_epochs=24": "--keep_epochs=1"}
    changed |= {"--swa_start=22": "--swa_start=1", "--num_train_examples=5000": ""}
    changed |= {"--cycle_epochs=6": "--cycle_epochs=2", "--epochs=6": ""}
    for program, flags in commands(DOCS / "programs.md"):
        flags = [changed.get(flag, flag).replace("model-0024", "model-0001") for flag in flags]
        if program in ("train", "connect", "fge", "sse", "swa"):
            flags += [f"--epochs={epochs.get(program, 1)}", "--verbose=0", "--batch_size=250"]
        if program == "eval_curve":
            flags += ["--num_points=3"]
        if program == "eval_grid":
            flags += ["--shape=2"]
        ended = start(program, *filter(None, flags), directory=tmp_path).wait()
        assert ended.code == 0, ended.err
    for name in ("bezier.png", "planes.png", "surface.png", "bezier/report.html"):
        assert (tmp_path / "runs" / name).stat().st_size > 7000
    assert (tmp_path / "runs" / "fge" / "served" / "saved_model.pb").exists()


@pytest.mark.parametrize("page", ["README.md", *sorted(page.name for page in DOCS.glob("*.md"))])
def test_commands_have_the_flags_that_there_are(page):
    """The flags of a program are in its source or in the settings' source; recipes exist."""
    path = REPO / page if page == "README.md" else DOCS / page
    source = "".join(file.read_text() for file in (REPO / "bin").glob("*.py"))
    source += (REPO / "mc_tf" / "training" / "options.py").read_text()
    for folder in ("data", "experiments/parts", "experiments/steps"):
        source += "".join(f.read_text() for f in (REPO / "mc_tf" / folder).glob("*.py"))
    for program, flags in commands(path):
        assert (REPO / "bin" / f"{program}.py").exists()
        for flag in flags:
            name = re.match(r"--(\w+)", flag)
            assert not name or re.search(rf"\b{name[1]}\b", source), flag


@pytest.mark.parametrize("notebook", ["connect_two_networks", "ensembles_and_averages"])
def test_notebooks(notebook):
    text = (DOCS / "notebooks" / f"{notebook}.py").read_text()
    few = {r"EPOCHS = \d+": "EPOCHS = 2", "epochs=24": "epochs=4", r"shape=\(15, 15\)": "shape=2"}
    for pattern, smaller in {**few, "num_points=21": "num_points=3"}.items():
        assert re.search(pattern, text) or pattern.startswith(("epochs", "shape", "num"))
        text = re.sub(pattern, smaller, text)
    found = {"__name__": notebook}
    exec(compile(text, notebook, "exec"), found)
    if notebook == "connect_two_networks":
        assert found["on_curve"].complete and found["surface"].shape == (2, 2)
    else:
        assert len(found["saver"].members) == 1 and len(found["answer"]["class"]) == 5
