# SPDX-License-Identifier: Apache-2.0
"""The answer hangs on the numbers alone: not on threads, chunks or the container they came in."""

import pytest
from conftest import gradients_directory

THREADS = (1, 2, 7)
CHUNKS = (64, 4096, 1_000_000, None)


def check_invariant(command, path):
    reports = {(t, c): command.run(path, "--by", "tensor", "--threads", str(t), chunk_bytes=c)
               for t in THREADS for c in CHUNKS}
    assert len(set(reports.values())) == 1, [key for key, text in reports.items() if text != reports[1, None]]


@pytest.mark.parametrize("name", ["f32-step0003.safetensors", "narrow.safetensors", "f64.safetensors", "deflated.npz"])
def test_threads_and_chunks_on_made_dumps(command, made, name):
    check_invariant(command, made[name])


def test_threads_and_chunks_on_gradients(command, dump):
    check_invariant(command, dump)


def outcomes(command, path):
    return command.json(path, "--by", "tensor")["outcomes"]


def test_containers_of_made_dumps(command, made):
    assert outcomes(command, made["stored.npz"]) == outcomes(command, made["deflated.npz"])


@pytest.mark.parametrize("suffix", [".npz", ".pt"])
def test_containers_of_real_gradients(command, suffix):
    first = gradients_directory() / "unet-step0200.safetensors"
    other = first.with_suffix(suffix)
    if not (first.exists() and other.exists()):
        pytest.skip(f"{other.name} is not among the dumps")

    def by_name(path):  # the npz names have a dot where the others have a slash
        found = {}
        for o in outcomes(command, path):
            name = (o.pop("name") or "").replace("/", ".")
            found[name, o["format"], o["scale_log2"]] = o
        return found

    assert by_name(first) == by_name(other)
