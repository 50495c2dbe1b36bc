# SPDX-License-Identifier: Apache-2.0
"""The Python module against the program and against the arrays' own libraries: the same JSON, the same bits, no copies."""

import ast
import gc
import html
import json
import os
import pickle
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

import numpy as np
import pytest

pa = pytest.importorskip("precision_audit", reason="the package is not installed: pip install . (tools/dev test does)")
ml_dtypes = pytest.importorskip("ml_dtypes")
core = pytest.importorskip("precision_audit._core")

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data/samples/unet-step0200.safetensors"
STEPS = ROOT / "data/samples/chargpt-steps"
ML = {"bfloat16": ml_dtypes.bfloat16, "float8_e4m3fn": ml_dtypes.float8_e4m3fn, "float8_e5m2": ml_dtypes.float8_e5m2}
INPUTS = [np.float64, np.float32, np.float16, *ML.values()]


def values(count=4097, seed=1):
    """Every kind of value: normals of all sizes, subnormals, zeros of both signs, Inf, NaN."""
    bits = np.random.default_rng(seed).integers(0, 2**32, count, dtype=np.uint32)
    made = bits.view(np.float32).copy()
    made[:6] = [0.0, -0.0, np.inf, -np.inf, np.nan, 2.0**-149]
    return made


def small(count=4096, seed=2):
    """Values as gradients have them."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(count) * 2.0 ** rng.integers(-30, 3, count)).astype(np.float32)


def bits(array):
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")


def torch_module():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


# The program and the module


@pytest.mark.parametrize("options", [
    {},
    {"formats": "fp16,e2m3", "scales": (0, 4), "by": "tensor"},
    {"formats": ["bf16", "e5m2"], "rounding": "toward_zero", "overflow": "saturate", "counts_only": True, "by": "step"},
    {"select": ["act_grad/*", "grad/head*"], "policy": "range", "min_snr": 30, "headroom": 2, "threads": 1},
    {"fail_on": ["flushed>1@fp16:1", "nan_in>0"], "dump_scale": 2**10},
])  # fmt: skip
def test_audit_is_the_program(command, options):
    words = []
    for key, value in options.items():
        name = "--" + key.replace("_", "-")
        if value is True:
            words.append(name)
        elif key == "scales":
            words += [f"{name}={value[0]}:{value[1]}"]
        elif key in ("select", "fail_on"):
            words += [f"{name}={item}" for item in value]
        else:
            words.append(f"{name}={','.join(value) if isinstance(value, list) else value}")
    answer = pa.audit(SAMPLE, **options)
    done = subprocess.run([command.path, str(SAMPLE), "--output=json", *words], capture_output=True, check=False)
    assert answer.to_json().encode() == done.stdout
    assert answer.to_dict() == json.loads(done.stdout)
    assert answer.is_finding == (done.returncode == 1)
    wide = {**os.environ, "COLUMNS": "100"}
    text = subprocess.run([command.path, str(SAMPLE), *words], capture_output=True, check=False, env=wide).stdout
    assert answer.to_text(100).encode() == text
    svg = subprocess.run([command.path, str(SAMPLE), "--output=svg", *words], capture_output=True, check=False).stdout
    assert answer.to_svg().encode() == svg


@pytest.mark.parametrize("name, words, ask", [
    ("plan", ["--snr=30"], lambda: pa.plan(SAMPLE, snr=30)),
    ("recipes", ["--recipes=nvfp4-te,mx-rceil", "--by=tensor"], lambda: pa.recipes(SAMPLE, recipes=["nvfp4-te", "mx-rceil"], by="tensor")),
    ("replay", ["--scaler=torch,apex-amp", "--steps=9"], lambda: pa.replay(SAMPLE, scaler=["torch", "apex-amp"], steps=9)),
    ("accumulate norm", [], lambda: pa.ask("accumulate norm", SAMPLE)),
])  # fmt: skip
def test_other_questions_are_the_program(command, name, words, ask):
    done = subprocess.run([command.path, *name.split(), str(SAMPLE), "--output=json", *words], capture_output=True, check=True)
    assert ask().to_json().encode() == done.stdout


def test_without_a_dump(command):
    done = subprocess.run([command.path, "recipes", "--list", "--output=json"], capture_output=True, check=True)
    assert pa.recipes(list=True).to_json().encode() == done.stdout
    maxima = ROOT / "data/samples/vae-maxima.csv"
    done = subprocess.run([command.path, "replay", f"--maxima={maxima}", "--output=json"], capture_output=True, check=True)
    assert pa.replay(maxima=maxima).to_json().encode() == done.stdout


def test_compare(command):
    paths = [STEPS / "step0001.safetensors", STEPS / "step0600.safetensors"]
    done = subprocess.run([command.path, "compare", *paths, "--output=json", "--tolerance=3"], capture_output=True, check=True)
    assert pa.compare(*paths, tolerance=3).to_json().encode() == done.stdout
    dumps = [pa.open(path) for path in paths]
    arrays = {row.name: dumps[1].array(row.name) for row in dumps[1].tensors}
    def without_paths(document):
        kept = {key: value for key, value in document.items() if key not in ("inputs", "tool")}
        kept["steps"] = [{key: value for key, value in row.items() if not key.startswith("path")} for row in kept["steps"]]
        return kept

    for pair in [dumps, [paths[0], dumps[1]], [dumps[0], {600: arrays}]]:
        assert without_paths(pa.compare(*pair, tolerance=3).to_dict()) == without_paths(json.loads(done.stdout))
    assert not pa.compare(arrays, arrays, fail_on="differing>0").is_finding


def test_page(command, tmp_path):
    page = tmp_path / "page.html"
    subprocess.run([command.path, str(SAMPLE), "--report", str(page)], capture_output=True, check=True)
    assert pa.audit(SAMPLE, page=True).to_page() == page.read_text()
    subprocess.run([command.path, "plan", str(SAMPLE), "--report", str(page)], capture_output=True, check=True)
    assert pa.plan(SAMPLE).to_page() == page.read_text()


def test_every_measure_is_an_attribute():
    answer = pa.audit(SAMPLE, formats="fp16", scales=(0, 1), by="tensor")
    assert {"flushed", "subnormal", "overflowed", "flushed_of_nonzero", "snr_db"} <= {m.name for m in pa.measures()}
    for outcome in answer.outcomes:
        for measure in [row for row in pa.measures() if row.key]:
            held = outcome.to_dict()
            for key in measure.key.split("."):
                held = held[key] if held is not None else None
            assert getattr(outcome, measure.name) == held, measure.name
    total = answer.at("fp16", 2)
    assert total.flushed == 28358 and total.scope == "total"
    assert answer.at("fp16", 2, tensor="grad/head.weight").elements == 176
    with pytest.raises(KeyError):
        answer.at("fp16", 3)
    with pytest.raises(AttributeError, match="no flush here, but"):
        total.flush  # noqa: B018


def test_recommendations():
    found = pa.recommend(SAMPLE)
    assert set(found) == {"fp16", "bf16", "e4m3", "e5m2"}
    assert found["fp16"].init_scale == 65536 and found["fp16"].verdict.startswith("Keep GradScaler's default 65536")
    assert found["e4m3"].to_dict() == pa.audit(SAMPLE).to_dict()["recommendations"][2]


def test_reasons_of_what_is_not_known():
    empty = pa.audit({"x": np.zeros(0, np.float32)}, formats="fp16", scales=(0, 0)).at("fp16")
    assert empty.elements == 0 and empty.flushed_of_nonzero is None and empty.why("flushed_of_nonzero") == "no elements"
    assert empty.why("flushed") is None


def test_notebooks_and_frames():
    answer = pa.audit(SAMPLE, formats="fp16")
    bundle = answer._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "text/markdown", "image/svg+xml"}
    assert bundle["text/plain"] == str(answer) and bundle["image/svg+xml"] == answer.to_svg()
    assert answer._repr_html_().startswith("<svg") or "<svg" in answer._repr_html_()[:200]
    assert set(answer._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}
    assert "image/svg+xml" not in pa.cast(1.5, "fp16")._repr_mimebundle_()
    page = pa.audit(SAMPLE, formats="fp16", page=True)
    frame = page._repr_html_()
    assert frame.startswith("<iframe ") and "sandbox" in frame and html.unescape(frame.split('srcdoc="')[1].split('">')[0]) == page.to_page()
    assert repr(answer).startswith("<Audit: fp16  Keep GradScaler's default 65536")
    with pytest.raises(KeyError, match="no records 'outcome', but tool, inputs, tensors, outcomes"):
        answer.records("outcome")
    for library in ("pandas", "polars"):
        if _has(library):
            frame = answer.to_frame("outcomes", library)
            assert list(frame["counts.flushed"]) == [row.flushed for row in answer.outcomes]
    if not _has("pandas") and not _has("polars"):
        with pytest.raises(ImportError, match="pip install pandas"):
            answer.to_frame()


def _has(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True


# Arrays


def dump_arrays():
    dump = pa.open(SAMPLE)
    return {row.name: dump.array(row.name) for row in dump.tensors}


def without_sources(document):
    """Tensors without where they lie: the same elements from a file and from memory."""
    kept = {key: value for key, value in document.items() if key not in ("inputs", "tool")}
    kept["tensors"] = [{key: value for key, value in row.items() if key not in ("path", "step")} for row in kept["tensors"]]
    return json.loads(json.dumps(kept).replace('"step": 200', '"step": null'))


def test_arrays_are_counted_as_the_file_is():
    arrays = dump_arrays()
    assert len(arrays) == 28 and sum(a.size for a in arrays.values()) == 111252
    assert without_sources(pa.audit({200: arrays}).to_dict()) == without_sources(pa.audit(SAMPLE).to_dict())
    assert pa.audit({200: arrays}).at("fp16", 1) == pa.audit(arrays).at("fp16", 1)


@pytest.mark.parametrize("dtype", INPUTS, ids=lambda d: np.dtype(d).name)
def test_every_element_type_is_read(dtype, tmp_path):
    array = values().astype(dtype)
    got = pa.audit({"x": array}, formats="e5m2", scales=(-3, 3))
    path = tmp_path / "x.bin"
    path.write_bytes(array.tobytes())
    want = pa.ask("audit", path, reader="raw", dtype={"float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16",
                  "float8_e4m3fn": "f8_e4m3", "float8_e5m2": "f8_e5m2"}[np.dtype(dtype).name], formats="e5m2", scales=(-3, 3))  # fmt: skip
    assert got.to_dict()["outcomes"] == want.to_dict()["outcomes"]
    assert got.tensors[0].dtype == want.records("tensors")[0].dtype


@pytest.mark.parametrize("dtype", INPUTS, ids=lambda d: np.dtype(d).name)
def test_numpy_and_ml_dtypes_are_not_copied(dtype):
    array = small().astype(dtype)
    address, name, elements = core.lent(*pa._arrays.lend(array))
    assert (address, name, elements) == (array.ctypes.data, np.dtype(dtype).name, array.size)
    array.flags.writeable = False
    assert core.lent(*pa._arrays.lend(array))[0] == array.ctypes.data


def test_torch_is_not_copied():
    torch = torch_module()
    for name in ("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"):
        tensor = torch.from_numpy(small()).to(getattr(torch, name))
        assert core.lent(*pa._arrays.lend(tensor)) == (tensor.data_ptr(), name, tensor.numel())
        assert core.lent(*pa._arrays.lend(tensor.t()))[0] == tensor.data_ptr()
    parameter = torch.nn.Parameter(torch.ones(3))
    assert core.lent(*pa._arrays.lend(parameter))[0] == parameter.data_ptr()
    tensor = torch.from_numpy(small())
    rounded = pa.round(tensor, "e4m3")
    assert torch.is_tensor(rounded) and rounded.dtype == torch.float32
    assert (rounded.numpy().view(np.uint32) == bits(pa.round(tensor.numpy(), "e4m3"))).all()
    place = torch.empty_like(tensor)
    assert pa.round(tensor, "e4m3", out=place) is place and torch.equal(place, rounded)
    assert torch.equal(pa.encode(tensor.bfloat16(), "bf16"), tensor.bfloat16().view(torch.uint16))
    mine = pa.round(tensor, "e5m2").to(torch.float8_e5m2)
    assert torch.equal(mine.view(torch.uint8), tensor.to(torch.float8_e5m2).view(torch.uint8))
    with pytest.raises(TypeError, match="x is on meta: wanted an array in the processor's memory"):
        pa.audit({"x": torch.empty(3, device="meta")})
    with pytest.raises(TypeError, match=r"x: wanted float64, .* found torch\.int32"):
        pa.audit({"x": torch.zeros(3, dtype=torch.int32)})


class Dlpack:
    """Speaks DLPack and nothing else."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class Arrayed:
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


