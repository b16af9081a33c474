"""A user's own data sets, networks and curve families, and what their registries refuse."""

import dataclasses
import json
import re

import keras
import numpy as np
import pytest
from programs import REPO, needs_tensorflow, start

import mc_tf
from mc_tf import curves, models
from mc_tf.curves import registry as families
from mc_tf.models.zoo import registry as networks
from mc_tf.registry import Registry
from mc_tf.storage.checkpoints import load_checkpoint

tf = pytest.importorskip("tensorflow")
from mc_tf import data as mc_data  # noqa: E402
from mc_tf.data import catalog  # noqa: E402
from mc_tf.training import TrainingOptions, train_network  # noqa: E402

PAGE = (REPO / "docs" / "own_data_networks_curves.md").read_text()
KNOWN = (
    *(catalog._LOADERS, networks._BUILDERS, networks._EXAMPLES, families._FAMILIES),
    keras.saving.get_custom_objects(),
)


@pytest.fixture(autouse=True)
def only_here():
    """Names that one test registers are unknown to the others."""
    before = [dict(known) for known in KNOWN]
    yield
    for known, kept in zip(KNOWN, before):
        known.clear()
        known.update(kept)


# Names.


def other():
    return "another definition"


@pytest.mark.parametrize(
    "register, find, known, package",
    [
        (mc_data.register, mc_data.load, "cifar10.*regression", "data"),
        (models.register, lambda name: models.build(name, 2, (4,)), "fc.*wrn<depth>", "models"),
        (curves.register, curves.make_curve, "bezier.*trivial", "curves"),
    ],
    ids=["data", "models", "curves"],
)
def test_names(register, find, known, package):
    def define():
        class Own(mc_tf.Curve):
            """A class for all three."""

        return Own

    with pytest.raises(ValueError, match=f"'own'.*{known}.*@mc_tf.{package}.register.*--import"):
        find("own")
    own = define()
    assert register("own")(own) is own
    assert register("own")(define()) is not own  # a notebook's cell runs again
    with pytest.raises(ValueError, match=f"'own' is taken by .*Own.*Choose another.*{package}"):

        class Other(mc_tf.Curve):
            """Another one."""

        Other.__qualname__ += package
        register("own")(Other)
    for wrong in (own, 3, None):  # `@register` without a name
        with pytest.raises(ValueError, match=re.escape(f"@mc_tf.{package}.register('x')")):
            register(wrong)


def test_what_a_library_has_cannot_be_replaced():
    for register, taken in (
        (mc_data.register, mc_data.names()),
        (models.register, ("fc", "preresnet<depth>", "preresnet20", "wrn28x10")),
        (curves.register, ("bezier", "polychain", "segment", "trivial")),
    ):
        for name in taken:
            with pytest.raises(ValueError, match=f"'{name}' is taken by"):
                register(name)(type("Own", (mc_tf.Curve,), {}))


def test_a_registry_is_what_is_in_it():
    registry = Registry("thing", "mc_tf.things")
    registry.register("b")(other)
    assert (list(registry), registry.find("b")) == (["b"], other)


# Curve families.


class Pulled(mc_tf.Curve):
    """As on the page."""

    def _coefficients(self, t):
        t = keras.ops.expand_dims(t, -1)
        pulls = [t * (1 - t) * (j + 1) for j in range(self.num_bends)]
        return keras.ops.concatenate([1 - t - sum(pulls), *pulls, t], -1)


class Fixed(Pulled):
    """Without a number to choose."""

    def __init__(self):
        super().__init__(1)

    def get_config(self):
        return {}


def ends():
    return [keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]) for _ in "ab"]


@pytest.mark.parametrize(
    "family, bends, text", [(Pulled, 3, "own(num_bends=3)"), (Fixed, 1, "own()")]
)
def test_a_family_of_ones_own(family, bends, text, tmp_path):
    curves.register("own")(family)
    assert "own" in curves.names() and curves.has_bends("own") == (family is Pulled)
    curve = curves.make_curve("own", 3)
    assert (repr(curve), curve.num_bends) == (text, bends)
    pulls = [0.1875 * (j + 1) for j in range(bends)]
    expected = [0.75 - sum(pulls), *pulls, 0.25]
    np.testing.assert_allclose(curve.coefficients(0.25), expected, rtol=1e-6)

    made = mc_tf.connect(*ends(), curve)
    made.save(tmp_path / "own.keras")
    loaded = load_checkpoint(tmp_path / "own.keras")
    assert type(loaded.curve) is family and repr(loaded.curve) == text
    np.testing.assert_array_equal(loaded.control_points(), made.control_points())

    del keras.saving.get_custom_objects()["mc_tf.curves>own"]
    message = r"curve family 'own'.*@mc_tf.curves.register\('own'\).*--import"
    with pytest.raises(ValueError, match=message):
        load_checkpoint(tmp_path / "own.keras")


