"""Recurrent layers: the gates of a unit move together."""

from keras import layers

from mc_tf.alignment.rules.common import elementwise
from mc_tf.alignment.rules.merging import joined
from mc_tf.alignment.table import register, rule_of
from mc_tf.alignment.units import Axes, NotUnderstood
from mc_tf.weights.flat import recurrent_state

_GATES = {layers.LSTMCell: 4, layers.GRUCell: 3, layers.SimpleRNNCell: 1}
_STATES = {layers.LSTMCell: 2, layers.GRUCell: 1, layers.SimpleRNNCell: 1}


def _cell(cell, units, features):
    """`(output, states)` of a cell."""
    if type(cell) is layers.StackedRNNCells:
        states = []
        for each in cell.cells:
            features, more = _cell(each, units, features)
            states += more
        return features, states
    if type(cell) not in _GATES:
        raise NotUnderstood(f"nothing is known of its cell, a {type(cell).__name__}")
    out = units.new(cell.units)
    gates = units.product([units.fixed(_GATES[type(cell)]), out])
    units.weight(cell.kernel, [features, gates])
    units.weight(cell.recurrent_kernel, [out, gates])
    if cell.bias is not None:  # of a GRU one for inputs and one for the state
        bias = cell.bias.shape
        units.weight(cell.bias, [*(units.fixed(size) for size in bias[:-1]), gates])
    for name in ("activation", "recurrent_activation"):
        (same,) = units.apply(getattr(cell, name, None), Axes([out]))
        units.join(same, out)
    return out, [out] * _STATES[type(cell)]


@register(layers.LSTM, layers.GRU, layers.SimpleRNN, layers.RNN)
def recurrent(layer, units, x, initial_state=None, mask=None):
    units.fix(x[1])
    out, states = _cell(layer.cell, units, x[2])
    given = [initial_state] if isinstance(initial_state, Axes) else initial_state or []
    for axes, state in zip(given, states):
        units.join(axes[-1], state)
    for variable, state in zip(recurrent_state(layer), states):
        units.weight(variable, [units.fixed(variable.shape[0]), state])
    output = [x[0], x[1], out] if layer.return_sequences else [x[0], out]
    return [output, *([x[0], state] for state in states)] if layer.return_state else output


@register(layers.Bidirectional)
def bidirectional(layer, units, x, initial_state=None, mask=None):
    half = len(initial_state or ()) // 2
    given = [initial_state[:half], initial_state[half:]] if half else [None, None]
    both = []
    for part, state in zip((layer.forward_layer, layer.backward_layer), given):
        if rule_of(part) is not recurrent:
            raise NotUnderstood(f"nothing is known of its {type(part).__name__}")
        result = recurrent(part, units, x, state)
        both.append(result if layer.return_state else [result])
    outputs = [Axes(each[0]) for each in both]
    states = [state for each in both for state in each[1:]]
    if layer.merge_mode == "concat":
        outputs = [joined(units, outputs, -1)]
    elif layer.merge_mode is not None:
        outputs = [elementwise(units, *outputs)]
    return [*outputs, *states]


@register(layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D)
def convolutional(layer, units, x, initial_state=None, mask=None):
    cell = layer.cell
    last = cell.data_format == "channels_last"
    units.fix([axis for place, axis in enumerate(x) if place != (len(x) - 1 if last else 2)])
    out = units.new(cell.filters)
    window = [units.fixed(size) for size in cell.kernel_size]
    gates = units.product([units.fixed(4), out])
    units.weight(cell.kernel, [*window, x[-1 if last else 2], gates])
    units.weight(cell.recurrent_kernel, [*window, out, gates])
    units.weight(cell.bias, [gates])
    given = [initial_state] if isinstance(initial_state, Axes) else initial_state or []
    place = -1 if last else 1
    for axes in given:
        units.join(axes[place], out)
    for variable in recurrent_state(layer):
        axes = [units.fixed(size) for size in variable.shape]
        axes[place] = out
        units.weight(variable, axes)
    result = []
    for index, shape in enumerate(units.shapes):
        axes = [units.fixed(size) for size in shape]
        axes[-1 if last else 2 if index == 0 and layer.return_sequences else 1] = out
        result.append(axes)
    return result
