# SPDX-License-Identifier: Apache-2.0
"""pa.Recorder in real training loops. Each test compares counts, integer for integer, with those of a plain dump of the
same step, and weights, bit for bit, with the same training without a recorder.
PRECISION_AUDIT names the program that reads the files."""

import gc
import json
import os
import re
import subprocess
import sys
import warnings
import weakref
from pathlib import Path

import precision_audit as pa
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

root = Path(__file__).resolve().parents[2]
program = os.environ.get("PRECISION_AUDIT", str(root / "build/release/bin/precision-audit"))


def counts(data):
    """{(tensor, log2 of the scale): counts} in fp16."""
    told = pa.audit(data, by="tensor", formats="fp16", scales=(-8, 24)).to_dict()
    return {
        (row["name"], row["scale_log2"]): (row["counts"], row["elements"], row["zero_in"], row["nan_in"], row["inf_in"])
        for row in told["outcomes"]
        if row["name"] is not None
    }


def census(summary):
    return {t.name: (t.dtype, t.shape, t.part, t.elements, t.zero_in, t.nan_in, t.inf_in) for t in summary.tensors}


def step_of(path, number):
    return pa.Summary.load(Path(path) / f"step{number:010d}.binades")


def bits(model):
    return {name: value.reshape(-1).view(torch.uint8).numpy().tobytes() for name, value in model.state_dict().items()}


def mlp():
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=True), nn.Linear(5, 3))


def vectors():
    return torch.randn(3, 4)


def tokens():
    return torch.randint(0, 10, (2, 4))


class Model(nn.Module):
    def __init__(self, run, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.run = run

    def forward(self, x):
        return self.run(self, x)


def tied():
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 10, bias=False))
    model[1].weight = model[0].weight
    return model


def twice(m, x):
    return m.last(m.act(m.shared(m.act(m.shared(x)))))


def checkpointed(reentrant):
    parts = {"first": nn.Linear(4, 4), "block": nn.Sequential(nn.Linear(4, 4), nn.Tanh()), "last": nn.Linear(4, 2)}
    return Model(lambda m, x: m.last(checkpoint(m.block, m.first(x), use_reentrant=reentrant)), **parts)


cases = {
    "in_place_relu": (mlp, vectors),
    "tied": (tied, tokens),
    "frozen": (lambda: nn.Sequential(nn.Linear(4, 5).requires_grad_(False), nn.Linear(5, 3)), vectors),
    "sparse": (lambda: nn.Sequential(nn.Embedding(10, 4, sparse=True), nn.Linear(4, 3)), tokens),
    "lstm": (lambda: Model(lambda m, x: m.head(m.lstm(x)[0]), lstm=nn.LSTM(4, 3, num_layers=2), head=nn.Linear(3, 2)),
             lambda: torch.randn(5, 2, 4)),
    "module_called_twice": (lambda: Model(twice, shared=nn.Linear(4, 4), act=nn.Tanh(), last=nn.Linear(4, 2)), vectors),
    "checkpoint": (lambda: checkpointed(False), vectors),
    "checkpoint_reentrant": (lambda: checkpointed(True), vectors),
    "unused": (lambda: Model(lambda m, x: m.used(x), used=nn.Linear(4, 3), unused=nn.Linear(4, 3)), vectors),
}  # fmt: skip


def trained(make, data, each, steps=3):
    """A training of some steps: each(step, model, input) runs forward and backward, and what else is wanted."""
    torch.manual_seed(1)
    model = make()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    for step in range(steps):
        optimizer.zero_grad()
        each(step, model, data())
        optimizer.step()
    return model


def loss_of(output):
    return (output.float().square().mean() * 3).sin()


@pytest.mark.parametrize("name", cases)
def test_counts_are_those_of_a_dump(name, tmp_path):
    make, data = cases[name]
    recorders = []

    def recorded(step, model, x):
        if not recorders:
            recorders.append(pa.Recorder(model, tmp_path / "run.binades", every=2).__enter__())
        loss_of(model(x)).backward()
        recorders[0].step()

    def dumped(step, model, x):
        with pa.dump_gradients(model, tmp_path / f"step{step}.safetensors", step=step):
            loss_of(model(x)).backward()

    recorded_model = trained(make, data, recorded)
    recorders[0].__exit__(None, None, None)
    assert not any(module._forward_hooks for module in recorded_model.modules())
    trained(make, data, dumped)
    plain = trained(make, data, lambda step, model, x: loss_of(model(x)).backward())
    assert bits(recorded_model) == bits(plain)
    assert sorted(os.listdir(tmp_path / "run.binades")) == ["step0000000000.binades", "step0000000002.binades"]
    for step in (0, 2):
        found, want = step_of(tmp_path / "run.binades", step), pa.summarize(tmp_path / f"step{step}.safetensors")
        assert census(found) == census(want)
        assert counts(found) == counts(want)


