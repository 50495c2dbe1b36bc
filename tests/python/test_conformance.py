# SPDX-License-Identifier: Apache-2.0
"""precision-audit's JSON against NumPy, ml_dtypes and exact sums: every count equal, every sum to 1e-12."""

import math
import sys
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from dump_files import read_dump, widen
from reference import CLASSES, ERROR_CLASSES, ROUND_INTEGRAL, TARGETS, Outcome, Source, measure_exact, measure_fast

SCALES = range(-8, 33)
FORMATS = ("fp16", "bf16", "e4m3", "e5m2")
GRID = ("--formats", ",".join(FORMATS), "--scales", "-8:32")
RELATIVE = Fraction(1, 10**12)
SMALLEST_NORMAL = Fraction(sys.float_info.min)  # below it a double has fewer bits, or none


def close(got, exact):
    return got is not None and abs(Fraction(got) - exact) <= max(RELATIVE * abs(exact), RELATIVE * SMALLEST_NORMAL)


def check_number(error, name, exact):
    """The JSON number, or null with its reason where no double is large enough."""
    if abs(exact) > Fraction(sys.float_info.max):
        assert error[name] is None and error[name + "_reason"]
    else:
        assert close(error[name], exact), name


def ratio(part, whole):
    return part / whole if whole else None


def check_error(got, want):
    check_number(got, "sum_abs", want.sum_abs)
    check_number(got, "sum_squared", want.sum_squared)
    if want.measured:
        check_number(got, "bias", want.sum_signed / want.measured)
    else:
        assert not got["bias"]  # the mean of no elements: 0 or null
    if want.sum_squared and want.sum_x_squared and not want.counts["overflowed"]:
        snr = want.sum_x_squared / want.sum_squared
        log2 = snr.numerator.bit_length() - snr.denominator.bit_length()
        exact_db = 10 * (math.log10(snr / Fraction(2) ** log2) + log2 * math.log10(2))
        assert got["snr_db"] == pytest.approx(exact_db, rel=0, abs=1e-9)
    else:
        assert got["snr_db"] is None
        assert got["snr_db_reason"]
    check_shares(got["share_of_squared"], want)


def check_shares(got, want):
    if not want.sum_squared:
        return
    for name in ERROR_CLASSES:
        assert close(got[name], want.squared[name] / want.sum_squared), name
    assert sum(got.values()) == pytest.approx(1, rel=0, abs=1e-12)


def check_outcome(got, want):
    for name in ("elements", "zero_in", "nan_in", "inf_in"):
        assert got[name] == getattr(want, name), name
    assert {name: got["counts"][name] for name in want.counts} == want.counts
    nonzero = sum(want.counts[name] for name in CLASSES)
    assert want.elements == nonzero + want.zero_in + want.nan_in + want.inf_in
    rates, counts = got["rates"], want.counts
    assert rates["flushed_of_all"] == ratio(counts["flushed"], want.elements)
    assert rates["flushed_of_nonzero"] == ratio(counts["flushed"], nonzero)
    assert rates["subnormal_of_nonzero"] == ratio(counts["subnormal"], nonzero)
    assert rates["overflowed_of_nonzero"] == ratio(counts["overflowed"], nonzero)
    check_error(got["error"], want)


def measure_tensor(tensor):
    """Outcome per (format, scale)."""
    narrow = tensor.values.dtype.itemsize < 8
    source = Source(widen(tensor.values), narrow)
    measure = measure_fast if narrow else measure_exact
    return {(f, k): measure(source, TARGETS[f], k) for f in FORMATS for k in SCALES}


def measure_all(tensors):
    with ProcessPoolExecutor(2) as pool:
        largest_first = sorted(range(len(tensors)), key=lambda i: -tensors[i].values.size)
        done = dict(zip(largest_first, pool.map(measure_tensor, [tensors[i] for i in largest_first])))
    return [done[i] for i in range(len(tensors))]


