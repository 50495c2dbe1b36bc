# SPDX-License-Identifier: Apache-2.0
"""`accumulate --norm` against clip_grad_norm_: the clip coefficient is rounded to the gradients' type, bit for bit."""

import json
import subprocess

import pytest
import torch
from safetensors.torch import save_file
from twin import formats, program


def asked(path, name, max_norm):
    words = ["accumulate", path, "--norm", "--max-norm", repr(max_norm), "--formats", name, "--output", "json"]
    done = subprocess.run([program, *words], capture_output=True, check=True)
    rows = json.loads(done.stdout)["norms"]
    (row,) = [row for row in rows if row["scale_log2"] == 0 and (row["fp32_inside"] or name == "fp32")]
    return row


def coefficient_of_torch(dtype, norm, max_norm):
    """A gradient of 1 shows what all are multiplied by."""
    probe = torch.nn.Parameter(torch.ones(1, dtype=dtype))
    probe.grad = torch.ones(1, dtype=dtype)
    torch.nn.utils.clip_grads_with_norm_([probe], max_norm, norm)
    return probe.grad.item()


@pytest.mark.parametrize("name", formats)
@pytest.mark.parametrize("max_norm", [0.05, 1.0, 3.7, 1e3])
def test_clip_coefficient(tmp_path, name, max_norm):
    for seed in range(8):
        source = torch.Generator().manual_seed(seed)
        gradients = {f"grad/{i}": torch.randn(50 * i + 7, generator=source).to(formats[name]) for i in range(3)}
        save_file(gradients, tmp_path / "g.safetensors")
        row = asked(tmp_path / "g.safetensors", name, max_norm)
        norm = torch.tensor(row["norm"], dtype=torch.float64).to(formats[name])
        assert norm.item() == row["norm"]
        assert row["coefficient"] == coefficient_of_torch(formats[name], norm, max_norm)


@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_norm_in_16_bits(tmp_path, name):
    """FP32 inside: whatever the order of the sums, the rounded norm is torch's."""
    for seed in range(20):
        source = torch.Generator().manual_seed(seed)
        gradients = {f"grad/{i}": torch.randn(999, generator=source).to(formats[name]) for i in range(4)}
        save_file(gradients, tmp_path / "g.safetensors")
        parameters = []
        for gradient in gradients.values():
            parameters.append(torch.nn.Parameter(torch.zeros_like(gradient)))
            parameters[-1].grad = gradient.clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 0.05)
        row = asked(tmp_path / "g.safetensors", name, 0.05)
        assert row["norm"] == norm.item()
        clipped = next(iter(gradients.values())) * torch.tensor(row["coefficient"], dtype=formats[name])
        assert torch.equal(clipped, parameters[0].grad)