def test_protocols():
    array = small()
    assert core.lent(*pa._arrays.lend(Dlpack(array)))[0] == array.ctypes.data
    assert core.lent(*pa._arrays.lend(Arrayed(array)))[0] == array.ctypes.data
    want = pa.audit({"x": array}).to_dict()
    assert pa.audit({"x": Dlpack(array)}).to_dict() == want == pa.audit({"x": Arrayed(array)}).to_dict()


def test_any_order_and_stride_is_counted():
    array = small(6 * 8 * 10).reshape(6, 8, 10)
    views = {
        "transposed": array.transpose(2, 0, 1), "every second": array[::2, :, 1::3], "repeated": np.broadcast_to(array[:, :, :1], (6, 8, 10)),
        "scalar": array[1, 2, 3], "none": array[:0], "Fortran": np.asfortranarray(array),
    }  # fmt: skip
    for name, view in views.items():
        assert pa.audit({name: view}).to_dict()["outcomes"] == pa.audit({name: np.array(view)}).to_dict()["outcomes"], name
        if view.ndim and view.size:
            copied = pa.recipes({name: np.ascontiguousarray(view)}, recipes="mx-rceil-te-e4m3").to_dict()
            assert pa.recipes({name: view}, recipes="mx-rceil-te-e4m3").to_dict() == copied, name


