# SPDX-License-Identifier: Apache-2.0
"""The largest magnitude that every operation of a training step makes: what hooks on modules cannot see."""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

torch: Any = importlib.import_module("torch")  # types are checked without it
TorchDispatchMode: Any = importlib.import_module("torch.utils._python_dispatch").TorchDispatchMode
Tensor: TypeAlias = Any

FLOATING = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
HALVES = (torch.float16, torch.bfloat16)

# What autocast does with an operation (torch/amp, "CUDA Ops that can autocast to float16" and "to float32"), by the names
# that operations have below autograd. All others take the widest type of their inputs.
TO_FP16 = frozenset(
    "addbmm addmm addmv addr baddbmm bmm convolution _convolution cudnn_convolution dot linear lstm_cell miopen_convolution "
    "mkldnn_convolution mkldnn_linear mkldnn_rnn_layer mm mv prelu _prelu_kernel _scaled_dot_product_flash_attention "
    "_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention _scaled_dot_product_cudnn_attention "
    "_thnn_fused_gru_cell _thnn_fused_lstm_cell".split()
)
TO_FP32 = frozenset(
    "_softmax _log_softmax _cdist_forward acos asin binary_cross_entropy binary_cross_entropy_with_logits cosh cumprod cumsum "
    "dist erfinv exp expm1 huber_loss linalg_vector_norm log log10 log1p log2 mse_loss native_group_norm native_layer_norm "
    "_fused_rms_norm nll_loss_forward nll_loss2d_forward norm pow prod reciprocal renorm rsqrt sinh smooth_l1_loss "
    "soft_margin_loss softplus sum tan".split()
)

OF_FIRST_INPUT = frozenset("native_batch_norm cudnn_batch_norm miopen_batch_norm _native_batch_norm_legit".split())  # FP32 weights


def makes_views(function: Any) -> bool:
    """Whether all that it returns is its input's memory, unchanged."""
    returns = function._schema.returns
    return bool(returns) and all(value.alias_info is not None and not value.alias_info.is_write for value in returns)


def tensors_of(values: Any) -> Iterator[Tensor]:
    """The floating-point tensors among arguments or results, with elements or without."""
    for value in values if isinstance(values, (tuple, list)) else (values,):
        if isinstance(value, torch.Tensor):
            if value.dtype in FLOATING and not value.is_meta:
                yield value
        elif isinstance(value, (tuple, list)):
            yield from tensors_of(value)


def holds_inf(values: Any) -> bool:
    """Whether a number or an element among arguments is Inf."""
    if isinstance(values, (tuple, list)):
        return any(holds_inf(value) for value in values)
    if isinstance(values, torch.Tensor):
        return values.dtype in FLOATING and bool(values.isinf().any())
    return isinstance(values, float) and math.isinf(values)


def memory_of(tensor: Tensor) -> int:
    return int(tensor.untyped_storage().data_ptr())


