# SPDX-License-Identifier: Apache-2.0
"""Numbers and whole arrays through formats."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from . import _core
from ._answers import Cast
from ._arrays import Array, is_numpy, lend, like, same_kind
from ._summaries import log2_of
from ._words import words


def cast(
    value: float | str | Iterable[float | str],
    to: str | Iterable[str] = "fp16",
    *,
    source: str | None = None,
    rounding: str | None = None,
    overflow: str | None = None,
    profile: str | None = None,
    scale: float | None = None,
    random: str | None = None,
) -> Cast:
    """What a number becomes in a format, bit by bit, and why: `precision-audit cast`.

    A float is taken at its exact value; text is taken as it is written: "1.2e-7", "0x1.8p-25", "2^-25", "inf", or a bit
    pattern of the format `source` ("0x3c00"). Attributes are those of its record: code, bits, result, result_decimal,
    exact, error_ulps, ...; `["class"]`; float() gives the result. ValueError for words without meaning.
    """
    is_one = isinstance(value, str) or not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0
    values: Any = [value] if is_one else value
    options = {"to": to, "from": source, "rounding": rounding, "overflow": overflow, "profile": profile, "scale": scale,
               "random": random}  # fmt: skip
    numbers = [item if isinstance(item, str) else _exact(float(item)) for item in values]
    return Cast(_core.ask(["cast"], [*words(**options), "--", *numbers]), "cast")


def _exact(value: float) -> str:
    """A float as a word that means it: a whole number in decimals, others in hexadecimal, for the decimals that Python
    prints are near a number, not it."""
    is_short = not math.isfinite(value) or (value.is_integer() and abs(value) < 2**53)
    return repr(value) if is_short else value.hex()


def round(
    array: Array,
    format: str,
    *,
    rounding: str = "nearest_even",
    overflow: str = "ieee",
    scale: float = 1,
    seed: int = 0,
    random_bits: int = 16,
    out: Array | None = None,
) -> Array:
    """Every element as `format` would hold it, in the element type and shape of `array`; rounded once.

    array: contiguous in row-major order, of float64, float32, float16, bfloat16, float8_e4m3fn or float8_e5m2; not
    copied. out: memory of the same type and shape for the result, which may be `array` itself; numpy or torch; returned.
    scale: a power of two S: what S * x becomes, divided by S again, both exactly. rounding: any mode of
    `precision-audit cast --help`; the stochastic ones draw `random_bits` bits for element i of `seed` (Philox 4x32-10).
    overflow: "ieee", "saturate" or "saturate_finite".

    Bit for bit what the format prescribes; where the element type itself cannot hold the result (bf16 in a float16 array)
    that is rounded to it, nearest even. NaN stays NaN, the sign of zero stays where the format has it, Inf follows
    `overflow`; empty arrays stay empty. Memory speed for float32, about 30 ns per element for float64. TypeError for
    another type or device, ValueError for strides, an `out` that does not fit or a word without meaning. Source:
    lib/lowp/batch/batch.h; formats: IEEE 754, OCP OFP8 and MX, P3109, any eXmY.
    """
    result = like(array) if out is None else out
    held, dtype = lend(array)
    place, place_dtype = lend(result, "out")
    _core.round_into(held, dtype, place, place_dtype, format, rounding, overflow, log2_of(scale, "scale"), seed, random_bits)
    return result


def encode(
    array: Array,
    format: str,
    *,
    rounding: str = "nearest_even",
    overflow: str = "ieee",
    scale: float = 1,
    seed: int = 0,
    random_bits: int = 16,
) -> Array:
    """The bit pattern that every element becomes in `format`: unsigned integers of 8, 16, 32 or 64 bits, the smallest
    that hold it, in the shape of `array`; a torch tensor for a torch tensor.

    Arguments, exactness and errors as in `round`. scale: the code of S * x. NaN becomes the format's one NaN, or its
    largest number where it has none.
    """
    import numpy as np

    held, dtype = lend(array)
    codes = np.empty(tuple(held.shape), f"u{_core.code_bytes(format)}")
    _core.encode_into(held, dtype, codes, format, rounding, overflow, log2_of(scale, "scale"), seed, random_bits)
    return same_kind(array, codes)


def decode(codes: Array, format: str, *, scale: float = 1, dtype: Any = "float32") -> Array:
    """The value of every code of `format`, divided by `scale`, a power of two, exactly; in the shape of `codes`.

    codes: contiguous unsigned integers wide enough for the format; bits above its width are ignored. dtype: float32,
    float64 or float16 of numpy; a value that it does not have is rounded to it, nearest even (none of a format of up to
    16 bits in float32, but of range beyond FP32). Every code has a value; NaN is the quiet NaN, -0 stays. A torch tensor for
    a torch tensor. TypeError for other codes, ValueError for strides or an unknown format.
    """
    import numpy as np

    held = codes if is_numpy(codes) or hasattr(codes, "__dlpack__") else np.asarray(codes)
    values = np.empty(tuple(held.shape), dtype)
    _core.decode_into(held, values, format, log2_of(scale, "scale"))
    return same_kind(codes, values)
