"""Private names of Keras: used in one package only, and present in the installed Keras."""

import ast
import importlib
import inspect
import pathlib
import pkgutil
import re
import threading

import keras
import numpy as np
import pytest
from keras import layers, ops
from model_zoo import long_under_jax

import mc_tf
from mc_tf.backend import keras_internals as internals

ROOT = pathlib.Path(__file__).parents[2]
HOME = ROOT / "mc_tf" / "backend" / "keras_internals"
FILES = sorted([*(ROOT / "mc_tf").rglob("*.py"), *(ROOT / "bin").glob("*.py")])
BACKEND = keras.backend.backend()

# Where a private name is used.

PRIVATE = re.compile(r"_[a-z]\w*")
UNPUBLISHED = {"jax_state_sync", "make_train_function", "train_function"}  # without an underscore
PACKAGES = ("keras.src", "tensorflow.python", "jax._src")
BY_NAME = {"getattr", "setattr", "hasattr", "delattr", "get", "pop"}  # `vars(x).pop("_name")`
# Sources of Keras with base classes or parts of a model; not its operations.
WHERE = "layers/layer.py layers/core layers/rnn layers/preprocessing models trainers optimizers"
WHERE += " callbacks metrics losses backend/common backend/tensorflow backend/jax backend/torch"
WHERE += " ops/operation.py ops/node.py ops/function.py random utils saving"
DEFINED = re.compile(r"\bself\.(_[a-z]\w*)|def (_[a-z]\w*)")


def defined_in(text):
    return {one or two for one, two in DEFINED.findall(text)}