def test_a_family_that_keras_knows_keeps_its_name_in_files(tmp_path):
    keras.saving.register_keras_serializable("mine")(Pulled)
    mc_tf.connect(*ends(), Pulled(1)).save(tmp_path / "old.keras")
    curves.register("pulled")(Pulled)
    assert repr(load_checkpoint(tmp_path / "old.keras").curve) == "Pulled(num_bends=1)"
    assert "mc_tf.curves>pulled" not in keras.saving.get_custom_objects()


@pytest.mark.parametrize("wrong", [other, dict, Pulled(1)])
def test_what_is_no_family(wrong):
    with pytest.raises(ValueError, match="'own' must be a class that derives from mc_tf.Curve"):
        curves.register("own")(wrong)
    assert "own" not in curves.names()


def test_the_librarys_families_are_what_they_were():
    assert curves.names() == ["segment", "bezier", "polychain", "trivial"]
    made = [repr(curves.make_curve(name, 2)) for name in curves.names()]
    assert made == [
        *("Segment()", "Bezier(num_bends=2)", "PolyChain(num_bends=2)"),
        "TrivialCurve(num_layers=None)",
    ]


# Networks.


def test_a_network_without_weight_decay_of_its_own_gets_it():
    @models.register("own")
    def own(num_classes, input_shape, units=3):
        inputs = keras.Input(input_shape)
        x = keras.layers.Dense(units, activation="relu")(inputs)
        return keras.Model(inputs, keras.layers.Dense(num_classes)(x))

    assert "own" in models.names() and networks.options("own") == ["units"]
    network = models.build("own", 2, (4,), weight_decay=0.5, units=5)
    assert network.layers[1].units == 5
    squares = sum((keras.ops.convert_to_numpy(w) ** 2).sum() for w in network.weights)
    np.testing.assert_allclose(float(sum(network.losses)), 0.25 * squares, rtol=1e-5)
    assert models.build("own", 2, (4,)).losses == []


# Data sets.


class Numbers(mc_data.Dataset):
    """The smallest possible data set."""

    name, num_classes = "numbers", 3

    def examples(self, part):
        count = {"train": 11, "test": 4}[part]
        x = tf.reshape(tf.range(count, dtype="float32"), (count, 1))
        return tf.data.Dataset.from_tensor_slices((x, tf.range(count) % 3))


def arrays(count=11, **options):
    x = np.arange(count, dtype="float32")[:, None]
    return mc_data.ArrayData(
        "arrays", 3, x, np.arange(count) % 3, x[:4], np.arange(4) % 3, **options
    )


def seen(batches):
    return [x[:, 0].tolist() for x, _ in batches.as_numpy_iterator()]


SMALL = {
    "examples": Numbers,
    "arrays": lambda: dataclasses.replace(arrays(), y_test=np.ones(4, int)),
}


