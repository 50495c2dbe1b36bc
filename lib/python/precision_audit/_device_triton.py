# SPDX-License-Identifier: Apache-2.0
"""The Triton kernel that counts FP32 words; the table is that of `_device`. Imported where a tensor on a GPU comes."""

from importlib import import_module
from typing import Any

triton: Any = import_module("triton")
tl: Any = import_module("triton.language")

BLOCK: Any = tl.constexpr(2048)  # words per program


def _count(table: "Any", words: "Any", size: "Any") -> None:  # quoted: Triton looks names up
    place = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = place < size
    word = tl.load(words + place, mask=there, other=0)
    magnitude = word & 0x7FFFFFFF
    is_number = there & (magnitude != 0) & (magnitude < 0x7F800000)
    field = magnitude >> 23
    # Integers of at most 24 bits are exact in FP32, and its exponent field says where their highest bit is.
    row = tl.where(field != 0, field + 22, (magnitude.to(tl.float32).to(tl.int32, bitcast=True) >> 23) - 127)
    shift = tl.where(field != 0, 0, 23 - row) & 31
    fraction = (magnitude << shift) & 0x7FFFFF
    ones = 149 - ((0x7FFFFF - fraction).to(tl.float32).to(tl.int32, bitcast=True) >> 23)
    region = tl.minimum(ones, 11) + (fraction >= 0x680000).to(tl.int32)
    significand = fraction | 0x800000
    lowest = (significand & -significand).to(tl.float32).to(tl.int32, bitcast=True) >> 23
    width = tl.minimum(150 - lowest, 12)
    cell = (((word < 0).to(tl.int32) * 277 + row) * 13 + region) * 13 + width
    tl.atomic_add(table + cell, tl.full([BLOCK], 1, tl.int64), mask=is_number, sem="relaxed")
    specials = table + 2 * 277 * 13 * 13
    tl.atomic_add(specials, tl.sum((there & (magnitude == 0)).to(tl.int64)), sem="relaxed")
    tl.atomic_add(specials + 1, tl.sum((magnitude == 0x7F800000).to(tl.int64)), sem="relaxed")
    tl.atomic_add(specials + 2, tl.sum((magnitude > 0x7F800000).to(tl.int64)), sem="relaxed")
    tl.atomic_max(specials + 3, tl.max(tl.where(is_number, magnitude, 0)).to(tl.int64), sem="relaxed")
    tl.atomic_min(specials + 4, tl.min(tl.where(is_number, magnitude, 0x7F800000)).to(tl.int64), sem="relaxed")


_kernel: Any = triton.jit(_count)


def add_words(table: Any, words: Any) -> None:
    """words: FP32 codes as int32, contiguous, on the device of `table`."""
    torch: Any = import_module("torch")
    with torch.cuda.device_of(words):  # Triton starts kernels on the current one
        _kernel[(triton.cdiv(words.numel(), BLOCK.value),)](table, words, words.numel())
