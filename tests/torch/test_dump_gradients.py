# SPDX-License-Identifier: Apache-2.0
"""tools/dump_gradients.py on small models. Each forward pass is written a second time by hand, without hooks and out of
place: autograd's gradients of the tensors named there are, bit for bit, all that a dump may hold.
PRECISION_AUDIT names the program that reads the files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

root = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "tools"))
from dump_gradients import dump_gradients  # noqa: E402

program = os.environ.get("PRECISION_AUDIT", str(root / "build/release/bin/precision-audit"))


class Model(nn.Module):
    """A module of named parts whose forward pass is a function of itself and the input."""

    def __init__(self, forward, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.run = forward

    def forward(self, x):
        return self.run(self, x)


class Leaf(nn.Module):
    """A module with a weight of its own and no children."""

    def __init__(self, forward):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4))
        self.run = forward

    def forward(self, x):
        return self.run(self, x)


def vectors():
    return torch.randn(3, 4)


def images():
    return torch.randn(2, 3, 6, 6)


def tokens():
    return torch.tensor([[1, 2, 2, 7], [0, 2, 9, 9]])


cases = {}


def case(make_input, make_model):
    """Files the decorated by-hand forward pass, which returns (output, {name of a saved gradient: its tensor})."""

    def file(by_hand):
        cases[by_hand.__name__] = (make_model, make_input, by_hand)
        return by_hand

    return file


def linear(module, x):
    return F.linear(x, module.weight, module.bias)


def conv(module, x):
    return F.conv2d(x, module.weight, module.bias, padding=module.padding)


def batch_norm(module, x):
    return F.batch_norm(x, module.running_mean.clone(), module.running_var.clone(), module.weight, module.bias, True)


@case(vectors, lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)))
def plain(m, x):
    a = linear(m[0], x)
    b = F.relu(a)
    c = linear(m[2], b)
    return c, {"0": a, "1": b, "2": c}


@case(vectors, lambda: nn.Linear(4, 3))
def one_module(m, x):
    a = linear(m, x)
    return a, {"model": a}


@case(vectors, lambda: nn.Sequential(
    nn.Linear(4, 4),
    Model(lambda m, x: x + m.two(F.relu(m.one(x))), one=nn.Linear(4, 4), two=nn.Linear(4, 4)),
    nn.Linear(4, 2)))
def residual(m, x):
    a = linear(m[0], x)
    one = linear(m[1].one, a)
    two = linear(m[1].two, F.relu(one))
    c = linear(m[2], a + two)
    return c, {"0": a, "1.one": one, "1.two": two, "2": c}


@case(images, lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 3)))
def inplace_relu_after_batch_norm(m, x):
    a = conv(m[0], x)
    b = batch_norm(m[1], a)
    c = F.relu(b)
    d = conv(m[3], c)
    return d, {"0": a, "1": b, "2": c, "3": d}


@case(lambda: torch.randn(2, 5, 4), lambda: Model(
    lambda m, x: m.head(m.lstm(x)[1][0][-1]), lstm=nn.LSTM(4, 3, batch_first=True), head=nn.Linear(3, 2)))
def lstm_last_state_only(m, x):
    _, (h, _) = m.lstm(x)
    b = linear(m.head, h[-1])
    return b, {"lstm.1.0": h, "head": b}


@case(lambda: torch.randn(2, 5, 4), lambda: Model(
    lambda m, x: m.head(m.lstm(x)[0]), lstm=nn.LSTM(4, 3, num_layers=2, batch_first=True), head=nn.Linear(3, 2)))
def lstm_every_step(m, x):
    a, _ = m.lstm(x)
    b = linear(m.head, a)
    return b, {"lstm.0": a, "head": b}


@case(tokens, lambda: nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 3)))
def embedding_dense(m, x):
    a = F.embedding(x, m[0].weight)
    b = linear(m[1], a)
    return b, {"0": a, "1": b}


@case(tokens, lambda: nn.Sequential(nn.Embedding(10, 4, sparse=True), nn.Linear(4, 3)))
def embedding_sparse(m, x):
    return embedding_dense(m, x)  # rows that occur twice are summed in both


def tied_model():
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 10, bias=False))
    model[1].weight = model[0].weight
    return model


@case(tokens, tied_model)
def tied(m, x):
    a = F.embedding(x, m[0].weight)
    b = F.linear(a, m[0].weight)
    return b, {"0": a, "1": b}


@case(vectors, lambda: nn.Sequential(
    nn.Linear(4, 5).requires_grad_(False), nn.Linear(5, 5), nn.Linear(5, 3).requires_grad_(False)))
def frozen(m, x):
    b = linear(m[1], linear(m[0], x))
    c = linear(m[2], b)
    return c, {"1": b, "2": c}


@case(vectors, lambda: Model(lambda m, x: m.used(x), used=nn.Linear(4, 3), unused=nn.Linear(4, 3)))
def unused_module(m, x):
    a = linear(m.used, x)
    return a, {"used": a}


@case(vectors, lambda: Model(
    lambda m, x: torch.cat(m.split(x)[:2], 1),
    split=Leaf(lambda m, x: (x * m.weight, (x + m.weight).sin(), m.weight.exp()))))
def tuple_output(m, x):
    a, b = x * m.split.weight, (x + m.split.weight).sin()
    return torch.cat((a, b), 1), {"split.0": a, "split.1": b}  # the third is used by nobody


def from_dict(m, x):
    found = m.both(x)
    return m.head(found["sum"]) + found["more"][0]


@case(vectors, lambda: Model(
    from_dict, both=Leaf(lambda m, x: {"sum": x + m.weight, "more": [x * m.weight, None]}), head=nn.Linear(4, 4)))
def dict_output(m, x):
    a, b = x + m.both.weight, x * m.both.weight
    c = linear(m.head, a)
    return c + b, {"both.sum": a, "both.more.0": b, "head": c}


@case(vectors, lambda: Model(lambda m, x: {"logits": m.head(x)}["logits"], head=nn.Linear(4, 3)))
def container_without_part(m, x):
    a = linear(m.head, x)
    return a, {"head": a}


@case(lambda: images().to(memory_format=torch.channels_last), lambda: nn.Sequential(
    nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3)).to(memory_format=torch.channels_last))
def channels_last(m, x):
    a = conv(m[0], x)
    b = F.relu(a)
    c = conv(m[2], b)
    return c, {"0": a, "1": b, "2": c}


@case(lambda: vectors().bfloat16(), lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).bfloat16())
def bf16(m, x):
    a = linear(m[0], x)
    b = torch.tanh(a)
    c = linear(m[2], b)
    return c, {"0": a, "1": b, "2": c}


@case(vectors, lambda: Model(
    lambda m, x: m.last(m.act(m.shared(m.act(m.shared(x))))),
    shared=nn.Linear(4, 4), act=nn.Tanh(), last=nn.Linear(4, 2)))
def module_called_twice(m, x):
    a = linear(m.shared, x)
    b = torch.tanh(a)
    c = linear(m.shared, b)
    d = torch.tanh(c)
    e = linear(m.last, d)
    return e, {"shared": a, "act": b, "shared@2": c, "act@2": d, "last": e}


@case(vectors, lambda: Model(
    lambda m, x: m.last(m.act(m.act(x))), act=nn.ReLU(inplace=True), last=nn.Linear(4, 2)))
def input_needs_no_gradient(m, x):
    a = linear(m.last, F.relu(x))
    return a, {"last": a}


def loop(m, x):
    h = torch.zeros(2, 3)
    for step in range(x.shape[1]):
        h = m.cell(x[:, step], h)
    return h


@case(lambda: torch.randn(2, 3, 4), lambda: Model(loop, cell=nn.GRUCell(4, 3)))
def cell_in_a_loop(m, x):
    states = []
    for step in range(3):
        states.append(m.cell(x[:, step], states[-1] if states else torch.zeros(2, 3)))
    return states[-1], dict(zip(("cell", "cell@2", "cell@3"), states))


@case(images, lambda: nn.Sequential(
    nn.Conv2d(3, 4, 3), nn.Identity(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(16, 3)))
def nothing_twice(m, x):
    a = conv(m[0], x)
    b = F.max_pool2d(a, 2)
    c = F.dropout(b.flatten(1))
    d = linear(m[5], c)
    return d, {"0": a, "2": b, "4": c, "5": d}  # Identity returns its input; Flatten the same values


@case(lambda: torch.randn(2, 3, 4), lambda: Model(
    lambda m, x: m.norm(x + m.attend(x, x, x)[0]),
    attend=nn.MultiheadAttention(4, 2, batch_first=True), norm=nn.LayerNorm(4)))
def attention(m, x):
    a = m.attend(x, x, x)[0]
    b = F.layer_norm(x + a, (4,), m.norm.weight, m.norm.bias)
    return b, {"attend.0": a, "norm": b}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(2)


def trained(name, step_of):
    """One SGD step of a case: its model afterwards, and what step_of(model, input) returned."""
    make_model, make_input, _ = cases[name]
    torch.manual_seed(1)
    model, data = make_model(), make_input()
    optimizer = torch.optim.SGD((p for p in model.parameters() if p.requires_grad), lr=0.1)
    told = step_of(model, data)
    optimizer.step()
    return model, told


def loss_of(output):
    return (output.square().mean() * 3).sin()


def bits(tensor):
    return tensor.shape, tensor.dtype, tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def all_bits(tensors):
    return {name: bits(tensor) for name, tensor in tensors.items()}


def dumped(path, model, data, **metadata):
    with dump_gradients(model, path, **metadata):
        loss = loss_of(model(data))
        loss.backward()
    return loss.detach()


def by_hand(name):
    """All gradients of a case by autograd.grad."""
    make_model, make_input, forward = cases[name]
    torch.manual_seed(1)
    model, data = make_model(), make_input()
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.sparse = False
    output, tensors = forward(model, data)
    wanted = {f"act_grad/{key}": tensor for key, tensor in tensors.items()}
    wanted |= {f"grad/{key}": p for key, p in model.named_parameters() if p.requires_grad}
    found = torch.autograd.grad(loss_of(output), list(wanted.values()), allow_unused=True)
    return {key: gradient for key, gradient in zip(wanted, found) if gradient is not None}


@pytest.mark.parametrize("name", cases)
def test_gradients(name, tmp_path):
    trained(name, lambda model, data: dumped(tmp_path / "step7.safetensors", model, data))
    assert all_bits(load_file(tmp_path / "step7.safetensors")) == all_bits(by_hand(name))


@pytest.mark.parametrize("name", cases)
def test_training_is_not_disturbed(name, tmp_path):
    def plain_step(model, data):
        loss = loss_of(model(data))
        loss.backward()
        return loss.detach()

    with_dump, loss = trained(name, lambda model, data: dumped(tmp_path / "x.safetensors", model, data))
    without, plain_loss = trained(name, plain_step)
    assert bits(loss) == bits(plain_loss)
    assert all_bits(with_dump.state_dict()) == all_bits(without.state_dict())
    assert not any(module._forward_hooks for module in with_dump.modules())


@pytest.mark.parametrize("name", cases)
def test_program_reads_it(name, tmp_path):
    path = tmp_path / "dump.safetensors"
    trained(name, lambda model, data: dumped(path, model, data, step=7))
    words = [program, str(path), "--by", "tensor", "--scales", "0:0", "--formats", "fp16", "--output", "json"]
    told = subprocess.run(words, stdout=subprocess.PIPE, check=True)
    answer = json.loads(told.stdout)
    tensors = load_file(path)
    assert {row["name"]: row["elements"] for row in answer["tensors"]} == {k: t.numel() for k, t in tensors.items()}
    assert {row["step"] for row in answer["tensors"]} == {7}


def test_many_backward_passes_through_one_call(tmp_path):
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh())
    with dump_gradients(model, tmp_path / "x.safetensors"):
        output = model(vectors())
        output.sum().backward(retain_graph=True)
        output.square().sum().backward(retain_graph=True)
        (3 * output).sum().backward()
    saved = load_file(tmp_path / "x.safetensors")
    names = {f"act_grad/{name}{repeat}" for name in "01" for repeat in ("", "+2", "+3")}
    assert set(saved) == names | {"grad/0.weight", "grad/0.bias"}
    assert torch.equal(saved["act_grad/1+3"], torch.full((3, 3), 3.0))
    assert torch.equal(saved["act_grad/1"], torch.ones(3, 3))
    assert torch.equal(saved["act_grad/1+2"], 2 * output.detach())


def test_compiled_model(tmp_path):
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh())
    compiled = torch.compile(model, backend="aot_eager")
    compiled(vectors()).sum().backward()
    with pytest.warns(UserWarning, match="torch.compile"):
        dumped(tmp_path / "x.safetensors", compiled, vectors())
    dumped(tmp_path / "x.safetensors", model, vectors())
    assert {"act_grad/0", "act_grad/1"} < set(load_file(tmp_path / "x.safetensors"))


def test_metadata(tmp_path):
    model = nn.Linear(4, 3)
    dumped(tmp_path / "x.safetensors", model, vectors(), step=12, loss_scale=65536.0)
    with safe_open(tmp_path / "x.safetensors", "pt") as file:
        assert file.metadata() == {"step": "12", "loss_scale": "65536.0"}


def test_a_step_that_fails_leaves_nothing(tmp_path):
    model = nn.Linear(4, 3)
    with pytest.raises(ZeroDivisionError), dump_gradients(model, tmp_path / "x.safetensors"):
        model(vectors()).sum().backward()
        1 / 0
    assert not (tmp_path / "x.safetensors").exists()
    assert not model._forward_hooks


def test_gradients_that_share_memory(tmp_path):
    model = nn.Linear(4, 3)
    flat = torch.zeros(15)  # as data-parallel training keeps them
    model.weight.grad, model.bias.grad = flat[:12].view(3, 4), flat[12:]
    dumped(tmp_path / "x.safetensors", model, vectors())
    saved = load_file(tmp_path / "x.safetensors")
    assert torch.equal(saved["grad/weight"], model.weight.grad)
    assert torch.equal(saved["grad/bias"], model.bias.grad)
