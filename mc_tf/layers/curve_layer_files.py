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
    """Serialization and metrics of a `CurveLayer`, as Keras expects them."""

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Metrics that the wrapped layer updates when called, as in an ordinary network."""
        return [*super().metrics, *self._code.metrics]

    def __dir__(self):
        # Keras saves all attributes listed here. The wrapped layer's own weights are not saved.
        return [name for name in super().__dir__() if name != "layer"]

    def save_own_variables(self, store: Any) -> None:
        """Saves the variables and the state of the position generator, which Keras leaves out."""
        super().save_own_variables(store)
        store["drawn"] = ops.convert_to_numpy(self._seed_generator.state)

    def load_own_variables(self, store: Any) -> None:
        """Loads the variables and the generator state, so that positions continue."""
        values, state = {key: store[key] for key in store.keys()}, self._seed_generator.state
        drawn = values.pop("drawn", None)
        if drawn is not None:
            state.assign(drawn)
            own = own_variables(self)
            count = sum(v is not state for v in own)
            # On TensorFlow it is also the last of the layer's own variables; on other backends it
            # is not.
            if len(values) == count + 1:
                values.pop(str(count))
            if len(own) > count:
                values[str(count)] = drawn
        super().load_own_variables(values)

    def get_config(self) -> Config:
        """Returns the constructor arguments; the wrapped layer must be serializable."""
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
            "position_per": self.position_per,
            "positions_per_batch": self.positions_per_batch,
            "fixed": list(self.fixed),
            "points_regularizer": keras.saving.serialize_keras_object(self.points_regularizer),
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Creates a layer from its config."""
        return cls(**revive_parts(config, "layer", "curve", "points_regularizer", "dtype"))
