# SPDX-License-Identifier: Apache-2.0
"""`memory` against what torch allocates: parameters, gradients and optimizer state of four small models."""

import json
import subprocess

import pytest

torch = pytest.importorskip("torch")

# words for `memory`, the optimizer, and whether the step runs under autocast and in which type the weights are
SETUPS = {
    "sgd": ("fp32", "sgd", lambda p: torch.optim.SGD(p, lr=0.1), None, torch.float32),
    "momentum": ("fp32", "momentum", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), None, torch.float32),
    "adam": ("fp32", "adam", lambda p: torch.optim.Adam(p), None, torch.float32),
    "adamw foreach": ("fp32", "adamw", lambda p: torch.optim.AdamW(p, foreach=True), None, torch.float32),
    "adamw fused": ("fp32", "adamw", lambda p: torch.optim.AdamW(p, fused=True), None, torch.float32),
    "amsgrad": ("fp32", "amsgrad", lambda p: torch.optim.AdamW(p, amsgrad=True), None, torch.float32),
    "rmsprop": ("fp32", "rmsprop", lambda p: torch.optim.RMSprop(p), None, torch.float32),
    "adagrad": ("fp32", "adagrad", lambda p: torch.optim.Adagrad(p), None, torch.float32),
    "autocast fp16": ("autocast", "adamw", lambda p: torch.optim.AdamW(p), torch.float16, torch.float32),
    "autocast bf16": ("autocast", "adamw", lambda p: torch.optim.AdamW(p), torch.bfloat16, torch.float32),
    "bf16 weights": ("bf16", "adamw", lambda p: torch.optim.AdamW(p), None, torch.bfloat16),
    "bf16 momentum": ("bf16", "momentum", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), None, torch.bfloat16),
}


def mlp():
    return torch.nn.Sequential(torch.nn.Linear(17, 33), torch.nn.GELU(), torch.nn.Linear(33, 5)), torch.randn(4, 17)


def convolutions():
    layers = [torch.nn.Conv2d(3, 7, 3), torch.nn.BatchNorm2d(7), torch.nn.ReLU(), torch.nn.Conv2d(7, 2, 1)]
    return torch.nn.Sequential(*layers), torch.randn(2, 3, 9, 9)


def transformer():
    return torch.nn.TransformerEncoderLayer(24, 3, 40, dropout=0.0, batch_first=True), torch.randn(2, 5, 24)


class Words(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(19, 6)
        self.norm = torch.nn.LayerNorm(6)
        self.mix = torch.nn.Conv1d(6, 11, 3, padding=1)
        self.scale = torch.nn.Parameter(torch.ones(()))
        self.head = torch.nn.Linear(11, 19, bias=False)

    def forward(self, x):
        return self.head(self.mix(self.norm(self.embed(x)).transpose(1, 2)).transpose(1, 2)) * self.scale


def words():
    return Words(), torch.randint(0, 19, (3, 8))


def allocated(model, inputs, make_optimizer, autocast, weights):
    model = model.to(weights)
    inputs = inputs.to(weights) if inputs.is_floating_point() else inputs
    optimizer = make_optimizer(list(model.parameters()))
    with torch.autocast("cpu", dtype=autocast or torch.bfloat16, enabled=autocast is not None):
        loss = model(inputs).float().square().mean()
    loss.backward()
    optimizer.step()
    tensors = [*model.parameters(), *(p.grad for p in model.parameters())]
    tensors += [t for state in optimizer.state.values() for t in state.values() if torch.is_tensor(t)]
    return sum(t.nbytes for t in tensors)


@pytest.mark.parametrize("model", [mlp, convolutions, transformer, words], ids=lambda m: m.__name__)
@pytest.mark.parametrize("setup", SETUPS)
def test_bytes_are_those_of_torch(command, tmp_path, model, setup):
    kept, optimizer, make_optimizer, autocast, weights = SETUPS[setup]
    torch.manual_seed(0)
    module, inputs = model()
    shapes = tmp_path / "shapes.txt"
    lines = [f"{name} {' '.join(map(str, p.shape))}" for name, p in module.named_parameters()]
    shapes.write_text("# name and axes\n" + "\n".join(lines) + "\n")
    words = [command.path, "memory", "--shapes", shapes, "--kept", kept, "--optimizer", optimizer, "--output", "json"]
    done = subprocess.run(list(map(str, words)), capture_output=True, check=True)
    said = json.loads(done.stdout)["memory"]["bytes"]
    assert said == allocated(module, inputs, make_optimizer, autocast, weights)


def test_the_published_tables(command):
    done = subprocess.run([command.path, "memory", "--params", "7e9", "--output", "json"], capture_output=True, check=True)
    assert json.loads(done.stdout)["memory"]["bytes"] == 112 * 10**9
    text = subprocess.run([command.path, "memory", "--params", "7e9"], capture_output=True, check=True).stdout.decode()
    assert "122, 117 and 112 GB" in " ".join(text.split())
