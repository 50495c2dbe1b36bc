# ---
# SPDX-License-Identifier: Apache-2.0
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # 4. The scaler as a state machine
#
# A loss scaler sees one bit per step: was anything Inf or NaN? From it follow all its skips and all its scales. So they can be
# replayed from the largest gradient of every step, for every scaler there is.

# %%
from pathlib import Path

import precision_audit as pa
import torch
from IPython.display import SVG, Markdown

ROOT = next(p for p in (Path.cwd(), *Path.cwd().parents) if (p / "data/samples").is_dir())
MAXIMA = ROOT / "data/samples/vae-maxima.csv"  # a small VAE, 300 steps, in FP32
SCALER = "torch"
START = 2.0**16

# %%
replay = pa.replay(maxima=MAXIMA, scaler=SCALER, init=START)
SVG(replay.to_svg())

# %%
replay

# %% [markdown]
# ## Is that what GradScaler does?
#
# Here is torch's own, driven by the same largest gradients.

# %%
lines = [line for line in MAXIMA.read_text().splitlines() if line and not line.startswith("#")]
rows = [line.split(",") for line in lines]
largest = [float(row[1]) for row in rows if row[0].isdigit()]

weight = torch.nn.Parameter(torch.zeros(1))
optimizer = torch.optim.SGD([weight], 0.0)
scaler = torch.amp.GradScaler("cpu", init_scale=START)
skipped = []
for step, gradient in enumerate(largest, 1):
    scaler.scale(torch.zeros(()))  # the scaler begins with the first scaled loss
    scale = scaler.get_scale()
    weight.grad = (torch.tensor([gradient]) * scale).half().float()
    scaler.step(optimizer)
    scaler.update()
    if scaler.get_scale() < scale:
        skipped.append(step)

ours = replay.to_dict()["replays"][0]
assert [step["step"] for step in ours["steps"] if step["skipped"]] == skipped == [1, 2, 3, 4, 5, 6, 7]
assert 2.0 ** ours["final_scale_log2"] == scaler.get_scale()
Markdown(f"torch skips steps {skipped} and ends at {scaler.get_scale():g}; so does the replay.")

# %% [markdown]
# ## One run, every scaler

# %%
names = [row["name"] for row in pa.ask("scalers").to_dict()["scalers"]]
every = {name: pa.replay(maxima=MAXIMA, scaler=name).to_dict()["replays"][0] for name in names[:16]}
lost = {name: row["skipped_first"] + row["skipped_later"] for name, row in every.items()}
assert lost["torch"] == 7 and lost["apex-fp16-utils"] > lost["torch"]  # it starts at 2^32
Markdown("| scaler | starts at | steps lost of 300 | last scale |\n|---|---|---|---|\n" + "\n".join(
    f"| {name} | 2^{row['init_scale_log2']} | {lost[name]} | 2^{row['final_scale_log2']} |" for name, row in every.items()))  # fmt: skip

# %% [markdown]
# ## What the tutorials say

# %%
found = scaler._found_inf_per_device(optimizer)
Markdown(f"""
| claim | what comes out | verdict |
|---|---|---|
| the scale converges just below the overflow threshold | it falls to 2^{ours["final_scale_log2"]} in {len(skipped)} steps and grows once in 2,000 clean ones | only from above, and only by halving |
| healthy: 16384 to 65536 | this run trains at 2^{ours["final_scale_log2"]} from step {skipped[-1] + 1} on | the healthy scale is the model's, not the scaler's |
| `if scaler._found_inf_per_device(optimizer):` tells a skipped step | {found} after a step that was not skipped | wrong: a dictionary with an entry is always true |
| a skipped step costs nothing | {len(skipped)} of {len(largest)} steps, and the learning-rate schedule runs ahead by as many | it costs the step |
""")

# %% [markdown]
# Not shown here: that a skipped step changes all steps after it. Single skips move by some steps; their number by a few.