def outcomes_of(report, scope):
    found = {}
    for o in report["outcomes"]:
        if o["scope"] == scope:
            assert (o["rounding"], o["overflow"]) == ("nearest_even", "ieee")
            key = (o["name"] if scope == "tensor" else None, o["format"], o["scale_log2"])
            assert key not in found, f"twice: {key}"
            found[key] = o
    return found


def check_file(command, path, *options, tensors=None):
    tensors = read_dump(path) if tensors is None else tensors
    measured = measure_all(tensors)
    by_tensor = outcomes_of(command.json(path, *GRID, "--by", "tensor", *options), "tensor")
    assert len(by_tensor) == len(tensors) * len(FORMATS) * len(SCALES)
    for tensor, outcomes in zip(tensors, measured):
        for (name, scale), want in outcomes.items():
            check_outcome(by_tensor[tensor.name, name, scale], want)
    total = outcomes_of(command.json(path, *GRID, *options), "total")
    assert len(total) == len(FORMATS) * len(SCALES)
    for key in measured[0]:
        check_outcome(total[(None, *key)], sum((outcomes[key] for outcomes in measured), Outcome()))


def test_real_gradients(command, dump):
    check_file(command, dump)


@pytest.mark.parametrize("name", ["f32-step0003.safetensors", "narrow.safetensors", "f64.safetensors", "deflated.npz"])
def test_made_dumps(command, made, name):
    check_file(command, made[name])


def test_made_raw_and_npy_dumps(command, made):
    edges = [t for t in read_dump(made["f32-step0003.safetensors"]) if t.name == "edges"]
    for name, options in (("edges.npy", ()), ("edges.raw", ("--dtype", "f32"))):
        want = measure_tensor(edges[0])
        total = outcomes_of(command.json(made[name], *GRID, *options), "total")
        for key, outcome in want.items():
            check_outcome(total[(None, *key)], outcome)


@pytest.mark.parametrize("rounding", ROUND_INTEGRAL)
@pytest.mark.parametrize("overflow", ["ieee", "saturate"])
def test_other_rules(command, made, rounding, overflow):
    """The made edges under every rounding mode and overflow rule, scale by scale, in rationals."""
    path = made["edges.npy"]
    source = Source(widen(read_dump(path)[0].values), narrow=True)
    report = command.json(path, *GRID, "--rounding", rounding, "--overflow", overflow)
    found = {(o["format"], o["scale_log2"]): o for o in report["outcomes"] if o["scope"] == "total"}
    for scale in (-8, 0, 1, 15, 32):
        for name in FORMATS:
            got = found[name, scale]
            assert (got["rounding"], got["overflow"]) == (rounding, overflow)
            check_outcome(got, measure_exact(source, TARGETS[name], scale, rounding, overflow == "saturate"))


def test_tensor_facts(command, made):
    path = made["f32-step0003.safetensors"]
    report = command.json(path, "--by", "tensor")
    assert report["schema_version"] == 2
    (entry,) = report["inputs"]
    tensors = read_dump(path)
    assert entry["format"] == "safetensors"
    assert entry["bytes"] == path.stat().st_size
    assert entry["elements"] == sum(t.values.size for t in tensors)
    listed = {t["name"]: t for t in report["tensors"]}
    assert list(listed) == [t.name for t in tensors]
    for t in tensors:
        values = widen(t.values)
        finite = np.abs(values[np.isfinite(values)])
        got = listed[t.name]
        assert (got["step"], got["shape"], got["dtype"]) == (3, list(t.values.shape), "f32")
        assert got["elements"] == values.size
        assert (got["zero_in"], got["nan_in"], got["inf_in"]) == (
            (values == 0).sum(), np.isnan(values).sum(), np.isinf(values).sum())
        assert (got["max_abs"] or 0) == (finite.max() if finite.size else 0)
        nonzero = finite[finite > 0]
        assert (got["min_nonzero_abs"] or 0) == (nonzero.min() if nonzero.size else 0)
