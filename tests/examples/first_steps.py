# SPDX-License-Identifier: Apache-2.0
"""The module in a few lines: run it from the root of the repository."""

import numpy as np

import precision_audit as pa

answer = pa.audit("data/samples/unet-step0200.safetensors")  # or {name: array}: numpy, torch, ml_dtypes, DLPack
print(answer.recommendations["fp16"].verdict)
print(answer.at("fp16", scale=65536).flushed_of_nonzero)  # any word of the table below is an attribute

gradients = np.float32([1e-3, 1.2e-7, 3e-8, -0.0])
print(pa.round(gradients, "fp16", scale=1024))  # what FP16 keeps of them at that loss scale
print(pa.encode(gradients, "e4m3", scale=1024))  # or the bits

counter = pa.Counter()  # while a model trains: exact counts, some hundred bytes per tensor
counter.add("grad/w", gradients)
pa.BinadesWriter("build/run.binades").append(counter.take(step=1))
print(pa.audit("build/run.binades", formats="fp16", scales=(0, 0)).at("fp16").counts)
