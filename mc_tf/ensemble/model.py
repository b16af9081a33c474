"""Many networks of one architecture as one Keras model that averages their predictions."""

import dataclasses
import numbers
from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from mc_tf.backend import ops as backend
from mc_tf.backend.array_kinds import is_finite
from mc_tf.backend.batches import Batches
from mc_tf.backend.keras_internals import mask_of, set_mask
from mc_tf.ensemble import batch_norm, evaluation, export, out_of_distribution, temperature
from mc_tf.ensemble.labels import output_name, the_one
from mc_tf.ensemble.losses import read_loss
from mc_tf.ensemble.members import Member
from mc_tf.ensemble.outputs import OutputSpec
from mc_tf.ensemble.reading import read_output
from mc_tf.ensemble.stacked import StackedModel
from mc_tf.models import CurveModel
from mc_tf.storage.snapshots import take_snapshot
from mc_tf.typing import ArrayLike, Config, Data, Tensor
from mc_tf.weights.compatibility import check_curve

__all__ = ["Ensemble"]


@keras.saving.register_keras_serializable("mc_tf")
class Ensemble(StackedModel):
    """Averages the class probabilities of `M` networks of one architecture (section 5).

    The weights of all members are one matrix `(M, P)`, and the network is one graph that runs once
    per row: `M` copies of the weights, one of the graph. It evaluates with the usual `compile`
    (with a loss of probabilities, without `from_logits`), `evaluate` and `predict`, and is saved
    like any Keras model. It cannot be trained: train the members first.

    Args:
        model: a built Keras model with one output, used only for its forward pass. It is never
            changed.
        members: a list that can mix paths of snapshots (`.npz`), whole models (`.keras`) and
            weights (`.weights.h5`), built Keras models of the same architecture, `Snapshot`s, and
            flat vectors `(P,)` of trainable weights, which use the other state (batch normalization
            statistics) of `model`. Or a matrix `(M, P)`, or the number of copies of `model`, for
            `load_weights`.
        output: kind of the network's outputs: `"logits"` or `"probabilities"` of classes that
            exclude each other (a single output belongs to class 1 of two), `"multilabel_logits"` or
            `"multilabel_probabilities"` if each output is a separate yes or no, or `"regression"`;
            or an `OutputSpec`, which also sets the class axis. Default: inferred from the last
            activation and the compiled loss of `model`: a softmax, a sigmoid with a binary loss, a
            loss with `from_logits=True`, or a regression loss.
        temperatures: positive divisors `(M,)` of the members' logits. Default: ones.
        **kwargs: passed to `keras.Model`, such as `name`.

    Call arguments:
        - `inputs`: inputs of the network.
        - `training`: ignored; members run in inference mode.

    Raises:
        ValueError: if a member does not match (the message names the first difference), `members`
            is empty, or `output` cannot be inferred.
        FileNotFoundError: if a member's file is missing.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> ensemble = Ensemble(model, np.zeros((5, 8), "float32"), output="logits")
        >>> ensemble.predict(np.ones((1, 3), "float32"), verbose=0)
        array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(
        self,
        model: keras.Model,
        members: int | Member | Sequence[Member],
        output: str | OutputSpec | None = None,
        temperatures: ArrayLike | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(model, members, temperatures, **kwargs)
        self._output_spec = read_output(model, output, (model,))
        if self._output_spec.kind == "regression" and (self.temperatures != 1).any():
            raise ValueError(
                "`temperatures` divide the logits of classifiers, but this ensemble's output is "
                "'regression'. Leave them out."
            )

    @property
    def output_spec(self) -> OutputSpec:
        """Meaning of the network's outputs, an `OutputSpec`."""
        return self._output_spec

    @property
    def output_kind(self) -> str:
        """Kind of the network's outputs, the `kind` of `output_spec`: `"logits"`, ..."""
        return self._output_spec.kind

    @classmethod
    def from_curve(
        cls,
        curve_model: CurveModel,
        positions: int | ArrayLike,
        output: str | OutputSpec | None = None,
        temperatures: ArrayLike | None = None,
        **kwargs: Any,
    ) -> Self:
        """Creates an ensemble of networks on a curve (section A.6 and figure 2, right).

        Batch normalization statistics are copied from the curve and fit none of the members: call
        `update_batch_norm(train)` next if the network has any.

        Args:
            curve_model: `CurveModel`; it is not changed.
            positions: a number of equally spaced positions, endpoints included; or a sequence of
                positions in [0, 1], such as `curve_model.curve.sample(50)`. For a simplex, an array
                `(M, k)`.
            output, temperatures, **kwargs: as for `Ensemble`; `output` can also be inferred from
                the compiled loss of the curve model.

        Returns:
            `Ensemble`.

        Raises:
            ValueError: if `curve_model` is not a curve, a position is outside [0, 1], or there are
                too few.
        """
        check_curve(curve_model)
        if isinstance(positions, numbers.Integral) and not curve_model.curve.position_shape:
            if positions < 2:
                raise ValueError(
                    "A grid with both endpoints has at least 2 positions. Received: "
                    f"positions={positions}. For one network use `curve_model.point(t)`."
                )
            positions = np.linspace(0, 1, positions)
        positions, shape = np.asarray(positions, "float64"), curve_model.curve.position_shape
        if positions.ndim != 1 + len(shape):
            raise ValueError(
                "`positions` must be a whole number or a sequence of numbers in [0, 1], or for a "
                f"simplex an array (M, k). Received shape {positions.shape}"
            )
        curve_model.curve.check_position(positions)
        network, layer = curve_model.network, curve_model.curve_layer
        base = take_snapshot(network)
        state = [np.array(ops.convert_to_numpy(v)) for v in layer.state]
        members = [
            dataclasses.replace(
                base,
                weights=np.array(ops.convert_to_numpy(layer.flat_weights_at(t.astype("f4")))),
                state=state,
                record={} if shape else {"t": float(t)},
            )
            for t in positions
        ]
        output = read_output(network, output, (network, curve_model))
        return cls(network, members, output, temperatures, **kwargs)

    def add(self, member: Member) -> "Ensemble":
        """Returns a new ensemble with one more member.

        Args:
            member: path, built Keras model, `Snapshot` or flat vector, as for `Ensemble`.

        Returns:
            `Ensemble`, not compiled; the new member's temperature is 1.
        """
        members = [*(self.snapshot(m) for m in range(self.num_members)), member]
        return Ensemble(self.model, members, self.output_spec, [*self.temperatures, 1.0])

    def run_member(self, numbers: Sequence[Tensor], inputs: Any) -> Tensor:
        """Runs the network with one member's values.

        Args:
            numbers: list of tensors, as from `member_numbers(m)`.
            inputs: inputs of the network.

        Returns:
            float32 tensor `(N, ..., C)`, with Keras' mask if the network makes one.
        """
        outputs = self.run_code(lambda: self.model(inputs, training=False), numbers)
        leaves = keras.tree.flatten(outputs)
        if len(leaves) != 1:
            raise ValueError(
                f"An ensemble averages one output, but the network '{self.model.name}' returns a "
                f"{type(outputs).__name__} of {len(leaves)}. Make a model that returns the output "
                "of interest."
            )
        mask, outputs = mask_of(leaves[0]), ops.cast(leaves[0], "float32")
        set_mask(outputs, mask)
        return outputs

    def run_members(
        self,
        inputs: Any,
        numbers: Sequence[Tensor] | None = None,
        over: Callable[..., Any] = ops.map,
    ) -> Tensor:
        """Computes the probabilities (values) of each member.

        Args:
            inputs: inputs of the network.
            numbers: list of tensors, as from `member_numbers()`. Default: the current values.
            over: function like `ops.map` (default) that runs a function for each member.

        Returns:
            float32 tensor `(M, N, ..., C)`.
        """
        numbers = self.member_numbers() if numbers is None else numbers

        # One graph in a loop. `vectorized_map` was 1.5 times slower, copies as fast as this.
        def run(one):
            outputs = self.run_member(one, inputs)
            mask = mask_of(outputs)
            return (outputs,) if mask is None else (outputs, mask)

        raw, *masks = over(run, numbers)
        outputs = self.output_spec.probabilities(raw, backend.read(self._temperatures))
        if masks:
            set_mask(outputs, masks[0])
        return outputs

    def call(self, inputs: Any, training: bool | None = None) -> Tensor:
        """Averages the probabilities (values) of the members: float32 `(N, ..., C)`."""
        members = self.run_members(inputs)
        mean, mask = ops.mean(members, axis=0), mask_of(members)
        if mask is not None:
            set_mask(mean, mask[0])  # for the losses and metrics of Keras
        return mean

    @property
    def output_names(self) -> list[str]:
        """Output name of the network, a key for losses and metrics in `compile`."""
        return [output_name(self.model)]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Computes the compiled loss, with labels as for `evaluate_members`."""
        y, weight = the_one(y, self.model), the_one(sample_weight, self.model, "sample weights")
        return super().compute_loss(x, y, y_pred, weight, training)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Computes the compiled metrics, with labels as for `compute_loss`."""
        y, weight = the_one(y, self.model), the_one(sample_weight, self.model, "sample weights")
        return super().compute_metrics(x, y, y_pred, weight)

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Like `keras.Model.evaluate`, after `compile`. `evaluate_members` needs no `compile`.

        Raises:
            ValueError: if the ensemble is not compiled, or its loss expects logits.
        """
        if not self.compiled:
            raise ValueError(
                "The ensemble is not compiled. Use `evaluate_members(data)`, which needs no "
                "`compile`, or call `compile(loss=..., metrics=...)` first."
            )
        loss = read_loss((self,))
        if loss is not None and loss.from_logits and self.output_kind != "regression":
            raise ValueError(
                "An ensemble predicts probabilities, but it is compiled with a loss that has "
                "`from_logits=True`. Compile it without."
            )
        return super().evaluate(*args, **kwargs)

    def member_predictions(self, data: Data, batch_size: int = 500) -> np.ndarray:
        """Returns the predictions of each member, in one pass over the data.

        Args:
            data: a `tf.data.Dataset`, `PyDataset` or arrays, `x` or `(x, y)`; labels are ignored.
            batch_size: examples per batch, for arrays only. Default 500.

        Returns:
            float32 numpy array `(M, N, ..., C)`: probabilities with the temperatures applied, or
            values. To compute scores with less memory, use `evaluate_members`.

        Raises:
            ValueError: if predictions are not finite because of the inputs.
        """
        run = backend.compiled(lambda numbers, x: self.run_members(x, numbers))
        numbers, parts = self.member_numbers(), []
        batches = Batches(data, batch_size)
        for x, _, _ in batches:
            parts.append(np.asarray(ops.convert_to_numpy(run(numbers, x))))
        outputs = np.concatenate(parts, axis=1)
        if not is_finite(outputs):
            batches.check_finite()
        return outputs

    update_batch_norm = batch_norm.update_batch_norm
    evaluate_members = evaluation.evaluate_members
    evaluate_out_of_distribution = out_of_distribution.evaluate_out_of_distribution
    fit_temperature = temperature.fit_temperature
    export = export.export_ensemble  # type: ignore[assignment]

    def __repr__(self):
        many = "s" * (self.num_members > 1)
        return f"<Ensemble: {self.num_members} member{many}, {self.output_kind}>"

    def get_config(self) -> Config:
        """Returns the constructor arguments without weights, which Keras saves separately."""
        return {**super().get_config(), "output": self.output_spec.get_config()}
