# SPDX-License-Identifier: Apache-2.0
"""Counts of a torch tensor, made on the device where it lies: integers only, so they are exact in any order.

The table, int64, one axis. lib/python/python_tables.cpp checks it and reads it.

float16, bfloat16, float8_e4m3fn, float8_e5m2: how often each code occurs; 65,536 or 256 counts.

float32, float64: counts of classes that evidence of level `counts` does not tell apart, then five more numbers.
    table[((sign * ROWS + row) * 13 + region) * 13 + width]    finite elements but zeros
    sign     0 positive, 1 negative
    row      the binade less that of the smallest subnormal: 277 rows of float32, 2098 of float64
    region   of the fraction f in [0, 1): how many of these are at or below it: 1/2, 3/4, 13/16, and 1 - 2^-j for j = 3 .. 11
    width    how many bits f needs, 0 to 11; 12: more
    table[-5], [-4], [-3]    zeros (of either sign), infinities, NaNs
    table[-2], [-1]          the codes of the largest and the smallest magnitude in the classes; 0 and Inf where they are empty
93,631 numbers of float32, 709,129 of float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

Tensor: TypeAlias = Any  # a torch.Tensor: torch is imported where one comes

PIECE = 1 << 20  # elements at a time, so that temporary memory does not grow with the tensor
CODES = {"float16": 65536, "bfloat16": 65536, "float8_e4m3fn": 256, "float8_e5m2": 256}


class Words(NamedTuple):
    """A format whose elements are too many to count code by code."""

    fraction_bits: int
    exponent_bits: int

    @property
    def infinity(self) -> int:
        return ((1 << self.exponent_bits) - 1) << self.fraction_bits

    @property
    def rows(self) -> int:
        return self.fraction_bits + (1 << self.exponent_bits) - 2

    @property
    def cells(self) -> int:
        return 2 * self.rows * 13 * 13


WORDS = {"float32": Words(23, 8), "float64": Words(52, 11)}


def dtype_name(tensor: Tensor) -> str:
    """As torch says it, without the module: "float32"."""
    return str(tensor.dtype).removeprefix("torch.")


def is_elsewhere(array: Any) -> bool:
    """Whether `array` is a torch tensor in another memory than the processor's."""
    import sys

    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor) and array.device.type not in ("cpu", "meta")


def pieces(tensor: Tensor) -> Iterator[Tensor]:
    """All elements as flat contiguous tensors, in no certain order; what has to be copied comes as at most PIECE elements."""
    if tensor.is_contiguous():
        if tensor.numel() != 0:
            yield tensor.reshape(-1)
    elif tensor.numel() <= PIECE:
        yield tensor.reshape(-1)
    else:
        longest = max(range(tensor.dim()), key=tensor.size)
        for half in tensor.tensor_split(2, longest):
            yield from pieces(half)


def add_index(table: Tensor, index: Tensor) -> None:
    """One more at each index."""
    torch: Any = import_module("torch")

    table.scatter_add_(0, index.to(torch.int64), torch.ones((), dtype=torch.int64, device=table.device).expand_as(index))


def add_words(table: Tensor, words: Tensor, of: Words) -> None:
    """words: FP32 or FP64 codes, as integers. The exponent field of an integer below 2^(fraction_bits + 1), made a
    floating-point number, is where its highest bit is, exactly: no subnormal is made or read on the way."""
    torch: Any = import_module("torch")

    bits, mask = of.fraction_bits, (1 << of.fraction_bits) - 1
    bias = (1 << (of.exponent_bits - 1)) - 1
    as_float = torch.float32 if bits == 23 else torch.float64

    def highest_bit(integer: Tensor) -> Tensor:
        """-bias of 0."""
        return (integer.to(as_float).view(integer.dtype) >> bits) - bias

    magnitude = words & ((1 << (bits + of.exponent_bits)) - 1)
    is_number = (magnitude != 0) & (magnitude < of.infinity)
    field = magnitude >> bits
    row = torch.where(field != 0, bits + field - 1, highest_bit(magnitude & mask))
    fraction = torch.where(field != 0, magnitude, magnitude << (bits - row).clamp(0, bits)) & mask
    leading_ones = (bits - 1 - highest_bit(mask - fraction)).clamp(max=11)
    region = leading_ones + (fraction >= 13 << (bits - 4))
    significand = fraction | (1 << bits)
    width = (bits - highest_bit(significand & -significand)).clamp(max=12)
    cell = (((words < 0) * of.rows + row) * 13 + region) * 13 + width
    special = of.cells + (magnitude != 0).to(cell.dtype) + (magnitude > of.infinity)
    add_index(table, torch.where(is_number, cell, special))
    table[-2] = torch.maximum(table[-2], torch.where(is_number, magnitude, 0).amax())
    table[-1] = torch.minimum(table[-1], torch.where(is_number, magnitude, of.infinity).amin())


@cache
def has_triton() -> bool:
    try:
        from . import _device_triton  # noqa: F401
    except ImportError:
        return False
    return True


def count_on_device(tensor: Tensor, *, use_triton: bool | None = None) -> Tensor:
    """The table of all elements of `tensor`, of any shape and strides, on its device; the host does not wait for it.

    NaN, Inf and zeros of either sign are counted as such, subnormals are not flushed. FP32 on a CUDA device is counted by
    a Triton kernel where Triton is installed, everything else by torch's own integer operations; use_triton: FP32 by which of
    the two. Both give the same table, exactly. TypeError for other element types and for sparse tensors.
    """
    torch: Any = import_module("torch")

    name = dtype_name(tensor)
    if name not in CODES and name not in WORDS:
        raise TypeError(f"wanted {', '.join(WORDS)}, {', '.join(CODES)}, found {name}")
    if tensor.layout != torch.strided:
        raise TypeError(f"wanted a dense tensor (.to_dense()), found {tensor.layout}")
    integers = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()]
    words = tensor.detach().resolve_neg().view(integers)
    if name in CODES:
        table = torch.zeros(CODES[name], dtype=torch.int64, device=tensor.device)
        for piece in pieces(words):
            for some in piece.split(PIECE):
                add_index(table, some.to(torch.int64) & 0xFFFF)
        return table
    table = torch.zeros(WORDS[name].cells + 5, dtype=torch.int64, device=tensor.device)
    table[-1:].fill_(WORDS[name].infinity)
    if use_triton is None:
        use_triton = tensor.is_cuda and has_triton()
    for piece in pieces(words):
        if use_triton and name == "float32":
            from . import _device_triton

            _device_triton.add_words(table, piece)
        else:
            for some in piece.split(PIECE):
                add_words(table, some, WORDS[name])
    return table
