"""Operations of `keras.ops`, as in a user's layers and in graphs of tensors."""

from mc_tf.alignment.axes import Group, Product
from mc_tf.alignment.rules.common import cut, elementwise, reduced, reshaped, sliced
from mc_tf.alignment.rules.merging import joined
from mc_tf.alignment.rules.reshaping import padded
from mc_tf.alignment.table import of_operations
from mc_tf.alignment.units import Axes, NotUnderstood

_UNARY = """Absolute Abs Arccos Arccosh Arcsin Arcsinh Arctan Arctanh Cast Cbrt Ceil Celu Clip Copy
Cos Cosh Elu Erf Erfc Erfinv Exp Exp2 Expm1 Floor Gelu HardShrink HardSigmoid HardSilu HardTanh
Isfinite Isinf Isnan LeakyRelu Log Log10 Log1p Log2 LogSigmoid LogicalNot Mish NanToNum Negative
OnesLike ReLU Reciprocal Relu Relu6 Round Rsqrt SaturateCast Selu Sigmoid Sign Silu Sin Sinh
SoftShrink Softplus Softsign SparsePlus SparseSigmoid Sqrt Square Squareplus StopGradient Tan Tanh
TanhShrink Threshold Trunc ZerosLike"""
_NARY = """Add Arctan2 BitwiseAnd BitwiseOr Divide DivideNoNan Equal FloorDivide Greater
GreaterEqual Hypot Less LessEqual Logaddexp LogicalAnd LogicalOr LogicalXor Maximum Minimum Mod
Multiply NotEqual Power Subtract TrueDivide Where"""
_REDUCING = "All Amax Amin Any CountNonzero Logsumexp Max Mean Min Prod Std Sum Var"


@of_operations(*_UNARY.split(), *_NARY.split())
def unit_by_unit(operation, units, *args, **kwargs):
    return elementwise(units, *args, *kwargs.values())


@of_operations(*_REDUCING.split())
def reduction(operation, units, x, **kwargs):
    return reduced(x, operation.axis, operation.keepdims)


@of_operations("Softmax", "LogSoftmax", "Normalize", "Sparsemax")
def along(operation, units, x):
    """Any order of the axis gives the same numbers in that order."""
    return x


@of_operations("LayerNorm", "RMSNorm")
def normalized(operation, units, x, *factors):
    axes = operation.axis if isinstance(operation.axis, (list, tuple)) else [operation.axis]
    for factor in factors:
        for axis, own in zip(axes, factor if isinstance(factor, Axes) else ()):
            units.join(x[axis], own)
    return x


@of_operations("Argmax", "Argmin", "Cumsum", "Cumprod", "Flip", "Roll", "Sort", "Argsort")
def ordered(operation, units, x):
    """What depends on the order along an axis."""
    axis = operation.axis
    for place in range(len(x)) if axis is None else [axis] if isinstance(axis, int) else axis:
        units.fix(x[place], f"the order matters to {type(operation).__name__}")
    if type(operation).__name__ in ("Argmax", "Argmin"):
        return reduced(x, axis, operation.keepdims)
    if axis is None:
        raise NotUnderstood("it flattens")
    return x


@of_operations("Reshape", "Ravel")
def reshape(operation, units, x):
    return reshaped(units, x, units.shapes[0])


@of_operations("ExpandDims", "Squeeze")
def ones(operation, units, x):
    kept = iter(axis for axis in x if axis.size != 1)
    return [units.fixed(1) if size == 1 else next(kept) for size in units.shapes[0]]


@of_operations("Transpose")
def transpose(operation, units, x):
    return [x[place] for place in operation.axes or range(len(x))[::-1]]


@of_operations("Swapaxes")
def swapaxes(operation, units, x):
    axes = list(x)
    one, two = operation.axis1, operation.axis2
    axes[one], axes[two] = x[two], x[one]
    return axes


@of_operations("Moveaxis")
def moveaxis(operation, units, x):
    rank = len(x)
    source = [place % rank for place in operation.source]
    target = [place % rank for place in operation.destination]
    order = [place for place in range(rank) if place not in source]
    for to, place in sorted(zip(target, source)):
        order.insert(to, place)
    return [x[place] for place in order]


@of_operations("Concatenate")
def concatenate(operation, units, tensors):
    return joined(units, tensors, operation.axis)


@of_operations("Stack")
def stack(operation, units, tensors):
    axes = elementwise(units, *tensors)
    axes.insert(operation.axis % (len(axes) + 1), units.fixed(len(tensors)))
    return axes


@of_operations("Split", "Unstack")
def split(operation, units, x):
    axis = operation.axis % len(x)
    sizes = [1] * len(units.shapes)
    if type(operation).__name__ == "Split":
        sizes = [shape[axis] for shape in units.shapes]
    parts = cut(x[axis], sizes) if None not in sizes else [units.fixed(None) for _ in sizes]
    if type(operation).__name__ == "Split":
        return [[*x[:axis], part, *x[axis + 1 :]] for part in parts]
    return [[*x[:axis], *x[axis + 1 :]] for _ in parts]


