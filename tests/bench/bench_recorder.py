# SPDX-License-Identifier: Apache-2.0
"""What pa.Recorder costs a training: one GPT of 1.8 M parameters, processor time of steps with it and without, in turns.

    python tests/bench/bench_recorder.py [ROUNDS]
"""

import os
import statistics
import sys
import tempfile
import time

import precision_audit as pa
import torch
from torch import nn
from torch.nn import functional as F

vocabulary, width, heads, layers, context, batch = 96, 192, 6, 4, 128, 8


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.qkv, self.project = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.two, self.up, self.gelu = nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU()
        self.down = nn.Linear(4 * width, width)

    def forward(self, x):
        q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in self.qkv(self.one(x)).chunk(3, -1))
        x = x + self.project(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))
        return x + self.down(self.gelu(self.up(self.two(x))))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.place = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block() for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.token(x) + self.place.weight)))


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    torch.manual_seed(1)
    torch.set_num_threads(1)
    model = Gpt()
    optimizer = torch.optim.AdamW(model.parameters())
    data = torch.randint(0, vocabulary, (batch, context + 1))

    def step(rec=None):
        optimizer.zero_grad()
        F.cross_entropy(model(data[:, :-1]).flatten(0, 1), data[:, 1:].flatten()).backward()
        if rec is not None:
            rec.step()
        optimizer.step()

    def cost(steps, rec=None):
        begin = time.process_time()
        for _ in range(steps):
            step(rec)
        return time.process_time() - begin

    cost(3)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters")
    shares, plain, recorded, other = {5: [], 50: []}, [], [], []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder, pa.Recorder(model, os.path.join(folder, "run"), every=5) as rec:
            step(rec)  # number 0 is recorded: nothing here is the first of its kind
            other.append(cost(4, rec) / 4)  # 1 to 4 are not
            recorded.append(cost(1, rec))  # 5 is
            tensors = len(pa.Summary.load(os.path.join(folder, "run")).steps[0].tensors)
        plain.append(cost(5) / 5)
        for every in shares:
            shares[every].append((recorded[-1] + (every - 1) * other[-1]) / (every * plain[-1]) - 1)
    rows = {"plain step": plain, "step that is not recorded": other, f"recorded step, {tensors} tensors": recorded}
    for name, found in rows.items():
        print(f"{name}: {statistics.median(found) * 1e3:.1f} ms")
    for every, found in shares.items():
        direct = (statistics.median(recorded) - statistics.median(plain)) / (every * statistics.median(plain))
        print(f"every={every}: {statistics.median(found):+.2%} of a round, {direct:+.2%} for the recorded steps alone")


if __name__ == "__main__":
    main()
