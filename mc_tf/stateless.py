"""A Keras layer or model as a pure function of its numbers."""

import keras

from mc_tf.adapted import derived
from mc_tf.flat import FlatLayout, state_variables
from mc_tf.fused import fused_calls
from mc_tf.penalty import WeightPenalty

__all__ = ["StatelessLayer"]


class StatelessLayer:
    """Runs a layer or model with given weights and state, and never writes to it.

    It also keeps the layer out of Keras' attribute tracking: for its owner the layer is code.

    Args:
        layer: a Keras layer or model; `bind` it once it is built.

    Attributes:
        layer: the layer.
        weights: its trainable variables.
        state: everything else that it keeps (statistics, seeds, recurrent state, frozen weights).
        layout: `FlatLayout` of the weights.
        penalty: `WeightPenalty` of the weights.
    """

    def __init__(self, layer):
        self.layer = layer
        self.weights = None

    @property
    def supports_jit(self):
        """Whether XLA can compile the layer and all within it, which Keras asks its owner."""
        return all(part.supports_jit for part in self.layer._flatten_layers())

    def bind(self):
        """Looks up the variables of the layer, which must be built by now.

        Raises:
            ValueError: if the layer has no trainable weights.
        """
        self.weights = list(self.layer.trainable_variables)
        if not self.weights:
            raise ValueError(
                f"'{self.layer.name}' has no trainable weights, so there is nothing to put on a "
                "curve. Set `trainable = True` on what should move before you wrap it."
            )
        self.state = state_variables(self.layer)
        self.layout = FlatLayout(self.weights)
        self.penalty = WeightPenalty(self.weights)

    def run(self, function, weights, state):
        """Calls a function while the layer's variables read as the given tensors.

        Args:
            function: function without arguments that uses the layer.
            weights: list of tensors, one for each of `self.weights`; none to leave them out.
            state: list of tensors, one for each of `self.state`.

        Returns:
            `(outputs, changes, losses)`: what the function returned, a list with the new tensor
            for each of `self.state` that it updated and `None` for the others, and the losses
            that it added with `add_loss`.
        """
        mapping = [*zip(self.state, state), *zip(self.weights, weights)]
        scope = keras.StatelessScope(state_mapping=mapping, collect_losses=True)
        before = [scope.get_current_value(v) for v in self.state]
        with scope, derived(self.layer), fused_calls(self.layer):
            outputs = function()
        after = [scope.get_current_value(v) for v in self.state]
        changes = [new if new is not old else None for new, old in zip(after, before)]
        return outputs, changes, scope.losses