def test_what_is_not_taken():
    cases = [
        (np.zeros(3, np.int32), TypeError, "x: wanted float64, float32, float16, bfloat16, float8_e4m3fn or float8_e5m2, found int32"),
        (np.zeros(3, ">f4"), TypeError, "x is big-endian: wanted the machine's byte order"),
        (np.zeros(3, np.complex64), TypeError, "found complex64"),
        (np.zeros(3, ml_dtypes.float8_e4m3fnuz), TypeError, "found float8_e4m3fnuz"),
        (np.zeros(3, "f4,f4"), TypeError, "x: wanted an array of float64"),
        (None, TypeError, "x: wanted an array .* found NoneType"),
        ([1.0], TypeError, "x: wanted an array .* found list"),
        (np.zeros(9, np.float32)[::-1], ValueError, r"x is stored backwards \(a negative stride\): wanted a copy of it"),
        (np.lib.stride_tricks.as_strided(np.zeros(9, np.float32), (4, 3), (8, 4)), ValueError, "x overlaps itself: wanted a copy"),
    ]  # fmt: skip
    for array, kind, sentence in cases:
        with pytest.raises(kind, match=sentence):
            pa.audit({"x": array})
    with pytest.raises(TypeError, match="wanted paths, .* found int"):
        pa.audit(3)
    with pytest.raises(ValueError, match=r"formats: wanted .*found 'fp17'"):
        pa.audit(SAMPLE, formats="fp17")
    with pytest.raises(ValueError, match="unknown option --formas; did you mean '--formats'"):
        pa.ask("audit", SAMPLE, formas="fp16")
    with pytest.raises(ValueError, match="wanted one of audit"):
        pa.ask("audits", SAMPLE)
    with pytest.raises(pa.InputError, match="missing.npy"):
        pa.audit("missing.npy")
    assert issubclass(pa.InputError, OSError) and issubclass(pa.InputError, ValueError)
    with pytest.raises(pa.InputError, match="this question needs the dump itself"):
        pa.plan(pa.summarize(SAMPLE))


