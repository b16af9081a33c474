"""A whole network on a curve, as an ordinary Keras model."""

from collections.abc import Sequence
from typing import Any, Self

import keras
from keras import ops

from mc_tf.arguments import check_network
from mc_tf.backend import ops as backend
from mc_tf.backend.keras_internals import knows_training
from mc_tf.curves.base import Curve
from mc_tf.distribute.global_batch import global_batch
from mc_tf.layers.control_points import PointsRegularizer
from mc_tf.layers.curve_layer import CurveLayer
from mc_tf.layers.positions import PositionPer
from mc_tf.models.curve_length import CurveLength
from mc_tf.models.optimizers import check_optimizer, treat_by_weight
from mc_tf.storage.sealed_models import SealedFiles
from mc_tf.typing import Config, PathLike, Tensor, TensorLike
from mc_tf.warning import warn
from mc_tf.weights.compatibility import check_one_network, check_same_architecture
from mc_tf.weights.flat import state_variables
from mc_tf.weights.network_code import clone_network, network_config, revive_parts
from mc_tf.weights.preprocessing import check_saved_whole, refresh

__all__ = ["CurveModel"]

_KERAS = {
    name: getattr(keras.Model, name)
    for name in ("train_step", "test_step", "compute_loss", "compute_metrics")
}


