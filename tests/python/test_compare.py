# SPDX-License-Identifier: Apache-2.0
"""`compare` against NumPy: every count, every quantile and the first divergence are equal, sums are the exact ones."""

import math
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from conftest import ROOT
from dump_files import DTYPES, Tensor, read_dump, widen, write_safetensors
from make_dumps import edge_values, random_bits

SAMPLE = ROOT / "data/samples/unet-step0200.safetensors"
STEPS = sorted((ROOT / "data/samples/chargpt-steps").iterdir())
BESIDE = ROOT.parent / "shared/data/gradients"  # beside the checkout
INTEGERS = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}
PERCENTS = (50, 90, 99)


def places(values, dtype):
    """Where each value stands among the numbers of `dtype`, in ascending order from 0 at zero."""
    with np.errstate(all="ignore"):
        if dtype.itemsize < 4:
            assert np.array_equal(values.astype(np.float32), values)  # else ml_dtypes would round twice
            values = values.astype(np.float32)
        rounded = values.astype(dtype)
    bits = rounded.view(INTEGERS[dtype.itemsize]).astype(np.int64)
    magnitudes = bits & np.int64(np.iinfo(INTEGERS[dtype.itemsize]).max)
    return np.where(bits < 0, -magnitudes, magnitudes)


def distances(a, b):
    """|a - b| as unsigned integers."""
    return np.where(a > b, a.view(np.uint64) - b.view(np.uint64), b.view(np.uint64) - a.view(np.uint64))


def quantiles(values):
    if values.size == 0:
        return dict.fromkeys(("p50", "p90", "p99", "max"))
    if values.dtype == np.uint64:  # np.quantile would pass through float64
        ranks = [-(-percent * values.size // 100) - 1 for percent in PERCENTS]
        found = [int(x) for x in np.sort(values)[ranks]]
    else:
        found = [float(x) for x in np.quantile(values, [p / 100 for p in PERCENTS], method="inverted_cdf")]
    return {**{f"p{p}": x for p, x in zip(PERCENTS, found)}, "max": values.max().item()}


def exact_sum_of_squares(a, b):
    """The sum of (b - a)^2, as a fraction: every value as an integer times one power of two."""
    if a.size == 0:
        return Fraction(0)
    fractions, exponents = np.frexp(np.concatenate([a, b]))
    whole, places = (fractions * 2.0**53).astype(np.int64).tolist(), (exponents - exponents.min()).tolist()
    numbers = [number << place for number, place in zip(whole, places)]
    total = sum((y - x) ** 2 for x, y in zip(numbers[: a.size], numbers[a.size :]))
    return Fraction(total) * Fraction(4) ** (int(exponents.min()) - 53)


def rounded(fraction):
    """To a double; none beyond their range."""
    try:
        return float(fraction)
    except OverflowError:
        return None


def decibels(ratio):
    return 10 * (math.log10(ratio.numerator) - math.log10(ratio.denominator))


def expected(a, b, tolerance=0, dtype=None):
    """Every measure of two arrays of one shape."""
    same_dtype, narrow = a.dtype == b.dtype, dtype or min(a.dtype, b.dtype, key=precision)
    codes = [x.ravel().view(INTEGERS[x.dtype.itemsize]) for x in (a, b)]
    a, b = widen(a), widen(b)
    finite = np.isfinite(a) & np.isfinite(b)
    x, y = a[finite], b[finite]
    apart = distances(places(x, narrow), places(y, narrow))
    with np.errstate(all="ignore"):
        absolute = np.abs(y - x)
        relative = absolute[x != 0] / np.abs(x[x != 0])
    equal_specials = (np.isnan(a) & np.isnan(b)) | (np.isinf(a) & (a == b))
    differing = ~finite & ~equal_specials
    differing[finite] = apart > tolerance
    as_codes = a.view(np.int64) == b.view(np.int64)
    number_a, number_b = ~np.isnan(a), ~np.isnan(b)
    counts = {
        "elements": a.size,
        "finite": finite.sum(),
        "differing": differing.sum(),
        "equal_bits": (codes[0] == codes[1] if same_dtype else as_codes | (np.isnan(a) & np.isnan(b))).sum(),
        "sign_flips": (((a < 0) & (b > 0)) | ((a > 0) & (b < 0))).sum(),
        "lost": ((b == 0) & (a != 0) & number_a).sum(),
        "gained": ((a == 0) & (b != 0) & number_b).sum(),
        "nan_a": (~number_a).sum(),
        "nan_b": (~number_b).sum(),
        "nan_only_a": (~number_a & number_b).sum(),
        "nan_only_b": (~number_b & number_a).sum(),
        "inf_only_a": (np.isinf(a) & ~np.isinf(b)).sum(),
        "inf_only_b": (np.isinf(b) & ~np.isinf(a)).sum(),
    }
    found = {name: int(count) for name, count in counts.items()}
    found |= {"ulps": quantiles(apart), "absolute": quantiles(absolute), "relative": quantiles(relative)}
    found |= {"largest_a": float(np.abs(x).max(initial=0)), "largest_b": float(np.abs(y).max(initial=0))}
    signal, noise = exact_sum_of_squares(np.zeros_like(x), x), exact_sum_of_squares(x, y)
    found |= {"sum_squared": rounded(signal), "sum_squared_difference": rounded(noise)}
    alone = bool((~finite & ~equal_specials).any())
    found["snr_db"] = decibels(signal / noise) if signal and noise and not alone else None
    where = np.flatnonzero(differing)
    found["first"] = None if where.size == 0 else (int(where[0]), a[where[0]], b[where[0]])
    return found


def precision(dtype):
    bits = ml_dtypes.finfo(dtype)
    return bits.nmant, dtype.itemsize


def check_row(row, truth):
    for key in truth:
        if key == "snr_db":
            if truth[key] is None:
                assert row[key] is None
            else:
                assert row[key] == pytest.approx(truth[key], rel=1e-13, abs=1e-11)
        elif key == "first":
            check_first(row["first"], truth[key])
        elif isinstance(truth[key], dict):
            assert {k: row[key][k] for k in truth[key]} == truth[key], (row["name"], key)
        else:
            assert row[key] == truth[key], (row["name"], key)


def check_first(found, wanted):
    if wanted is None:
        assert found["index"] is None
        return
    index, a, b = wanted
    assert found["index"] == index
    for side, value in (("a", a), ("b", b)):
        assert found[side] == (value if np.isfinite(value) else None)


def check(command, a, b, *options, tolerance=0, dtype=None):
    """Both dumps hold the same names with the same shapes."""
    document = command.json("compare", str(a), str(b), *options)
    of_b = {tensor.name: tensor.values for tensor in read_dump(b)}
    tensors = read_dump(a)
    assert [row["name"] for row in document["tensors"]] == [tensor.name for tensor in tensors]
    first = None
    for row, tensor in zip(document["tensors"], tensors):
        truth = expected(tensor.values, of_b[tensor.name], tolerance, dtype)
        check_row(row, truth)
        if truth["first"] is not None and first is None:
            first = (tensor.name, truth["first"])
    found = document["comparison"]["first"]
    assert found["name"] == (first and first[0])
    check_first(found, first and first[1])
    for key in ("elements", "differing", "lost", "gained", "sign_flips", "equal_bits"):
        assert document["comparison"][key] == sum(row[key] for row in document["tensors"])
    return document


def small(folder, name, change):
    """A copy of the sample, a slice of each tensor, after `change`."""
    tensors = [Tensor(t.name, np.ascontiguousarray(change(t.values))) for t in read_dump(SAMPLE)]
    path = folder / name
    write_safetensors(path, tensors, {"step": "200"})
    return path


def test_two_steps(command):
    check(command, STEPS[0], STEPS[-1])


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e5m2])
def test_a_copy_in_fewer_bits_is_within_half_an_ulp(command, tmp_path, dtype):
    def narrow(values):
        with np.errstate(over="ignore"):
            return values.astype(dtype)

    copy = small(tmp_path, "copy.safetensors", narrow)
    document = check(command, SAMPLE, copy)
    assert document["comparison"]["differing"] == 0
    assert document["comparison"]["equal_bits"] < document["comparison"]["elements"]
    check(command, copy, SAMPLE, "--ulp-format", "fp32", dtype=np.dtype(np.float32))


