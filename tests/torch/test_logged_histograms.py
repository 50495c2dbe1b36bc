# SPDX-License-Identifier: Apache-2.0
"""Runs logged by the real torch.utils.tensorboard, tensorboard and wandb: at every scale the audit's bounds hold the
truth, which a dump of the same gradients gives; they are as narrow as the bins allow; the largest safe scale is the dump's."""

import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

os.environ["WANDB_MODE"], os.environ["WANDB_SILENT"] = "offline", "true"

root = Path(__file__).resolve().parents[2]
program = os.environ.get("PRECISION_AUDIT", str(root / "build/release/bin/precision-audit"))
formats, low, high = ("fp16", "e4m3", "e5m2"), -8, 32


def audit(path, *words):
    words = [program, "audit", str(path), "--formats", ",".join(formats), "--scales", f"{low}:{high}", "--output", "json", *words]
    return json.loads(subprocess.run(words, check=True, capture_output=True).stdout)


def gradients(seed):
    """Tensors as a step leaves them: spread over many binades, with zeros, and one of a single value."""
    torch.manual_seed(seed)
    tensors = {f"grad/layer{i}.weight": torch.randn(200, 50) * 10.0 ** torch.empty(200, 50).uniform_(-9 - i, -2) for i in range(4)}
    tensors["grad/relu"] = torch.relu(torch.randn(5000)) * 1e-6
    tensors["grad/one"] = torch.full((7,), 3.0e-5)
    return tensors


def real_dump(name):
    path = root.parent / "shared/data/gradients" / name
    if not path.exists():
        pytest.skip(f"{path.name} is not beside the checkout")
    from safetensors.torch import load_file

    return {k: v.float() for k, v in load_file(path).items() if v.dtype.is_floating_point}


def log_torch(folder, tensors, **bins):
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        for name, tensor in tensors.items():
            writer.add_histogram(name, tensor, 1, **bins)
    return folder


def log_powers(folder, tensors):
    powers = (x for k in range(-149, 128) for x in (-(2.0**k), 2.0**k, 2.0**k * (1 + 2.0**-24)))
    return log_torch(folder, tensors, bins=sorted([0.0, *powers]))


def log_v2(folder, tensors):
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.histogram.summary import histogram_pb
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))
    for name, tensor in tensors.items():
        event = Event(step=1, wall_time=1.0)
        event.summary.CopyFrom(histogram_pb(name, tensor.numpy(), buckets=30))
        writer.add_event(event)
    writer.close()
    return folder


def log_wandb(folder, tensors):
    """As wandb.watch counts: 64 bins by torch.histc in float32."""
    import wandb

    folder.mkdir(parents=True)
    run = wandb.init(project="p", dir=str(folder))
    row = {}
    for name, tensor in tensors.items():
        flat = tensor.reshape(-1)
        least, most = flat.min().item(), flat.max().item()
        bins = 64 if least < most else 1
        counts = torch.histc(flat, bins=bins, min=least, max=most) if bins > 1 else torch.tensor([float(flat.numel())])
        row["gradients/" + name] = wandb.Histogram(np_histogram=(counts.tolist(), torch.linspace(least, most, bins + 1).tolist()))
    run.log(row)
    run.finish()
    wait_until_written(folder)
    return folder


def wait_until_written(folder):
    """finish() may return before wandb's own process has written the last record."""
    size = -1
    for _ in range(100):
        now = sum(path.stat().st_size for path in folder.rglob("*.wandb"))
        if now == size and now > 1000:
            return
        size = now
        time.sleep(0.2)


writers = {"torch": log_torch, "powers": log_powers, "v2": log_v2, "wandb": log_wandb}


def truth_of(folder, tensors):
    path = folder / "dump.safetensors"
    save_file({k: v.contiguous() for k, v in tensors.items()}, path, metadata={"step": "1"})
    return path


def true_counts(tensors):
    """Zero or flushed at each scale, by float64 arithmetic that is exact for powers of two."""
    half = {"fp16": 2.0**-25, "e4m3": 2.0**-10, "e5m2": 2.0**-17}
    values = np.abs(np.concatenate([t.reshape(-1).double().numpy() for t in tensors.values()]))
    return {(f, k): int(np.count_nonzero(values * 2.0**k <= half[f])) for f in formats for k in range(low, high + 1)}


def bounds_of(report):
    return {(row["format"], row["scale_log2"]): row for row in report["sweep"]}


def largest_safe(tensors):
    ends = {"fp16": 65520.0, "e4m3": 464.0, "e5m2": 61440.0}  # the first magnitude beyond; 464 itself is the tie to 448
    largest = max(t.abs().max().item() for t in tensors.values())
    fits = {f: (lambda x, end=ends[f], tie=f == "e4m3": x <= end if tie else x < end) for f in formats}
    return {f: max(k for k in range(-200, 200) if fits[f](largest * 2.0**k)) for f in formats}


