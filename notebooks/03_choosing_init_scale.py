# ---
# SPDX-License-Identifier: Apache-2.0
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # 3. Choosing init_scale, checked against real FP16 training
#
# `GradScaler` starts at 65536. Is that right for this model? Record a few steps in FP32, ask, and then train in FP16 at three
# scales to see who was right. The model predicts numbers of some hundreds, as many regressions do: its gradients are large.

# %%
import tempfile
from pathlib import Path

import precision_audit as pa
import torch
from IPython.display import SVG, Markdown
from torch import nn

torch.set_num_threads(1)
FORMAT = "fp16"
TARGET_SIZE = 300.0
RUN = Path(tempfile.mkdtemp()) / "run.binades"
STEPS = 60


def build():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))


def batch(step):
    x = torch.randn(64, 10, generator=torch.Generator().manual_seed(step))
    return x, TARGET_SIZE * (1 + x[:, :1] * x[:, 1:2] - x[:, 2:3])


# %% [markdown]
# ## Record ten steps in FP32

# %%
model = build()
optimizer = torch.optim.Adam(model.parameters(), 1e-2)
with pa.Recorder(model, RUN) as recorder:
    for step in range(1, 11):
        x, y = batch(step)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        recorder.step(loss=loss)
        optimizer.step()

# %% [markdown]
# ## Ask

# %%
audit = pa.audit(RUN, formats=FORMAT, scales=(-24, 24))
advice = audit.recommendations[FORMAT]
low, high = advice.window_log2
assert high < 16  # at 65536 something overflows
assert advice.init_scale < 65536
SVG(audit.to_svg())

# %%
audit

# %% [markdown]
# ## Train in FP16 and count
#
# Real autocast, real `GradScaler`, on the CPU. A skipped step is one after which the scale was halved.

# %%


def train(init_scale):
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    scaler = torch.amp.GradScaler("cpu", init_scale=float(init_scale))
    skipped = []
    for step in range(1, STEPS + 1):
        x, y = batch(step)
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            loss = nn.functional.mse_loss(model(x).float(), y)
        scaler.scale(loss).backward()
        before = scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        if scaler.get_scale() < before:
            skipped.append(step)
    return skipped, float(loss.detach())


runs = {scale: train(scale) for scale in (advice.init_scale, 2.0 ** (high + 1), 65536.0)}
at_advice, just_above, at_default = (skipped for skipped, _ in runs.values())
assert not at_advice  # from the advice no step is skipped
assert just_above  # one binade above the window some step overflows
assert len(at_default) >= 16 - high  # each skip halves the scale, down to the window
Markdown("| init_scale | skipped steps | last loss |\n|---|---|---|\n" + "\n".join(
    f"| {scale:g} | {len(skipped)}: {', '.join(map(str, skipped)) or 'none'} | {loss:.0f} |"
    for scale, (skipped, loss) in runs.items()))  # fmt: skip

# %% [markdown]
# ## What the tutorials say

# %%
Markdown(f"""
| claim | what comes out | verdict |
|---|---|---|
| start with 65536 and let it adjust | {len(at_default)} of {STEPS} steps skipped, {at_default[0]} to {at_default[7]} in a row | it adjusts, at the price of the first steps |
| start lower: init_scale=1024 | the window ends at 2^{high} | a guess; here {"inside" if low <= 10 <= high else "outside"} |
| healthy: 16384 to 65536 | 2^{low} to 2^{high} is usable | this model is healthy elsewhere |
| NaN gradients: increase the loss scale | above 2^{high} they overflow | wrong direction |
""")

# %% [markdown]
# Not shown here: how the scale grows in long runs (lesson 4), and speed, which is the GPU's affair.