# Rounding


@pytest.mark.parametrize("name, theirs", [
    ("fp16", np.float16), ("bf16", ml_dtypes.bfloat16), ("e4m3", ml_dtypes.float8_e4m3fn), ("e5m2", ml_dtypes.float8_e5m2),
    ("e4m3fnuz", ml_dtypes.float8_e4m3fnuz), ("e5m2fnuz", ml_dtypes.float8_e5m2fnuz), ("e3m4", ml_dtypes.float8_e3m4),
    ("e4m3_ieee", ml_dtypes.float8_e4m3), ("e4m3b11fnuz", ml_dtypes.float8_e4m3b11fnuz),
])  # fmt: skip
def test_round_and_encode_as_their_libraries(name, theirs):
    for array in (values(), small()):
        with np.errstate(all="ignore"):
            want = array.astype(theirs)
            back = want.astype(np.float32)
        nan = np.isnan(array) | np.isnan(back)
        assert (bits(pa.round(array, name))[~nan] == bits(back)[~nan]).all()
        assert np.isnan(pa.round(array, name)[nan]).all()
        codes = pa.encode(array, name)
        assert codes.dtype == np.dtype(f"u{want.dtype.itemsize}") and (codes[~nan] == bits(want)[~nan]).all()
        assert (bits(pa.decode(codes, name)) == bits(pa.round(array, name))).all()


