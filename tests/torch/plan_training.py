# SPDX-License-Identifier: Apache-2.0
"""Trains a problem with every gradient rounded as its plan says, by roundings of its own.

A problem is a module with STEPS, build(), phases(model), batch(step, seed), evaluate(model)."""

import torch
from safetensors.torch import save_file

torch.set_num_threads(1)
ELEMENT = {"e4m3": (3, -6, 448.0), "e5m2": (2, -14, 57344.0), "e3m2": (2, -2, 28.0), "e2m3": (3, 0, 7.5), "e2m1": (1, 0, 6.0)}


def element(y, fmt):
    """Nearest even in a small format, saturating."""
    bits, least, largest = ELEMENT[fmt]
    exponent = torch.frexp(y.abs())[1].to(torch.float32) - 1
    step = torch.exp2(exponent.clamp(min=least) - bits)
    return ((y / step).round() * step).clamp(-largest, largest)


def blocks(x, size):
    padded = torch.nn.functional.pad(x, (0, -x.shape[-1] % size))
    return padded.reshape(x.shape[0], -1, size)


def mx(x, fmt):
    largest = ELEMENT[fmt][2]
    b = blocks(x, 32)
    product = b.abs().amax(-1, keepdim=True) * (1 / torch.tensor(largest))
    fraction, exponent = torch.frexp(product)
    scale = torch.exp2((exponent - (fraction == 0.5).to(exponent.dtype)).to(torch.float32).clamp(-127, 127))
    return (element(b / scale, fmt) * scale).reshape(x.shape[0], -1)[:, : x.shape[1]]


def nvfp4(x):
    most = x.abs().max()
    if most == 0:
        return x
    g = 2688 / most
    b = blocks(x, 16)
    scale = element(b.abs().amax(-1, keepdim=True) * (g * (1 / torch.tensor(6.0))), "e4m3")
    factor = (1 / (scale * (1 / g))).clamp(max=torch.finfo(torch.float32).max)
    return (element(b * factor, "e2m1") * scale * (1 / g)).reshape(x.shape[0], -1)[:, : x.shape[1]]


def current(x, fmt, size=None):
    largest = ELEMENT[fmt][2]
    b = x.reshape(1, 1, -1) if size is None else blocks(x, size)
    most = b.abs().amax(-1, keepdim=True)
    factor = torch.where(most == 0, torch.ones_like(most), (largest / most).clamp(max=torch.finfo(torch.float32).max))
    rounded = element(b * factor, fmt) / factor
    return rounded.reshape(x.shape) if size is None else rounded.reshape(x.shape[0], -1)[:, : x.shape[1]]


def rounded(x, entry):
    """x, a gradient in FP32, as the plan keeps it."""
    name = entry["format"]
    if x.numel() == 0 or name in ("fp32", "tf32"):
        return x
    activation = entry["tensor"].startswith("act_grad/")
    m = x.reshape(1, -1) if x.dim() < 2 else x.reshape(-1, x.shape[-1]) if activation else x.reshape(x.shape[0], -1)
    if name == "bf16":
        m = m.to(torch.bfloat16).float()
    elif name == "fp16":
        scale = 2.0 ** entry["scale_log2"]
        m = (m * scale).to(torch.float16).float() / scale
    elif name == "nvfp4-te":
        m = nvfp4(m)
    elif name.startswith("mx-rceil-te-"):
        m = mx(m, name.rsplit("-", 1)[1])
    elif name.startswith("fp8-current-te-"):
        m = current(m, name.rsplit("-", 1)[1])
    else:
        assert name.startswith("fp8-block-1x128-te-"), name
        m = current(m, name.rsplit("-", 1)[1], 128)
    return m.reshape(x.shape)


def gradient_names(model):
    return {id(p): f"grad/{name}" for name, p in model.named_parameters()}


def train(problem, seed, plan=None, dump=None):
    """The final loss, the number of steps with a gradient that is not finite, and dumps at the steps asked for."""
    torch.manual_seed(1234)
    model = problem.build()
    model.train()
    names, store, broken = gradient_names(model), {}, 0

    def hook(name):
        def keep(module, outputs):
            if outputs[0] is None or outputs[0].dtype != torch.float32:
                return None
            key = f"act_grad/{name}"
            store[key] = outputs[0].detach().clone().contiguous()
            if plan is None or key not in plan:
                return None
            return (rounded(outputs[0], plan[key]), *outputs[1:])

        return keep

    for name, module in model.named_modules():
        module.register_full_backward_pre_hook(hook(name))
    phases = problem.phases(model)
    for step in range(1, problem.STEPS + 1):
        for phase, (_, params, optimizer, loss) in enumerate(phases):
            model.zero_grad(set_to_none=True)
            loss(model, problem.batch(step, seed)).backward()
            for p in params:
                if p.grad is None:
                    continue
                key = names[id(p)]
                store[key] = p.grad.detach().clone()
                if plan is not None and key in plan:
                    p.grad.copy_(rounded(p.grad, plan[key]))
                broken += not torch.isfinite(p.grad).all()
            if dump is not None and step in dump[0]:
                save_file({k: v.contiguous() for k, v in store.items()}, dump[1] / f"{phase}-step{step:04d}.safetensors")
            store.clear()
            if getattr(problem, "CLIP", None):
                torch.nn.utils.clip_grad_norm_(params, problem.CLIP)
            optimizer.step()
    model.eval()
    with torch.no_grad():
        return float(problem.evaluate(model)), broken
