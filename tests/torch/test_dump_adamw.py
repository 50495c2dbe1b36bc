# SPDX-License-Identifier: Apache-2.0
"""tools/dump_adamw.py: its files are what `accumulate --update` reads, and hold the optimizer's own numbers."""
import os
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

root = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "tools"))
from dump_adamw import dump_adamw  # noqa: E402

program = os.environ.get("PRECISION_AUDIT", str(root / "build/release/bin/precision-audit"))


def test_state(tmp_path):
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(2, 3, 3).to(memory_format=torch.channels_last), nn.Flatten(), nn.Linear(12, 4))
    model[0].bias.requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.randn(5, 2, 4, 4)).square().mean().backward()
        optimizer.step()
    path = tmp_path / "state.safetensors"
    dump_adamw(model, optimizer, path)
    saved = load_file(path)
    trained = ("0.weight", "2.weight", "2.bias")
    assert set(saved) == {f"{kind}/{name}" for kind in ("param", "exp_avg", "exp_avg_sq") for name in trained}
    for name in trained:
        parameter = model.get_parameter(name)
        assert torch.equal(saved[f"param/{name}"], parameter)
        for kind in ("exp_avg", "exp_avg_sq"):
            assert torch.equal(saved[f"{kind}/{name}"], optimizer.state[parameter][kind])

    told = subprocess.run([program, "accumulate", "--update", str(path)], stdout=subprocess.PIPE, check=True, text=True)
    assert "step 3" in told.stdout
    assert "106 weights" in told.stdout  # 3 * 2 * 3 * 3, 12 * 4, and 4
