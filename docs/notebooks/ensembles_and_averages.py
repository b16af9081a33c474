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

"""Notebook: ensembles and averages."""

# %% [markdown]
# # Ensembles and averages
#
# One training run can give an ensemble, or a better network. Fast geometric ensembling (FGE)
# keeps the networks at the minima of a cyclic learning rate. Stochastic weight averaging (SWA)
# averages the weights that training passes through. Both are callbacks. The data is
# scikit-learn's digits; nothing is downloaded. Reading takes ten minutes, running less than one.

# %%
import tempfile

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import mc_tf

EPOCHS = 12
directory = tempfile.mkdtemp()

# %% [markdown]
# ## A network, trained for most of its budget

# %%
images, labels = load_digits(return_X_y=True)
images = images.astype("float32") / 16
order = np.random.default_rng(0).permutation(len(images))
images, labels = images[order], labels[order]
train, test = (images[:400], labels[:400]), (images[400:], labels[400:])

keras.utils.set_random_seed(1)
model = keras.Sequential(
    [
        keras.Input((64,)),
        keras.layers.Dense(64, use_bias=False),
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(
    keras.optimizers.SGD(0.05, momentum=0.9),
    "sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(*train, batch_size=32, epochs=EPOCHS, verbose=0)
trained = model.get_weights()
print(f"test accuracy {model.evaluate(*test, verbose=0)[1]:.3f}")

# %% [markdown]
# ## Fast geometric ensembling
#
# The learning rate falls and rises in cycles of four epochs. The network at each minimum is a
# member of the ensemble, which averages the predictions of its members. In row n of the table, the
# last three columns are the scores of the ensemble of members 1 to n: as it grows, its loss becomes
# smaller than any member's. (On such a small data set, the error changes by only a few images.)

# %%
cycle = mc_tf.CyclicLearningRate(cycle_length=4, max_learning_rate=0.5, min_learning_rate=0.001)
saver = mc_tf.SnapshotSaver(f"{directory}/members", cycle)
model.fit(*train, batch_size=32, epochs=24, callbacks=[cycle, saver], verbose=0)

ensemble = mc_tf.Ensemble(model, saver.members)
result = ensemble.evaluate_members(test, verbose=0)
print(result.table())

# %%
result.plot()

# %% [markdown]
# ## Stochastic weight averaging
#
# SWA starts from the same network and trains at a constant learning rate. At the end of `fit`,
# the model has the averaged weights. SWA estimates their batch normalization statistics on
# `batch_norm_data`.

# %%
model.set_weights(trained)
swa = mc_tf.SWA(
    start_epoch=1, learning_rate=0.15, directory=f"{directory}/swa", batch_norm_data=train
)
model.fit(*train, batch_size=32, epochs=EPOCHS, callbacks=[swa], verbose=0)
print(f"test accuracy {model.evaluate(*test, verbose=0)[1]:.3f}")

# %% [markdown]
# ## Serve the ensemble
#
# `export` writes one SavedModel. To serve it you need neither mc_tf nor Keras.

# %%
ensemble.export(f"{directory}/served")
serve = tf.saved_model.load(f"{directory}/served").signatures["serving_default"]
answer = serve(inputs=tf.constant(test[0][:5]))
print(answer["class"].numpy(), test[1][:5])
