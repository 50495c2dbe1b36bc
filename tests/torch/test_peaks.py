# SPDX-License-Identifier: Apache-2.0
"""The peak meter on a step in FP32 against what torch's own FP16 autocast makes in the same step: the largest result of the
backward pass and of the forward pass. PRECISION_AUDIT names the program that reads the files."""

import copy
import json
import math
import os
import subprocess
from pathlib import Path

import pytest
import torch
from precision_audit import PeakMeter
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

root = Path(__file__).resolve().parents[2]
program = os.environ.get("PRECISION_AUDIT", str(root / "build/release/bin/precision-audit"))


class Made(TorchDispatchMode):
    """The largest finite FP16 number that is made, forward and backward."""

    def __init__(self):
        super().__init__()
        self.forward = self.backward = 0.0
        self.is_backward = False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(tensor, torch.Tensor) and tensor.dtype == torch.float16 and tensor.numel():
                values = tensor.float().abs()
                largest = float(values[values.isfinite()].max()) if values.isfinite().any() else 0.0
                if self.is_backward:
                    self.backward = max(self.backward, largest)
                else:
                    self.forward = max(self.forward, largest)
        return result


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.qkv, self.norm, self.out = nn.Embedding(11, 8), nn.Linear(8, 24), nn.LayerNorm(8), nn.Linear(8, 11)

    def forward(self, tokens):
        q, k, v = self.qkv(self.norm(self.embed(tokens))).chunk(3, -1)
        scores = (q @ k.transpose(-1, -2) / 0.05).masked_fill(torch.ones(5, 5).triu(1).bool(), -math.inf)
        return self.out(scores.softmax(-1) @ v)