def check(folder, tensors):
    truth, report = true_counts(tensors), audit(folder)
    bounds = bounds_of(report)
    assert set(bounds) == set(truth) and len(truth) == 3 * 41
    total = sum(t.numel() for t in tensors.values())
    for key, count in truth.items():
        found = bounds[key]
        assert found["values"] == total
        assert found["zero_or_flushed"]["least"] <= count <= found["zero_or_flushed"]["most"], key
    safe = largest_safe(tensors)
    assert {row["format"]: row["s_high_log2"] for row in report["formats"]} == safe
    assert all(row["s_high_exact"] for row in report["formats"])
    return truth, bounds, total


def advice_is_the_dumps(folder, tensors):
    """The same rules: the same end and headroom, and the low end within its bounds."""
    logged = audit(folder / "run", "--policy", "range")["formats"]
    dumped = audit(truth_of(folder, tensors), "--policy", "range")["recommendations"]
    for row, want in zip(logged, dumped, strict=True):
        assert row["s_high_log2"] == want["window_log2"][1]
        if row["static_scale_log2"] != 0 and want["static_scale_log2"] != 0:  # neither needs no scale
            assert row["static_scale_log2"] == want["static_scale_log2"]
        bounds, low = row["window_low_log2"], want["window_log2"][0]
        assert bounds["least"] is None or (low is not None and bounds["least"] <= low)
        assert low is None or (bounds["most"] is not None and low <= bounds["most"])


@pytest.mark.parametrize("writer", writers)
@pytest.mark.parametrize("seed", [1, 2])
def test_bounds_hold_the_truth(tmp_path, writer, seed):
    tensors = gradients(seed)
    check(writers[writer](tmp_path / "run", tensors), tensors)


@pytest.mark.parametrize("writer", writers)
@pytest.mark.parametrize("name", ["chargpt-step0600.safetensors", "unet-step0200.safetensors"])
def test_bounds_on_real_gradients(tmp_path, writer, name):
    tensors = real_dump(name)
    truth, bounds, total = check(writers[writer](tmp_path / "run", tensors), tensors)
    advice_is_the_dumps(tmp_path, tensors)
    width = max((bounds["fp16", k]["zero_or_flushed"]["most"] - bounds["fp16", k]["zero_or_flushed"]["least"]) / total
                for k in range(low, 15))
    if writer == "torch":
        assert width <= 0.017  # up to 2^14, where the flush edge is above the smallest default bin
    if writer == "powers":
        values = np.abs(np.concatenate([t.reshape(-1).double().numpy() for t in tensors.values()]))
        for (format, k), count in truth.items():
            found = bounds[format, k]["zero_or_flushed"]
            ties = np.count_nonzero(values * 2.0**k == {"fp16": 2.0**-25, "e4m3": 2.0**-10, "e5m2": 2.0**-17}[format])
            assert found["most"] == count and found["least"] >= count - ties


def test_the_dump_agrees(tmp_path):
    """The truth of these tests is the audit's own of a dump."""
    tensors = gradients(3)
    report = audit(truth_of(tmp_path, tensors))
    truth = true_counts(tensors)
    for row in report["total"] if "total" in report else report["outcomes"]:
        if row.get("scope", "total") != "total":
            continue
        assert truth[row["format"], row["scale_log2"]] == row["zero_in"] + row["counts"]["flushed"]


def test_a_nan_hides_the_largest_value(tmp_path):
    tensors = gradients(4)
    tensors["grad/relu"][3] = float("nan")
    report = audit(log_torch(tmp_path / "run", tensors))
    assert all(row["s_high_log2"] is None for row in report["formats"])
    assert report["steps"][0]["dropped"] == 1


def test_a_live_file_is_read_to_its_last_record(tmp_path):
    tensors = gradients(5)
    folder = log_torch(tmp_path / "run", tensors)
    file = next(folder.iterdir())
    data = file.read_bytes()
    file.write_bytes(data[:-5])
    report = audit(folder)
    assert report["steps"][0]["histograms"] == len(tensors) - 1
    assert "not complete" in report["inputs"][0]["notes"][0]


def test_scalars_feed_the_monitor(tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path / "run")) as writer:
        for step, scale in enumerate([65536, 65536, 65536, 32768, 16384, 16384], start=1):
            writer.add_scalar("loss-scale", scale, step)
    words = [program, "monitor", str(tmp_path / "run"), "--output", "json"]
    section = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)["sections"][0]
    assert (section["verdict"], section["began_step"], section["skipped_steps"]) == ("spike and recovery", 4, 2)


def test_plain_histograms(tmp_path):
    values = (torch.randn(10_000) * 1e-5).numpy()
    counts, edges = np.histogram(values, bins=200)
    np.savez(tmp_path / "h.npz", hist=counts, bin_edges=edges)
    (tmp_path / "h.json").write_text(json.dumps({"counts": counts.tolist(), "edges": edges.tolist()}))
    (tmp_path / "h.csv").write_text("left,right,count\n" + "".join(f"{a!r},{b!r},{n}\n" for a, b, n in zip(edges[:-1].tolist(), edges[1:].tolist(), counts)))
    answers = [bounds_of(audit(tmp_path / name)) for name in ("h.npz", "h.json", "h.csv")]
    assert answers[0] == answers[1] == answers[2]
    truth = true_counts({"h": torch.from_numpy(values)})
    assert all(answers[0][key]["zero_or_flushed"]["least"] <= n <= answers[0][key]["zero_or_flushed"]["most"] for key, n in truth.items())
