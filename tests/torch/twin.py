# SPDX-License-Identifier: Apache-2.0
"""torch_twin, the models named after PyTorch, and the formats they are asked in."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

root = Path(__file__).resolve().parents[2]
program = os.environ.get("PRECISION_AUDIT", str(root / "build/release/bin/precision-audit"))
twin_program = Path(program).parent / "torch_twin"

formats = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


def twin(*words, values):
    """What the models make of FP64 numbers, as FP64 numbers."""
    if not twin_program.exists():
        pytest.skip(f"{twin_program} is not built")
    numbers = np.ascontiguousarray(values, dtype="<f8").tobytes()
    done = subprocess.run([twin_program, *map(str, words)], input=numbers, capture_output=True, check=False)
    assert done.returncode == 0, (words, done.stderr)
    return np.frombuffer(done.stdout, dtype="<f8")


def wide(tensor):
    return tensor.detach().double().numpy().copy()


def assert_same_bits(ours, theirs):
    """FP64 values hold all formats here, so equal values and signs are equal bits; a NaN is a NaN."""
    same = (ours == theirs) & (np.signbit(ours) == np.signbit(theirs)) | np.isnan(ours) & np.isnan(theirs)
    wrong = np.flatnonzero(~same)
    assert wrong.size == 0, [(int(i), ours[i], theirs[i]) for i in wrong[:3]]
