"""A Keras layer or model as a pure function of its weights and state."""

import keras

from mc_tf.backend.fused_batch_norm import fused_calls
from mc_tf.backend.keras_internals import layers_within, metrics_within
from mc_tf.weights.constraints import PointConstraint
from mc_tf.weights.flat import FlatLayout, layer_numbers, state_variables
from mc_tf.weights.penalty import WeightPenalty
from mc_tf.weights.preprocessing import derived

__all__ = ["StatelessLayer"]


class StatelessLayer:
    """Runs a layer or model with given weights and state, and never writes to it.

    It also hides the layer from Keras' attribute tracking, so that its owner does not own its
    variables.

    Args:
        layer: a Keras layer or model; `bind` it once it is built.

    Attributes:
        layer: the layer.
        weights: its trainable variables.
        state: its other variables (statistics, seeds, recurrent state, frozen weights).
        layout: `FlatLayout` of the weights.
        layer_of_weight: the number of its layer for each weight; `num_layers` there are.
        penalty: `WeightPenalty` of the weights.
        constraint: `PointConstraint` of the weights.
    """

    def __init__(self, layer):
        self.layer = layer
        self.weights = None

    @property
    def supports_jit(self):
        """Whether XLA can compile the layer and its nested layers, a property that Keras reads."""
        return all(part.supports_jit for part in layers_within(self.layer))

    @property
    def metrics(self):
        """The metrics that the layer and its nested layers update in their calls."""
        return metrics_within(self.layer)

    @property
    def metrics_variables(self):
        """The variables of `metrics`."""
        return [v for metric in self.metrics for v in metric.variables]

    def bind(self):
        """Looks up the variables of the layer, which must be built.

        Raises:
            ValueError: if the layer has no trainable weights.
        """
        self.weights = list(self.layer.trainable_variables)
        if not self.weights:
            raise ValueError(
                f"'{self.layer.name}' has no trainable weights, so there is nothing to put on a "
                "curve. Set `trainable = True` on the layers to train before you wrap it."
            )
        self.state = state_variables(self.layer)
        self.layout = FlatLayout(self.weights)
        self.layer_of_weight = layer_numbers(self.layer)
        self.num_layers = max(self.layer_of_weight) + 1
        self.penalty = WeightPenalty(self.weights)
        self.constraint = PointConstraint(self.weights, self.layout)

    def check_same_weights(self):
        """Rejects a layer in which `trainable` was changed after `bind`.

        Raises:
            ValueError: naming the first weight.
        """
        if self.weights is None:
            return
        now = list(self.layer.trainable_variables)
        known, present = ({id(v) for v in variables} for variables in (self.weights, now))
        changed = [v for v in (*self.weights, *now) if (id(v) in known) != (id(v) in present)]
        if changed:
            raise ValueError(
                f"`trainable` of '{self.layer.name}' was changed after it was put on a curve: "
                f"'{changed[0].path}' was {'not ' * (id(changed[0]) not in known)}trainable "
                "before. Set it back, or set it in all networks before you connect them."
            )

    def check_trainable(self):
        """Rejects layers that cannot be trained along a curve, before training starts.

        Raises:
            ValueError: if `trainable` was changed after `bind`, a constraint cannot be kept along
                a curve, or Keras overwrites a weight with its gradient (float8 quantization).
        """
        self.check_same_weights()
        for variable in self.weights:
            if getattr(variable, "overwrite_with_gradient", False):
                raise ValueError(
                    f"Keras overwrites '{variable.path}' with its gradient, as in training with "
                    "float8: this is impossible for a part of a control point. Connect networks "
                    "that are not quantized."
                )
        self.constraint.check_convex()

    def run(self, function, weights, state, training=False):
        """Calls a function while the layer's variables have the values of the given tensors.

        Args:
            function: function without arguments that uses the layer.
            weights: list of tensors, one per variable in `self.weights`; empty to omit them.
            state: list of tensors, one per variable in `self.state`, optionally followed by
                `metrics_variables`.
            training: whether to reject assignments to weights, which would be lost.

        Returns:
            `(outputs, changes, losses)`: the result of the function, a list with the new tensor of
            each updated `state` and `None` for the others, and the losses from `add_loss`.

        Raises:
            ValueError: if it assigns to a weight in training, naming the weight.
        """
        kept = [*self.state, *self.metrics_variables][: len(state)]
        mapping = [*zip(kept, state), *zip(self.weights, weights)]
        scope = keras.StatelessScope(state_mapping=mapping, collect_losses=True)
        variables = [*kept, *self.weights[: len(weights)]]
        before = [scope.get_current_value(v) for v in variables]
        with scope, derived(self.layer), fused_calls(self.layer):
            outputs = function()
        after = [scope.get_current_value(v) for v in variables]
        changes = [new if new is not old else None for new, old in zip(after, before)]
        count = len(kept)
        for variable, change in zip(self.weights, changes[count:] if training else ()):
            if change is not None:
                raise ValueError(
                    f"A layer of '{self.layer.name}' assigns to its own trainable weight "
                    f"'{variable.path}' in training, as `SpectralNormalization` does. On a curve "
                    "the weights of each batch are computed from the control points, so that this "
                    "would be lost. Compute with the new value instead of assigning it, or leave "
                    "that layer out."
                )
        return outputs, changes[:count], scope.losses