def test_a_planted_first_divergence(command, tmp_path):
    names = [tensor.name for tensor in read_dump(SAMPLE)]
    planted = names[len(names) // 2]
    tensors = read_dump(SAMPLE)
    for tensor in tensors:
        tensor.values = tensor.values.copy()
        if tensor.name >= planted:
            flat = tensor.values.reshape(-1)
            flat[5] = np.nextafter(flat[5], np.float32(np.inf))
    path = tmp_path / "planted.safetensors"
    write_safetensors(path, tensors, {"step": "200"})
    changed = [tensor.name for tensor in tensors if tensor.name >= planted]
    document = check(command, SAMPLE, path)
    assert document["comparison"]["first"]["name"] == changed[0]
    assert (document["comparison"]["first"]["index"], document["comparison"]["first"]["ulps"]) == (5, 1)
    assert document["comparison"]["differing"] == len(changed)
    document = check(command, SAMPLE, path, "--tolerance", "1", tolerance=1)
    assert document["comparison"]["first"]["name"] is None


@pytest.mark.parametrize("name", ["F32", "F64", "F16", "BF16", "F8_E4M3", "F8_E5M2"])
def test_any_bits(command, tmp_path, name):
    """Random codes: NaN, Inf, subnormals, every magnitude."""
    rng = np.random.default_rng(5)
    a = random_bits(rng, DTYPES[name], 3000)
    b = a.copy()
    b[::2] = random_bits(rng, DTYPES[name], 1500)
    if name == "F32":
        edges = edge_values().astype(np.float32)
        a, b = np.concatenate([a, edges]), np.concatenate([b, edges[::-1]])
    for file, values in (("a", a), ("b", b)):
        write_safetensors(tmp_path / f"{file}.safetensors", [Tensor("w", values), Tensor("none", values[:0])])
    document = command.json("compare", str(tmp_path / "a.safetensors"), str(tmp_path / "b.safetensors"))
    truth = expected(a, b)
    if name == "F64":  # differences beyond the range of a double are no numbers in JSON
        for key in ("absolute", "relative"):
            truth[key] = {k: None if v is not None and math.isinf(v) else v for k, v in truth[key].items()}
    check_row(document["tensors"][0], truth)
    assert document["tensors"][1]["ulps"]["p50"] is None


def test_the_dumps_beside(command, tmp_path):
    """Steps 50 and 200 of the U-Net, and the FP16 copy of one."""
    step50, step200 = BESIDE / "unet-step0050.safetensors", BESIDE / "unet-step0200.safetensors"
    if not step200.exists():
        pytest.skip(f"{step200} is not here")
    check(command, step50, step200)
    copy = tmp_path / "copy.safetensors"
    with np.errstate(over="ignore"):
        write_safetensors(copy, [Tensor(t.name, t.values.astype(np.float16)) for t in read_dump(step200)])
    check(command, step200, copy)


def test_threads_and_read_sizes_change_nothing(command):
    words = ["compare", str(STEPS[0]), str(STEPS[-1])]
    one = command.run(*words, "--threads", "1")
    assert one == command.run(*words, "--threads", "3", chunk_bytes=777)
