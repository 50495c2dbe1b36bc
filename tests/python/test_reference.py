# SPDX-License-Identifier: Apache-2.0
"""The reference is held against itself: casts against the formula, fast sums against rationals."""

import numpy as np
import pytest
from dump_files import DTYPES, read_dump, widen
from make_dumps import edge_values, random_bits
from reference import TARGETS, Source, cast, measure_exact, measure_fast, round_formula

RNG_SEED = 7


def same(a, b):
    return np.array_equal(np.where(np.isnan(a), np.inf, np.abs(a)), np.where(np.isnan(b), np.inf, np.abs(b))) and (
        np.array_equal(np.signbit(a[a == 0]), np.signbit(b[b == 0]))
    )


@pytest.mark.parametrize("name", TARGETS)
def test_casts_agree_with_the_formula(name):
    """A NaN from an overflow counts as infinite: float8_e4m3fn has no Inf."""
    rng = np.random.default_rng(RNG_SEED)
    narrow = np.concatenate([edge_values(), widen(random_bits(rng, DTYPES["F32"], 200_000))])
    for y in (narrow * 2.0**16, narrow * 2.0**-8, random_bits(rng, DTYPES["F64"], 50_000), narrow * (1 + 2.0**-40)):
        y = y[np.isfinite(y)]
        assert same(cast(y, TARGETS[name]), round_formula(y, TARGETS[name]))


def test_ml_dtypes_rounds_twice_from_float64():
    """If this fails the detour in reference.cast may go."""
    y = np.array([1 + 2.0**-4 + 2.0**-40])
    assert y.astype(TARGETS["e4m3"].dtype).astype(np.float64)[0] == 1
    assert cast(y, TARGETS["e4m3"])[0] == 1.125


@pytest.mark.parametrize("name", TARGETS)
def test_known_edges(name):
    limits = {"fp16": (65520, 65519.996), "bf16": ((2 - 2.0**-8) * 2.0**127, None), "e4m3": (464.00003, 464.0),
              "e5m2": (61440, 61439.996)}
    over, under = limits[name]
    assert not np.isfinite(cast(np.array([float(over)]), TARGETS[name]))[0]
    if under is not None:
        assert cast(np.array([under]), TARGETS[name])[0] == TARGETS[name].largest


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("scale_log2", [-8, 0, 16, 32])
def test_fast_sums_are_the_exact_ones(name, scale_log2, made):
    for tensor in read_dump(made["f32-step0003.safetensors"]):
        source = Source(widen(tensor.values)[::3], narrow=True)
        assert measure_fast(source, TARGETS[name], scale_log2) == measure_exact(source, TARGETS[name], scale_log2)