def test_three_lines_in_a_loop(tmp_path):
    """What the program says of a run that is recorded, and of dumps of the same steps."""
    torch.manual_seed(1)
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    with pa.Recorder(model, tmp_path / "run.binades") as rec:
        for step in range(3):
            optimizer.zero_grad()
            with pa.dump_gradients(model, tmp_path / f"step{step}.safetensors", step=step):
                loss = loss_of(model(vectors()))
                loss.backward()
            rec.step(loss=loss)
            optimizer.step()
    answers = []
    for paths in ([tmp_path / "run.binades"], sorted(tmp_path.glob("*.safetensors"))):
        words = [program, *map(str, paths), "--by", "tensor", "--counts-only", "--output", "json"]
        answers.append(json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout))
    assert len(answers[0]["tensors"]) == 3 * 7
    assert [row["counts"] for row in answers[0]["outcomes"]] == [row["counts"] for row in answers[1]["outcomes"]]
    assert [row["name"] for row in answers[0]["outcomes"]] == [row["name"] for row in answers[1]["outcomes"]]
    assert [row["step"] for row in answers[0]["outcomes"]] == [row["step"] for row in answers[1]["outcomes"]]
    assert step_of(tmp_path / "run.binades", 1).steps[0].loss_dtype == "float32"
    assert rec.first_nonfinite is None


def test_gradient_accumulation(tmp_path):
    torch.manual_seed(1)
    model, seen = mlp(), {}
    with pa.Recorder(model, tmp_path / "run") as rec:
        for micro in ("", "@2", "@3"):
            output = model(vectors())
            output.register_hook(lambda g, micro=micro: seen.update({f"act_grad/2{micro}": g.clone()}))
            loss_of(output).backward()
        rec.step(step=40)
    found = step_of(tmp_path / "run", 40)
    weights = {f"grad/{name}": p.grad for name, p in model.named_parameters()}
    want = counts(pa.summarize({**seen, **weights}))  # of three micro-batches, and of their sum
    got = counts(found)
    assert {key: got[key] for key in want} == want
    assert {t.name for t in found.tensors} == set(weights) | {f"act_grad/{n}{m}" for n in "012" for m in ("", "@2", "@3")}


def test_grad_scaler_and_a_step_it_skips(tmp_path):
    def run(recorded):
        torch.manual_seed(1)
        model = mlp()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**120)
        rec = pa.Recorder(model, tmp_path / "run").__enter__() if recorded else None
        kept, scales = [], []
        for step in range(4):
            optimizer.zero_grad()
            scaler.scale(loss_of(model(vectors())) * (2.0**10 if step == 1 else 1)).backward()
            kept.append({f"grad/{name}": p.grad.clone() for name, p in model.named_parameters()})
            scales.append(scaler.get_scale())
            if rec:
                rec.step(scaler=scaler)
            scaler.step(optimizer)
            scaler.update()
        if rec:
            rec.__exit__(None, None, None)
        return model, kept, scales, rec

    model, kept, scales, rec = run(True)
    plain, *_ = run(False)
    assert bits(model) == bits(plain)
    assert scales == [2.0**120, 2.0**120, 2.0**119, 2.0**119]
    for step in range(4):
        found = step_of(tmp_path / "run", step)
        assert found.steps[0].dump_scale_log2 == (120 if step < 2 else 119)
        want = counts(pa.summarize(kept[step], dump_scale=scales[step]))
        got = counts(found)
        assert {key: got[key] for key in want} == want
    assert any(t.nan_in or t.inf_in for t in step_of(tmp_path / "run", 1).tensors)
    number, tensor, what = rec.first_nonfinite
    assert (number, what in ("nan", "inf"), tensor.startswith("act_grad/")) == (1, True, True)
    said = [json.loads(line) for line in (tmp_path / "run.steps.jsonl").read_text().splitlines()]
    assert [(row["step"], row["scale"], row["growth_tracker"]) for row in said] == list(zip(range(4), scales, (0, 1, 0, 1)))
    assert [row["first_nonfinite"] for row in said] == [None, [tensor, what], None, None]
    assert all(row["loss"] is None and row["loss_dtype"] is None for row in said)


