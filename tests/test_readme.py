"""The README's lines on ensembles and averages, run as they stand there on a model of a user's."""

import re
import textwrap

import keras
import numpy as np
import pytest
from keras import layers
from model_zoo import some
from programs import REPO

import mc_tf


@keras.saving.register_keras_serializable("mc_tf_readme")
class UsersModel(keras.Model):
    """Subclassed, with batch normalisation in a nested model."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.body = keras.Sequential([layers.Dense(8), layers.BatchNormalization(), layers.ReLU()])
        self.head = layers.Dense(2, dtype="float32")

    def call(self, x, training=None):
        return self.head(self.body(x, training=training))


@pytest.mark.parametrize("precision", some(["float32", "mixed_bfloat16"], ["mixed_bfloat16"]))
def test_ensembles_and_averages(tmp_path, monkeypatch, precision):
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("a SavedModel is TensorFlow's own")
    monkeypatch.chdir(tmp_path)
    section = (REPO / "README.md").read_text().split("## Ensembles and averages of your own")[1]
    blocks = re.findall(r"```python\n(.*?)```", section.split("\n## ")[0], re.DOTALL)
    assert len(blocks) == 2
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    train = tf.data.Dataset.from_tensor_slices((x, (x[:, 0] > 0).astype("int32"))).batch(16)
    model = UsersModel(dtype=precision)
    model(x[:1])
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    names = {"keras": keras, "mc_tf": mc_tf, "model": model, "train": train, "test": train}
    names |= {"validation": train}
    code = textwrap.dedent("\n".join(blocks))
    # As written, but for fewer epochs and an example for a subclassed model's export.
    code = (
        code.replace("160", "1").replace("epochs=300", "epochs=3").replace("epochs=22", "epochs=4")
    )
    code = code.replace('export("runs/served")', 'export("runs/served", example=x)')
    names |= {"x": x, "tf": tf, "images": tf.constant(x)}
    exec(compile(code, "README.md", "exec"), names)
    assert len(names["saver"].members) == 1
    assert names["swa"].average.count >= 2
    assert names["result"].scores["error"] < 50
    assert (tmp_path / "runs" / "served" / "saved_model.pb").exists()


def test_layers():
    section = (REPO / "README.md").read_text().split("## Layers")[1]
    (code,) = re.findall(r"```python\n(.*?)```", section.split("\n## ")[0], re.DOTALL)
    first, second = (
        keras.Sequential(
            [keras.Input((784,)), layers.Dense(500, activation="relu"), layers.Dense(10)]
        )
        for _ in range(2)
    )
    names = {"keras": keras, "mc_tf": mc_tf, "first": first, "second": second}
    exec(compile(code, "README.md", "exec"), names)
    whole = mc_tf.connect(first, second)
    whole.t = 0.5
    x = np.random.default_rng(0).normal(size=(3, 784)).astype("float32")
    found, expected = (keras.ops.convert_to_numpy(each(x)) for each in (names["network"], whole))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_loss_surfaces(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    section = (REPO / "README.md").read_text().split("## Loss surfaces")[1]
    (code,) = re.findall(r"```python\n(.*?)```", section.split("\n## ")[0], re.DOTALL)
    x = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
    networks = [UsersModel() for _ in range(3)]
    for network in networks:
        network(x)
    networks[0].compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    data = (x, (x[:, 0] > 0).astype("int32"))
    names = {"mc_tf": mc_tf, "train": data, "test": data}
    names |= dict(zip(("first", "second", "third"), networks))
    names["curve"] = mc_tf.connect(*networks[:2])
    # As written, but for fewer points.
    code = code.replace("(31, 21)", "(4, 3)").replace("shape=51", "shape=5")
    exec(compile(code, "README.md", "exec"), names)
    assert names["surface"]["train_loss"].shape == (4, 3)
    assert names["profile"]["test_error"].shape == (5,)
    assert (tmp_path / "runs" / "plane.png").read_bytes().startswith(b"\x89PNG")


def test_own_data_networks_and_curves(tmp_path, monkeypatch):
    """The page's code as it stands there, all of it in one module."""
    pytest.importorskip("tensorflow")
    monkeypatch.chdir(tmp_path)
    page = (REPO / "docs" / "own_data_networks_curves.md").read_text()
    names = {"__name__": "page"}
    for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        assert len(code.strip().splitlines()) <= 20
        exec(compile(code, "own_data_networks_curves.md", "exec"), names)
    assert repr(names["again"].curve) == "arc(num_bends=2)"
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
