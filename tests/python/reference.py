# SPDX-License-Identifier: Apache-2.0
"""What the audit must report, found without any thought of binades: every element is scaled, cast by NumPy or
ml_dtypes, and measured; sums are exact integers.

Why the casts are single roundings:
- float64 -> float16 in NumPy rounds once.
- ml_dtypes goes through float32 (float64 1 + 2^-4 + 2^-40 becomes 1 in float8_e4m3fn, not 1.125), so a product is
  cast by it only if it is exact in float32, as float32 times a power of two is while it stays in range. All others are
  rounded by `round_formula`.
"""

from dataclasses import dataclass, field
from fractions import Fraction

import ml_dtypes
import numpy as np

CLASSES = ("flushed", "subnormal", "normal", "saturated", "overflowed")
ERROR_CLASSES = ("flushed", "subnormal", "normal", "saturated")


@dataclass(frozen=True)
class Target:
    name: str
    precision: int
    min_exponent: int
    largest: float
    dtype: type

    @property
    def min_normal(self):
        return 2.0**self.min_exponent


TARGETS = {
    t.name: t
    for t in (
        Target("fp16", 11, -14, 65504.0, np.float16),
        Target("bf16", 8, -126, (2 - 2.0**-7) * 2.0**127, ml_dtypes.bfloat16),
        Target("e4m3", 4, -6, 448.0, ml_dtypes.float8_e4m3fn),
        Target("e5m2", 3, -14, 57344.0, ml_dtypes.float8_e5m2),
    )
}

def on_magnitude(round_magnitude):
    return lambda q: np.copysign(round_magnitude(np.abs(q)), q)


# Integers for numbers in units of the last place; fractions (m - floor(m)) are exact.
ROUND_INTEGRAL = {
    "nearest_even": np.rint,
    "nearest_away": on_magnitude(lambda m: np.floor(m) + (m - np.floor(m) >= 0.5)),
    "nearest_to_zero": on_magnitude(lambda m: np.floor(m) + (m - np.floor(m) > 0.5)),
    "to_odd": on_magnitude(lambda m: np.floor(m) + ((m != np.floor(m)) & (np.floor(m) % 2 == 0))),
    "toward_zero": np.trunc,
    "toward_positive": np.ceil,
    "toward_negative": np.floor,
}


def round_formula(y, target, rounding="nearest_even"):
    """y rounded with the exponent unbounded above, then beyond the largest number made infinite. Scaling to units of
    the last place and back is exact in float64: powers of two, and at most 53 bits."""
    _, exponent = np.frexp(y)
    unit = np.maximum(exponent - 1, target.min_exponent) - (target.precision - 1)
    with np.errstate(over="ignore"):
        rounded = np.ldexp(ROUND_INTEGRAL[rounding](np.ldexp(y, -unit)), unit)
    return np.where(np.abs(rounded) > target.largest, np.copysign(np.inf, y), rounded)


def cast(y, target):
    """float64 y rounded once to nearest-even; NaN or Inf where it overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        if target.dtype is np.float16:
            return y.astype(np.float16).astype(np.float64)
        narrow = y.astype(np.float32)
        rounded = narrow.astype(target.dtype).astype(np.float64)
        inexact = narrow != y
        if inexact.any():
            rounded[inexact] = round_formula(y[inexact], target)
        return rounded


def exact_integer(hi, lo, exponent_field):
    """(hi * 2^26 + lo) in units of 2^-1074 for float64 numbers with that exponent field."""
    return ((int(hi) << 26) + int(lo)) << (max(exponent_field, 1) - 1)


class ExactSums:
    """Exact sums of float64 numbers in `groups` groups, by sign and exponent: mantissas are added in two halves, and
    every partial sum stays below 2^53."""

    def __init__(self, groups):
        self.groups = groups
        self.size = groups * 4096
        self.hi = np.zeros(self.size)
        self.lo = np.zeros(self.size)
        self.count = 0

    def add(self, values, group):
        self.count += values.size  # 2^25 halves below 2^27
        assert self.count <= 1 << 25
        bits = values.view(np.uint64)
        top = (bits >> np.uint64(52)).astype(np.int64)
        mantissa = (bits & np.uint64((1 << 52) - 1)) | ((top & 0x7FF) > 0).astype(np.uint64) << np.uint64(52)
        at = top + 4096 * group
        self.hi += np.bincount(at, weights=(mantissa >> np.uint64(26)).astype(np.float64), minlength=self.size)
        self.lo += np.bincount(at, weights=(mantissa & np.uint64((1 << 26) - 1)).astype(np.float64), minlength=self.size)

    def totals(self):
        """Per group (sum of positive numbers, sum of absolute negative ones), in units of 2^-1074."""
        sums = [[0, 0] for _ in range(self.groups)]
        for at in np.flatnonzero((self.hi != 0) | (self.lo != 0)):
            group, rest = divmod(int(at), 4096)
            sums[group][rest >> 11] += exact_integer(self.hi[at], self.lo[at], rest & 0x7FF)
        return sums


UNIT = Fraction(1, 1 << 1074)


@dataclass
class Outcome:
    """One tensor, or several added, under one format, scale and rule."""

    elements: int = 0
    zero_in: int = 0
    nan_in: int = 0
    inf_in: int = 0
    counts: dict = field(default_factory=lambda: dict.fromkeys((*CLASSES, "exact"), 0))
    sum_abs: Fraction = Fraction(0)
    sum_signed: Fraction = Fraction(0)
    sum_x_squared: Fraction = Fraction(0)
    squared: dict = field(default_factory=lambda: dict.fromkeys(ERROR_CLASSES, Fraction(0)))

    @property
    def sum_squared(self):
        return sum(self.squared.values(), Fraction(0))

    @property
    def measured(self):
        return self.elements - self.nan_in - self.inf_in - self.counts["overflowed"]

    def __add__(self, other):
        total = Outcome()
        for name in ("elements", "zero_in", "nan_in", "inf_in", "sum_abs", "sum_signed", "sum_x_squared"):
            setattr(total, name, getattr(self, name) + getattr(other, name))
        for name in ("counts", "squared"):
            mine, theirs = getattr(self, name), getattr(other, name)
            setattr(total, name, {key: mine[key] + theirs[key] for key in mine})
        return total


class Source:
    """A tensor's elements as float64, the non-zero finite ones apart."""

    def __init__(self, values, narrow):
        self.narrow = narrow  # at most 24 significand bits: a square is exact in float64
        self.elements = values.size
        self.nan_in = int(np.isnan(values).sum())
        self.inf_in = int(np.isinf(values).sum())
        self.zero_in = int((values == 0).sum())
        self.numbers = values[np.isfinite(values) & (values != 0)]
        self.squares_cache = {}

    def empty_outcome(self):
        return Outcome(self.elements, self.zero_in, self.nan_in, self.inf_in)


