# SPDX-License-Identifier: Apache-2.0
"""torch_cpu and torch_cpu_stack are torch.sum, bit for bit."""

import numpy as np
import pytest
import torch
from twin import assert_same_bits, formats, twin, wide

LENGTHS = [*range(1, 41), 47, 48, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 1000, 4096, 5000]


def numbers(*shape, seed):
    """Spread over many binades, so that the order of additions shows."""
    source = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=source) * torch.exp(2 * torch.randn(*shape, generator=source))


@pytest.mark.parametrize("name", formats)
@pytest.mark.parametrize("terms", LENGTHS)
def test_a_contiguous_sum(name, terms):
    rows = numbers(200, terms, seed=terms).to(formats[name])
    ours = twin("sum", "torch_cpu", name, terms, len(rows), values=wide(rows))
    assert_same_bits(ours, wide(rows.sum(1)))
    assert_same_bits(ours[:20], wide(torch.stack([row.clone().sum() for row in rows[:20]])))


@pytest.mark.parametrize("name", formats)
@pytest.mark.parametrize("elements", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 64, 301, 1000, 20001])
def test_a_sum_over_stacked_tensors(name, elements):
    for terms in (1, 2, 5, 6, 7, 8, 15, 16, 17, 32, 33, 64, 100):
        rows = numbers(terms, elements, seed=terms * elements).to(formats[name])
        ours = twin("sum", "torch_cpu_stack", name, terms, elements, values=wide(rows.T))
        assert_same_bits(ours, wide(torch.stack(list(rows)).sum(0)))
        if elements % 20 == 0:  # a matrix is summed as its row of elements is
            assert_same_bits(ours, wide(torch.stack([row.reshape(20, -1) for row in rows]).sum(0)).ravel())


@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_sixteen_bits_are_rounded_once(name):
    """The order that rounds every addition, gradient accumulation's, is torch's a += g."""
    rows = numbers(32, 500, seed=3).to(formats[name])
    held = torch.zeros(500, dtype=formats[name])
    for row in rows:
        held += row
    in_order = twin("sum", "sequential", name, 32, 500, values=wide(rows.T))
    assert_same_bits(in_order, wide(held))
    exact = wide(rows).sum(0)
    once = np.abs(twin("sum", "torch_cpu_stack", name, 32, 500, values=wide(rows.T)) - exact)
    assert np.median(once) * 2 < np.median(np.abs(in_order - exact))
