"""How the models of this library are compiled."""

import keras

from mc_tf import backend

__all__ = ["CompiledForDevice"]


class CompiledForDevice:
    """Part of a Keras model that is compiled for the device it runs on.

    `jit_compile="auto"` leaves XLA out on a CPU; `mc_tf.backend.use_xla` says why. A saved model
    keeps what was asked for, and `"auto"` is chosen anew by the machine that loads it.

    To be inherited from before `keras.Model`.
    """

    def compile(self, *args, jit_compile="auto", **kwargs):
        """As `keras.Model.compile`; `jit_compile="auto"` leaves XLA out on a CPU."""
        self._asked_jit_compile = jit_compile
        if jit_compile == "auto":
            jit_compile = backend.use_xla()
        super().compile(*args, jit_compile=jit_compile, **kwargs)

    def get_compile_config(self):
        """As `keras.Model.get_compile_config`; `"auto"` is kept as it was asked for."""
        config = super().get_compile_config()
        return config and {**config, "jit_compile": self._asked_jit_compile}

    def compile_from_config(self, config):
        """Compiles as a saved model was; Keras calls it on loading."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
