# ---
# SPDX-License-Identifier: Apache-2.0
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # 2. A real gradient distribution, and what a format sees of it
#
# One number says little. Here are all gradients of one step of a small U-Net: those of its weights and those of what its modules
# return. How many does FP16 lose, at which loss scale, and how do BF16 and FP8 see the same step?

# %%
from pathlib import Path

import precision_audit as pa
from IPython.display import SVG, Markdown

ROOT = next(p for p in (Path.cwd(), *Path.cwd().parents) if (p / "data/samples").is_dir())
DUMP = ROOT / "data/samples/unet-step0200.safetensors"
ROUNDING = "nearest_even"

# %%
audit = pa.audit(DUMP, formats="fp16,bf16,e4m3,e5m2", scales=(-8, 32), rounding=ROUNDING)
SVG(audit.to_svg())

# %% [markdown]
# The left end of each curve is underflow: values that become zero. The right end is overflow. Between them lies the window of
# loss scales that lose little.

# %%
at_one = {name: audit.at(name, scale=1) for name in ("fp16", "bf16", "e4m3", "e5m2")}
assert at_one["fp16"].counts["flushed"] == 35725  # of 92,136 that are not zero
assert at_one["bf16"].counts["flushed"] == 0
Markdown("| format | become zero | subnormal | overflow |\n|---|---|---|---|\n" + "\n".join(
    f"| {name} | {row.flushed_of_nonzero:.1%} | {row.subnormal_of_nonzero:.1%} | {row.overflowed_of_nonzero:.1%} |"
    for name, row in at_one.items()))  # fmt: skip

# %% [markdown]
# ## The mean hides the tensor
#
# 39 % of all values vanish in FP16 without a scale. Tensor by tensor it is all or nothing.

# %%
by_tensor = pa.audit(DUMP, formats="fp16", scales=(0, 0), by="tensor")
lost = sorted((row.flushed_of_nonzero or 0, row.name) for row in by_tensor.outcomes if row.scope == "tensor")
assert lost[0][0] < 0.01 and lost[-1][0] > 0.5
Markdown("| tensor | become zero |\n|---|---|\n" + "\n".join(f"| {name} | {share:.1%} |" for share, name in lost[:3] + lost[-3:]))

# %% [markdown]
# ## What the tutorials say

# %%
flushed = at_one["fp16"].flushed_of_nonzero
tail = at_one["fp16"].subnormal_of_nonzero
Markdown(f"""
| claim | what comes out | verdict |
|---|---|---|
| many gradients are between 1e-7 and 1e-4; in FP16 these underflow | here {tail:.0%} are subnormal and keep fewer bits; {flushed:.0%} are at most 2^-25 and vanish | the tail below 3e-8 counts, not this range |
| gradients are often above 65504 | none of this step overflows before a scale of 2^{audit.recommendations["fp16"].window_log2[1] + 1} | not here: a loss scale, not the gradient, overflows |
| BF16 has no underflow | {at_one["bf16"].counts["flushed"]} of {at_one["bf16"].elements - at_one["bf16"].zero_in:,} vanish | right on this step |
| one scale is enough for FP8 | {audit.recommendations["e4m3"].verdict} | depends on the step: ask the dump |
""")

# %% [markdown]
# One step of one model: another has another distribution. `pa.Recorder` takes the same counts from your own training.