@pytest.mark.parametrize("dtype", INPUTS, ids=lambda d: np.dtype(d).name)
def test_round_keeps_the_element_type(dtype):
    with np.errstate(all="ignore"):
        array = values().reshape(17, 241).astype(dtype)
        wide = array.astype(np.float64)
        for name in ("e2m1", "e4m3", "e5m2"):
            got = pa.round(array, name, overflow="saturate")
            want = pa.round(wide, name, overflow="saturate").astype(dtype)
            assert got.dtype == array.dtype and got.shape == array.shape
            nan = np.isnan(wide) & (name != "e2m1")  # which has no NaN
            assert (bits(got)[~nan] == bits(want)[~nan]).all() and np.isnan(got[nan].astype(np.float32)).all()
            assert (pa.encode(array, name, overflow="saturate") == pa.encode(wide, name, overflow="saturate")).all()


def test_scale_is_exact():
    array = values()
    for name, log2 in (("fp16", 16), ("e4m3", -9), ("e5m2", 3), ("bf16", 100)):
        scale = 2.0**log2
        scaled = array.astype(np.float64) * scale  # exact: float64 has the range
        want = (pa.round(scaled, name) / scale).astype(np.float32)
        got = pa.round(array, name, scale=scale)
        nan = np.isnan(want)
        assert (bits(got)[~nan] == bits(want)[~nan]).all() and np.isnan(got[nan]).all()
        codes = pa.encode(array, name, scale=scale)
        assert (codes == pa.encode(scaled, name)).all()
        assert (bits(pa.decode(codes, name, scale=scale)) == bits(got)).all()
    with pytest.raises(ValueError, match="scale: wanted a power of two, found 3"):
        pa.round(array, "fp16", scale=3)


def test_stochastic_rounding_is_a_function_of_seed_and_index():
    array = np.full(1 << 16, 1.0 + 2.0**-5, np.float32)
    first = pa.round(array, "e4m3", rounding="stochastic_b", seed=7)
    assert (first == pa.round(array, "e4m3", rounding="stochastic_b", seed=7)).all()
    assert (first != pa.round(array, "e4m3", rounding="stochastic_b", seed=8)).any()
    assert (first == pa.round(array.astype(np.float64), "e4m3", rounding="stochastic_b", seed=7)).all()
    assert (first == pa.round(array.astype(np.float16), "e4m3", rounding="stochastic_b", seed=7)).all()
    assert set(np.unique(first)) == {1.0, 1.125} and 0.24 < (first > 1).mean() < 0.26