@pytest.mark.parametrize("make", SMALL.values(), ids=SMALL)
def test_the_defaults(make):
    data = make()
    assert (data.num_train, data.num_test, data.input_shape) == (11, 4, (1,))
    assert data.settings == {"data": data.name, "test": "test", "train_examples": 11}
    assert (data.has_validation, data.network_options(8)) == (False, {})
    assert [metric.name for metric in data.metrics()] == ["accuracy"]
    loss = data.loss()(np.array([0]), np.array([[0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(loss, np.log(3), rtol=1e-5)
    assert seen(data.train_eval_batches(4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    assert seen(data.batch_norm_data(4, 6)) == [[0, 1, 2, 3], [4, 5]]
    assert seen(data.test_batches(3)) == seen(data.validation_batches(3)) == [[0, 1, 2], [3]]
    assert "TF says" in data.why_unreadable("TF says") and data.name in data.why_unreadable("x")
    assert data.small(2).num_train == 2
    with pytest.raises(ValueError, match="between 1 and 11, the number of examples.*=12"):
        data.train_eval_batches(4, 12)
    for use in (data.steps_per_epoch, data.epoch_batches, data.test_batches):
        with pytest.raises(ValueError, match="batch_size must be at least 1"):
            use(0)


@pytest.mark.parametrize("make", SMALL.values(), ids=SMALL)
def test_the_first_examples(make):
    data = make()
    few = data.first(5, 3)
    assert few.settings == {**data.settings, "train_examples": 5}
    assert (seen(few.train_eval_batches(9)), seen(few.test_batches(9))) == (
        [[0, 1, 2, 3, 4]],
        [[0, 1, 2]],
    )
    assert sorted(sum(seen(few.epoch_batches(2)), [])) == [0, 1, 2, 3, 4]
    assert (data.num_train, data.num_test) == (11, 4)  # unchanged
    all_for_testing = data.first(num_train=2)
    assert (all_for_testing.num_train, all_for_testing.num_test) == (2, 4)
    assert few.first(9, 9).num_train == 5  # at most


def test_a_data_set_that_serves_its_batches_itself_limits_them_itself():
    class Served(Numbers):
        num_train = 11

    with pytest.raises(ValueError, match="'numbers' serves its batches itself.*`first"):
        Served().first(5)
    assert Served().first(num_test=2).num_test == 2


def test_a_limit_of_the_flags_is_no_more_than_there_is():
    mc_data.register("numbers")(Numbers)
    options = mc_data.DataOptions("numbers", use_test=True, num_train_examples=5)
    data = options.load()
    assert (data.num_train, options.limited(data).num_train) == (11, 5)
    more = dataclasses.replace(options, num_test_examples=5)
    with pytest.raises(ValueError, match="num_test_examples must be between 1 and 4.*=5"):
        more.limited(data)
    with pytest.raises(ValueError, match="num_train_examples must be at least 1.*=0"):
        dataclasses.replace(options, num_train_examples=0)


@pytest.mark.parametrize("make", SMALL.values(), ids=SMALL)
def test_the_order_of_an_epoch(make):
    data = make()
    keras.utils.set_random_seed(1)
    first, second, third = (seen(data.epoch_batches(4, 5, epoch)) for epoch in (0, 1, 2))
    keras.utils.set_random_seed(2)  # nothing but the arguments counts
    for one in (first, second, third):
        assert [len(batch) for batch in one] == [4, 4, 3]
        assert sorted(sum(one, [])) == list(range(11))
    assert first != second != third != first
    assert seen(data.epoch_batches(4, 5, tf.constant(1, "int64"))) == second
    assert seen(data.epoch_batches(4, 6, 1)) != second
    rest = data.epoch_batches(4, 5, 2, first_step=1)
    assert (seen(rest), int(rest.cardinality())) == (third[1:], 2)
    stream = mc_data.endless_batches(data, 4, seed=5, start_step=4).take(3)
    assert seen(stream) == [*second[1:], third[0]]


def test_a_training_on_a_data_set_of_ones_own_resumes(tmp_path):
    options = TrainingOptions(2, 0.1, batch_size=4, verbose=0)
    settings = {"network": "fc", "network_options": {"units": (3,)}}
    whole = train_network(str(tmp_path / "whole"), Numbers(), options=options, **settings)
    for save_every in (1, 2):  # the second call finds the training done
        again = dataclasses.replace(options, save_every=save_every)
        parts = train_network(str(tmp_path / "parts"), Numbers(), options=again, **settings)
    for one, two in zip(whole.get_weights(), parts.get_weights()):
        np.testing.assert_array_equal(one, two)
    stored = json.loads((tmp_path / "whole" / "settings.json").read_text())
    assert (stored["data"], stored["train_examples"]) == ("numbers", 11)
    with pytest.raises(ValueError, match="the data set has none with use_test"):
        best = dataclasses.replace(options, keep_best=True)
        train_network(str(tmp_path / "best"), Numbers(), options=best, **settings)
    assert not (tmp_path / "best").exists()


def test_examples_that_are_held_out():
    data = arrays(test_name="test").held_out(3)
    assert (seen(data.train_eval_batches(9)), seen(data.test_batches(9))) == (
        [list(range(8))],
        [[8, 9, 10]],
    )
    assert (data.test_name, data.has_validation, data.num_train) == ("validation", True, 8)
    for wrong in (0, 11, -1):
        with pytest.raises(ValueError, match="from 1 to 10.*Received"):
            arrays().held_out(wrong)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"y_train": np.arange(11)}, "y_train must hold one label in 0 .. 2.*11 examples.*0 .. 10"),
        ({"y_test": np.zeros((4, 1), int)}, r"y_test must hold one label.*\(4, 1\)"),
        ({"x_test": np.zeros((4, 2))}, r"one shape. Received: \(1,\) and \(2,\)"),
        ({"x_train": np.zeros((0, 1))}, r"x_train must be an array \(examples, ...\)"),
        ({"x_train": np.zeros(())}, r"x_train must be an array \(examples, ...\)"),
    ],
)
def test_arrays_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(arrays(), **changes)


def test_what_a_subclass_must_give():
    with pytest.raises(NotImplementedError, match="Dataset needs a method `examples"):
        mc_data.Dataset().test_batches()

    class Endless(Numbers):
        def examples(self, part):
            return super().examples(part).repeat()

    with pytest.raises(ValueError, match="train examples of 'numbers' must be counted.*-1"):
        assert Endless().num_train


def test_a_loader_is_called_with_what_it_takes(tmp_path):
    calls = []

    @mc_data.register("one")
    def one(use_test=False, data_dir="none", noise=1):
        calls.append((use_test, data_dir, noise))
        return Numbers()

    mc_data.register("two")(Numbers)
    mc_data.register("three")(lambda use_test: 3)
    mc_data.load("one", tmp_path, num_steps=None)
    mc_data.load("one", use_test=True, noise=2)
    assert calls == [(False, tmp_path, 1), (True, None, 2)]
    with pytest.raises(ValueError, match="'one' has no image_size.*=3. Leave it out"):
        mc_data.load("one", image_size=3)
    assert isinstance(mc_data.load("two", tmp_path, use_test=True), Numbers)
    with pytest.raises(ValueError, match="'two' holds out no training examples.*--use_test"):
        mc_data.load("two")
    with pytest.raises(ValueError, match="'three' must return a mc_tf.data.Dataset. Received: int"):
        mc_data.load("three")
    assert {"one", "two", "three"} < set(mc_data.names())
    assert (mc_data.normalizations("one"), mc_data.stand_in("one").name) == ((), "numbers")


def test_all_kinds_have_the_protocol():
    words = np.arange(40) % 5
    text = mc_data.TextData("t", list("abcde"), words, words, words, num_steps=3)
    images = mc_data.ImageData("i", 2, *[np.zeros((4, 2, 2, 1)), np.zeros(4, int)] * 2)
    for data in (text, images, mc_data.load("regression"), arrays(4), Numbers()):
        assert isinstance(data, mc_data.Dataset)
        batch = next(iter(data.epoch_batches(2)))
        for served in (data.train_eval_batches, data.batch_norm_data, data.test_batches):
            assert next(iter(served(2)))[0].shape[1:] == batch[0].shape[1:] == data.input_shape
        assert data.settings["data"] == data.name and data.num_classes >= 1
        logits = np.zeros((*batch[1].shape[:2], data.num_classes), "float32")
        logits = logits[:, 0] if data.input_shape != (3,) and batch[1].ndim == 2 else logits
        assert np.isfinite(float(data.loss()(batch[1], logits)))


# The page's files in programs.


@needs_tensorflow
def test_the_pages_files_in_programs(tmp_path):
    files = dict(re.findall(r"Save this as `([\w.]+)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL))
    assert sorted(files) == ["own_curve.py", "own_data.py", "own_network.py"]
    for name, code in files.items():
        (tmp_path / name).write_text(code)
    shell = re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)[1].replace("\\\n", " ")
    commands = [line.split()[1:] for line in shell.splitlines() if line.startswith("python ")]
    assert len(commands) == 4
    quick = {
        "train": ("--epochs=1", "--verbose=0"),
        "connect": ("--epochs=1", "--verbose=0"),
        "eval_curve": ("--num_points=3", "--verbose=0"),
    }

    def run(path, *flags):
        program = path.removeprefix("bin/").removesuffix(".py")
        return start(program, *flags, *quick[program], directory=str(tmp_path)).wait()

    for command in commands:
        ended = run(*command)
        assert ended.code == 0, ended.err
        if command == commands[-2]:
            assert "arc(num_bends=2)" in ended.out
    again = run(*commands[-2])  # the same command resumes
    assert again.code == 0, again.err
    stored = json.loads((tmp_path / "runs" / "arc" / "settings.json").read_text())
    assert stored["curve"] == "arc(num_bends=2)"
    assert "arc(num_bends=2)" in (tmp_path / "runs" / "arc" / "evaluation.json").read_text()

    without = [flag for flag in commands[-1] if not flag.startswith("--import")]
    ended = run(*without, "--import=own_data")
    (line,) = ended.errors
    assert ended.code == 1 and "@mc_tf.curves.register('arc')" in line and "--import" in line
    ended = run(*[flag for flag in commands[0] if not flag.startswith("--import")])
    assert ended.code == 1 and "'rings'" in ended.errors[0] and "--import" in ended.errors[0]

    with pytest.raises(ValueError, match="curve family 'arc'"):
        load_checkpoint(tmp_path / "runs" / "arc" / "curve.keras")
    exec(compile(files["own_curve.py"], "own_curve.py", "exec"), {"__name__": "own_curve"})
    loaded = load_checkpoint(tmp_path / "runs" / "arc" / "curve.keras")
    assert repr(loaded.curve) == "arc(num_bends=2)"
