"""Weight regularizers evaluated on the flat vector: the L2 term of the paper's loss."""

import keras
from keras import ops

__all__ = ["WeightPenalty"]


class WeightPenalty:
    """The regularizers of a network's trainable weights, in few operations.

    Neighboring weights with the same `keras.regularizers.L2` become one sum over a slice of the
    flat vector: for a network with L2 on all weights this is a single operation instead of
    hundreds. Other regularizers are called individually.

    Args:
        variables: the trainable variables, in the order of the flat vector.
    """

    def __init__(self, variables):
        self._runs = []  # [factor, first, last): neighboring weights with equal L2
        self._others = []
        offset = 0
        for index, variable in enumerate(variables):
            size = 1
            for dimension in variable.shape:
                size *= dimension
            regularizer = variable.regularizer
            if type(regularizer) is keras.regularizers.L2:
                factor = float(regularizer.l2)
                if self._runs and self._runs[-1][0] == factor and self._runs[-1][2] == offset:
                    self._runs[-1][2] = offset + size
                else:
                    self._runs.append([factor, offset, offset + size])
            elif regularizer is not None:
                self._others.append((index, regularizer))
            offset += size
        self._size = offset

    def __call__(self, flat, weights):
        """Computes the penalties.

        Args:
            flat: the weights as a vector `(P,)`.
            weights: the same weights as a list of tensors.

        Returns:
            List of scalar tensors; their sum is the regularization term of the loss.
        """
        terms = []
        for factor, first, last in self._runs:
            part = flat if last - first == self._size else flat[first:last]
            terms.append(factor * ops.sum(ops.square(part)))
        terms += [regularizer(weights[index]) for index, regularizer in self._others]
        return terms
