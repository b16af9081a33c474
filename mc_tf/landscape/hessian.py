"""Curvature: the largest and smallest eigenvalue of the Hessian (Li et al., 2018, section 6)."""

import dataclasses

import keras
import numpy as np
import tqdm
from keras import ops
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from mc_tf.arguments import check_counts, check_network, check_numbers, check_seed
from mc_tf.backend import ops as backend
from mc_tf.backend.batches import KeptBatches
from mc_tf.backend.derivatives import hessian_product
from mc_tf.backend.keras_internals import evaluation_settings
from mc_tf.backend.precision import check_exact_products
from mc_tf.curves import Segment
from mc_tf.evaluation.points import PointEvaluator
from mc_tf.models import CurveModel
from mc_tf.typing import Data
from mc_tf.warning import warn

__all__ = ["HessianEigenvalues", "HessianProducts", "hessian_eigenvalues"]

DEFAULTS = {"tolerance": 1e-3, "max_iterations": 500}
_VECTORS = 20  # number of Lanczos vectors
_SMALL = 32  # number of weights up to which the full Hessian is used
_POWER_STEPS = 5


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class HessianEigenvalues:
    """The extreme eigenvalues of a Hessian, returned by `hessian_eigenvalues`.

    Attributes:
        largest, smallest: the algebraically largest and smallest eigenvalue; NaN if not found.
        largest_vector, smallest_vector: their eigenvectors, of length one, float32 `(P,)`, for use
            in `Plane.along(model, largest_vector, smallest_vector)`.
        products: number of Hessian-vector products, each a pass over the data.
    """

    largest: float
    smallest: float
    largest_vector: np.ndarray
    smallest_vector: np.ndarray
    products: int

    @property
    def ratio(self) -> float:
        """`|smallest / largest|`: near zero if the loss is nearly convex."""
        return abs(self.smallest / self.largest) if self.largest else float("nan")

    def __repr__(self):
        return (
            f"HessianEigenvalues: largest {self.largest:.4g}, smallest {self.smallest:.4g}, ratio "
            f"{self.ratio:.3g}; {len(self.largest_vector)} weights, {self.products} products"
        )


def hessian_eigenvalues(
    model: keras.Model,
    data: Data,
    batch_size: int = 500,
    tolerance: float = 1e-3,
    max_iterations: int = 500,
    seed: int = 0,
    verbose: int = 1,
) -> HessianEigenvalues:
    """Computes the largest and smallest eigenvalue of the Hessian of the training loss.

    The loss is the mean of the compiled loss over all examples, plus regularizers and `add_loss`,
    as a function of the trainable weights. Dropout is off, and batch normalization uses its fixed
    moving statistics: call `update_batch_norm` first if they belong to other weights. Recurrent
    state is carried over from batch to batch and not differentiated, as in training.

    Uses the Lanczos method on exact Hessian-vector products (products in float32, Lanczos sums in
    float64); for up to 32 weights, the full Hessian.

    Args:
        model: a compiled, built Keras model, or a compiled `CurveModel`, evaluated at its `t`. It
            is not changed.
        data: training data: a finite `tf.data.Dataset` of batches, a
            `PyDataset`, or arrays `(x, y)` or `(x, y, sample_weight)`.
        batch_size: examples per batch, for arrays only. Default 500.
        tolerance: tolerance of both, relative to the eigenvalue of largest magnitude. Float32
            products do not support values below 1e-5.
        max_iterations: maximum number of products, at least 1. Default 500; 30 to 100 are typical.
        seed: integer seed of the initial Lanczos vector.
        verbose: 1 for a progress bar, 0 for silence.

    Returns:
        `HessianEigenvalues`. Its values are NaN, with a warning, if `max_iterations` is too small
        or a product is not finite.

    Raises:
        ValueError: if the model is not compiled, the data is empty, an argument is out of range, or
            products are computed in bfloat16.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
        >>> model.compile(loss="mean_squared_error")
        >>> x = np.array([[1.0, 0.0], [0.0, 2.0]], "float32")
        >>> spectrum = hessian_eigenvalues(model, (x, np.zeros((2, 1), "float32")))
        >>> round(spectrum.largest, 5), round(spectrum.smallest, 5), round(spectrum.ratio, 5)
        (4.0, 1.0, 0.25)
    """
    check_network("model", model)
    check_counts(batch_size=batch_size, max_iterations=max_iterations)
    check_numbers(tolerance=tolerance)
    check_seed(seed=seed)
    if not getattr(model, "compiled", False):
        raise ValueError(
            "The model is not compiled: call `model.compile(loss=...)` first, to choose the loss "
            "to differentiate."
        )
    data = KeptBatches(data, batch_size)
    if not isinstance(model, CurveModel):
        network, model = model, CurveModel(model, Segment())
        settings = evaluation_settings(network)
        model.compile(loss=settings["loss"], loss_weights=settings["loss_weights"])
    evaluator = PointEvaluator(model, batch_size)
    products = HessianProducts(evaluator, data)
    return products.eigenvalues(
        *evaluator.network_at(model.t), tolerance, max_iterations, seed, verbose
    )


