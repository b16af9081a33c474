"""Keras layers of the paper's experiments, with L2 on every trainable weight."""

import keras


def l2(weight_decay):
    """L2 regularizer whose loss term is `weight_decay / 2 * sum(w ** 2)`.

    Args:
        weight_decay: Float of at least 0.

    Returns:
        A `keras.regularizers.L2`, or `None` if `weight_decay` is 0.

    Raises:
        ValueError: If `weight_decay` is negative.

    Example:
    >>> float(l2(0.5)(keras.ops.ones((4,))))
    1.0
    """
    if weight_decay < 0:
        raise ValueError(
            f"weight_decay must not be negative. Received: weight_decay={weight_decay}. Use 0 to "
            "disable it."
        )
    return keras.regularizers.L2(weight_decay / 2) if weight_decay else None


def uniform(inputs):
    """Uniform in ± 1 / sqrt(inputs): the default initializer of the reference's layers.

    This is PyTorch's default for kernels and biases.

    Args:
        inputs: Number of inputs that each output of the layer has.

    Returns:
        A `keras.initializers.RandomUniform`.

    Example:
    >>> uniform(100).get_config()["maxval"]
    0.1
    """
    limit = inputs**-0.5
    return keras.initializers.RandomUniform(-limit, limit)


def dense(
    x, units, weight_decay=0.0, activation=None, dtype=None, as_reference=True, zero_bias=False
):
    """Applies a fully connected layer with weight decay on kernel and bias.

    Args:
        x: Keras tensor `(batch, inputs)`.
        units: Number of outputs.
        weight_decay: See `l2`. Defaults to 0.
        activation: Keras activation. Defaults to none.
        dtype: Keras dtype or policy. Defaults to the global policy.
        as_reference: Whether kernel and bias are initialized as in the reference (`uniform`) or as
            in Keras (Glorot uniform and zeros). Defaults to `True`.
        zero_bias: Whether the bias is initialized to zero regardless. Defaults to `False`.

    Returns:
        Keras tensor `(batch, units)`.
    """
    initial = {}
    if as_reference:
        initial["kernel_initializer"] = uniform(x.shape[-1])
        initial["bias_initializer"] = "zeros" if zero_bias else uniform(x.shape[-1])
    return keras.layers.Dense(
        units,
        activation=activation,
        kernel_regularizer=l2(weight_decay),
        bias_regularizer=l2(weight_decay),
        dtype=dtype,
        **initial,
    )(x)


def logits(x, num_classes, weight_decay=0.0, **initial):
    """Applies the last layer of a network: `dense`, computed in the precision of the weights.

    Under mixed precision the logits, and so the loss, are float32.

    Args:
        x: Keras tensor `(batch, inputs)`.
        num_classes: Number of outputs.
        weight_decay: See `l2`. Defaults to 0.
        **initial: `as_reference` and `zero_bias`, see `dense`.

    Returns:
        Keras tensor `(batch, num_classes)`.
    """
    dtype = keras.config.dtype_policy().variable_dtype
    return dense(x, num_classes, weight_decay, dtype=dtype, **initial)


def conv(
    filters,
    kernel_size,
    weight_decay=0.0,
    strides=1,
    padding="same",
    activation=None,
    use_bias=True,
    initializer=None,
    bias_initializer="zeros",
):
    """Convolution with weight decay on kernel and bias.

    Args:
        filters: Number of output channels.
        kernel_size: Side of the square kernel.
        weight_decay: See `l2`. Defaults to 0.
        strides: Defaults to 1.
        padding: `"same"` (default) or `"valid"`.
        activation: Keras activation. Defaults to none.
        use_bias: Defaults to `True`.
        initializer: Keras initializer of the kernel. Defaults to a normal distribution of
            variance `2 / (kernel_size ** 2 * filters)`.
        bias_initializer: Keras initializer of the bias. Defaults to zeros.

    Returns:
        A `keras.layers.Conv2D`.
    """
    initializer = initializer or keras.initializers.VarianceScaling(
        scale=2.0, mode="fan_out", distribution="untruncated_normal"
    )
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        activation=activation,
        use_bias=use_bias,
        kernel_initializer=initializer,
        bias_initializer=bias_initializer,
        kernel_regularizer=l2(weight_decay),
        bias_regularizer=l2(weight_decay) if use_bias else None,
    )


def conv3x3(x, filters, weight_decay=0.0, strides=1, **options):
    """Applies a 3 × 3 convolution that pads one pixel on every side, at any stride.

    Args:
        x: Keras tensor.
        filters: Number of output channels.
        weight_decay: See `l2`. Defaults to 0.
        strides: Defaults to 1.
        **options: Other arguments of `conv`.

    Returns:
        Keras tensor `(batch, ceil(height / strides), ceil(width / strides), filters)`.
    """
    if strides == 1:
        return conv(filters, 3, weight_decay, **options)(x)
    # With a stride, "same" would pad on one side only.
    x = keras.layers.ZeroPadding2D(1)(x)
    return conv(filters, 3, weight_decay, strides, padding="valid", **options)(x)


def batch_norm(weight_decay=0.0):
    """Batch normalization with momentum 0.9, epsilon 1e-5, and weight decay on gamma and beta.

    Args:
        weight_decay: See `l2`. Defaults to 0.

    Returns:
        A `keras.layers.BatchNormalization`.
    """
    return keras.layers.BatchNormalization(
        momentum=0.9,
        epsilon=1e-5,
        beta_regularizer=l2(weight_decay),
        gamma_regularizer=l2(weight_decay),
    )


def batch_norm_relu(x, weight_decay=0.0):
    """Applies `batch_norm` and a ReLU to a symbolic tensor.

    Args:
        x: Keras tensor.
        weight_decay: See `l2`. Defaults to 0.

    Returns:
        Keras tensor of the same shape.
    """
    return keras.layers.ReLU()(batch_norm(weight_decay)(x))


def image_input(input_shape, network, smallest=1):
    """Input of a convolutional network; checks the image size.

    Args:
        input_shape: `(height, width, channels)`.
        network: Name of the network, for the message.
        smallest: Minimum height and width. Defaults to 1.

    Returns:
        Keras tensor `(batch, height, width, channels)`.

    Raises:
        ValueError: If `input_shape` is not an image shape or is too small.
    """
    shape = tuple(input_shape)
    if len(shape) != 3 or min(shape[:2]) < smallest:
        raise ValueError(
            f"{network} expects input_shape=(height, width, channels) of at least "
            f"{smallest} x {smallest} pixels. Received: input_shape={shape}."
        )
    return keras.Input(shape, name="inputs")


def scaled(units, width):
    """Number of units of a layer scaled by a width factor (K in section A.7).

    Args:
        units: Number of units at width 1.
        width: Positive factor.

    Returns:
        Int.

    Raises:
        ValueError: If no unit is left.

    Example:
    >>> scaled(1000, 0.3)
    300
    """
    count = round(units * width)
    if count < 1:
        raise ValueError(
            f"width must leave at least one of {units} units. Received: width={width}."
        )
    return count
