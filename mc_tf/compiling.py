"""How the models of this library are built and compiled."""

import contextlib

import keras

from mc_tf import backend

__all__ = ["CompiledForDevice", "precision"]


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


@contextlib.contextmanager
def precision(name):
    """Context in which Keras builds layers with a dtype policy.

    Args:
        name: such as `"mixed_bfloat16"`.

    Example:
        >>> with precision("mixed_bfloat16"):
        ...     layer = keras.layers.Dense(1)
        >>> layer.compute_dtype, keras.config.dtype_policy().name
        ('bfloat16', 'float32')
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