class HessianProducts:
    """Hessian-vector products of the loss at any point; traced once for all points.

    Args:
        evaluator: `PointEvaluator`, whose loss is differentiated.
        data: data set.
        **options: `tolerance` and `max_iterations`, for use as a measure of a grid.
    """

    def __init__(self, evaluator, data, **options):
        check_exact_products("Products with the Hessian")
        self._options = options
        self._evaluator = evaluator
        self._data = data
        self._step = backend.compiled(self._product_step)

    def product(self, flat, state, vector):
        """Multiplies the Hessian of the mean loss over the data by a vector.

        Args:
            flat, state: the point, as returned by `PointEvaluator.network_at`.
            vector: array `(P,)`.

        Returns:
            float64 array `(P,)`.
        """
        vector = ops.convert_to_tensor(vector, dtype=flat.dtype)
        total = ops.zeros(flat.shape, keras.backend.result_type(flat.dtype, "float32"))
        count = ops.zeros((), "float32")
        for batch in self._evaluator.batches(self._data):
            total, count, state = self._step(flat, state, vector, total, count, batch)
        return ops.convert_to_numpy(total).astype("float64") / float(count)

    def _product_step(self, flat, state, vector, total, count, batch):
        def loss(flat):
            point = self._evaluator.layer.unpack_point(flat)
            value, *rest = self._evaluator.batch_loss(point, state, batch)
            return value, rest

        product, (size, state, _) = hessian_product(loss, flat, vector)
        product = ops.cast(product, total.dtype)
        return total + product * ops.cast(size, total.dtype), count + size, state

    def eigenvalues(self, flat, state, tolerance=1e-3, max_iterations=500, seed=0, verbose=0):
        """Computes the largest and smallest eigenvalue at a point.

        Args:
            flat, state: the point, as returned by `PointEvaluator.network_at`.
            tolerance, max_iterations, seed, verbose: see `hessian_eigenvalues`.

        Returns:
            `HessianEigenvalues`.
        """
        if not 0 < tolerance < 1 or max_iterations < 1:
            raise ValueError(
                "`tolerance` must lie between 0 and 1 and `max_iterations` be at least 1. "
                f"Received: tolerance={tolerance}, max_iterations={max_iterations}"
            )
        size, count = int(flat.shape[0]), 0
        with tqdm.tqdm(disable=not verbose, unit=" product") as bar:

            def multiply(vector):
                nonlocal count
                if count == max_iterations:
                    raise _NotFoundError(f"not found with max_iterations={max_iterations} products")
                product = self.product(flat, state, np.ravel(vector))
                count += 1
                bar.update()
                if not np.isfinite(product).all():
                    self._evaluator.check_finite(self._data)
                    raise _NotFoundError("not defined: a Hessian-vector product is not finite")
                return product

            try:
                values, vectors = _ends(multiply, size, tolerance, seed)
            except (_NotFoundError, ArpackError) as error:
                warn(
                    f"The eigenvalues of the Hessian are {error}. They are recorded as NaN.",
                    RuntimeWarning,
                )
                values, vectors = np.full(2, np.nan), np.full((size, 2), np.nan)
        smallest, largest = vectors.T.astype("float32")
        return HessianEigenvalues(float(values[1]), float(values[0]), largest, smallest, count)

    def __call__(self, flat, state):
        """Computes the eigenvalues at a point, as a measure for `PointEvaluator`.

        Returns:
            dict of floats.
        """
        spectrum = self.eigenvalues(flat, state, **self._options)
        return {
            "train_largest_eigenvalue": spectrum.largest,
            "train_smallest_eigenvalue": spectrum.smallest,
            "train_eigenvalue_ratio": spectrum.ratio,
        }


class _NotFoundError(Exception):
    pass


def _ends(multiply, size, tolerance, seed):
    """Computes the extreme eigenvalues of a symmetric matrix, the smallest first.

    The accuracy of Lanczos is relative to the eigenvalue, so it fails near zero, where the smallest
    eigenvalue of a trained network lies. Therefore the matrix is shifted by about twice its norm.

    Args:
        multiply: function from a vector `(size,)` to the product.
        size: int.
        tolerance: see `hessian_eigenvalues`.
        seed: integer.

    Returns:
        `(values, vectors)`: float64 arrays `(2,)` and `(size, 2)`.
    """
    if size <= _SMALL:
        matrix = np.stack([multiply(row) for row in np.eye(size)])
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        return values[[0, -1]], vectors[:, [0, -1]]
    start = vector = np.random.default_rng(seed).standard_normal(size)
    for _ in range(_POWER_STEPS):
        image = multiply(vector / np.linalg.norm(vector))
        norm, vector = np.linalg.norm(image), image
        if not norm:  # no curvature
            return np.zeros(2), np.eye(size)[:, :2]
    shift = 2 * norm
    matrix = LinearOperator(
        (size, size), matvec=lambda v: multiply(v) + shift * np.ravel(v), dtype="float64"
    )
    values, vectors = eigsh(
        matrix, k=2, which="BE", ncv=_VECTORS, v0=start, tol=tolerance / 2, maxiter=10**6
    )
    order = np.argsort(values)
    return values[order] - shift, vectors[:, order]
