# ---
# SPDX-License-Identifier: Apache-2.0
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # 1. Small numbers in FP16
#
# Where does FP16 begin to lose a gradient, and where is it gone? Tutorials give three different answers. Here every number is
# rounded bit by bit, as IEEE 754 says, to nearest even.

# %%
import numpy as np
import precision_audit as pa
from IPython.display import Markdown
from matplotlib import pyplot as plt

FORMAT = "fp16"

# %% [markdown]
# ## 1.2e-7 is not zero
#
# The smallest *normal* number of FP16 is 2^-14, about 6.1e-5. Below it the exponent stays and fraction bits go, one per
# halving: these numbers are *subnormal*. The answer shows the bits, and the two neighbours.

# %%
tiny = pa.cast("1.2e-7", FORMAT)
assert float(tiny) == 2.0**-23 and tiny.casts[0]["class"] == "subnormal"
tiny

# %% [markdown]
# ## Where zero begins
#
# The smallest subnormal number is 2^-24. Half of it, 2^-25, is a tie, and ties go to the even neighbour, which is zero. The next
# number after 2^-25 survives.

# %%
edge = 2.0**-25
after = float(np.nextafter(np.float32(edge), np.float32(1)))
assert float(pa.cast(edge, FORMAT)) == 0
assert float(pa.cast(after, FORMAT)) == 2.0**-24
pa.cast(edge, FORMAT)

# %% [markdown]
# ## What is lost between
#
# The relative error that FP16 leaves of 4,000 numbers: it grows by two per halving below 6.1e-5, and is 1 where a number becomes
# zero. BF16 has fewer bits, but has them all the way down.

# %%
x = np.geomspace(1e-8, 1e-2, 4000).astype(np.float32)
figure, axes = plt.subplots(figsize=(8, 3.2))
for name in (FORMAT, "bf16"):
    axes.loglog(x, np.maximum(np.abs(pa.round(x, name).astype(np.float64) - x) / x, 1e-6), ".", markersize=2, label=name)
axes.axvline(2**-14, color="gray", linewidth=0.8)
axes.axvline(edge, color="gray", linewidth=0.8)
axes.set(xlabel="gradient", ylabel="relative error", title="2^-25: zero begins          2^-14: subnormal numbers begin")
axes.legend();

# %% [markdown]
# The same in numbers, a thousand per power of ten:

# %%
rows = []
for power in range(-3, -9, -1):
    x = (np.linspace(1, 10, 1000, endpoint=False) * 10.0**power).astype(np.float32)
    rounded = pa.round(x, FORMAT)
    error = np.abs(rounded.astype(np.float64) - x) / x
    rows.append((power, error.max(), np.count_nonzero(rounded == 0)))
assert rows[0][1] <= 2**-11  # normal numbers: half a unit in the last place
assert rows[3][2] == 0 and rows[5][2] > 0  # of 1e-6 to 1e-5 nothing is zero; of 1e-8 to 1e-7 something is
Markdown("| from | worst relative error | zeros of 1,000 |\n|---|---|---|\n"
         + "\n".join(f"| 1e{power} | {worst:.2g} | {zeros} |" for power, worst, zeros in rows))  # fmt: skip

# %% [markdown]
# ## A loss scale moves them up
#
# Multiplied by 2^9 before it is rounded, 1.2e-7 keeps all its bits.

# %%
scaled = pa.round(np.float32([1.2e-7]), FORMAT, scale=2**9)[0]
assert abs(scaled - np.float32(1.2e-7)) / 1.2e-7 <= 2**-11
pa.cast("1.2e-7", FORMAT, scale=2**9)

# %% [markdown]
# ## What the tutorials say

# %%
below_normal = float(pa.cast(6e-5, FORMAT))
Markdown(f"""
| claim | what comes out | verdict |
|---|---|---|
| 1.2e-7 prints 0.0 in FP16 | {float(tiny):.3g} | wrong |
| 1e-7 underflows to zero | {float(pa.cast(1e-7, FORMAT)):.3g} | wrong |
| below 6e-5 a gradient silently rounds to zero | 6e-5 becomes {below_normal:.5g}; zero only from {edge:.3g} down | wrong |
| FP16 cannot represent gradients smaller than about 6e-5 | it can, with fewer bits: 1e-6 keeps 4 of 10 | wrong |
| FP16's range ends near 6e-8 | 2^-24 = {2.0**-24:.3g} | right |
""")

# %% [markdown]
# Not shown here: some GPU instructions and some accelerators flush subnormal numbers to zero; the CPU and the tensor cores of
# NVIDIA do not.