@of_operations("GetItem")
def getitem(operation, units, x, key):
    keys = list(key) if isinstance(key, (list, tuple)) else [key]
    if any(not (each is None or each is Ellipsis or type(each) in (int, slice)) for each in keys):
        raise NotUnderstood("indices that are tensors")
    if Ellipsis not in keys:
        keys.append(Ellipsis)
    left = list(x)
    missing = len(x) - sum(each is not None and each is not Ellipsis for each in keys)
    axes = []
    for each in keys:
        if each is None:
            axes.append(units.fixed(1))
        elif each is Ellipsis:
            axes += [left.pop(0) for _ in range(missing)]
        elif isinstance(each, slice):
            axes.append(sliced(units, left.pop(0), each.start, each.stop, each.step))
        else:
            sliced(units, left[0], each, each + 1 or None)
            left.pop(0)
    return axes


@of_operations("Pad")
def pad(operation, units, x, constant_values=None):
    if operation.mode != "constant":
        raise NotUnderstood(f"padding of mode {operation.mode!r}")
    widths = list(operation.pad_width)
    widths = widths * len(x) if len(widths) == 1 else widths
    return [
        padded(units, axis, before, after) if before or after else axis
        for axis, (before, after) in zip(x, widths, strict=True)
    ]


@of_operations("BroadcastTo")
def broadcast(operation, units, x):
    axes = elementwise(units, x, Axes(units.fixed(1) for _ in units.shapes[0]))
    return [
        units.fixed(size) if axis.size != size else axis
        for axis, size in zip(axes, units.shapes[0])
    ]


@of_operations("Repeat")
def repeat(operation, units, x):
    axis = operation.axis
    if axis is None or not isinstance(operation.repeats, int):
        raise NotUnderstood("repeats of several sizes")
    axes = list(x)
    axes[axis] = Product([x[axis], units.fixed(operation.repeats)])
    return axes


@of_operations("Take")
def take(operation, units, x, indices):
    axis = operation.axis
    if axis is None or not isinstance(indices, Axes):
        raise NotUnderstood("indices of another kind")
    axis %= len(x)
    units.fix(x[axis])
    return [*x[:axis], *indices, *x[axis + 1 :]]


@of_operations("Matmul")
def matmul(operation, units, first, second):
    one = [units.fixed(1), *first] if len(first) == 1 else list(first)
    two = [*second, units.fixed(1)] if len(second) == 1 else list(second)
    units.join(one[-1], two[-2])
    before = elementwise(units, Axes(one[:-2]), Axes(two[:-2])) if len(one) + len(two) > 4 else []
    rows = [] if len(first) == 1 else [one[-2]]
    return [*before, *rows, *([] if len(second) == 1 else [two[-1]])]


@of_operations("Dot", "Tensordot")
def tensordot(operation, units, first, second):
    axes = getattr(operation, "axes", 1)
    if not hasattr(operation, "axes"):
        if len(second) > 2:
            raise NotUnderstood("a product of many axes")
        axes = [[len(first) - 1], [max(len(second) - 2, 0)]]
    elif isinstance(axes, int):
        axes = [range(len(first) - axes, len(first)), range(axes)]
    ours, theirs = ([each] if isinstance(each, int) else list(each) for each in axes)
    ours, theirs = [a % len(first) for a in ours], [a % len(second) for a in theirs]
    for one, two in zip(ours, theirs):
        units.join(first[one], second[two])
    left = [axis for place, axis in enumerate(first) if place not in ours]
    return [*left, *(axis for place, axis in enumerate(second) if place not in theirs)]


@of_operations("Einsum")
def einsum(operation, units, *tensors):
    inputs, arrow, output = operation.subscripts.replace(" ", "").partition("->")
    if not arrow or "." in inputs:
        raise NotUnderstood("an equation without letters for all axes")
    known = {}
    for letters, axes in zip(inputs.split(","), tensors, strict=True):
        for letter, axis in zip(letters, axes, strict=True):
            units.join(known.setdefault(letter, axis), axis)
    return [known[letter] for letter in output]


@of_operations("DotProductAttention")
def dot_product_attention(operation, units, query, key, value, bias=None, mask=None, scale=None):
    for axes in (query, key, value):
        units.fix(axes[1])
    if query[2].size != key[2].size:
        raise NotUnderstood("fewer heads of keys than of queries")
    for axis in (key[2], value[2]):
        units.join(query[2], axis)
    units.join(query[3], key[3])
    for given in (bias, mask):
        if given is not None:
            units.fix(given, "a mask")
            if len(given) != 4:
                raise NotUnderstood("a mask of other axes")
            if given[1].size != 1:
                units.fix(query[2], "a mask for each head")
    return [query[0], query[1], query[2], value[3]]


@of_operations("MaxPool", "AveragePool", "Resize")
def pooling(operation, units, x):
    last = operation.data_format != "channels_first"
    place = len(x) - 1 if last else len(x) - 3
    units.fix([axis for each, axis in enumerate(x) if each not in (0, place)])
    return [
        axis if each in (0, place) else Group(size, fixed=True)
        for each, (axis, size) in enumerate(zip(x, units.shapes[0]))
    ]
