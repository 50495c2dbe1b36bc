# SPDX-License-Identifier: Apache-2.0
"""Our codes for all FP16 and BF16 inputs against ml_dtypes and gfloat; the digest against its definition."""

import json
import subprocess

import numpy as np
import pytest

ml_dtypes = pytest.importorskip("ml_dtypes")

SOURCES = {"fp16": np.float16, "bf16": ml_dtypes.bfloat16}
# Format, name in ml_dtypes, and where the ieee rules differ from its casts, which the profile ml_dtypes must then match.
FORMATS = {
    "fp16": "float16",
    "bf16": "bfloat16",
    "e4m3": "float8_e4m3fn",
    "e5m2": "float8_e5m2",
    "e4m3fnuz": "float8_e4m3fnuz",
    "e5m2fnuz": "float8_e5m2fnuz",
    "e4m3b11fnuz": "float8_e4m3b11fnuz",
    "e4m3_ieee": "float8_e4m3",
    "e3m4": "float8_e3m4",
    "e3m2": "float6_e3m2fn",
    "e2m3": "float6_e2m3fn",
    "e2m1": "float4_e2m1fn",
    "e8m0": "float8_e8m0fnu",
}


@pytest.fixture(scope="session")
def codes_of(command, tmp_path_factory):
    def codes(source, target, *options):
        path = tmp_path_factory.mktemp("codes") / "codes"
        words = ["verify", "conversions", "--source", source, "--formats", target, "--dump-codes", str(path)]
        for option, usual in (("--modes", "nearest_even"), ("--overflow", "ieee")):
            words += [] if option in options else [option, usual]
        subprocess.run([command.path, *words, *options], check=True)
        return np.fromfile(path, dtype="<u4")

    return codes


def inputs(source):
    return np.arange(1 << 16, dtype=np.uint16).view(SOURCES[source])


def cast_codes(source, target):
    """What ml_dtypes makes of all codes of the source, by way of float32, which holds them all exactly."""
    dtype = np.dtype(getattr(ml_dtypes, FORMATS[target], None) or FORMATS[target])
    with np.errstate(all="ignore"):
        cast = inputs(source).astype(np.float32).astype(dtype)
    return cast.view(np.uint8 if dtype.itemsize == 1 else np.uint16).astype(np.uint32)


def values(target, codes):
    dtype = np.dtype(getattr(ml_dtypes, FORMATS[target], None) or FORMATS[target])
    return codes.astype(np.uint8 if dtype.itemsize == 1 else np.uint16).view(dtype).astype(np.float32)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("target", FORMATS)
def test_profile_ml_dtypes_is_ml_dtypes(codes_of, source, target):
    ours = codes_of(source, target, "--profile", "ml_dtypes")
    theirs = cast_codes(source, target)
    both_nan = np.isnan(values(target, ours)) & np.isnan(values(target, theirs))  # payload and sign are not compared
    differs = (ours != theirs) & ~both_nan
    x = inputs(source).astype(np.float32)
    if target in ("e3m2", "e2m3", "e2m1"):  # a negative NaN becomes +0 there, the profile gives -0 for any NaN
        assert np.array_equal(differs, np.isnan(x) & np.signbit(x))
    elif target == "e8m0":  # from subnormal float32: up a whole binade, although 2^-127 is nearer
        assert np.array_equal(differs, (x > 2.0**-127) & (x < 1.5 * 2.0**-127))
    else:
        wrong = np.flatnonzero(differs)
        assert wrong.size == 0, [(hex(i), hex(ours[i]), hex(theirs[i])) for i in wrong[:3]]


@pytest.mark.parametrize("target", FORMATS)
def test_ieee_rules_differ_from_ml_dtypes_only_where_listed(codes_of, target):
    """tests/oracle/README.md: NaN in FP6 and FP4; ties, zero and negative values in E8M0."""
    ours, theirs = codes_of("fp16", target), cast_codes("fp16", target)
    x = inputs("fp16").astype(np.float32)
    both_nan = np.isnan(values(target, ours)) & np.isnan(values(target, theirs))
    differs = (ours != theirs) & ~both_nan
    if target in ("e3m2", "e2m3", "e2m1"):
        expected = np.isnan(x)
    elif target == "e8m0":
        with np.errstate(all="ignore"):
            significand, exponent = np.frexp(np.abs(x))
        tie_to_even_below = np.isfinite(x) & (x > 0) & (significand == 0.75) & ((exponent - 1 + 127) % 2 == 0)
        expected = (x == 0) | tie_to_even_below
    else:
        expected = np.zeros(x.shape, bool)
    assert np.array_equal(differs, expected)


@pytest.mark.parametrize("target,info", [("fp16", "format_info_binary16"), ("bf16", "format_info_bfloat16"),
                                         ("e4m3", "format_info_ocp_e4m3"), ("e5m2", "format_info_ocp_e5m2"),
                                         ("e3m2", "format_info_ocp_e3m2"), ("e2m3", "format_info_ocp_e2m3"),
                                         ("e2m1", "format_info_ocp_e2m1"), ("binary8p3se", 3), ("binary8p4se", 4)])
@pytest.mark.parametrize("mode,theirs", [("nearest_even", "TiesToEven"), ("nearest_away", "TiesToAway"),
                                         ("toward_zero", "TowardZero"), ("toward_positive", "TowardPositive"),
                                         ("toward_negative", "TowardNegative")])
@pytest.mark.parametrize("saturate", [False, True])
def test_gfloat(codes_of, target, info, mode, theirs, saturate):
    gfloat = pytest.importorskip("gfloat")
    formats = pytest.importorskip("gfloat.formats")
    if not saturate and target in ("e3m2", "e2m3", "e2m1"):
        pytest.skip("gfloat refuses to overflow in formats without Inf and NaN")
    fi = formats.format_info_p3109(8, info) if isinstance(info, int) else getattr(formats, info)
    ours = codes_of("fp16", target, "--modes", mode, "--overflow", "saturate" if saturate else "ieee")
    x = inputs("fp16").astype(np.float64)
    finite = np.isfinite(x)
    rounded = gfloat.round_ndarray(fi, x[finite], getattr(gfloat.RoundMode, theirs), saturate)
    all_values = np.array([gfloat.decode_float(fi, code).fval for code in range(1 << fi.k)])
    got = all_values[ours[finite]]
    same = (got == rounded) & (np.signbit(got) == np.signbit(rounded)) | (np.isnan(got) & np.isnan(rounded))
    wrong = np.flatnonzero(~same)
    assert wrong.size == 0, [(x[finite][i], got[i], rounded[i]) for i in wrong[:3]]


def mix(digest, word):
    mixed = (digest ^ word) * np.uint64(0x9E3779B97F4A7C15)
    return mixed ^ (mixed >> np.uint64(32))


def test_digest_follows_its_definition(command, codes_of):
    """As written down at digest_of; 2^16 codes are one block."""
    words = codes_of("fp16", "e4m3").view("<u8").reshape(-1, 4)
    lanes = np.arange(4, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for row in words:
            lanes = mix(lanes, row)
        block = np.uint64(0)
        for lane in lanes:
            block = mix(block, lane)
        digest = mix(np.uint64(0), block)
    ran = subprocess.run(
        [command.path, "verify", "--source", "fp16", "--formats", "e4m3", "--modes", "nearest_even", "--overflow",
         "ieee", "--output", "json"], capture_output=True, check=True)
    (row,) = json.loads(ran.stdout)["conversions"]
    assert row["digest"] == f"{digest:016x}"
    assert row["recorded"] == "same"