CHUNK = 1 << 16


def classify(rounded, target):
    """0 flushed, 1 subnormal, 2 normal, for finite results."""
    magnitude = np.abs(rounded)
    return (magnitude > 0).astype(np.int64) + (magnitude >= target.min_normal)


def measure_fast(source, target, scale_log2):
    """Nearest-even, ieee overflow, sources of at most 24 bits. x' - x is then exact in float64: a multiple of x's last
    place, no larger than x; and so are its square and x's (48 bits, exponents above -300)."""
    assert source.narrow
    outcome = source.empty_outcome()
    errors, squares = ExactSums(1), ExactSums(3)
    kept = []
    for begin in range(0, source.numbers.size, CHUNK):
        x = source.numbers[begin : begin + CHUNK]
        rounded = cast(x * 2.0**scale_log2, target)
        finite = np.isfinite(rounded)
        kept.append(finite)
        if not finite.all():
            outcome.counts["overflowed"] += int((~finite).sum())
            x, rounded = x[finite], rounded[finite]
        error = rounded * 2.0**-scale_log2 - x
        group = classify(rounded, target)
        for name, count in zip(CLASSES, np.bincount(group, minlength=3)):
            outcome.counts[name] += int(count)
        outcome.counts["exact"] += int((error == 0).sum())
        errors.add(error, 0)
        squares.add(error * error, group)
    ((positive, negative),) = errors.totals()
    outcome.sum_abs, outcome.sum_signed = (positive + negative) * UNIT, (positive - negative) * UNIT
    for name, (total, _) in zip(ERROR_CLASSES, squares.totals()):
        outcome.squared[name] = total * UNIT
    outcome.sum_x_squared = sum_of_squares(source, np.concatenate(kept) if kept else np.zeros(0, bool))
    return outcome


def sum_of_squares(source, keep):
    left_out = int((~keep).sum())
    if left_out not in source.squares_cache:  # overflow is a threshold: how many overflow settles which
        x = source.numbers if left_out == 0 else source.numbers[keep]
        sums = ExactSums(1)
        for begin in range(0, x.size, CHUNK):
            sums.add(np.square(x[begin : begin + CHUNK]), 0)
        source.squares_cache[left_out] = sums.totals()[0][0] * UNIT
    return source.squares_cache[left_out]


def measure_exact(source, target, scale_log2, rounding="nearest_even", saturate=False):
    """Any source and rule, in rationals, one element at a time."""
    outcome = source.empty_outcome()
    # Far below every smallest number all magnitudes round alike; this one survives the scale.
    tiny = np.abs(source.numbers) < 2.0**-900
    with np.errstate(over="ignore"):
        y = np.ldexp(np.where(tiny, np.copysign(2.0**-900, source.numbers), source.numbers), scale_log2)
    rounded = round_formula(y, target, rounding)
    over = np.isinf(rounded)
    clipped = over & (saturate | stays_finite(y, target, rounding))
    group = np.where(clipped, 3, np.where(over, 4, classify(rounded, target)))
    rounded = np.where(over, np.copysign(target.largest, y), rounded)
    scale = Fraction(2) ** scale_log2
    for x, r, g in zip(source.numbers.tolist(), rounded.tolist(), group.tolist()):
        outcome.counts[CLASSES[g]] += 1
        if g == 4:
            continue
        exact_x = Fraction(x)
        error = Fraction(r) / scale - exact_x
        outcome.counts["exact"] += error == 0
        outcome.sum_abs += abs(error)
        outcome.sum_signed += error
        outcome.sum_x_squared += exact_x * exact_x
        outcome.squared[CLASSES[g]] += error * error
    return outcome


def stays_finite(y, target, rounding):
    """IEEE 754-2019 7.4: what a mode that rounds towards zero takes from beyond the range becomes the largest number.
    Of that number and the code after it to_odd takes the odd one."""
    largest_is_odd = target.largest != 448  # E4M3's code is even, NaN's odd; the others end in ones
    directions = {
        "toward_zero": np.ones(y.shape, bool),
        "toward_positive": y < 0,
        "toward_negative": y > 0,
        "to_odd": np.full(y.shape, largest_is_odd),
    }
    return directions.get(rounding, np.zeros(y.shape, bool))
