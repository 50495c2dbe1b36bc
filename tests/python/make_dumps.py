# SPDX-License-Identifier: Apache-2.0
"""Makes small dumps that are hard on an audit: class edges, odd values, odd dtypes, odd shapes.

    python3 tests/python/make_dumps.py DIRECTORY
"""

import sys
from pathlib import Path

import numpy as np
from dump_files import DTYPES, Tensor, write_npy, write_npz, write_raw, write_safetensors

SEED = 20240607

# Per format: precision, smallest normal exponent, largest finite value, and where nearest-even overflows.
EDGES = {
    "fp16": (11, -14, 65504.0, 65520.0),
    "bf16": (8, -126, (2 - 2.0**-7) * 2.0**127, (2 - 2.0**-8) * 2.0**127),
    "e4m3": (4, -6, 448.0, 464.0),
    "e5m2": (3, -14, 57344.0, 61440.0),
}
EDGE_SCALES = (-8, 0, 1, 15, 16, 32)


def edge_values():
    """Class edges of the four formats under several scales, one FP32 ulp either side of each, both signs."""
    values = []
    for precision, emin, largest, overflow in EDGES.values():
        quantum = 2.0 ** (emin - precision + 1)
        targets = [quantum / 4, quantum / 2, quantum * 0.75, quantum, quantum * 1.5, quantum * 2.5, 2.0**emin]
        targets += [2.0**emin - quantum, 2.0**emin - quantum / 2, largest, overflow, largest / 2]
        targets += [1 + 2.0**-precision, 1 + 3 * 2.0**-precision, 2 - 2.0**-precision]
        values += [t * 2.0**-k for t in targets for k in EDGE_SCALES]
    with np.errstate(over="ignore"):
        exact = np.array(values, dtype=np.float64).astype(np.float32)
        exact = exact[np.isfinite(exact)]
        near = [exact, np.nextafter(exact, np.float32(np.inf)), np.nextafter(exact, np.float32(0))]
    both = np.concatenate(near)
    both = both[np.isfinite(both)]
    return np.unique(np.concatenate([both, -both]))


def random_bits(rng, dtype, count):
    """Every bit pattern is as likely as any other: NaN, Inf, subnormals and both zeros included."""
    return np.frombuffer(rng.bytes(count * dtype.itemsize), dtype=dtype)


def float32_tensors(rng):
    gradient = (rng.standard_normal(4000) * np.exp(rng.normal(-12, 4, 4000))).astype(np.float32)
    gradient[rng.random(4000) < 0.2] = 0
    return [
        Tensor("edges", edge_values()),
        Tensor("bits", random_bits(rng, DTYPES["F32"], 3001).reshape(3001, 1)),
        Tensor("grad/a.weight", gradient.reshape(8, 20, 25)),
        Tensor("grad/empty", np.zeros((0, 3), np.float32)),
        Tensor("grad/rank0", np.array(1.5e-7, np.float32)),
        Tensor("grad/zeros", np.array([0.0, -0.0] * 20, np.float32)),
        Tensor("grad/nans", np.full(7, np.nan, np.float32)),
        Tensor("grad/infs", np.array([np.inf, -np.inf, np.inf], np.float32)),
        Tensor("grad/one_subnormal", np.array([-1e-45], np.float32)),
    ]


def narrow_tensors(rng):
    tensors = []
    for name in ("F16", "BF16", "F8_E4M3", "F8_E5M2"):
        dtype = DTYPES[name]
        codes = np.arange(1 << 8 * dtype.itemsize, dtype=np.dtype(f"<u{dtype.itemsize}"))
        tensors.append(Tensor("all_codes/" + name, codes.view(dtype)))
        tensors.append(Tensor("random/" + name, random_bits(rng, dtype, 333)))
    return tensors


def float64_tensors(rng):
    edges = edge_values().astype(np.float64)[::7]
    beside = np.concatenate([np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf)])
    wide = rng.standard_normal(300) * np.exp2(rng.integers(-160, 140, 300))
    return [Tensor("edges", edges), Tensor("beside", beside), Tensor("bits", random_bits(rng, DTYPES["F64"], 300)),
            Tensor("wide", wide)]


def make_dumps(directory):
    """Writes the dumps and returns their paths; the same bytes in every run."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    f32 = float32_tensors(rng)
    plain = [t for t in f32 if t.name in ("edges", "bits", "grad/a.weight", "grad/empty", "grad/rank0")]
    paths = {name: directory / name for name in (
        "f32-step0003.safetensors", "narrow.safetensors", "f64.safetensors", "edges.npy", "stored.npz", "deflated.npz",
        "edges.raw")}
    write_safetensors(paths["f32-step0003.safetensors"], f32, {"step": "3"})
    write_safetensors(paths["narrow.safetensors"], narrow_tensors(rng))
    write_safetensors(paths["f64.safetensors"], float64_tensors(rng))
    write_npy(paths["edges.npy"], f32[0])
    write_npz(paths["stored.npz"], plain)
    write_npz(paths["deflated.npz"], plain, deflated=True)
    write_raw(paths["edges.raw"], f32[0])
    return paths


if __name__ == "__main__":
    for path in make_dumps(sys.argv[1]).values():
        print(path)
