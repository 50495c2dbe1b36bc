# SPDX-License-Identifier: Apache-2.0
"""Saves weights and AdamW's moments: what `precision-audit accumulate --update` asks about.

    dump_adamw(model, optimizer, "state.safetensors")     # after optimizer.step()
"""
import safetensors.torch


def dump_adamw(model, optimizer, path):
    """param/NAME, exp_avg/NAME and exp_avg_sq/NAME of every weight that has been updated, and the number of updates."""
    tensors, step = {}, 0
    for name, parameter in model.named_parameters():
        state = optimizer.state.get(parameter)
        if state:
            step = max(step, int(state["step"]))
            for kind, tensor in (("param", parameter), ("exp_avg", state["exp_avg"]), ("exp_avg_sq", state["exp_avg_sq"])):
                tensors[f"{kind}/{name}"] = tensor.detach().cpu().clone().contiguous()
    safetensors.torch.save_file(tensors, path, metadata={"step": str(step)})
