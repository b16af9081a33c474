# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

"""Notebook: connect two networks."""

# %% [markdown]
# # Connect two networks
#
# Train one network twice, from different random weights. Both results have about the same small
# error. On the straight line between their weights, the loss rises to a barrier, but a curve
# leads around it. This notebook finds such a curve in about two minutes on two CPU cores. The
# data is scikit-learn's digits; nothing is downloaded.

# %%
import keras
import numpy as np
from sklearn.datasets import load_digits

import mc_tf

EPOCHS = 30

# %% [markdown]
# ## Data and networks

# %%
images, labels = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8, 1).astype("float32") / 16
order = np.random.default_rng(0).permutation(len(images))
images, labels = images[order], labels[order]
train, test = (images[:1200], labels[:1200]), (images[1200:], labels[1200:])


# %%
def sgd(epochs):
    """SGD whose learning rate falls to 0."""
    steps = epochs * len(train[0]) // 64
    return keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, steps), momentum=0.9)


def trained(seed):
    """A convolutional network with batch normalization."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(16, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.ReLU(),
            keras.layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(sgd(EPOCHS), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*train, batch_size=64, epochs=EPOCHS, verbose=0)
    return model


first, second = trained(1), trained(2)
for model in (first, second):
    print(f"test accuracy {model.evaluate(*test, verbose=0)[1]:.3f}")

# %% [markdown]
# ## The segment: a barrier
#
# A `Segment` is the straight line between the two weight vectors. There is nothing to train.
# `evaluate_curve` walks from the first network (t = 0) to the second (t = 1). At each position it
# estimates the batch normalization statistics, and then computes the loss and the error (in
# percent).
#
# *Mean* is the mean over t, and *Int* the mean over the length of the curve. *Barrier* says how
# much worse the worst position is than the worse endpoint. The *length ratio* in the last line
# divides the length of the curve by the length of the segment.

# %%
segment = mc_tf.connect(first, second, mc_tf.Segment())
segment.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
on_segment = mc_tf.evaluate_curve(segment, train, test, num_points=21, verbose=0)
print(on_segment.table())

# %% [markdown]
# ## The curve: almost no barrier
#
# This Bezier curve has one bend between the endpoints. Each batch draws a random position t, and
# training moves the bend so that the mean loss along the curve becomes small.

# %%
curve = mc_tf.connect(first, second, mc_tf.Bezier(num_bends=1))
curve.compile(sgd(2 * EPOCHS), "sparse_categorical_crossentropy", metrics=["accuracy"])
curve.fit(*train, batch_size=64, epochs=2 * EPOCHS, verbose=0)
on_curve = mc_tf.evaluate_curve(curve, train, test, num_points=21, verbose=0)
print(on_curve.table())

# %%
mc_tf.plots.plot_curves({"Segment": on_segment, "Bezier": on_curve})

# %% [markdown]
# ## A network from the middle
#
# `point` returns an ordinary Keras model. Estimate its batch normalization statistics before you
# use it.

# %%
middle = curve.point(0.5)
mc_tf.update_batch_norm(middle, train)
print(f"test accuracy {middle.evaluate(*test, verbose=0)[1]:.3f}")

# %% [markdown]
# ## The plane of the curve
#
# The endpoints and the bend span a plane in weight space. Its picture shows the barrier, and the
# curve around it.

# %%
plane = mc_tf.Plane.of_curve(curve)
surface = mc_tf.evaluate_grid(first, plane, train, test, shape=(15, 15), verbose=0)
surface.plot()
