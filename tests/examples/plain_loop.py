# SPDX-License-Identifier: Apache-2.0
"""A training loop that records: exact counts of every gradient in a few kilobytes per step.

python plain_loop.py && precision-audit run.binades
"""

import precision_audit as pa
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.LayerNorm(128), nn.Linear(128, 10))
optimizer = torch.optim.AdamW(model.parameters(), 1e-3)

with pa.Recorder(model, "run.binades", every=5) as recorder:  # 1
    for step in range(30):
        x = torch.randn(32, 64)
        loss = nn.functional.cross_entropy(model(x), x[:, :10].argmax(1))
        optimizer.zero_grad()
        loss.backward()
        recorder.step(loss=loss)  # 2: before unscale_, clipping and the optimizer; scaler=... where there is one
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

print(pa.audit("run.binades", formats="fp16"))  # 3