class Checkpointed(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.body, self.last = nn.Linear(8, 16), nn.Sequential(nn.Linear(16, 16), nn.GELU()), nn.Linear(16, 4)

    def forward(self, x):
        return self.last(checkpoint(self.body, self.first(x), use_reentrant=False))


class Scaled(nn.Module):
    """A residual branch with a weight of its own, FP32 beside FP16."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.gain = nn.Linear(8, 8), nn.Linear(8, 8), nn.Parameter(torch.full((8,), 30.0))

    def forward(self, x):
        x = self.a(x)
        return x + self.b(torch.tanh(x)) * self.gain


def classes(model, x):
    return F.cross_entropy(model(x).flatten(0, -2), torch.arange(model(x).flatten(0, -2).shape[0]) % 4)


vectors = torch.randn(6, 8, generator=torch.Generator().manual_seed(1)) * 5
images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(2))
tokens = torch.randint(0, 11, (3, 5), generator=torch.Generator().manual_seed(3))
CASES = {
    "mlp": (lambda: nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)), vectors, classes),
    "large targets": (lambda: nn.Sequential(nn.Linear(8, 8)), vectors, lambda m, x: F.mse_loss(m(x), x * 100)),
    "fp16 loss": (lambda: nn.Sequential(nn.Linear(8, 1)), vectors, lambda m, x: F.relu(1 - m(x)).mean()),
    "temperature": (lambda: nn.Sequential(nn.Linear(8, 8)), vectors, lambda m, x: classes(nn.Sequential(m), x) / 1e-3),
    "temperature outside": (lambda: nn.Linear(8, 4), vectors, lambda m, x: F.cross_entropy(m(x) / 1e-2, torch.arange(6) % 4)),
    "convolutions": (
        lambda: nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(216, 4)),
        images, classes),
    "attention": (Attention, tokens, classes),
    "checkpointed": (Checkpointed, vectors, classes),
    "gain": (Scaled, vectors, lambda m, x: m(x).square().mean()),
}  # fmt: skip


def rows_of(path):
    lines = path.read_text().splitlines()
    assert lines[0] == "step,name,kind,largest"
    return [(int(step), name, kind, float(largest)) for step, name, kind, largest in (line.split(",") for line in lines[1:])]


def metered(model, loss, data, path, scale=1.0):
    meter = PeakMeter(model, path)
    meter.begin(7)
    (loss(model, data) * scale).backward()
    meter.end(scale)
    meter.close()
    return rows_of(path)


@pytest.mark.parametrize("case", CASES)
def test_an_fp32_step_tells_what_fp16_autocast_makes(case, tmp_path):
    make, data, loss = CASES[case]
    torch.manual_seed(0)
    model = make()
    rows = metered(copy.deepcopy(model), loss, data, tmp_path / "peaks.csv")
    largest = {kind: max(row[3] for row in rows if row[2] == kind) for kind in ("act", "op_grad")}
    scale = 2.0 ** (math.floor(math.log2(65504 / largest["op_grad"])) - 3)
    with Made() as made:
        with torch.amp.autocast("cpu", dtype=torch.float16):
            value = loss(model, data)
        scaled = value.float() * scale
        made.is_backward = True
        scaled.backward()
    assert largest["op_grad"] == pytest.approx(made.backward / scale, rel=2**-8)
    assert largest["act"] == pytest.approx(made.forward, rel=2**-8)


def test_training_goes_on_as_without(tmp_path):
    weights = []
    for is_metered in (False, True):
        torch.manual_seed(0)
        model = Attention()
        optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
        meter = PeakMeter(model, tmp_path / "peaks.csv")
        for step in range(1, 5):
            if is_metered and step != 3:
                meter.begin(step)
            optimizer.zero_grad()
            classes(model, tokens).backward()
            meter.end()
            optimizer.step()
        meter.close()
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
        weights.append([parameter.detach().clone() for parameter in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))
    assert {row[0] for row in rows_of(tmp_path / "peaks.csv")} == {1, 2, 4}


def test_gradients_are_unscaled_and_the_optimizer_is_not_metered(tmp_path):
    make, data, loss = CASES["mlp"]
    torch.manual_seed(0)
    model = make()
    plain = metered(copy.deepcopy(model), loss, data, tmp_path / "plain.csv")
    scaled = metered(copy.deepcopy(model), loss, data, tmp_path / "scaled.csv", scale=1024.0)
    assert plain == scaled  # a power of two changes no digit
    names = {row[1] for row in plain}
    assert names == {"0._to_copy", "0.addmm", "1.relu", "2.addmm", "2._to_copy", "2.mm", "2.sum", "0.mm", "0.sum",
                     "model._log_softmax_backward_data", "1.threshold_backward"}  # fmt: skip


def test_sixteen_bits_count_alone_where_there_are_any(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 4))
    with torch.amp.autocast("cpu", dtype=torch.bfloat16):
        rows = metered(model, classes, vectors, tmp_path / "peaks.csv")
    assert {row[1] for row in rows} >= {"0._to_copy", "0.addmm", "0.mm"}
    for _, name, _, largest in rows:
        assert float(torch.tensor(largest).bfloat16()) == largest, name


def test_inf_and_nan(tmp_path):
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU())
    model[0].weight.data.fill_(3e38)
    rows = metered(model, lambda m, x: m(x).sum(), torch.full((1, 2), 10.0), tmp_path / "peaks.csv")
    by_name = {(row[1], row[2]): row[3] for row in rows}
    assert by_name["0.mm", "act"] == math.inf
    assert by_name["1.relu", "act"] == 0  # it was given the Inf
    rows = metered(model, lambda m, x: m(x).sum(), torch.full((1, 2), math.nan), tmp_path / "nan.csv")
    assert math.isnan({(row[1], row[2]): row[3] for row in rows}["0.mm", "act"])


def test_the_program_reads_it(tmp_path):
    make, data, loss = CASES["large targets"]
    rows = metered(make(), loss, data, tmp_path / "peaks.csv")
    done = subprocess.run([program, str(tmp_path / "peaks.csv"), "--formats", "fp16", "--output", "json"], capture_output=True)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    largest = {tensor["name"]: tensor["max_abs"] for tensor in document["tensors"]}
    assert largest == {f"{kind}/{name}": value for _, name, kind, value in rows}
    advice = document["recommendations"][0]
    assert advice["bound_above_by"] == {"name": "op_grad/0.mm", "step": 7}
    assert not any("between modules" in caveat for caveat in advice["caveats"])


def test_steps_are_begun_once(tmp_path):
    meter = PeakMeter(nn.Linear(2, 2), tmp_path / "peaks.csv")
    meter.end()  # of no step: nothing
    assert not (tmp_path / "peaks.csv").exists()
    meter.begin(1)
    with pytest.raises(RuntimeError, match="step 1 has not ended"):
        meter.begin(2)
    meter.close()
