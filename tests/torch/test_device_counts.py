# SPDX-License-Identifier: Apache-2.0
"""precision_audit._device: the table of a tensor, by torch's operations and by the Triton kernel in Triton's interpreter,
leaves the same bytes of evidence as counting its elements one by one on the CPU."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import precision_audit as pa
import pytest
import torch
from precision_audit import _device, _summaries
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted(ROOT.glob("data/samples/**/*.safetensors"))
HAS_TRITON = importlib.util.find_spec("triton") is not None
NAMES = [*_device.WORDS, *_device.CODES]


def dtype_of(name):
    return getattr(torch, name)


def from_codes(codes, name):
    """A tensor of these codes, Python integers or a numpy array of unsigned ones."""
    size = dtype_of(name).itemsize
    return torch.from_numpy(np.array(codes, dtype=f"u{size}").view(f"{'u' if size == 1 else 'i'}{size}")).view(dtype_of(name))


def edges(name):
    """Codes of float32 or float64: each sign and exponent with fractions of j leading ones, then zeros, up to one unit more
    or less; with one bit, with one bit beyond the ones, and 13/16 with its neighbours. As subnormals they have the leading
    one at every place."""
    bits, exponents = _device.WORDS[name]
    full = (1 << bits) - 1
    fractions = {0, 1, full, 13 << (bits - 4), 5 << (bits - 3)}
    for j in range(1, bits + 1):
        ones = full & ~((1 << (bits - j)) - 1)
        fractions |= {ones, 1 << (bits - j), (1 << (bits - j)) - 1}
        fractions |= {ones | 1 << max(bits - k, 0) for k in range(j + 1, min(bits, 15) + 1)}
    fractions |= {(f + d) & full for f in fractions for d in (-1, 1)}
    every = np.array(sorted(fractions), np.uint64)
    fields = np.arange(1 << exponents, dtype=np.uint64) if name == "float32" else np.array([0, 1, 2, 1022, 1023, 1024, 2045, 2046, 2047], np.uint64)
    magnitudes = (fields[:, None] << np.uint64(bits) | every).reshape(-1)
    return np.concatenate([magnitudes, magnitudes | np.uint64(1 << (bits + exponents))])


def all_tensors():
    """{name: tensor}: every code of the short formats, edges and random codes of the long ones, real gradients."""
    rng = np.random.default_rng(5)
    tensors = {f"{name}/all codes": from_codes(np.arange(size), name) for name, size in _device.CODES.items()}
    for name in NAMES:
        size = dtype_of(name).itemsize
        random = np.frombuffer(rng.bytes((1 << (18 if size == 4 else 16)) * size), f"u{size}")
        tensors[f"{name}/random"] = from_codes(random, name)
        tensors[f"{name}/empty"] = torch.empty(0, 3, dtype=dtype_of(name))
        tensors[f"{name}/scalar"] = torch.tensor(-0.625).to(dtype_of(name))
        tensors[f"{name}/zeros"] = torch.tensor([0.0, -0.0, 0.0]).to(dtype_of(name))
        tensors[f"{name}/one"] = torch.tensor([0.0, 1.75]).to(dtype_of(name))
        matrix = from_codes(random[:5040], name).view(7, 8, 9, 10)
        tensors[f"{name}/permuted"] = matrix.permute(2, 0, 3, 1)
        tensors[f"{name}/strided"] = matrix[1::2, :, ::3, 2:9:4]
        tensors[f"{name}/expanded"] = matrix[:, :1].expand(7, 5, 9, 10)
    for name in _device.WORDS:
        tensors[f"{name}/edges"] = from_codes(edges(name), name)
        top = _device.WORDS[name].infinity
        sign = 1 << (8 * dtype_of(name).itemsize - 1)
        specials = [top, top | sign, *(top | 1 << k | s for k in range(_device.WORDS[name].fraction_bits) for s in (0, sign))]
        tensors[f"{name}/NaN payloads"] = from_codes(specials, name)
        tensors[f"{name}/subnormals"] = from_codes([1, 2, 3, sign | 5, sign | 0xFFF, 0xFFE00, 0x1FFFFF], name)
        for code in (1, sign | 1, top - 1, sign | (top - 1)):
            tensors[f"{name}/alone {code:#x}"] = from_codes([code], name)
    for file in (SAMPLES[0], next(path for path in SAMPLES if "unet" in path.name)):
        tensors |= {f"{file.name}/{key}": tensor for key, tensor in load_file(file).items()}
    return tensors


TENSORS = all_tensors()


def counted(tensor, name="x"):
    counter = pa.Counter()
    counter.add(name, tensor)
    return counter.take(step=1)


def of_table(tensor, table, name="x"):
    counter = pa.Counter()
    counter._core.add_table(name, _device.dtype_name(tensor), list(tensor.shape), table)
    return counter.take(step=1)


def assert_same(found, want):
    assert found == want
    assert found.to_bytes() == want.to_bytes()
    assert pa.Summary.from_bytes(found.to_bytes()) == want  # the reader takes it


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory):
    """The tables of all float32 tensors by the kernel, in a process of Triton's interpreter."""
    folder = tmp_path_factory.mktemp("interpreted")
    save_file({key: t.contiguous() for key, t in TENSORS.items() if t.dtype == torch.float32}, folder / "in.safetensors")
    script = """
import sys
from precision_audit import _device
from safetensors.torch import load_file, save_file
tensors = load_file(sys.argv[1])
save_file({key: _device.count_on_device(tensor, use_triton=True) for key, tensor in tensors.items()}, sys.argv[2])
assert "precision_audit._device_triton" in sys.modules
"""
    words = [sys.executable, "-c", script, str(folder / "in.safetensors"), str(folder / "out.safetensors")]
    subprocess.run(words, check=True, env=os.environ | {"TRITON_INTERPRET": "1", "TRITON_CACHE_DIR": str(folder)})
    return load_file(folder / "out.safetensors")


