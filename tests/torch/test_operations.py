# SPDX-License-Identifier: Apache-2.0
"""`accumulate --ops`: torch's operations on 16-bit tensors have the errors of the columns with FP32 inside, not of those
done naively. A quantile of the program is rounded up by less than 0.8 %."""

import json
import subprocess

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from twin import formats, program

ROWS, LENGTH = 400, 300
OPERATIONS = {
    "softmax": (lambda x: torch.softmax(x, -1), lambda x: torch.softmax(x, -1)),
    "sum": (lambda x: x.sum(-1), lambda x: x.sum(-1)),
    "mean": (lambda x: x.mean(-1), lambda x: x.mean(-1)),
    "variance": (lambda x: x.var(-1, correction=0), lambda x: x.var(-1, correction=0)),
    "layer norm": (lambda x: torch.layer_norm(x, x.shape[-1:]), lambda x: torch.layer_norm(x, x.shape[-1:])),
}


@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_errors_are_those_with_fp32_inside(tmp_path, name):
    source = torch.Generator().manual_seed(2)
    x = (10 + torch.randn(ROWS, LENGTH, generator=source) / 2).to(formats[name])
    save_file({"x": x}, tmp_path / "x.safetensors")
    words = ["accumulate", tmp_path / "x.safetensors", "--ops", "--formats", name, "--output", "json"]
    report = json.loads(subprocess.run([program, *words], capture_output=True, check=True).stdout)
    rows = {(row["operation"], row["fp32_inside"]): row for row in report["operations"] if row["terms"] is None}
    for operation, (in_torch, exactly) in OPERATIONS.items():
        exact = exactly(x.double()).numpy().ravel()
        error = np.sort(np.abs(in_torch(x).double().numpy().ravel() - exact) / np.abs(exact))
        for share, key in ((0.5, "median"), (0.99, "p99")):
            of_torch = error[int(np.ceil(share * error.size)) - 1]
            inside = rows[operation, True]["relative_error"][key]
            naive = rows[operation, False]["relative_error"][key]
            assert of_torch <= inside * 1.01 and inside <= of_torch * 1.02, (operation, key, of_torch, inside)
            if operation != "layer norm":
                assert naive > 2 * of_torch, (operation, key, of_torch, naive)
