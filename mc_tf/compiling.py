"""How the models of this library are built and compiled."""

import contextlib

import keras

from mc_tf import backend

__all__ = ["CompiledForDevice", "automatic_bfloat16", "precision"]


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


@contextlib.contextmanager
def automatic_bfloat16():
    """Context in which TensorFlow computes convolutions and matrix products in bfloat16 on a CPU.

    TensorFlow's automatic mixed precision rewrites each graph when it is run. Networks, weights and
    files stay in float32, so that any network, curve or ensemble can be run with it or without.
    Worth it on processors with bfloat16 instructions (AVX512_BF16, AMX); it changes nothing on a
    GPU, nor what XLA compiles or what runs eagerly.

    Raises:
        ValueError: on other backends than TensorFlow.

    Example:
        >>> with automatic_bfloat16():  # doctest: +SKIP
        ...     model.fit(train, epochs=10)
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "Automatic bfloat16 is TensorFlow's; the backend is "
            f"{keras.backend.backend()}. Build networks with mixed_bfloat16 there."
        )
    import tensorflow as tf

    option = "auto_mixed_precision_onednn_bfloat16"
    before = tf.config.optimizer.get_experimental_options().get(option, False)
    tf.config.optimizer.set_experimental_options({option: True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({option: before})
