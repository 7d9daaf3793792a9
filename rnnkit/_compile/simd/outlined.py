"""Outlined functions of arrays, tuples and integers: compiled once for each signature, not in each caller.

A caller passes each argument as numba holds it, by value, through the slot of the signature
(`rnnkit._compile.pointer_slots`).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic, overload

from rnnkit._compile.jit import jit_outlined
from rnnkit._compile.pointer_slots import Outlined, slot_name
from rnnkit._compile.simd.borrowed import without_owner
from rnnkit._compile.simd.vectors import INT

FLOATS = (types.float32, types.float64)
PAIR = types.UniTuple(types.int64, 2)


def outlined(name: str, signatures: list[tuple]) -> Callable[[Callable], Callable]:
    """Decorate a function that returns nothing, so that compiled code calls it outlined.

    signatures: the types of the arguments, one tuple for each form. Forms are compiled when first called for.
    """

    def decorate(function: Callable) -> Callable:
        machine_code = [
            jit_outlined(f"{name}_{i}", types.void(*s), at_once=False)(function) for i, s in enumerate(signatures)
        ]
        forms = function.forms = Forms(name, signatures, machine_code)

        @intrinsic
        def call(_typing, arguments):
            form = forms.find(arguments)

            def emit(context, builder, _signature, values):
                values = cgutils.unpack_tuple(builder, values[0])
                emit_call(builder, machine_code[form].symbol, forms.values(form, context, builder, values, arguments))
                return context.get_dummy_value()

            return types.void(arguments), emit

        @overload(function, strict=False)
        def _typed(*arguments):  # noqa: ANN002
            return lambda *arguments: call(arguments)

        return function

    return decorate


class Forms(NamedTuple):
    """The forms of a function outlined: its name, the types of the arguments of each, their machine code."""

    name: str
    signatures: list[tuple]
    machine_code: list[Outlined]

    def find(self, arguments: tuple) -> int:
        """Return which form takes arguments of these types, and see that it is compiled."""
        form = next((i for i, s in enumerate(self.signatures) if all(map(fits, arguments, s))), None)
        if form is None:
            got = ", ".join(map(str, arguments))
            raise TypingError(f"arrays of {self.name} must all be float32 or all float64, and C-contiguous, got {got}")
        self.machine_code[form].provide()
        return form

    def values(self, form: int, context: Any, builder: Any, values: list, kinds: tuple) -> list:
        """Return the last values of a call as their form wants them."""
        wanted = self.signatures[form][-len(kinds) :]
        return [as_type(context, builder, *v) for v in zip(values, kinds, wanted, strict=True)]


def as_tasks(function: Callable) -> Callable:
    """Return f(arguments), in compiled code: (task, frame), addresses of a function of (frame, i) and of its arguments.

    The task calls `function(i, *arguments)`. The frame is the caller's: it is there until the caller returns.
    """
    forms = function.forms

    @intrinsic
    def tasks(_typing, arguments):
        form = forms.find((types.intp, *arguments))

        def emit(context, builder, _signature, values):
            values = forms.values(form, context, builder, cgutils.unpack_tuple(builder, values[0]), arguments)
            frame = cgutils.alloca_once(builder, ir.LiteralStructType([value.type for value in values]))
            for i, value in enumerate(values):
                builder.store(value, cgutils.gep_inbounds(builder, frame, 0, i))
            task = _emit_task(builder.module, frame.type, forms.machine_code[form].symbol)
            return context.make_tuple(builder, PAIR, [builder.ptrtoint(p, INT) for p in (task, frame)])

        return PAIR(arguments), emit

    return tasks


def _emit_task(module: Any, frame: Any, symbol: str) -> Any:
    """Emit a function of (frame, i) that calls what stands behind a symbol with i and all that is in the frame."""
    kind = ir.FunctionType(ir.VoidType(), [INT, INT])
    task = ir.Function(module, kind, module.get_unique_name(f"{symbol}_task"))
    task.linkage = "internal"
    builder = ir.IRBuilder(task.append_basic_block())
    values = builder.load(builder.inttoptr(task.args[0], frame))
    parts = [builder.extract_value(values, i) for i in range(len(frame.pointee.elements))]
    emit_call(builder, symbol, [task.args[1], *parts])
    builder.ret_void()
    return task


def of_pointers(name: str, letters: str) -> Callable[[Callable], Callable]:
    """Decorate a loop over what pointers point to (P) up to some integers (I), outlined for both dtypes.

    A caller hands over an array and where to begin in it, in elements, for each P: no view is made, whose counting of
    references took longer than a step of 32 units.
    """

    def decorate(function: Callable) -> Callable:
        machine_code = {t: jit_outlined(f"{name}_{t}", outlined_signature(letters, t), False)(function) for t in FLOATS}

        @intrinsic
        def call(_typing, arguments):
            arrays = [a for a in arguments if isinstance(a, types.Array)]
            check_contiguous(*arrays)
            machine_code[arrays[0].dtype].provide()

            def emit(context, builder, _signature, values):
                values = cgutils.unpack_tuple(builder, values[0])
                return emit_outlined_call(context, builder, name, arguments, values)

            return types.void(arguments), emit

        def plain(*arguments: Any) -> None:
            rest, values = iter(arguments), []
            for letter in letters:
                value = next(rest)
                values.append(value.reshape(-1)[next(rest) :] if letter == "P" else value)
            with np.errstate(all="ignore"):  # compiled code does not warn either, and activates what pads a row
                function(*values)

        @overload(plain, strict=False)
        def _typed(*arguments):  # noqa: ANN002
            return lambda *arguments: call(arguments)

        return plain

    return decorate


def fits(kind: types.Type, wanted: types.Type) -> bool:
    """Return whether a value can be passed for the type that is wanted; integers of any width for each other."""
    if isinstance(wanted, types.Array):
        same = isinstance(kind, types.Array)
        return same and (kind.dtype, kind.ndim, kind.layout) == (wanted.dtype, wanted.ndim, wanted.layout)
    if isinstance(wanted, types.BaseTuple):
        return isinstance(kind, types.BaseTuple) and len(kind) == len(wanted) and all(map(fits, kind, wanted))
    return isinstance(kind, types.Integer | types.IntegerLiteral)


def as_type(context: Any, builder: Any, value: Any, kind: types.Type, wanted: types.Type) -> Any:
    """Return a value as the type that is wanted, an array without its owner, which the caller keeps alive.

    With an owner every view of a step would count a reference to it, and threads that count at one place wait for each
    other: two shards of 16 units took as long on two threads as on one.
    """
    if isinstance(wanted, types.Array):
        return without_owner(context, builder, value, kind)
    if isinstance(wanted, types.BaseTuple):
        items = zip(cgutils.unpack_tuple(builder, value), kind, wanted, strict=True)
        return context.make_tuple(builder, wanted, [as_type(context, builder, *item) for item in items])
    return context.cast(builder, value, kind, wanted)


def outlined_signature(letters: str, element: types.Type) -> Any:
    """Return the signature of outlined code: a pointer to elements for each P, an integer for each I."""
    return types.void(*(types.CPointer(element) if letter == "P" else types.intp for letter in letters))


def check_contiguous(*arrays: types.Type) -> None:
    """Refuse, when compiled, what a pointer would misread: two dtypes, others than these, rows that lie apart."""
    dtypes, layouts = ({getattr(array, what) for array in arrays} for what in ("dtype", "layout"))
    if len(dtypes) > 1 or not dtypes <= set(FLOATS) or layouts != {"C"}:
        got = ", ".join(map(str, arrays))
        raise TypingError(f"arrays must all be float32 or all float64, and C-contiguous, got {got}")


def emit_outlined_call(context: Any, builder: Any, name: str, kinds: tuple, arguments: tuple) -> Any:
    """Emit a call of outlined code, through its slot; an array and the offset after it become a pointer."""
    values, rest = [], iter(zip(kinds, arguments, strict=True))
    for kind, value in rest:
        if isinstance(kind, types.Array):
            start = context.make_array(kind)(context, builder, value).data
            offset = next(rest)
            values.append(builder.gep(start, [context.cast(builder, offset[1], offset[0], types.intp)]))
        else:  # a narrower integer would leave part of its argument undefined
            values.append(context.cast(builder, value, kind, types.intp))
    emit_call(builder, f"{name}_{kinds[0].dtype}", values)
    return context.get_dummy_value()


def emit_call(builder: Any, symbol: str, values: list) -> None:
    """Emit a call of what the slot of this name points to."""
    function = ir.FunctionType(ir.VoidType(), [value.type for value in values]).as_pointer()
    name = slot_name(symbol)
    slot = builder.module.globals.get(name) or ir.GlobalVariable(builder.module, function, name)
    builder.call(builder.load(slot), values)