def test_autocast(tmp_path):
    torch.manual_seed(1)
    model = mlp()
    with pa.Recorder(model, tmp_path / "run") as rec:
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(model(vectors()))
        loss.backward()
        rec.step(loss=loss)
        with torch.autocast("cpu", torch.float16):
            loss = loss_of(model(vectors()))
        loss.backward()
        with pytest.warns(UserWarning, match="backward pass runs in float16"):
            rec.step()
    dtypes = {t.name: t.dtype for t in step_of(tmp_path / "run", 0).tensors}
    assert (dtypes["act_grad/2"], dtypes["grad/2.weight"]) == ("bfloat16", "float32")
    assert {t.dtype for t in step_of(tmp_path / "run", 1).tensors if t.name.startswith("act_grad/")} == {"float16"}


def test_compile(tmp_path):
    torch.manual_seed(1)
    model = mlp()
    x = vectors()
    with pa.Recorder(model, tmp_path / "before", every=2) as rec:
        compiled = torch.compile(model, backend="aot_eager")
        for step in range(3):
            model.zero_grad()
            loss_of(compiled(x)).backward()
            rec.step()
    with pa.dump_gradients(model, tmp_path / "plain.safetensors"):
        model.zero_grad()
        loss_of(model(x)).backward()
    for step in (0, 2):
        assert counts(step_of(tmp_path / "before", step)) == counts(pa.summarize(tmp_path / "plain.safetensors"))
    torch._dynamo.reset()
    late = mlp()
    compiled = torch.compile(late, backend="aot_eager")
    loss_of(compiled(x)).backward()
    with pa.Recorder(late, tmp_path / "late") as rec:
        loss_of(compiled(x)).backward()
        with pytest.warns(UserWarning, match="was the model compiled before the recorder was attached"):
            rec.step()
    with pytest.raises(ValueError, match="attach the recorder before torch.compile"):
        pa.Recorder(compiled, tmp_path / "x")
    with pytest.raises(ValueError, match="attach the recorder before torch.compile"):
        pa.Recorder(nn.Sequential(compiled), tmp_path / "x")


def test_no_activation_gradient_is_said(tmp_path):
    model = nn.Linear(4, 3)
    with pa.Recorder(model, tmp_path / "run") as rec:
        with pytest.warns(UserWarning, match="no gradient of a module's output was seen"):
            rec.step()
    with pa.Recorder(model, tmp_path / "run", activations=False) as rec, warnings.catch_warnings():
        warnings.simplefilter("error")
        model(vectors()).sum().backward()
        rec.step()
    assert {t.name for t in step_of(tmp_path / "run", 0).tensors} == {"grad/weight", "grad/bias"}


def test_optimizer_in_backward(tmp_path):
    torch.manual_seed(1)
    model, kept = mlp(), {}
    with pa.Recorder(model, tmp_path / "run", weights="hook") as rec:
        for name, parameter in model.named_parameters():
            def update(p, name=name):
                kept[f"grad/{name}"] = p.grad.clone()
                p.data.sub_(p.grad, alpha=0.1)
                p.grad = None

            parameter.register_post_accumulate_grad_hook(update)
        loss_of(model(vectors())).backward()
        rec.step()
    got = counts(step_of(tmp_path / "run", 0))
    want = counts(pa.summarize(kept))
    assert len(kept) == 4 and {key: got[key] for key in want} == want


def test_nothing_is_kept_alive(tmp_path):
    model = mlp()
    with pa.Recorder(model, tmp_path / "run") as rec:
        output = model(vectors())
        seen = []
        output.register_hook(lambda g: seen.append(weakref.ref(g)))
        loss_of(output).backward()
        alive = weakref.ref(output)
        del output
        rec.step()
        gc.collect()
        assert alive() is None and [ref() for ref in seen] == [None]