def test_out():
    array = small().reshape(64, 64)
    place = np.empty_like(array)
    assert pa.round(array, "e4m3", out=place) is place
    want = pa.round(array, "e4m3")
    assert (bits(place) == bits(want)).all()
    assert pa.round(array, "e4m3", out=array) is array and (bits(array) == bits(want)).all()
    assert pa.round(np.zeros(0, np.float32), "e4m3").shape == (0,) and pa.round(np.float32(0.3), "e2m1").shape == ()
    cases = [
        (array, np.empty(4096, np.float32), ValueError, "out: wanted the shape of the input"),
        (array, np.empty((64, 64), np.float16), TypeError, "out: wanted float32 as the input"),
        (array, np.empty((64, 64), np.float32).T, ValueError, "out is not contiguous"),
        (array.T, None, ValueError, "the array is not contiguous in row-major order: wanted a copy that is"),
        (place.ravel()[:100], place.ravel()[1:101], ValueError, "out overlaps the input"),
    ]  # fmt: skip
    for given, out, kind, sentence in cases:
        with pytest.raises(kind, match=sentence):
            pa.round(given, "e4m3", out=out)
    place.flags.writeable = False
    with pytest.raises(TypeError, match="out: wanted an array that may be written"):
        pa.round(array, "e4m3", out=place)
    with pytest.raises(TypeError, match="codes: wanted unsigned integers of at least 16 bits"):
        pa.decode(np.zeros(3, np.uint8), "fp16")
    with pytest.raises(ValueError, match="rounding: wanted one of nearest_even, .*found 'up!'"):
        pa.round(array, "e4m3", rounding="up!")


def test_wide_formats():
    array = values()
    assert (bits(pa.decode(pa.encode(array.astype(np.float64), "fp64"), "fp64", dtype=np.float64))[6:] == bits(array.astype(np.float64))[6:])[~np.isnan(array[6:])].all()
    assert (pa.encode(array, "fp32")[5:] == bits(array)[5:])[~np.isnan(array[5:])].all()


def test_cast(command):
    done = subprocess.run([command.path, "cast", "1.2e-7", "--to", "fp16", "--output", "json"], capture_output=True, check=True)
    assert pa.cast("1.2e-7", "fp16").to_json().encode() == done.stdout
    number = pa.cast(1.2e-7, "fp16")
    assert float(number) == 2.0**-23 and number.code == "0x0002" and number["class"] == "subnormal"
    assert number.bits == "0 | 00000 | 0000000010" and number.exact is False
    tie = 2.0**-25  # zero by its exact value; the decimal that Python prints for it is larger
    assert float(pa.cast(tie, "fp16")) == 0.0 and float(pa.cast(np.nextafter(tie, 1), "fp16")) == 2.0**-24
    many = pa.cast([1, -0.1, "0x1p-24"], ["fp16", "e4m3"])
    assert len(many.casts) == 6 and many.casts[2].value == (-0.1).hex()
    assert pa.cast("0x3c00", "e4m3", source="fp16").result == "1"
    assert pa.cast(float("-inf"), "fp16").code == "0xfc00"


# Summaries


def test_summary_is_the_programs(command, tmp_path):
    for level in ("counts", "errors", "leaves"):
        subprocess.run([command.path, "summarize", str(SAMPLE), "-o", str(tmp_path / "a.binades"), "--level", level], check=True, capture_output=True)
        summary = pa.summarize(SAMPLE, level=level)
        assert summary.save(tmp_path / "b.binades") == (tmp_path / "a.binades").stat().st_size
        assert (tmp_path / "a.binades").read_bytes() == (tmp_path / "b.binades").read_bytes() == summary.to_bytes()[0]
        loaded = pa.Summary.load(tmp_path / "a.binades")
        assert loaded == summary and loaded.tensors[0].level == level
        assert pickle.loads(pickle.dumps(summary)) == summary
        of_file = pa.audit(tmp_path / "a.binades").to_dict()
        assert pa.audit(summary).to_dict()["outcomes"] == of_file["outcomes"]
        assert pa.audit(loaded).to_dict()["recommendations"] == of_file["recommendations"]
    assert len(summary) == 1 and summary.steps[0].step == 200 and len(summary.tensors) == 28


def test_parts_merge_to_the_whole():
    whole = pa.summarize(SAMPLE)
    parts = [pa.summarize(SAMPLE, part=(i, 3)) for i in (1, 2, 3)]
    assert parts[0].tensors[0].part == "part 1 of 3"
    sum_ = parts[2].merge(parts[0], parts[1], parts[0])
    assert [t.to_dict() for t in sum_.tensors] == [t.to_dict() for t in whole.tensors]
    assert pa.audit(sum_).to_dict()["outcomes"] == pa.audit(whole).to_dict()["outcomes"]
    assert pa.audit(parts).to_dict()["outcomes"] == pa.audit(whole).to_dict()["outcomes"]
    with pytest.raises(pa.InputError, match="in both summaries, found two different ones"):
        pa.summarize({200: {"x": small()}}).merge(pa.summarize({200: {"x": small(seed=3)}}))


