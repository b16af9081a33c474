"""Any Keras layer or model on a curve: the core mechanism of the library."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from mc_tf.arguments import check_kind
from mc_tf.backend import ops as backend
from mc_tf.backend.keras_internals import track
from mc_tf.curves.base import Curve
from mc_tf.layers.batch_parts import join_batch, split_batch
from mc_tf.layers.control_points import (
    ControlPoints,
    PointsRegularizer,
    check_regularizer,
    fixed_points,
)
from mc_tf.layers.curve_layer_files import CurveLayerFiles
from mc_tf.layers.positions import PositionPer, Positions, check_parts, check_positions, shares
from mc_tf.typing import TensorLike
from mc_tf.weights.constraints import check_convex_combinations
from mc_tf.weights.flat import FlatLayout, flat_weights, reset_recurrent_state
from mc_tf.weights.stateless import StatelessLayer

__all__ = ["CurveLayer"]


@keras.saving.register_keras_serializable("mc_tf")
class CurveLayer(Positions, ControlPoints, CurveLayerFiles, keras.layers.Layer):
    """Runs a Keras layer or model with the weights `phi(t) = c(t) @ points` (section 3.2).

    The wrapped layer is used only for its forward pass and is never changed. All parameters belong
    to the wrapper: the control points as flat vectors (fixed endpoints are not trainable) and a
    copy of all other state of the layer (batch normalization statistics, random seeds, recurrent
    state).

    In training, each call draws a new `t ~ U(0, 1)`. All curve layers within one model call share
    it. At inference the layer runs at `self.t`. Regularizers and `add_loss` of the wrapped layer
    are evaluated at `phi(t)`.

    Args:
        layer: a Keras layer or model. If it is built, all control points start at its weights. If
            not, it is built on the first call (or by `build`).
        curve: `Bezier`, `PolyChain`, `Segment` or another `Curve`.
        fix_start, fix_end: whether the endpoint is fixed in training. Default `True`.
        seed: integer seed of the positions drawn in training. Default: Keras' random seed.
        position_per: who shares a position in training. `"batch"` (default): all replicas of a
            strategy, the whole global batch. `"replica"`: each replica of a `tf.distribute`
            strategy draws its own. Both estimate the same gradient, of the mean loss over `t`; with
            `R` replicas, the part of its variance that comes from `t` is divided by `R`. Batch
            normalization then uses the mean and variance of each replica's part. On one device, and
            on JAX, there is no difference. `"layer"`: each layer that has weights draws its own
            (arXiv 2102.10472).
        positions_per_batch: number of parts of each training batch, each run at its own position.
            Default 1. More cost no more than one. Batch normalization uses the mean and
            variance of each part.
        fixed: list of the control points that training does not move, by index. Default: the
            endpoints that `fix_start` and `fix_end` fix.
        points_regularizer: function `(inner, curve) -> loss` of the control points, added to the
            loss of each training step, such as `mc_tf.simplexes.Similarity()`. `inner(a, b)`
            returns the inner product of the combinations `a @ points` and `b @ points`, a scalar
            tensor. To be saved, the function must be serializable. Default: none.
        **kwargs: passed to `keras.layers.Layer`, such as `name`.

    Call arguments:
        - `inputs`, `*args`, `**kwargs`: passed to the wrapped layer.
        - `t`: position in [0, 1], scalar. Default: drawn in training, `self.t` at inference.
        - `training`: as in any Keras layer.

    Raises:
        ValueError: if the built layer has no trainable weights, `position_per` is unknown, there is
            no point with an index in `fixed`, `points_regularizer` cannot be called, or batches of
            a stateful layer would be split.

    Example:
        >>> from mc_tf import Bezier
        >>> layer = CurveLayer(keras.layers.Dense(2), Bezier(num_bends=1))
        >>> layer(np.ones((1, 3), "float32"), t=0.5).shape == (1, 2)
        True
        >>> [v.name for v in layer.trainable_variables]
        ['bend_1']
    """

    stateful = True  # `reset_state` resets the recurrent state of the wrapped layer, if any

    def __init__(
        self,
        layer: keras.Layer,
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
        check_kind("layer", layer, keras.layers.Layer, "a Keras layer or model")
        check_kind("curve", curve, Curve, "a curve, such as `Bezier(num_bends=1)`")
        check_positions(position_per, positions_per_batch)
        kwargs.setdefault("dtype", layer.dtype_policy)
        kwargs["autocast"] = False
        super().__init__(**kwargs)
        self._code = StatelessLayer(layer)
        self.curve = curve
        self.fixed = fixed_points(curve, fix_start, fix_end, fixed)
        self.seed = seed
        self.position_per = position_per
        self.positions_per_batch = positions_per_batch
        check_regularizer(points_regularizer)
        self.points_regularizer = points_regularizer
        self.supports_masking = layer.supports_masking
        self.supports_jit = self._code.supports_jit
        self._seed_generator = keras.random.SeedGenerator(seed)
        self._position = self.add_weight(
            name="t",
            shape=curve.position_shape,
            dtype="float32",
            initializer=lambda shape, dtype: ops.convert_to_tensor(curve.first_position),
            trainable=False,
        )
        self._at = None
        if layer.built:
            self._create_points()
            self.built = True

    @property
    def layer(self) -> keras.Layer:
        """The wrapped layer, used only for its forward pass; its own weights are ignored."""
        return self._code.layer

    def build(self, input_shape: Any) -> None:
        """Builds the wrapped layer if it is not built, and the control points."""
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True
        if not hasattr(self, "points"):  # also if a first try, on symbols, failed
            self._create_points()

    def _create_points(self):
        check_parts(self.layer, self.positions_per_batch)
        self._code.bind()
        flat = flat_weights(self.layer)
        last = self.curve.num_points - 1
        names = ["start", *(f"bend_{j}" for j in range(1, last)), "end"]
        self.points = [
            self._new_variable(name, flat, j not in self.fixed, constraint=self._code.constraint)
            for j, name in enumerate(names)
        ]
        self.state = [
            self._new_variable(v.path.replace("/", "_"), ops.convert_to_numpy(v), False, v.dtype)
            for v in self._code.state
        ]
        track(self, [*self.points, *self.state, self._seed_generator.state])

    def _new_variable(self, name, value, trainable, dtype=None, constraint=None):
        # Through numpy: on JAX a shared buffer would be donated to the first training step.
        return self.add_weight(
            name=name,
            shape=value.shape,
            dtype=dtype or self.layout.dtype,
            initializer=lambda shape, dtype: ops.convert_to_tensor(np.array(value), dtype=dtype),
            trainable=trainable,
            autocast=False,
            constraint=constraint or None,
        )

    @property
    def layout(self) -> FlatLayout:
        """`FlatLayout` of the weights: their order and shapes in the flat vector."""
        return self._code.layout

    def state_copy(self, variable: keras.Variable) -> keras.Variable:
        """The wrapper's own copy of one of the wrapped layer's non-trainable variables.

        Args:
            variable: a non-trainable variable of `self.layer`, such as a moving mean.

        Returns:
            The corresponding `keras.Variable` of the wrapper.
        """
        for original, copy in zip(self._code.state, self.state):
            if original is variable:
                return copy
        raise ValueError(f"'{variable.path}' is not a state variable of '{self.layer.name}'.")

    def reset_state(self) -> None:
        """Resets the recurrent state of stateful layers to zero."""
        self._run(lambda: reset_recurrent_state(self.layer))

    def call(
        self,
        inputs: Any,
        *args: Any,
        t: TensorLike | None = None,
        training: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """Runs the wrapped layer with the weights at `t`."""
        points = self._points_at(t, training) if self._at is None else self._at()
        if training:
            self.check_trainable()
        found, given, count = [], (inputs, args, kwargs), len(points)
        parts = split_batch(given, count) if count > 1 else [given]
        for (inputs, args, kwargs), (weights, penalties) in zip(parts, points):
            run = functools.partial(self.layer, inputs, *args, **kwargs)
            outputs, losses = self._run(run, weights, training)
            found.append(outputs)
            for loss in (*shares(losses, count), *penalties):
                self.add_loss(loss)
        return join_batch(found) if count > 1 else found[0]

    def check_trainable(self, ends: bool = False) -> None:
        """Rejects layers that cannot be trained along a curve; see `docs/curves.md`.

        Args:
            ends: whether to check the values of fixed endpoints and the coefficients, too.

        Raises:
            ValueError: naming the operation that a control point does not support.
        """
        if any(point.trainable for point in self.points):
            self._code.check_trainable()
            if ends and self._code.constraint:
                check_convex_combinations(self.curve)
                for point in self.points:
                    if not point.trainable:
                        self._code.constraint.check_holds(point, point.name)

    def _run(self, function, weights=(), training=False):
        """Runs the wrapped layer and stores its updates of statistics, seeds and state."""
        variables = [*self.state, *self._code.metrics_variables]
        values = [backend.read(v) for v in variables]
        outputs, changes, losses = self._code.run(function, weights, values, training)
        for variable, new in zip(variables, changes):
            if new is not None:
                variable.assign(new)
        return outputs, losses

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The wrapped layer's mask."""
        return self.layer.compute_mask(inputs, previous_mask)
