# SPDX-License-Identifier: Apache-2.0
"""Files that only torch writes: views in any order, sparse gradients, lazily negated views, shared storages, sharded
checkpoints. The program's answer is that for the same numbers as plain contiguous tensors, to the last digit.
PRECISION_AUDIT names the program."""

import json
import os
import resource
import subprocess
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import torch.multiprocessing as mp

root = Path(__file__).resolve().parents[2]
program = os.environ.get("PRECISION_AUDIT", str(root / "build/release/bin/precision-audit"))
warnings.filterwarnings("ignore")


def run(*arguments, code=0):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done


def answer(*arguments):
    """The JSON document without what differs between files of the same numbers."""
    document = json.loads(run(*arguments, "--output", "json").stdout)
    document.pop("inputs")

    def plain(value):
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items() if k not in ("path", "paths", "bytes", "source")}
        return [plain(v) for v in value] if isinstance(value, list) else value

    return plain(document)


def save(path, **tensors):
    torch.save(tensors, path)
    return path


def numbers(*shape, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    exponents = torch.randint(-30, 10, shape, generator=generator)
    return (torch.randn(*shape, generator=generator) * torch.exp2(exponents.float())).to(dtype)


# Name, and a view in another order than row-major that has the same elements as its contiguous copy.
views = {
    "transposed": lambda: numbers(40, 30).t(),
    "transposed, more than a band": lambda: numbers(2100, 2300).t(),
    "permuted": lambda: numbers(5, 6, 7).permute(2, 0, 1),
    "channels_last": lambda: numbers(2, 5, 6, 7).to(memory_format=torch.channels_last),
    "a slice of a transposed one": lambda: numbers(40, 30).t()[3:20:2, 1::3],
    "expanded": lambda: numbers(7, 1, 5).expand(7, 4, 5),
    "expanded and permuted": lambda: numbers(7, 1, 5).expand(7, 4, 5).permute(1, 2, 0),
    "diagonal": lambda: numbers(9, 9).diagonal(),
    "half precision": lambda: numbers(40, 30, dtype=torch.float16).t(),
    "bfloat16 channels_last": lambda: numbers(2, 5, 6, 7, dtype=torch.bfloat16).to(memory_format=torch.channels_last),
    "double": lambda: numbers(40, 30, dtype=torch.float64).t(),
}


@pytest.mark.parametrize("name", views)
def test_views_are_summed_in_their_own_order(name, tmp_path):
    view = views[name]()
    plain, other = view.contiguous().clone(), numbers(*view.shape, dtype=view.dtype, seed=1)
    a, b = save(tmp_path / "a.pt", w=view), save(tmp_path / "b.pt", w=plain)
    with_other = save(tmp_path / "o.pt", w=other)
    over = ("--over", "files", "--formats", "fp16", "--models", "sequential")
    assert answer("accumulate", a, with_other, *over) == answer("accumulate", b, with_other, *over)
    negative = save(tmp_path / "n.pt", w=-plain)
    exact = answer("accumulate", a, negative, "--over", "files", "--formats", "fp32", "--models", "sequential")
    assert "no sum that is not zero" in json.dumps(exact)  # every pair is x and -x
    assert answer(a) == answer(b)


@pytest.mark.parametrize("name", ["transposed", "channels_last", "permuted"])
def test_views_in_operations_and_updates(name, tmp_path):
    view = views[name]()
    plain = view.contiguous().clone()
    a, b = save(tmp_path / "a.pt", w=view), save(tmp_path / "b.pt", w=plain)
    assert answer("accumulate", a, "--ops") == answer("accumulate", b, "--ops")
    assert answer("accumulate", a, "--norm") == answer("accumulate", b, "--norm")

    def state(path, weight):
        moments = {"exp_avg/w": numbers(*plain.shape, seed=2), "exp_avg_sq/w": numbers(*plain.shape, seed=3).square()}
        torch.save({"param/w": weight, "step": 5, **moments}, path)
        return path

    a, b = state(tmp_path / "sa.pt", view), state(tmp_path / "sb.pt", plain)
    assert answer("accumulate", "--update", a) == answer("accumulate", "--update", b)
    np.savez(tmp_path / "fa.npz", **{f"{k}/w": np.asfortranarray(v) for k, v in three(plain).items()})
    np.savez(tmp_path / "fb.npz", **{f"{k}/w": v for k, v in three(plain).items()})
    np.savez_compressed(tmp_path / "fc.npz", **{f"{k}/w": np.asfortranarray(v) for k, v in three(plain).items()})
    expected = None
    for file in ("fb", "fa", "fc"):
        path = tmp_path / f"{file}-step5.npz"
        (tmp_path / f"{file}.npz").rename(path)
        got = answer("accumulate", "--update", path)
        expected = expected or got
        assert got == expected


def three(plain):
    return {"param": plain.numpy(), "exp_avg": numbers(*plain.shape, seed=2).numpy(),
            "exp_avg_sq": numbers(*plain.shape, seed=3).square().numpy()}


def test_gemm_of_a_transposed_operand(tmp_path):
    dy, x = numbers(64, 48), numbers(64, 32, seed=1)
    a = save(tmp_path / "a.pt", dy=dy.t(), x=x)
    b = save(tmp_path / "b.pt", dy=dy.t().contiguous(), x=x)
    words = ("--gemm", "dy", "x", "--paths", "h100:wgmma:fp16:f16", "--output", "json")
    assert run("accumulate", a, *words).stdout.replace("a.pt", "b.pt").split('"gemm')[1:] == \
        run("accumulate", b, *words).stdout.split('"gemm')[1:]


def coo(indices, values, size, **words):
    return torch.sparse_coo_tensor(torch.tensor(indices), values, size, check_invariants=False, **words)


def added_in_order(rows, values):
    """torch's own additions in the order stored. Its coalesce() adds so too, but equal rows come in the order that an
    unstable sort leaves them in, which is not the same on every processor."""
    sums = {}
    for row, value in zip(rows.tolist(), values):
        sums[row] = sums[row] + value if row in sums else value
    return sums


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_uncoalesced_gradients_are_added(dtype, tmp_path):
    rows = torch.randint(0, 50, (400,), generator=torch.Generator().manual_seed(1))
    whole_numbers = torch.randint(-3, 4, (400, 16), generator=torch.Generator().manual_seed(2)).to(dtype)
    exact = torch.sparse_coo_tensor(rows[None], whole_numbers, (1000, 16))
    assert not exact.is_coalesced()
    a, b = save(tmp_path / "a.pt", g=exact), save(tmp_path / "b.pt", g=exact.coalesce())
    c = save(tmp_path / "c.pt", g=exact.to_dense())
    assert answer(a) == answer(b) == answer(c)

    values = numbers(400, 16, dtype=dtype)
    rounded = torch.zeros(1000, 16, dtype=dtype)
    for row, value in added_in_order(rows, values).items():
        rounded[row] = value
    a = save(tmp_path / "a.pt", g=torch.sparse_coo_tensor(rows[None], values, (1000, 16)))
    b = save(tmp_path / "b.pt", g=rounded)
    assert answer(a) == answer(b)
    minus = save(tmp_path / "minus.pt", g=-rounded)
    sums = answer("accumulate", a, minus, "--over", "files", "--formats", "fp64", "--models", "sequential")
    assert "no sum that is not zero" in json.dumps(sums)


def test_the_gradient_of_an_embedding(tmp_path):
    embedding = torch.nn.Embedding(100, 8, sparse=True)
    embedding(torch.tensor([3, 5, 3, 3, 99])).square().sum().backward()
    gradient = embedding.weight.grad
    assert not gradient.is_coalesced()
    assert answer(save(tmp_path / "a.pt", g=gradient)) == answer(save(tmp_path / "b.pt", g=gradient.to_dense()))


sparse_tensors = {
    "one place three times": lambda: coo([[0, 0, 0]], torch.full((3,), 30000.0), (4,)),
    "cancels": lambda: coo([[2, 2]], torch.tensor([1.0, -1.0]), (4,)),
    "every element in another order": lambda: coo([[3, 2, 1, 0]], torch.tensor([4.0, 3.0, 2.0, 1.0]), (4,)),
    "said to be coalesced, in another order":
        lambda: coo([[3, 2, 1, 0]], torch.tensor([4.0, 3.0, 2.0, 1.0]), (4,), is_coalesced=True),
    "two sparse axes and a dense one": lambda: coo([[1, 0, 1], [2, 2, 2]], numbers(3, 4), (2, 3, 4)),
    "values in another order": lambda: coo([[1, 0, 1]], numbers(4, 3).t(), (2, 4)),
    "nothing": lambda: coo([[]], torch.zeros(0), (4,)),
}


@pytest.mark.parametrize("name", sparse_tensors)
def test_sparse_tensors(name, tmp_path):
    sparse = sparse_tensors[name]()
    dense = torch.zeros(sparse.shape).index_put_(tuple(sparse._indices()), sparse._values(), accumulate=True)
    a, b = save(tmp_path / "a.pt", g=sparse), save(tmp_path / "b.pt", g=dense)
    assert answer(a) == answer(b)
    if dense.count_nonzero():
        negative = save(tmp_path / "n.pt", g=-dense)
        exact = answer("accumulate", a, negative, "--over", "files", "--formats", "fp32", "--models", "sequential")
        assert "no sum that is not zero" in json.dumps(exact)


def test_lazily_negated_views(tmp_path):
    x = torch.complex(numbers(1000), numbers(1000, seed=1))
    view = x.conj().imag
    assert view.is_neg()
    a, b = save(tmp_path / "a.pt", w=view), save(tmp_path / "b.pt", w=view.clone())
    for rounding in ("nearest_even", "toward_positive", "toward_negative"):
        assert answer(a, "--rounding", rounding) == answer(b, "--rounding", rounding)
    assert answer(a, "--rounding", "toward_positive") != answer(save(tmp_path / "c.pt", w=x.imag), "--rounding",
                                                                "toward_positive")


def test_a_wrong_checksum_is_in_the_document(tmp_path):
    path = save(tmp_path / "a.pt", w=numbers(1000))
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("a/data/0")
    raw = bytearray(path.read_bytes())
    raw[raw.index(numbers(1000).numpy().tobytes()[:64]) + 5] ^= 1
    path.write_bytes(raw)
    assert entry.file_size == 4000
    for words in ((), ("accumulate", "--norm")):
        done = run(*words, path, "--output", "json")
        notes = json.loads(done.stdout)["inputs"][0]["notes"]
        assert any("a/data/0: the CRC does not match" in note for note in notes), notes
        assert "the CRC does not match" in done.stderr
    assert "CRC" in run(path, "--strict", code=3).stderr


def user_seconds(path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(path, "--output", "json", "--threads", "1")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_views_of_one_storage_read_it_once(tmp_path):
    flat = torch.randn(20_000_000)
    parts = {f"w{i}": flat[i * 50_000:(i + 1) * 50_000] for i in range(400)}
    views = save(tmp_path / "views.pt", **parts)
    copies = save(tmp_path / "copies.pt", **{name: part.clone() for name, part in parts.items()})
    assert answer(views) == answer(copies)
    # Reading the storage from its beginning for each view would read 200 times as much.
    assert user_seconds(views) < 2 * user_seconds(copies) + 0.5


def test_what_is_no_dump_is_named(tmp_path):
    path = tmp_path / "module.pt"
    torch.save(torch.nn.Linear(2, 2), path)
    assert "state_dict()" in run(path, code=3).stderr
    program = torch.export.export(torch.nn.Linear(2, 2), (torch.randn(1, 2),))
    torch.export.save(program, tmp_path / "program.pt2")
    assert "torch.export" in run(tmp_path / "program.pt2", code=3).stderr


def state_of_checkpoint():
    return {"model": {"w": numbers(12, 10).t(), "b": numbers(5, dtype=torch.bfloat16)}, "step": 7,
            "optimizer": {"state": [numbers(3), numbers(2, 2, dtype=torch.float64)]}, "tokens": torch.arange(3)}


def test_checkpoint_directories(tmp_path):
    state = state_of_checkpoint()
    dcp.save(state, checkpoint_id=tmp_path / "checkpoint")
    flat = {"model.w": state["model"]["w"].contiguous(), "model.b": state["model"]["b"],
            "optimizer.state.0": state["optimizer"]["state"][0], "optimizer.state.1": state["optimizer"]["state"][1]}
    torch.save({**flat, "step": 7}, tmp_path / "flat.pt")
    assert answer(tmp_path / "checkpoint", "--by", "tensor") == answer(tmp_path / "flat.pt", "--by", "tensor")
    document = json.loads(run(tmp_path / "checkpoint", "--output", "json").stdout)
    assert document["inputs"][0]["format"] == "torch_dcp"
    assert any("'tokens': dtype int64 is not floating point" in note for note in document["inputs"][0]["notes"])
    shard = next((tmp_path / "checkpoint").glob("*.distcp"))
    assert "torch.distributed.checkpoint" in run(shard, code=3).stderr
    assert "name its directory" in run(shard, code=3).stderr


def save_sharded(rank, world, folder):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29541", GLOO_SOCKET_IFNAME="lo")
    dist.init_process_group("gloo", rank=rank, world_size=world)
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Replicate, Shard, distribute_tensor
    mesh = init_device_mesh("cpu", (world,))
    state = {f"axis{axis}": distribute_tensor(sharded_tensor(axis), mesh, [Shard(axis)]) for axis in range(3)}
    state["replicated"] = distribute_tensor(sharded_tensor(3), mesh, [Replicate()])
    dcp.save(state, checkpoint_id=folder)
    dist.destroy_process_group()


def sharded_tensor(seed):
    return numbers(7, 6, 5, seed=seed)


def test_sharded_checkpoints_are_joined(tmp_path):
    mp.spawn(save_sharded, args=(2, tmp_path / "sharded"), nprocs=2)
    assert len(list((tmp_path / "sharded").glob("*.distcp"))) == 2
    names = ["axis0", "axis1", "axis2", "replicated"]
    plain = save(tmp_path / "plain.pt", **{name: sharded_tensor(i) for i, name in enumerate(names)})
    document = json.loads(run(tmp_path / "sharded", "--output", "json").stdout)
    assert document["inputs"][0]["notes"] == []
    assert answer(tmp_path / "sharded", "--by", "tensor") == answer(plain, "--by", "tensor")
    negative = save(tmp_path / "negative.pt", **{name: -sharded_tensor(i) for i, name in enumerate(names)})
    exact = answer("accumulate", tmp_path / "sharded", negative, "--over", "files", "--formats", "fp32", "--models",
                   "sequential")
    assert "no sum that is not zero" in json.dumps(exact)  # each element met its own negative