@pytest.mark.parametrize("dtype", INPUTS, ids=lambda d: np.dtype(d).name)
def test_counter_counts_as_summarize(dtype):
    arrays = {"grad/a": values().astype(dtype), "grad/b": small().astype(dtype).reshape(64, 64).T, "act_grad/c": np.zeros(0, dtype)}
    counter = pa.Counter()
    for name, array in arrays.items():
        counter.add(name, array)
    assert len(counter) == 3
    taken = counter.take(step=7, dump_scale=2**10, loss_dtype="float32", notes=["a note"])
    assert len(counter) == 0
    want = pa.summarize({7: arrays}, dump_scale=2**10)
    assert pa.audit(taken, by="tensor").to_dict()["outcomes"] == pa.audit(want, by="tensor").to_dict()["outcomes"]
    assert [t.to_dict() for t in taken.tensors] == [t.to_dict() for t in want.tensors]
    assert (taken.steps[0].dump_scale_log2, taken.steps[0].loss_dtype, taken.steps[0].notes) == (10, "float32", ["a note"])


def test_counter_adds_up_calls_and_ranks():
    array = small()
    counter = pa.Counter()
    counter.add("x", array[:1000])
    counter.add("x", array[1000:])
    whole = pa.summarize({1: {"x": array}})
    assert counter.take(step=1).tensors[0].to_dict() == whole.tensors[0].to_dict()
    ranks = []
    for rank in range(4):
        counter = pa.Counter(rank, 4)
        counter.add("x", array[rank::4], shape=array.shape)
        ranks.append(counter.take(step=1))
    assert ranks[3].tensors[0].part == "rank 3 of 4"
    sum_ = ranks[3].merge(*ranks[:3])
    assert sum_.tensors[0].to_dict() == whole.tensors[0].to_dict()
    assert pa.audit(sum_).to_dict()["outcomes"] == pa.audit(whole).to_dict()["outcomes"]
    with pytest.raises(TypeError, match="x: wanted float32 as before, found float16"):
        counter.add("x", array)
        counter.add("x", array.astype(np.float16))
    with pytest.raises(ValueError, match="rank: wanted 0 to 3 of 4 ranks, found 4"):
        pa.Counter(4, 4)


def test_writer_keeps_what_it_has_written(tmp_path):
    """A process that is killed between two steps, or in the middle of one, leaves all steps before."""
    script = f"""
import os, signal, sys, numpy as np, precision_audit as pa
writer, counter = pa.BinadesWriter({str(tmp_path / "run.binades")!r}), pa.Counter()
step = 0
while True:
    counter.add("grad/x", np.full(1000 + step, 2.0**-step, np.float32))
    writer.append(counter.take(step=step))
    print(step, flush=True)
    step += 1
"""
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    for _ in range(20):
        said = child.stdout.readline()
    child.kill()
    said = (child.stdout.read().split() or said.split())[-1]
    child.wait()
    kept = pa.Summary.load(tmp_path / "run.binades")
    steps = [row.step for row in kept.steps]
    assert steps[: int(said) + 1] == list(range(int(said) + 1)) and len(steps) <= int(said) + 2
    assert [row.tensors[0].elements for row in kept.steps] == [1000 + step for step in steps]
    assert pa.audit(tmp_path / "run.binades", by="step").tensors[0].elements == 1000


# Manners


def test_the_gil_is_not_held():
    array, done, turns = np.ones(1 << 24, np.float32), [], 0
    worker = threading.Thread(target=lambda: done.append(pa.audit({"x": array}, threads=1)))
    worker.start()
    while worker.is_alive():
        turns += 1
    assert done and turns > 1000


def test_arrays_live_as_long_as_they_are_needed():
    summary = pa.audit({"x": np.ones(1000, np.float32)})
    gc.collect()
    assert json.loads(summary.to_json())["tensors"][0]["elements"] == 1000
    array = np.ones(1000, np.float32)
    before = sys.getrefcount(array)
    for _ in range(100):
        pa.round(array, "e4m3", out=array)
        pa.audit({"x": array})
    gc.collect()
    assert sys.getrefcount(array) == before