@pytest.mark.parametrize("key", TENSORS)
def test_torch_counts_as_the_counter(key):
    tensor = TENSORS[key]
    table = _device.count_on_device(tensor)
    assert table.dtype == torch.int64
    assert_same(of_table(tensor, table), counted(tensor))


@pytest.mark.skipif(not HAS_TRITON, reason="Triton is not installed")
@pytest.mark.parametrize("key", [key for key, tensor in TENSORS.items() if tensor.dtype == torch.float32])
def test_triton_counts_as_the_counter(key, interpreted):
    assert torch.equal(interpreted[key], _device.count_on_device(TENSORS[key]))
    assert_same(of_table(TENSORS[key], interpreted[key]), counted(TENSORS[key]))


@pytest.mark.skipif(not HAS_TRITON, reason="Triton is not installed")
def test_triton_compiles_for_a_gpu(tmp_path):
    """Without one: to PTX of an A100's kind, whose additions have 64 bits."""
    script = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from precision_audit import _device_triton
source = ASTSource(_device_triton._kernel, {"table": "*i64", "words": "*i32", "size": "i64"})
print(triton.compile(source, target=GPUTarget("cuda", 80, 32)).asm["ptx"])
"""
    environment = os.environ | {"TRITON_CACHE_DIR": str(tmp_path)}
    environment.pop("TRITON_INTERPRET", None)
    told = subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, capture_output=True, text=True, env=environment)
    additions = {word for word in told.stdout.split() if ".global." in word and ".add." in word}
    assert additions == {"red.global.gpu.relaxed.add.u64"} or additions == {"atom.global.gpu.relaxed.add.u64"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_counts_as_the_counter():
    for tensor in TENSORS.values():
        on_gpu = tensor.to("cuda")
        for use_triton in [None, False, True] if tensor.dtype == torch.float32 and HAS_TRITON else [None]:
            table = _device.count_on_device(on_gpu, use_triton=use_triton)
            assert table.is_cuda
            assert_same(of_table(tensor, table.cpu()), counted(tensor))
        assert_same(counted(on_gpu), counted(tensor))


def test_counter_takes_tensors_from_elsewhere(monkeypatch):
    """Counter.add, as if the tensors were on another device: sums, parts and dump scales are as on the CPU."""
    def taken():
        counter = pa.Counter(1, 4)
        for name in NAMES:
            counter.add(name, TENSORS[f"{name}/random"], shape=[1 << 20])
            counter.add(name, TENSORS[f"{name}/permuted"], shape=[1 << 20])
            counter.add(f"{name}/whole", torch.nn.Parameter(TENSORS[f"{name}/strided"], requires_grad=False))
        with pytest.raises(TypeError, match="float32: wanted float32 as before, found float16"):
            counter.add("float32", TENSORS["float16/one"])
        return counter.take(step=3, dump_scale=2.0**11)

    want = taken()
    used = []
    monkeypatch.setattr(_summaries, "is_elsewhere", lambda array: used.append(1) or True)
    assert_same(taken(), want)
    assert len(used) == 3 * len(NAMES) + 1


def test_large_tensors_come_in_pieces(monkeypatch):
    seen = []
    monkeypatch.setattr(_device, "PIECE", 1000)
    add_words = _device.add_words
    monkeypatch.setattr(_device, "add_words", lambda table, words, of: seen.append(len(words)) or add_words(table, words, of))
    for kind in ("random", "permuted", "strided", "expanded", "scalar", "empty"):
        tensor = TENSORS[f"float32/{kind}"]
        seen.clear()
        assert_same(of_table(tensor, _device.count_on_device(tensor)), counted(tensor))
        assert sum(seen) == tensor.numel() and max(seen, default=0) <= 1000
        assert tensor.is_contiguous() or all(piece.numel() <= 1000 for piece in _device.pieces(tensor))


def test_negated_views_are_read_as_they_are():
    """torch keeps the sign of some views beside their memory."""
    negated = torch.tensor([1 + 2j, 3 - 4j]).conj().imag
    assert negated.is_neg()
    assert_same(of_table(negated, _device.count_on_device(negated)), counted(negated.resolve_neg()))


@pytest.mark.parametrize("name", NAMES)
def test_the_host_never_waits(name):
    """Whoever asked a tensor without memory for a value would be told off."""
    table = _device.count_on_device(torch.empty(7, 1 << 20, dtype=dtype_of(name), device="meta").T)
    assert len(table) == {"float32": 93631, "float64": 709129}.get(name, _device.CODES.get(name))


def test_tensors_that_have_no_table():
    with pytest.raises(TypeError, match="wanted float32, float64, float16, .* found int32"):
        _device.count_on_device(torch.zeros(3, dtype=torch.int32))
    with pytest.raises(TypeError, match=r"wanted a dense tensor \(.to_dense\(\)\), found torch.sparse_coo"):
        _device.count_on_device(torch.eye(3).to_sparse())
    with pytest.raises(TypeError, match="is on meta"):
        pa.Counter().add("x", torch.empty(3, device="meta"))


def table_of(*values):
    return _device.count_on_device(torch.tensor(values))


def changed(table, at, number):
    table = table.clone()
    table[at] = number
    return table


F32 = table_of(1.0, 1.5, -2.0, 0.0)
ROW = 149 * 169  # of 1.0

WRONG = [
    ("wanted 93631 counts of float32 as contiguous int64", "float32", [4], F32[:-1]),
    ("wanted 65536 counts of float16 as contiguous int64", "float16", [4], F32),
    ("wanted 256 counts of float8_e5m2 as", "float8_e5m2", [4], torch.zeros(255, dtype=torch.int64)),
    ("wanted 709129 counts of float64 as", "float64", [4], F32),
    ("wanted 93631 counts of float32 as", "float32", [4], F32.to(torch.int32)),
    ("wanted 93631 counts of float32 as", "float32", [4], F32[None]),
    ("wanted 93631 counts of float32 as", "float32", [4], torch.stack([F32, F32], 1)[:, 0]),
    ("wanted 93631 counts of float32 as", "float32", [4], "no table"),
    ("wanted counts from 0 to 2\\^40, found -1 at 5", "float32", [4], changed(F32, 5, -1)),
    ("wanted counts from 0 to 2\\^40, found 1099511627777 at 7", "float16", [4], changed(torch.zeros(65536, dtype=torch.int64), 7, 2**40 + 1)),
    ("wanted counts from 0 to 2\\^40, found -9223372036854775808 at 93628", "float32", [4], changed(F32, -3, -(2**63))),
    ("wanted the counts of 5 elements, found those of 4", "float32", [5], F32),
    ("wanted the counts of 0 elements, found those of 4", "float32", [0, 2**63], F32),
    ("wanted at most 2\\^40 elements", "float32", [2**40, 2**40], F32),
    (f"wanted 0 at {ROW + 1}, where no float32 is counted, found 2", "float32", [6], changed(F32, ROW + 1, 2)),
    ("wanted 0 at 5, where no float32 is counted, found 1", "float32", [5], changed(F32, 5, 1)),  # five bits of 2^-149
    ("wanted the extremes of what was counted, found 0x40800000 and 0x3f800000", "float32", [4], changed(F32, -2, 0x40800000)),
    ("wanted the extremes of what was counted, found 0x3fc00000 and 0x3f800000", "float32", [4], changed(F32, -2, 0x3FC00000)),
    ("wanted the extremes of what was counted, found 0x40000000 and 0x40000000", "float32", [4], changed(F32, -1, 0x40000000)),
    ("wanted the extremes of what was counted, found 0x40000000 and 0xffffffffffffffff", "float32", [4], changed(F32, -1, -1)),
    ("wanted the extremes of what was counted, found 0x00000000 and 0x00000000", "float32", [2], changed(table_of(0.0, 0.0), -1, 0)),
    ("wanted the extremes of what was counted, found 0x3f800000 and 0x7f800000", "float32", [2], changed(table_of(0.0, 0.0), -2, 0x3F800000)),
    ("wanted the name of an element type, found int8", "int8", [4], F32),
]  # fmt: skip


@pytest.mark.parametrize("sentence, dtype, shape, table", WRONG)
def test_tables_that_no_elements_have(sentence, dtype, shape, table):
    counter = pa.Counter()
    with pytest.raises(ValueError, match=f"^x: {sentence}"):
        counter._core.add_table("x", dtype, shape, table)
    assert len(counter) == 0


def test_each_class_has_elements_or_is_refused():
    """Of every cell of float32: taken exactly where some FP32 word is counted there."""
    fractions = np.concatenate([np.arange(4096, dtype=np.int64) << 11, (np.arange(4096, dtype=np.int64) << 11) | 1])
    words = from_codes((np.arange(1, 255)[:, None] << 23 | fractions).reshape(-1), "float32")
    tiny = from_codes(np.concatenate([(1 << k | (fractions >> (23 - k))) for k in range(23)]), "float32")
    reached = (_device.count_on_device(words) + _device.count_on_device(tiny))[:-5] != 0
    half = len(reached) // 2
    rng = np.random.default_rng(6)
    rows = [0, 1, 5, 11, 12, 13, 22, 23, 24, 149, 276]
    for at in [row * 169 + cell for row in rows for cell in range(169)] + rng.integers(0, half, 300).tolist():
        counter = pa.Counter()
        table = torch.zeros(len(reached) + 5, dtype=torch.int64)
        table[at], table[-1] = 1, 0x7F800000
        with pytest.raises(ValueError, match="wanted the extremes" if reached[at] else f"wanted 0 at {at},"):
            counter._core.add_table("x", "float32", [1], table)