def test_peaks(tmp_path):
    pytest.importorskip("precision_audit._peaks")

    def run(**options):
        torch.manual_seed(1)
        model = mlp()
        with pa.Recorder(model, tmp_path / "run", every=2, **options) as rec:
            for _ in range(3):
                model.zero_grad()
                (loss_of(model(vectors())) * 2**10).backward()
                rec.step(scale=2**10)
        return counts(tmp_path / "run")

    assert run(peaks=True) == run()
    lines = (tmp_path / "run" / "peaks.csv").read_text().splitlines()
    assert {line.split(",")[0] for line in lines[1:]} == {"0", "2"}


@pytest.mark.parametrize("wrong, said", [
    ({"every": 0}, "every: wanted 1 or more, found 0"),
    ({"weights": "x"}, "weights: wanted 'step' or 'hook', found 'x'"),
])  # fmt: skip
def test_wrong_options(wrong, said, tmp_path):
    with pytest.raises(ValueError, match=re.escape(said)):
        pa.Recorder(mlp(), tmp_path / "run", **wrong)


def test_a_scale_that_is_no_power_of_two(tmp_path):
    model = mlp()
    with pa.Recorder(model, tmp_path / "run") as rec:
        loss_of(model(vectors())).backward()
        with pytest.raises(ValueError, match="scale: wanted a power of two, found 3"):
            rec.step(scale=3)
        loss_of(model(vectors())).backward()
        rec.step(scale=4)  # what was refused is not in it
    assert {t.name: t.elements for t in step_of(tmp_path / "run", 1).tensors} == {
        "act_grad/0": 15, "act_grad/1": 15, "act_grad/2": 9,
        "grad/0.weight": 20, "grad/0.bias": 5, "grad/2.weight": 15, "grad/2.bias": 3,
    }  # fmt: skip
    assert os.listdir(tmp_path / "run") == ["step0000000001.binades"]


killed = """
import sys, torch, precision_audit as pa
from torch import nn
model = nn.Linear(4, 3)
with pa.Recorder(model, sys.argv[1]) as rec:
    for step in range(10**6):
        model.zero_grad()
        model(torch.randn(5, 4)).sum().backward()
        rec.step()
        print(step, flush=True)
"""