@keras.saving.register_keras_serializable("mc_tf")
class CurveModel(SealedFiles, CurveLength, keras.Model):
    """A Keras model whose weights lie on a curve between two endpoints.

    It trains and evaluates with the usual `compile`, `fit`, `evaluate` and `predict`. Each training
    batch draws a new `t ~ U(0, 1)`, which minimizes equation (2) of the paper. At inference the
    network runs at `curve_model.t`, initially 0, the start. `connect` creates a curve model from
    two trained networks.

    Validation in `fit`, and callbacks that monitor it, evaluate the network at `curve_model.t`
    only, with the batch normalization statistics of the last training step. Monitor `loss` instead,
    which is the mean over `t`, or set `t` to 0.5 first.

    Args:
        network: a built Keras model, used only for its forward pass. All control points start at
            its weights. It is never changed, and its weights are not stored.
        curve, fix_start, fix_end, seed, position_per, positions_per_batch, fixed,
            points_regularizer: see `CurveLayer`.
        **kwargs: passed to `keras.Model`, such as `name`.

    Call arguments:
        - `inputs`: inputs of the network.
        - `t`: position in [0, 1]. Default: drawn in training, `curve_model.t` at inference.
        - `training`: as in any Keras model.

    Raises:
        ValueError: if the network is not built or has no trainable weights.
    """

    _one_network = "`curve_model.point(t)`"

    def __init__(
        self,
        network: keras.Model,
        curve: Curve,
        fix_start: bool = True,
        fix_end: bool = True,
        seed: int | None = None,
        position_per: PositionPer = "batch",
        positions_per_batch: int = 1,
        fixed: Sequence[int] | None = None,
        points_regularizer: PointsRegularizer | None = None,
        **kwargs: Any,
    ) -> None:
        check_one_network(network, "network")
        kwargs.setdefault("dtype", network.dtype_policy)
        kwargs["autocast"] = False
        super().__init__(**kwargs)
        if not network.built:
            raise ValueError(
                f"The network '{network.name}' is not built, so it has no weights yet. Call it on "
                "a batch of data, or train it, before you put it on a curve."
            )
        self._warn_of_own_methods(network)
        options = (position_per, positions_per_batch, fixed, points_regularizer)
        self.curve_layer = CurveLayer(
            network, curve, fix_start, fix_end, seed, *options, name="curve_layer"
        )
        self.supports_masking = self.curve_layer.supports_masking
        self.built = True

    @staticmethod
    def _warn_of_own_methods(network):
        own = [name for name, at in _KERAS.items() if getattr(type(network), name, at) is not at]
        if own:
            warn(
                f"The network '{network.name}' has its own {' and '.join(own)}, which a curve or a "
                "surface does not call: they train and evaluate with the loss and the metrics that "
                "they are compiled with."
            )

    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """Like `keras.Model.train_on_batch`."""
        self._check_before_training()
        return super().train_on_batch(*args, **kwargs)

    def _check_before_training(self):
        self.curve_layer.check_trainable(ends=True)
        if getattr(self, "optimizer", None) is not None and self.trainable_variables:
            check_optimizer(self.optimizer, [*self.variables, *self.network.variables])
            treat_by_weight(self.optimizer, self.network.trainable_variables)

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Like `keras.Model.fit`; warns if validation would evaluate a fixed endpoint only."""
        self._check_before_training()
        layer = self.curve_layer
        fixed = {0.0: layer.fix_start, 1.0: layer.fix_end}
        if kwargs.get("validation_data") is not None or kwargs.get("validation_split"):
            if not isinstance(self.t, list) and fixed.get(self.t):
                warn(
                    f"Validation evaluates the network at t = {self.t:g}, an endpoint that "
                    "training does not move. Set `curve_model.t = 0.5` before, or monitor `loss`."
                )
        with global_batch(self):
            return super().fit(*args, **kwargs)

    @property
    def network(self) -> keras.Model:
        """The wrapped network, used only for its forward pass; its own weights are ignored."""
        return self.curve_layer.layer

    def __repr__(self):
        weights = self.curve_layer.points[0].shape[0]
        return f"<{type(self).__name__}: {self.curve}, {weights} weights>"

    def __dir__(self):
        # Keras saves all attributes listed here. The network's own weights are not saved.
        return [name for name in super().__dir__() if name != "network"]

    @property
    def output_names(self) -> list[str] | None:
        """Output names of the network, if any; losses and metrics can be given by name."""
        return getattr(self.network, "output_names", None)

    @property
    def curve(self) -> Curve:
        """The curve, such as a `Bezier`, `PolyChain` or `Segment`."""
        return self.curve_layer.curve

    @property
    def t(self) -> float | list[float]:
        """Position in [0, 1] at which the model runs at inference; assign it to move."""
        return self.curve_layer.t

    @t.setter
    def t(self, value: TensorLike) -> None:
        self.curve_layer.t = value

    def call(
        self, inputs: Any, t: TensorLike | None = None, training: bool | None = None, **kwargs: Any
    ) -> Any:
        """Runs the network with the weights at `t`."""
        layer = self.curve_layer
        if training and not knows_training(self.network):  # Keras' `fit` does not say it either
            with layer._at_parts(layer._points_at(t, training)):
                return layer(inputs, training=False, **kwargs)
        return layer(inputs, t=t, training=training, **kwargs)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Returns the mask of the network."""
        return self.curve_layer.compute_mask(inputs, previous_mask)

    def reset_state(self) -> None:
        """Resets the recurrent state of stateful layers to zero."""
        self.curve_layer.reset_state()

    def control_points(self) -> Tensor:
        """The control points: endpoints and bends.

        Returns:
            Tensor of shape `(k, P)`, the start first, the end last. For a `TrivialCurve`, each
            point holds the weights that are multiplied by one power of the scale.
        """
        return ops.stack([backend.read(p) for p in self.curve_layer.points])

    def point(self, t: TensorLike, into: keras.Model | None = None) -> keras.Model:
        """The network at `t` as an ordinary Keras model with the weights `phi(t)`.

        Batch normalization statistics and other state are copied from the curve. Call
        `update_batch_norm(model, train)` to re-estimate them at this `t`.

        Args:
            t: position in [0, 1].
            into: a built model of the same architecture that receives the weights. Default: a clone
                of the network. Keras can clone functional and sequential models, and subclassed
                ones that are registered for serialization.

        Returns:
            A `keras.Model` (`into`, if given).

        Raises:
            ValueError: if `t` is outside [0, 1], `into` does not match, the network cannot be
                cloned, or a control point is not finite.
        """
        weights = self.curve_layer.weights_at(t)
        if into is None:
            target = clone_network(
                self.network, "pass a built instance: `curve_model.point(t, into=another_instance)`"
            )
        else:
            check_network("into", into)
            target = into
        if not target.built:
            raise ValueError(
                f"`into` ('{target.name}') is not built, so it has no weights yet. Call it on a "
                "batch of data before."
            )
        check_same_architecture(self.network, target, ("curve", "into"))
        for variable, value in zip(target.trainable_variables, weights):
            variable.assign(value)
        for variable, value in zip(state_variables(target), self.curve_layer.state):
            # Through numpy: on JAX a shared buffer would be deleted by a step of either model.
            variable.assign(ops.convert_to_numpy(value))
        refresh(target)
        return target

    def export(self, filepath: PathLike, *args: Any, **kwargs: Any) -> None:
        """Like `keras.Model.export`, for the network at `t` as an ordinary model."""
        network = self.point(self.t)
        shape = (network.get_build_config() or {}).get("input_shape")
        if type(network).__name__ != "Functional" and not isinstance(shape, (dict, type(None))):
            inputs = getattr(network, "inputs", None) or [keras.Input(batch_shape=tuple(shape))]
            network(inputs[0])  # Keras exports models that have been called
        network.export(filepath, *args, **kwargs)

    def get_config(self) -> Config:
        """Returns the constructor arguments; the network's class must be serializable."""
        layer = self.curve_layer
        check_saved_whole(layer.layer)
        again = "recreate the curve with `connect` before `load_weights`"
        network = network_config(layer.layer, again)
        return {**super().get_config(), "network": network, **layer._curve_config()}

    @classmethod
    def from_config(cls, config: Config) -> Self:  # type: ignore[override]
        """Creates a model from its config."""
        return cls(**revive_parts(config, "network", "curve", "points_regularizer", "dtype"))