def test_program_beside_the_package(command):
    scripts = Path(sysconfig.get_path("scripts"))
    program = scripts / "precision-audit"
    assert program.exists(), "the package brings the program"
    want = subprocess.run([command.path, "cast", "1.2e-7", "--to", "fp16"], capture_output=True, check=True).stdout
    assert subprocess.run([program, "cast", "1.2e-7", "--to", "fp16"], capture_output=True, check=True).stdout == want
    module = [sys.executable, "-m", "precision_audit", "cast", "1.2e-7", "--to", "fp16"]
    assert subprocess.run(module, capture_output=True, check=True).stdout == want
    assert subprocess.run([*module[:3], "--version"], capture_output=True, check=True).stdout.decode() == f"precision-audit {pa.__version__}\n"
    assert subprocess.run([*module[:3], "missing.npy"], capture_output=True, check=False).returncode == 3


def test_first_steps():
    """The example of README.md."""
    done = subprocess.run([sys.executable, ROOT / "tests/examples/first_steps.py"], capture_output=True, check=True, cwd=ROOT, text=True)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Keep GradScaler's default 65536")
    assert lines[2] == "[ 1.0004044e-03  1.2002420e-07  2.9976945e-08 -0.0000000e+00]" and lines[3] == "[ 56   0   0 128]"
    assert lines[4] == "Record(flushed=0, subnormal=2, normal=1, saturated=0, overflowed=0, exact=0)"


def test_licences_are_there():
    from importlib.metadata import files

    names = {path.name for path in files("precision-audit")}
    assert {"LICENSE", "THIRD_PARTY.txt", "py.typed", "_core.pyi"} <= names
    assert not [path for path in files("precision-audit") if path.parts[0] in ("bin", "lib", "include", "share")]


def test_public_functions_are_documented():
    for name in pa.__all__:
        if name not in ("__version__", "Array", "InputError") and (name != "PeakMeter" or _has("torch")):
            assert getattr(pa, name).__doc__, name


@pytest.mark.skipif(not _has("mypy"), reason="mypy is not installed")
def test_types(tmp_path):
    sample = tmp_path / "sample.py"
    sample.write_text("""
import numpy as np
import precision_audit as pa

array = np.ones(3, np.float32)
answer: pa.Audit = pa.audit({"x": array}, formats=["fp16"], scales=(0, 3), by="tensor")
flushed = answer.at("fp16", 2**3).flushed
scale: float = pa.recommend("dump.safetensors")["fp16"].init_scale
summary: pa.Summary = pa.summarize(["a.npz", "b.npz"], level="errors").merge(pa.Summary.load("c.binades"))
pa.BinadesWriter("run").append(pa.Counter().take(step=1, dump_scale=2.0**16))
number: float = float(pa.cast(1.2e-7, "fp16"))
rounded = pa.round(array, "e4m3", rounding="stochastic_a", seed=3, out=array)
names: list[str] = [measure.name for measure in pa.measures()]
""")
    run = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache")]
    checked = subprocess.run([*run, "-p", "precision_audit"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    checked = subprocess.run([*run, str(sample)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import precision_audit as pa\npa.audit('x', formas='fp16')\npa.Counter().take(step='one')\n")
    checked = subprocess.run([*run, str(wrong)], capture_output=True, text=True, check=False)
    assert "2 errors" in checked.stdout, checked.stdout


def test_stubs_name_what_is_there():
    """stubtest does not know nanobind's functions: names of functions, classes and their members."""
    tree = ast.parse((Path(core.__file__).parent / "_core.pyi").read_text())
    stated = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            stated[node.name] = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
        elif isinstance(node, ast.FunctionDef):
            stated[node.name] = None
        elif isinstance(node, ast.AnnAssign):
            stated[node.target.id] = None
    assert {name for name in dir(core) if not name.startswith("_")} == set(stated)
    for name, members in stated.items():
        if members is not None and name != "InputError":
            there = {member for member in vars(getattr(core, name)) if not member.startswith("_")}
            assert there == {member for member in members if not member.startswith("_")}, name
