# SPDX-License-Identifier: Apache-2.0
"""Saves the gradients of one training step: those of the weights and those of what every module returns.

    with dump_gradients(model, f"step{step:04d}.safetensors", step=step):
        loss_function(model(x), y).backward()
    optimizer.step()

Hooks only copy, so training goes on as without them. Every call of a module counts, and no gradient is saved twice: a
container returns what its last module returned, and a Flatten's gradient is that of its input in another shape.
"""
import contextlib
import warnings

import safetensors.torch
import torch


def tensors_in(output, name):
    """(name, tensor) of each tensor in nested tuples, lists and dicts."""
    if torch.is_tensor(output):
        yield name, output
    elif isinstance(output, (tuple, list, dict)):
        for key, part in output.items() if isinstance(output, dict) else enumerate(output):
            yield from tensors_in(part, f"{name}.{key}")


def is_watched(module):
    """A module without children; and MultiheadAttention, which never calls its child."""
    return next(module.children(), None) is None or isinstance(module, torch.nn.MultiheadAttention)


def unused(name, taken):
    """The name, or name+2, name+3, ...: one that is not taken yet, after a second backward() through the same call."""
    repeat, unique = 1, name
    while unique in taken:
        repeat += 1
        unique = f"{name}+{repeat}"
    return unique


class OutputWatch:
    """Calls keep(name, gradient) for the gradient of each tensor that a watched module returns, until `remove`."""

    def __init__(self, model, keep):
        self.keep, self.calls, self.known, self.is_on = keep, {}, set(), True
        watched = [(name or "model", module) for name, module in model.named_modules() if is_watched(module)]
        self.hooks = [module.register_forward_hook(self.after_forward(name)) for name, module in watched]

    def after_forward(self, name):
        def hook(module, inputs, output):
            if not self.is_on:
                return
            self.calls[name] = call = self.calls.get(name, 0) + 1
            for key, tensor in tensors_in(output, name if call == 1 else f"{name}@{call}"):
                node = (tensor.grad_fn, tensor.output_nr)
                base = tensor if tensor._base is None else tensor._base
                if tensor.grad_fn is None or node in self.known or (base.grad_fn, base.output_nr) in self.known:
                    continue  # no gradient, or one that is watched already
                self.known.add(node)
                tensor.register_hook(lambda gradient, key=key: self.keep(f"act_grad/{key}", gradient))

        return hook

    def remove(self):
        for hook in self.hooks:
            hook.remove()
        self.keep = lambda name, gradient: None  # a graph that lives on holds nothing else


@contextlib.contextmanager
def dump_gradients(model, path, **metadata):
    """Watches the forward and backward passes of the block, then writes `path`. `metadata` goes into the file as text:
    step=200; loss_scale=65536 where the loss is multiplied before backward()."""
    gradients = {}

    def keep(name, gradient):
        dense = gradient.detach() if gradient.layout == torch.strided else gradient.detach().to_dense()
        gradients[unused(name, gradients)] = dense.to("cpu", copy=True, memory_format=torch.contiguous_format)

    outputs = OutputWatch(model, keep)
    try:
        yield
    finally:
        outputs.remove()
    if not gradients:
        warnings.warn("no gradient of a module's output was seen; torch.compile hides them, so run the model itself here")
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            keep(f"grad/{name}", parameter.grad)
    safetensors.torch.save_file(gradients, path, metadata={key: str(value) for key, value in metadata.items()})
