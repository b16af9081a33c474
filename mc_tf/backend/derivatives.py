"""Derivatives of pure functions, which Keras does not unify between backends."""

import contextlib

import keras

__all__ = ["gradient", "hessian_product"]


def gradient(function, point):
    """Computes the value and gradient of a function.

    Args:
        function: differentiable function from a tensor `(d,)` to `(value, rest)`, a scalar and
            anything else that it computes.
        point: tensor `(d,)`.

    Returns:
        `(value, gradient, rest)`.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(point)
            value, rest = function(point)
        return value, tape.gradient(value, point, unconnected_gradients="zero"), rest
    if keras.backend.backend() == "torch":
        import torch

        with torch.enable_grad():
            point = point.detach().requires_grad_()
            value, rest = function(point)
            (slope,) = torch.autograd.grad(value, point)
        return value.detach(), slope, _detached(rest)
    import jax

    (value, rest), slope = jax.value_and_grad(function, has_aux=True)(point)
    return value, slope, rest


def hessian_product(function, point, direction):
    """Computes an exact Hessian-vector product: a derivative of the gradient.

    On TensorFlow the gradient's inner product with the direction is differentiated backwards
    (forward mode is emulated there), as on PyTorch; on JAX the gradient is differentiated in
    forward mode.

    Args:
        function: differentiable function from a tensor `(P,)` to `(value, rest)`, a scalar and
            anything else that it computes.
        point: tensor `(P,)`, where to differentiate.
        direction: tensor `(P,)`.

    Returns:
        `(product, rest)`, a tensor `(P,)` and the rest returned by the function.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as outer:
            outer.watch(point)
            with tf.GradientTape(watch_accessed_variables=False) as inner:
                inner.watch(point)
                with _exact_moments(tf):
                    value, rest = function(point)
            gradient = inner.gradient(value, point, unconnected_gradients="zero")
        product = outer.gradient(
            gradient, point, output_gradients=direction, unconnected_gradients="zero"
        )
        return product, rest
    if keras.backend.backend() == "torch":
        return _torch_hessian_product(function, point, direction)
    import jax

    gradient = jax.grad(function, has_aux=True)
    _, product, rest = jax.jvp(gradient, (point,), (direction,), has_aux=True)
    return product, rest


def _torch_hessian_product(function, point, direction):
    import torch

    with torch.enable_grad():
        point = point.detach().requires_grad_()
        value, rest = function(point)
        product = value
        for factor in (None, direction):  # values independent of the point have no derivative
            if product.requires_grad:
                (product,) = torch.autograd.grad(
                    product, point, factor, create_graph=factor is None, allow_unused=True
                )
            else:
                product = None
            if product is None:
                product = torch.zeros_like(point)
                break
    return product.detach(), _detached(rest)


def _detached(values):
    return keras.tree.map_structure(lambda x: x.detach() if hasattr(x, "detach") else x, values)


@contextlib.contextmanager
def _exact_moments(tf):
    """Makes `tf.nn.moments`, used by layer and group normalization, correct to second order.

    It stops the gradient of the variance with respect to the mean: this gradient is zero, but its
    derivative is not, so Hessians would be silently wrong.
    """

    def moments(x, axes, shift=None, keepdims=False, name=None):
        mean = tf.reduce_mean(x, axes, keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(x, mean), axes, keepdims=keepdims)
        return tf.reshape(mean, tf.shape(variance)), variance

    given = tf.nn.moments
    tf.nn.moments = moments
    try:
        yield
    finally:
        tf.nn.moments = given