def test_a_killed_run_keeps_every_step(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", killed, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True)
    for _ in range(20):
        said = child.stdout.readline()
    child.kill()
    said = int((child.stdout.read().split() or said.split())[-1])
    child.wait()
    kept = pa.Summary.load(tmp_path / "run")
    assert [row.step for row in kept.steps][: said + 1] == list(range(said + 1)) and len(kept) <= said + 2
    assert {row.tensors[0].elements for row in kept.steps} == {15}


# Two processes; each scenario is one recorder in both. What each rank had is compared here with what the files say.
ranks_script = """
import os, sys, torch, torch.distributed as dist, precision_audit as pa
from contextlib import nullcontext
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

rank, folder = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)

def model():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 7), nn.Tanh(), nn.Linear(7, 1))

def data(number, name):
    torch.manual_seed(10 * number + rank)
    return torch.randn(3 + rank if name.startswith("uneven") else 3, 4)

def run(name, wrap, quiet, gather, recorded):
    net = model()
    wrapped = wrap(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    seen = {}
    rec = pa.Recorder(net, f"{folder}/{name}.binades", gather=gather).__enter__() if recorded else None
    if recorded:
        net[2].register_forward_hook(lambda m, i, o: None if o.register_hook(
            lambda g, key=f"act_grad/2{'@2' if 'micro' in seen else ''}": seen.update({key: g.clone()})) else None)
    for step in range(2):
        seen.pop("micro", None)
        optimizer.zero_grad()
        with quiet(wrapped, True):
            wrapped(data(2 * step, name)).square().mean().backward()
        seen["micro"] = torch.ones(1)
        with quiet(wrapped, False):
            wrapped(data(2 * step + 1, name)).square().mean().backward()
        if recorded:
            for n, p in net.named_parameters():
                if hasattr(p.grad, "full_tensor"):
                    seen |= {f"grad/{n}": p.grad.full_tensor(), f"local/{n}": p.grad.to_local().clone()}
                else:
                    seen[f"grad/{n}"] = p.grad.clone()
            rec.step()
            if step == 0:
                torch.save(seen, f"{folder}/{name}.rank{rank}.pt")
        optimizer.step()
    if recorded:
        rec.__exit__(None, None, None)
    return {n: (p.full_tensor() if hasattr(p, "full_tensor") else p).detach().clone() for n, p in net.named_parameters()}

class Sync:
    def __init__(self, net, quiet): net.set_requires_gradient_sync(not quiet)
    def __enter__(self): pass
    def __exit__(self, *rest): pass

for name, wrap, quiet in (
    ("ddp", DistributedDataParallel, lambda net, q: net.no_sync() if q else nullcontext()),
    ("uneven", DistributedDataParallel, lambda net, q: net.no_sync() if q else nullcontext()),
    ("fsdp", fully_shard, Sync),
    ("hybrid", lambda net: fully_shard(net, mesh=init_device_mesh("cpu", (2, 1), mesh_dim_names=("copies", "shards"))), Sync),
):
    plain = run(name, wrap, quiet, False, False)
    for gather in (False, True):
        got = run(name + ("_gathered" if gather else ""), wrap, quiet, gather, True)
        assert all(torch.equal(got[n].view(torch.int32), plain[n].view(torch.int32)) for n in plain)
dist.barrier()  # nobody leaves while another still reads
dist.destroy_process_group()
"""


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    words = [sys.executable, "-c", ranks_script]
    children = [subprocess.Popen([*words, str(rank), str(folder)], stderr=subprocess.PIPE, text=True) for rank in (0, 1)]
    for child in children:
        told = child.communicate(timeout=200)[1]
        assert child.returncode == 0, told
    return folder


@pytest.mark.parametrize("name", ["ddp", "fsdp", "hybrid"])
def test_two_processes(name, two_ranks):
    seen = [torch.load(two_ranks / f"{name}.rank{rank}.pt") for rank in (0, 1)]
    if name == "fsdp":  # the last layer has one row: the second rank holds nothing of it
        assert [tuple(one["local/0.weight"].shape) for one in seen] == [(4, 4), (3, 4)]
        assert [one["local/2.weight"].numel() for one in seen] == [7, 0]
    want = {key: value for key, value in seen[0].items() if key.startswith("grad/")}
    assert all(torch.equal(want[key], seen[1][key]) for key in want)
    want |= {key: torch.cat([one[key] for one in seen]) for key in ("act_grad/2", "act_grad/2@2")}
    files, gathered = two_ranks / f"{name}.binades", two_ranks / f"{name}_gathered.binades"
    assert len(os.listdir(files)) == 4 and len(os.listdir(gathered)) == 2
    for folder in (files, gathered):
        whole = pa.Summary.load(folder)
        assert [row.step for row in whole.steps] == [0, 1]
        first = pa.Summary.load(sorted(folder.glob("step0000000000*")))
        assert {t.part for t in first.tensors} == {"whole"}
        assert {t.name for t in first.tensors} == set(want) | {f"act_grad/{n}{m}" for n in "01" for m in ("", "@2")}
        got = counts(first)
        wanted = counts(pa.summarize(want))
        assert {key: got[key] for key in wanted} == wanted
        shapes = {t.name: t.shape for t in first.tensors}
        assert {key: shapes[key] for key in want} == {key: tuple(value.shape) for key, value in want.items()}
    assert pa.Summary.load(files) == pa.Summary.load(gathered)


def test_batches_of_different_sizes(two_ranks):
    """The parts of an activation gradient then are of no one tensor: the ranks' files stay apart, their counts add up."""
    seen = [torch.load(two_ranks / f"uneven.rank{rank}.pt") for rank in (0, 1)]
    want = {key: value for key, value in seen[0].items() if key.startswith("grad/")}
    want |= {key: torch.cat([one[key] for one in seen]) for key in ("act_grad/2", "act_grad/2@2")}
    wanted = counts(pa.summarize(want))
    for folder in (two_ranks / "uneven.binades", two_ranks / "uneven_gathered.binades"):
        files = sorted(folder.glob("step0000000000*"))
        assert len(files) == 2
        apart = [counts(file) for file in files]
        for key, (outcomes, *others) in wanted.items():
            assert outcomes == {word: sum(one[key][0][word] for one in apart) for word in outcomes}
            assert others == [sum(one[key][i] for one in apart) for i in range(1, 5)]
