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


@contextlib.contextmanager
def dump_gradients(model, path, **metadata):
    """Watches the forward and backward passes of the block, then writes `path`. `metadata` goes into the file as text:
    step=200; loss_scale=65536 where the loss is multiplied before backward()."""
    gradients, calls, known = {}, {}, set()

    def keep(name, gradient):
        unique, repeat = name, 1
        while unique in gradients:  # a second backward() through the same call
            repeat += 1
            unique = f"{name}+{repeat}"
        dense = gradient.detach() if gradient.layout == torch.strided else gradient.detach().to_dense()
        gradients[unique] = dense.to("cpu", copy=True, memory_format=torch.contiguous_format)

    def watch(name):
        def after_forward(module, inputs, output):
            calls[name] = call = calls.get(name, 0) + 1
            for key, tensor in tensors_in(output, name if call == 1 else f"{name}@{call}"):
                node = (tensor.grad_fn, tensor.output_nr)
                base = tensor if tensor._base is None else tensor._base
                if tensor.grad_fn is None or node in known or (base.grad_fn, base.output_nr) in known:
                    continue  # no gradient, or one that is watched already
                known.add(node)
                tensor.register_hook(lambda gradient, key=key: keep(f"act_grad/{key}", gradient))

        return after_forward

    hooks = [m.register_forward_hook(watch(n or "model")) for n, m in model.named_modules() if is_watched(m)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    if not gradients:
        warnings.warn("no gradient of a module's output was seen; torch.compile hides them, so run the model itself here")
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            keep(f"grad/{name}", parameter.grad)
    safetensors.torch.save_file(gradients, path, metadata={key: str(value) for key, value in metadata.items()})