def made_in(tree):
    """Private names that a source itself defines: methods, and attributes of its objects."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if ast.unparse(node.value) in ("self", "cls"):
                yield node.attr


def names_of_keras():
    root = pathlib.Path(keras.__file__).parent / "src"
    paths = [root / name for name in WHERE.split()]
    files = [file for path in paths for file in ([path] if path.is_file() else path.glob("*.py"))]
    return set().union(*(defined_in(file.read_text()) for file in files))


def names_in_bases():
    """Our class -> private names that a Keras class among its bases, or next to it, defines."""
    names = [module.name for module in pkgutil.walk_packages(mc_tf.__path__, "mc_tf.")]
    modules = [importlib.import_module(name) for name in names]
    found, known = {}, {}
    for cls in {c for m in modules for c in vars(m).values() if inspect.isclass(c)}:
        ours = [c for c in cls.__mro__ if c.__module__.startswith("mc_tf.")]
        names = set()
        for base in cls.__mro__:
            if ours and base.__module__.split(".")[0] in ("keras", "tensorflow"):
                path = inspect.getsourcefile(base)
                if path not in known:
                    known[path] = defined_in(pathlib.Path(path).read_text())
                names |= known[path]
        for each in ours:  # mixins, too
            found.setdefault((each.__module__, each.__name__), set()).update(names)
    return found


def touches(text, keras_names, ours, bases=None):
    """Finds where a source uses private names of Keras, as `(line, name)`s.

    Args:
        text: Python source.
        keras_names: private names that Keras defines.
        ours: private names that this library defines somewhere.
        bases: name of a class in the source -> private names that its bases of Keras define.
    """
    tree, found = ast.parse(text), set()
    here = set(made_in(tree))

    def is_theirs(name, owner):
        if owner in ("os", "sys"):
            return False
        private = PRIVATE.fullmatch(name) and name not in here
        return name in UNPUBLISHED or private and (name in keras_names or name not in ours)

    def is_call_by_name(node):
        return getattr(node.func, "id", getattr(node.func, "attr", None)) in BY_NAME

    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            if owner not in ("self", "cls", "super()") and is_theirs(node.attr, owner):
                found.add((node.lineno, node.attr))
            if f"{owner}.{node.attr}" in PACKAGES:
                found.add((node.lineno, f"{owner}.{node.attr}"))
        elif isinstance(node, ast.Call) and is_call_by_name(node):
            for each in node.args:
                if isinstance(each, ast.Constant) and each.value in keras_names | UNPUBLISHED:
                    found.add((node.lineno, each.value))
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            if node.slice.value in keras_names:
                found.add((node.lineno, node.slice.value))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names]
            names = [f"{getattr(node, 'module', None) or name}.{name}" for name in names]
            found |= {(node.lineno, name) for name in names if name.startswith(PACKAGES)}
        elif isinstance(node, ast.ClassDef):
            theirs = (bases or {}).get(node.name, set())
            for part in ast.walk(node):
                of_self = isinstance(part, ast.Attribute) and (
                    ast.unparse(part.value) in ("self", "cls", "super()")
                )
                name = part.attr if of_self else getattr(part, "name", None)
                if name in theirs and PRIVATE.fullmatch(name):
                    found.add((part.lineno, name))
    return sorted(found)


@pytest.fixture(scope="module")
def found():
    """File -> the private names of Keras that it uses."""
    keras_names, bases = names_of_keras(), names_in_bases()
    texts = {path: path.read_text() for path in FILES}
    ours = {name for text in texts.values() for name in made_in(ast.parse(text))}
    result = {}
    for path, text in texts.items():
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        own = {name: names for (where, name), names in bases.items() if where == module}
        result[path] = touches(text, keras_names, ours, own)
    return result


@long_under_jax  # they read source files
def test_private_names_of_keras_are_touched_in_one_package(found):
    outside = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path, places in found.items()
        if HOME not in path.parents
        for line, name in places
    ]
    assert not outside, "\n".join(["Put a function in keras_internals for:", *outside])


@pytest.mark.parametrize(
    "text, names",
    {
        "layer._flatten_layers()": ["_flatten_layers"],
        "model.optimizer._iterations.assign(0)": ["_iterations"],
        "type(optimizer)._clip_by_norm": ["_clip_by_norm"],
        "anything._of_a_later_keras": ["_of_a_later_keras"],
        "def f(self, other):\n  self._values or other._values": ["_values"],
        "optimizer._learning_rate = 0": ["_learning_rate"],
        "vars(optimizer).pop('_learning_rate', None)": ["_learning_rate"],
        "getattr(metric, '_direction', None)": ["_direction"],
        "vars(layer)['_metrics'] = []": ["_metrics"],
        "model.train_function = None": ["train_function"],
        "from keras.src import backend": ["keras.src.backend"],
        "from keras.src.backend import Variable": ["keras.src.backend.Variable"],
        "import keras.src.ops": ["keras.src.ops.keras.src.ops"],
        "keras.src.backend": ["keras.src"],
        "from tensorflow.python.eager import context": ["tensorflow.python.eager.context"],
        "class C(keras.Model):\n  def f(self):\n    self._layers": ["_layers"],
        "class C(keras.Model):\n  def _compile(self):\n    pass": ["_compile"],
        # Not of Keras:
        "curve._ours()": [],
        "def f(self, other):\n  self._values = other._values": [],
        "os._exit(1)": [],
        "key.endswith('_regularizer')": [],
        "class C(keras.Model):\n  def f(self):\n    self._mine": [],
    }.items(),
)
def test_private_names_are_found(text, names):
    keras_names = set("_flatten_layers _iterations _clip_by_norm _learning_rate _direction".split())
    keras_names |= set("_metrics _layers _compile _values _regularizer".split())
    places = touches(text, keras_names, {"_ours", "_values", "_mine"}, {"C": keras_names})
    assert [name for _, name in places] == names


# The contract.

ROWS = []


def contract(name, needed, *backends):
    """A row: a name of Keras, what mc_tf needs it for, and a check; `backends` if not for all."""

    def add(check):
        if not backends or BACKEND in backends:
            ROWS.append(pytest.param(name, needed, check, id=name.replace("`", "")))
        NAMED.update(re.findall(r"\w+", name))

    return add


NAMED = set()


def compiled(optimizer=None, **options):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, name="only")])
    model.compile(optimizer or keras.optimizers.SGD(0.1), "mse", run_eagerly=True, **options)
    return model


DATA = np.ones((6, 2), "float32"), np.zeros((6, 1), "float32")


@contract("Layer._flatten_layers", "find all layers within a layer")
def _():
    inner = keras.Sequential([layers.Dense(2)])
    outer = keras.Sequential([inner])
    assert internals.layers_within(outer) == [outer, inner, inner.layers[0]]
    wrapper = layers.TimeDistributed(layers.Dense(1))
    assert [type(part).__name__ for part in internals.layers_within(wrapper)][1:] == ["Dense"]
    shared = layers.Dense(2)
    twice = keras.Sequential([shared, keras.Sequential([shared])])
    assert sum(part is shared for part in internals.layers_within(twice)) == 1


@contract("Layer._seed_generators", "give each member of an ensemble its own random numbers")
def _():
    dropout = layers.Dropout(0.5)
    assert internals.seed_generators(keras.Sequential([dropout])) == [dropout.seed_generator]


@contract("Layer._trainable_variables", "tell a layer's own weights, also frozen ones")
def _():
    layer = layers.TimeDistributed(layers.Dense(1))
    layer.build((None, 3, 2))
    layer.layer.trainable = False
    assert internals.own_weights(layer) == []
    assert internals.own_weights(layer.layer) == [layer.layer.kernel, layer.layer.bias]


@contract("Layer._non_trainable_variables", "tell a layer's own variables")
def _():
    norm = layers.BatchNormalization()
    norm.build((None, 2))
    found = internals.own_variables(norm)[:4]
    assert found == [norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance]


@contract("Layer._track_trackable", "have `tf.train.Checkpoint` save control points", "tensorflow")
def _():
    import tensorflow as tf

    layer, variable = layers.Layer(), keras.Variable(1.0, name="point")
    internals.track(layer, [variable])
    assert "variable_0" in tf.train.Checkpoint(layer=layer).layer._trackable_children()


@contract("Layer._metrics", "report metrics that layers keep")
def _():
    class Counts(layers.Layer):
        def __init__(self):
            super().__init__()
            self.calls = keras.metrics.Mean(name="calls")

    part, model = Counts(), compiled(metrics=["mae"])
    model.add(part)
    assert internals.metrics_within(model) == [part.calls]


@contract("Layer._call_has_training_arg", "call a layer as `fit` does")
def _():
    assert internals.knows_training(layers.Dropout(0.5))
    assert not internals.knows_training(layers.Flatten())
    assert internals.training_in_fit(layers.Dense(1)) is True
    assert internals.training_in_fit(compiled()) is True


@contract("Layer._call_has_mask_arg", "tell which layers Keras passes a mask")
def _():
    assert internals.knows_mask(layers.LSTM(1)) and not internals.knows_mask(layers.Dense(1))


@contract("Layer._get_call_context", "draw one position for all curve layers of a network")
def _():
    seen = []

    class Draws(layers.Layer):
        def call(self, inputs):
            seen.append(internals.once_a_call(self, "mc_tf_test", object))
            return inputs

    model = keras.Sequential([Draws(), Draws()])
    for _ in range(2):
        model(np.ones((1, 2), "float32"))
    first, second, third, fourth = seen[-4:]
    assert first is second and third is fourth and first is not third


@contract("Function._nodes_by_depth and Sequential._functional", "see the calls in a network")
def _():
    shared, one = layers.Dense(2), keras.Input((2,))
    model = keras.Model(one, shared(shared(one)))
    assert [call[0] for call in internals.calls_within(model)][1:] == [shared, shared]
    operation, arguments, keywords, outputs = internals.calls_within(model)[-1]
    assert len(arguments) == 1 and outputs[0] is model.outputs[0]
    sequential = compiled()
    assert internals.calls_within(sequential)[-1][0] is sequential.layers[-1]
    assert internals.calls_within(shared) is None


@contract("Operation._inbound_nodes and _outbound_nodes", "see the operations in a user's code")
def _():
    class Own(layers.Layer):
        def __init__(self):
            super().__init__()
            self.part = layers.Dense(2)

        def call(self, x):
            self.add_loss(ops.sum(x))
            return ops.tanh(self.part(self.part(x))) * 2

    own, symbol = Own(), keras.KerasTensor((None, 2))
    own.part.build((None, 2))
    for _ in range(2):
        calls, output = internals.traced_calls(own.call, [symbol], {}, own)
        assert [type(call[0]).__name__ for call in calls] == ["Dense", "Dense", "Tanh", "Multiply"]
        assert calls[0][1] == (symbol,) and calls[-1][3] == [output] and not own.losses
    assert not own.part._inbound_nodes and not own.part._outbound_nodes
    value = np.full((2, 2), 7.0, "float32")
    seen = []
    internals.traced_calls(
        lambda x: seen.append(float(own.part.kernel[0, 0])) or x,
        *([symbol], {}, own),
        values=[(own.part.kernel, value)],
    )
    assert seen == [7.0]


@contract("Functional._inputs_struct and _outputs_struct", "see how inputs are nested")
def _():
    one = keras.Input((2,), name="one")
    model = keras.Model({"one": one}, {"out": layers.Dense(1)(one)})
    inputs, outputs = internals.input_structure(model)
    assert set(inputs) == {"one"} and set(outputs) == {"out"}


@contract("KerasTensor._keras_history and Operation._inbound_nodes", "find a network's last layer")
def _():
    model = compiled()
    operation, inputs, index = internals.operation_of(model.outputs[0])
    assert operation is model.layers[-1] and inputs[0] is model.inputs[0] and index == 0
    assert internals.operation_of(ops.ones(2)) == (None, [], 0)


@contract("backend.get_keras_mask and set_keras_mask", "mask losses and metrics")
def _():
    tensor, mask = ops.ones((2, 3)), ops.ones((2, 3), dtype="bool")
    assert internals.mask_of(tensor) is None
    internals.set_mask(tensor, mask)
    assert internals.mask_of(tensor) is mask
    masked = layers.Masking()(ops.concatenate([ops.ones((1, 1, 2)), ops.zeros((1, 1, 2))], 1))
    assert ops.convert_to_numpy(internals.mask_of(masked)).tolist() == [[True, False]]


@contract("Lambda._output_shape", "copy a function of the user's")
def _():
    shape = lambda inputs: inputs
    assert internals.output_shape_of(layers.Lambda(ops.abs, output_shape=shape)) is shape
    assert internals.output_shape_of(layers.Lambda(ops.abs)) is None


@contract("TextVectorization._lookup_layer", "copy the weights of words", "tensorflow")
def _():
    table = layers.TextVectorization(output_mode="tf_idf")
    table.adapt(["a b", "a"])
    weights = ops.convert_to_numpy(internals.lookup_of(table).idf_weights)
    assert len(weights) == 3 and weights[1] < weights[2]
    assert internals.lookup_of(layers.StringLookup()).vocabulary_size() == 1


@contract("LossScaleOptimizer.inner_optimizer", "count updates under loss scaling")
def _():
    inner = keras.optimizers.SGD()
    assert internals.inner_optimizer(keras.optimizers.LossScaleOptimizer(inner)) is inner
    assert internals.inner_optimizer(inner) is inner


@contract("Optimizer._iterations", "count batches under gradient accumulation")
def _():
    optimizer, variable = keras.optimizers.SGD(gradient_accumulation_steps=2), keras.Variable(1.0)
    for _ in range(3):
        optimizer.apply([ops.convert_to_tensor(1.0)], [variable])
    assert int(internals.call_counter(optimizer)) == 3 and int(optimizer.iterations) == 1
    assert any(internals.call_counter(optimizer) is v for v in optimizer.variables)
    assert internals.call_counter(None) == 0


@contract("Optimizer._learning_rate", "tell a rate from a schedule")
def _():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    assert internals.own_rate(keras.optimizers.SGD(schedule)) is schedule
    rate = internals.own_rate(keras.optimizers.SGD(0.5))
    assert isinstance(rate, keras.Variable) and float(rate) == 0.5


@contract("Optimizer._get_current_learning_rate", "set the rate of each step")
def _():
    optimizer, variable = keras.optimizers.SGD(0.5), keras.Variable(1.0)
    rate = lambda: ops.convert_to_tensor(0.25)
    internals.ask_for_rate(optimizer, rate)
    assert internals.rate_asked_for(optimizer) is rate and float(optimizer.learning_rate) == 0.25
    optimizer.apply([ops.convert_to_tensor(1.0)], [variable])
    assert float(variable) == 0.75
    assert float(internals.own_rate(optimizer)) == 0.5
    for _ in range(2):
        internals.use_own_rate(optimizer)
    assert internals.rate_asked_for(optimizer) is None and float(optimizer.learning_rate) == 0.5


@contract(
    "Optimizer._use_weight_decay, _var_key and _exclude_from_weight_decay",
    "leave biases out of weight decay",
)
def _():
    optimizer = keras.optimizers.AdamW(weight_decay=0.1)
    one, two = keras.Variable(1.0, name="one"), keras.Variable(1.0, name="two")
    optimizer.exclude_from_weight_decay(var_list=[two])
    assert [internals.uses_weight_decay(optimizer, v) for v in (one, two)] == [True, False]
    assert internals.excluded_by_others(optimizer, [one])
    assert not internals.excluded_by_others(optimizer, [one, two])


@contract("Optimizer._apply_weight_decay and _clip_by_norm", "decay and clip by weight")
def _():
    optimizer = keras.optimizers.SGD(1.0, weight_decay=0.5, clipnorm=1.0)
    variable = keras.Variable([1.0, 1.0, 1.0])
    factors = np.array([1, 0, 0], "float32")
    split = lambda gradient: ops.split(gradient, [1])
    internals.set_by_slice(optimizer, lambda optimizer: factors, split)
    optimizer.apply([ops.convert_to_tensor([2.0, 3.0, 4.0])], [variable])
    # Decayed first: 1 - 1 * 0.5 of the first; then the clipped gradients (1) and (0.6, 0.8).
    np.testing.assert_allclose(ops.convert_to_numpy(variable), [-0.5, 0.4, 0.2], rtol=1e-5)


@contract("Model._compile_config", "compile a copy as the given network is")
def _():
    loss = lambda y, outputs: ops.mean(outputs)
    model = compiled(metrics=["mae"])
    model.compile(loss=loss, metrics=["mae"], jit_compile=False)
    assert internals.compile_arguments(model)["jit_compile"] is False
    settings = internals.evaluation_settings(model)
    assert settings["loss"] is loss and settings["metrics"] == ["mae"]
    assert set(settings) == {"loss", "loss_weights", "metrics", "weighted_metrics"}


@contract("Model._symbolic_build", "make the variables of metrics before the first step")
def _():
    model = compiled(metrics=["mae"])
    before = len(model.metrics_variables)
    internals.build_metrics(model, DATA)
    assert len(model.metrics_variables) > before
    assert int(model.optimizer.iterations) == 0


@contract("Metric._direction", "tell which network is better")
def _():
    assert internals.metric_direction(keras.metrics.BinaryAccuracy()) == "up"
    assert internals.metric_direction(keras.metrics.MeanSquaredError()) == "down"
    assert internals.metric_direction(object()) is None


@contract("LossFunctionWrapper._fn_kwargs", "compute a loss of an ensemble as Keras does")
def _():
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.25)
    assert internals.loss_options(loss)["label_smoothing"] == 0.25
    assert internals.loss_options(object()) == {}


class Watched(keras.callbacks.Callback):
    """Replaces the train function, as a `StepCallback` does."""

    def __init__(self, number):
        super().__init__()
        self.number, self.calls, self.weights = number, [], []

    def on_train_begin(self, logs=None):
        model = self.network = self.model
        before = internals.train_function_of(model)
        made = internals.new_train_function(model, lambda: self.calls.append("after step"))
        assert callable(before) and internals.train_function_of(model) is before

        def run(*arguments):
            self.calls.append("function")
            with internals.steps_per_call(model, self.number):
                result = made(*arguments)
            with internals.state_in_variables(model, [result[1]] if BACKEND == "jax" else []):
                self.weights.append(ops.convert_to_numpy(model.get_layer("only").kernel).copy())
            return result

        internals.set_train_function(model, run)

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append("begin")

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append("end")


def trained(watched=None, steps_per_execution=1):
    model = compiled(steps_per_execution=steps_per_execution)
    model.set_weights([np.ones((2, 1)), np.zeros(1)])
    callbacks = [] if watched is None else [watched]
    model.fit(*DATA, batch_size=2, shuffle=False, verbose=0, callbacks=callbacks)
    return model.get_weights()[0]


@contract("Model.train_function, make_train_function", "count steps", "tensorflow", "jax")
def _():
    watched = Watched(number=1)
    trained(watched)
    assert watched.calls == ["begin", "function", "after step", "end"] * 3
    np.testing.assert_allclose(watched.weights[-1], trained(), rtol=1e-6)
    assert not np.allclose(watched.weights[0], watched.weights[-1])


@contract("Model.steps_per_execution", "cut a call of several steps", "tensorflow", "jax")
def _():
    watched = Watched(number=2)  # of three steps; the last is left
    trained(watched, steps_per_execution=3)
    assert watched.calls == ["begin", "function", *["after step"] * 2, "end"]


@contract("Model._jax_state, _jax_state_synced and jax_state_sync", "look at weights", "jax")
def _():
    model, sums = compiled(), []

    class Looks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            internals.bring_up_to_date(model)
            sums.append(float(ops.sum(model.get_layer("only").kernel)))

    model.fit(*DATA, batch_size=2, verbose=0, callbacks=[Looks()])
    assert len(set(sums)) == 3


@contract(
    "trainer.TensorFlowTrainer._maybe_symbolic_build, _distribute_strategy, reduce_per_replica",
    "train in several processes (keras-team/keras#20585)",
    "tensorflow",
)
def _():
    import tensorflow as tf
    from keras.src.backend.tensorflow import trainer

    internals.allow_several_processes()
    mended = trainer.reduce_per_replica
    internals.allow_several_processes()
    assert trainer.reduce_per_replica is mended
    strategy = tf.distribute.MultiWorkerMirroredStrategy()  # of one process
    with strategy.scope():
        model = compiled(metrics=["mae"])
    assert vars(model)["_distribute_strategy"] is strategy
    assert set(model.fit(*DATA, verbose=0).history) == {"loss", "mae"}
    scalars = strategy.run(lambda: {"mae": tf.constant(2.0)})
    assert float(mended(scalars, strategy, "auto")["mae"]) == 2
    assert model.predict(DATA[0], verbose=0).shape == DATA[1].shape


@contract("loss.scale_loss_for_distribution", "evaluate in a strategy's scope", "tensorflow")
def _():
    from keras.src.losses import loss as module

    loss = lambda: float(keras.losses.MeanSquaredError()(np.ones((2, 1)), -np.ones((2, 1))))
    with internals.overridden(module, scale_loss_for_distribution=lambda value: value / 2):
        assert loss() == 2
        with internals.whole_losses():
            assert loss() == 4
    assert loss() == 4


@contract("Layer._losses", "keep the losses of replicas apart")
def _():
    class Costs(layers.Layer):
        def call(self, inputs):
            self.add_loss(ops.sum(inputs))
            return inputs

    layer = Costs()
    with internals.losses_by_replica(layer):
        layer(np.ones(2, "float32"))
        other = threading.Thread(target=layer, args=[np.ones(3, "float32")])
        other.start()
        other.join()
        assert [float(loss) for loss in layer.losses] == [2]
    layer(np.ones(4, "float32"))
    assert [float(loss) for loss in layer.losses] == [4]


@contract("Trainer.distribute_strategy", "make variables in a model's scope")
def _():
    with internals.scope_of(compiled()):
        assert keras.Variable(1.0).shape == ()


@contract(
    "TFOptimizer._all_reduce_sum_gradients and Optimizer._clip_gradients",
    "clip the gradient of a whole batch",
    "tensorflow",
)
def _():
    optimizer, variable = keras.optimizers.SGD(1.0, clipvalue=1.0), keras.Variable(0.0)
    calls = []
    internal = {
        "_all_reduce_sum_gradients": lambda pairs: calls.append("sum") or pairs,
        "_clip_gradients": lambda gradients: calls.append("clip") or gradients,
    }
    with internals.overridden(optimizer, **internal):
        optimizer.apply([ops.convert_to_tensor(5.0)], [variable])
        assert calls == ["clip", "sum"]
        with internals.clip_sums(optimizer):
            optimizer.apply([ops.convert_to_tensor(5.0)], [variable])
        assert calls == ["clip", "sum", "sum", "clip"]
    optimizer.apply([ops.convert_to_tensor(5.0)], [variable])
    assert float(variable) == -11 and len(calls) == 4


@contract("CallbackList.callbacks in the frames of hooks", "see the other callbacks")
def _():
    class Looks(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            internals.append_callback(other)
            self.found = internals.callbacks_of_fit()
            self.name = internals.frame_of_fit().f_code.co_name
            self.runs = internals.is_running(internals.frame_of_fit(), thread)

    looks, other, thread = Looks(), Looks(), threading.get_ident()
    other.on_train_begin = lambda logs=None: None
    compiled().fit(*DATA, verbose=0, callbacks=[looks])
    assert looks.found[0] is looks and looks.found[-1] is other
    assert looks.name == "fit" and looks.runs
    assert internals.callbacks_of_fit() == [] and internals.frame_of_fit() is None


@pytest.mark.parametrize("name, needed, check", ROWS)
def test_keras_has_what_is_needed(name, needed, check):
    try:
        check()
    except Exception as error:
        pytest.fail(
            f"Keras {keras.__version__} changed `{name}`, which mc_tf needs to {needed} "
            f"(mc_tf/backend/keras_internals): {type(error).__name__}: {error}"
        )


@long_under_jax
def test_each_private_name_has_a_row(found):
    names = {n.rsplit(".", 1)[-1] for path in found for _, n in found[path] if HOME in path.parents}
    names |= {n for n in names_of_imports()}
    assert names - {"backend"} <= NAMED
    text = pathlib.Path(__file__).read_text()
    assert [n for n in internals.__all__ if f"internals.{n}" not in text] == []


def names_of_imports():
    """The names that the package takes from `keras.src.backend`."""
    text = (HOME / "layers.py").read_text()
    return set(re.findall(r"(?<![\w.])backend\.(\w+)\(", text)) - {"backend"}
