"""How a layer on a curve is saved, loaded and reported."""

from typing import Any, Self

import keras
from keras import ops

from mc_tf.backend.keras_internals import own_variables
from mc_tf.typing import Config
from mc_tf.weights.network_code import network_config, revive_parts
from mc_tf.weights.preprocessing import check_saved_whole

__all__ = ["CurveLayerFiles"]


class CurveLayerFiles:
    """What Keras asks a `CurveLayer` for: its configuration, its numbers and its metrics."""

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Metrics that the wrapped layer updates in its calls, reported as in a plain network."""
        return [*super().metrics, *self._code.metrics]

    def __dir__(self):
        # Keras saves what it finds here: the wrapped layer's own weights are not ours to save.
        return [name for name in super().__dir__() if name != "layer"]

    def save_own_variables(self, store: Any) -> None:
        """Saves the variables, and how far the positions were drawn, which Keras leaves out."""
        super().save_own_variables(store)
        store["drawn"] = ops.convert_to_numpy(self._seed_generator.state)

    def load_own_variables(self, store: Any) -> None:
        """Loads the variables and the draws, so that training resumes with the next position."""
        values, state = {key: store[key] for key in store.keys()}, self._seed_generator.state
        drawn = values.pop("drawn", None)
        if drawn is not None:
            state.assign(drawn)
            own = own_variables(self)
            count = sum(v is not state for v in own)
            # On TensorFlow it is the last of the layer's own variables, too, elsewhere it is not.
            if len(values) == count + 1:
                values.pop(str(count))
            if len(own) > count:
                values[str(count)] = drawn
        super().load_own_variables(values)

    def get_config(self) -> Config:
        """Arguments that make an equal layer; the wrapped layer must be serializable."""
        check_saved_whole(self.layer)
        return {
            **super().get_config(),
            "layer": network_config(self.layer),
            **self._curve_config(),
        }

    def _curve_config(self):
        self._code.check_same_weights()
        self.curve.check_saved()
        return {
            "curve": keras.saving.serialize_keras_object(self.curve),
            "fix_start": self.fix_start,
            "fix_end": self.fix_end,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Makes the layer that `get_config` described."""
        return cls(**revive_parts(config, "layer", "curve", "dtype"))