class PeakMeter(TorchDispatchMode):  # type: ignore[misc]
    """Writes a `peaks.csv`: for every metered step and operation, the largest magnitude of what it returned.

        meter = PeakMeter(model, "run/peaks.csv")
        meter.begin(step)                      # before the forward pass
        (loss_function(model(x), y) * scale).backward()
        meter.end(scale)                       # after the backward pass, before the optimizer

    Rows are `step,name,kind,largest`: "act" for operations of the forward pass, from the first call of the model on;
    "op_grad" for those of the backward pass, divided by the loss scale. The name is "MODULE.operation"; what is computed
    outside of the model's modules, such as a loss, is "model.operation". Rows are of what FP16 has to represent: in a step
    in which anything is FP16 or BF16, all results of 16 bits; in a step in FP32, the results that autocast would make FP16,
    by its own lists and the rule that other operations take the widest type of their inputs. NaN is written as it is, Inf by
    the operation that makes it: of one that was given an Inf, such as a mask, the largest finite magnitude is written. What
    checkpointing computes twice counts once. Values are exact: the maximum of |x|, divided by the scale.
    Each operation of a metered step waits for the device; tensors are not kept. The model must not be compiled: operations
    inside compiled code cannot be seen. OSError where the file cannot be written, RuntimeError for
    `begin` of a step that was begun.
    """

    def __init__(self, model: Any, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self.path = Path(path)
        self._running: list[str] = []  # names of the modules whose forward pass runs, outermost first
        self._started = False  # the model has been called in this step
        self._step: int | None = None
        self._largest: dict[tuple[str, str, bool], float] = {}  # by name, kind, 16 bits
        self._nodes: dict[int, tuple[str, bool]] = {}  # module, is FP16 for autocast; by the backward node's sequence number
        self._fp16_memory: set[int] = set()  # where results lie that autocast would make FP16
        self._hooks = [hook for name, module in model.named_modules() for hook in self._watch(name or "model", module)]

    def _watch(self, name: str, module: Any) -> Sequence[Any]:
        def enter(*_: Any) -> None:
            if self._step is not None:
                self._started = True
                self._running.append(name)

        def leave(*_: Any) -> None:
            if self._running:
                self._running.pop()

        return module.register_forward_pre_hook(enter), module.register_forward_hook(leave, always_call=True)

    def begin(self, step: int) -> None:
        if self._step is not None:
            raise RuntimeError(f"step {self._step} has not ended")
        self._step, self._started = step, False
        self.__enter__()

    def end(self, scale: float = 1) -> None:
        """Writes the rows of the step. `scale`: what the loss was multiplied by. Without `begin` it does nothing."""
        if self._step is None:
            return
        self.__exit__(None, None, None)
        halves = any(half for _, _, half in self._largest)
        lines = []
        for (name, kind, half), peak in self._largest.items():
            if half or not halves:
                value = peak / (scale if kind == "op_grad" else 1)
                lines.append(f"{self._step},{name},{kind},{value!r}\n")
        file_is_new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(("step,name,kind,largest\n" if file_is_new else "") + "".join(lines))
        self._step = None
        self._largest.clear()
        self._nodes.clear()
        self._fp16_memory.clear()
        self._running.clear()

    def close(self) -> None:
        """Takes the hooks off the model; a step that was begun is dropped."""
        if self._step is not None:
            self.__exit__(None, None, None)
            self._step = None
        for hook in self._hooks:
            hook.remove()

    def __torch_dispatch__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        if not self._started or makes_views(func):
            return func(*args, **(kwargs or {}))
        inputs = list(tensors_of(args))
        inputs_in_fp16 = [memory_of(tensor) in self._fp16_memory for tensor in inputs]  # before it writes in place
        result = func(*args, **(kwargs or {}))
        self._meter(func.overloadpacket.__name__, args, inputs, inputs_in_fp16, result)
        return result

    def _meter(self, operation: str, args: Sequence[Any], inputs: list[Tensor], inputs_in_fp16: list[bool], result: Any) -> None:
        name = operation.rstrip("_")  # in place is the same operation
        node = torch._C._current_autograd_node()
        outputs = list(tensors_of(result))
        if node is None:
            module, kind = self._running[-1] if self._running else "model", "act"
            with_dimensions = [fp16 for tensor, fp16 in zip(inputs, inputs_in_fp16, strict=True) if tensor.dim()]
            deciding = with_dimensions or inputs_in_fp16  # numbers with dimensions decide the type, where there are any
            if name in OF_FIRST_INPUT:
                outputs, deciding = outputs[:1], inputs_in_fp16[:1]
            in_fp16 = name in TO_FP16 or bool(deciding) and all(deciding) and name not in TO_FP32
            newest = torch.autograd._get_sequence_nr() - 1  # this operation's node, or that of an earlier one if it has none
            self._nodes.setdefault(newest, (module, in_fp16 or any(inputs_in_fp16)))
            for tensor in outputs:
                (self._fp16_memory.add if in_fp16 else self._fp16_memory.discard)(memory_of(tensor))
            if name in TO_FP16:
                for tensor, known in zip(inputs, inputs_in_fp16, strict=True):
                    if not known:
                        self._keep(f"{module}._to_copy", kind, tensor, ())
        elif self._running:
            return  # checkpointing runs a module again
        else:  # what flows back to an FP16 input is cast to FP16, also where autocast computes it in FP32
            module, in_fp16 = self._nodes.get(node._sequence_nr(), ("model", False))
            kind = "op_grad"
            if "_norm_backward" in name:
                outputs = outputs[:1]  # the gradients of weight and bias stay FP32
        for tensor in outputs:
            if in_fp16 or tensor.dtype in HALVES:
                self._keep(f"{module}.{operation}", kind, tensor, args)

    def _keep(self, name: str, kind: str, tensor: Tensor, made_from: Sequence[Any]) -> None:
        if tensor.numel() == 0:
            return
        low, high = (float(value) for value in torch.aminmax(tensor.detach()))
        peak = high if high != high else max(-low, high)
        if peak == math.inf and holds_inf(made_from):
            peak = float(tensor.detach().abs().masked_fill(tensor.detach().isinf(), 0).max())
        key = (name.replace(",", ";"), kind, tensor.dtype in HALVES)
        known = self._largest.get(key, 0.0)
        self._largest[key] = peak if peak != peak or peak > known else known
