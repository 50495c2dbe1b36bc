# SPDX-License-Identifier: Apache-2.0
"""Counts the gradients of a training while it runs. torch is imported where a model comes."""

from __future__ import annotations

import json
import math
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._core import InputError
from ._dumps import Path
from ._summaries import BinadesWriter, Counter, Summary, log2_of

if TYPE_CHECKING:
    from types import TracebackType

    from ._dump_gradients import OutputWatch

Model = Any
"""A torch.nn.Module."""


def dump_gradients(model: Model, path: Path, **metadata: object) -> Any:
    """Context manager: watches the forward and backward passes of its block, then writes every gradient to the
    safetensors file `path`, `grad/NAME` of weights and `act_grad/NAME` of module outputs, bit for bit, on the CPU.
    `metadata` goes into the file as text: step=200; loss_scale=65536 where the loss is multiplied before backward().
    Needs torch and safetensors. Source: tools/dump_gradients.py, which may be copied without this package."""
    from . import _dump_gradients

    return _dump_gradients.dump_gradients(model, path, **metadata)


class Recorder:
    """Exact counts of the gradients of a training, one `.binades` file per recorded step, which the program audits.

        with pa.Recorder(model, "run.binades", every=50) as rec:
            for x, y in batches:
                loss_function(model(x), y).backward()
                rec.step()
                optimizer.step()

    `rec.step` stands after the last backward() of a step and before unscale_, clipping and optimizer.step(): it sees what
    the optimizer will get, and the steps that GradScaler skips. Gradients are counted where they are, none is kept, and
    training goes on bit for bit as without. Names are those of `dump_gradients`: `grad/NAME` of weights (summed over
    micro-batches), `act_grad/NAME` of what modules return (`NAME@2` of the second call or micro-batch). NaN, Inf and zeros
    are counted as such. A process that dies keeps every step that `rec.step` has returned from.

    every: the steps that are recorded, those whose number it divides; the others cost next to nothing. weights: "step",
    or "hook" where the optimizer runs inside backward() and frees the gradients (the recorder must then be made before
    its hooks; one backward() per step). peaks: the largest result of every operation of a recorded step goes into
    `peaks.csv` beside the steps, see `PeakMeter`; on a small GPT such a step takes 1.3 times its time.
    Under torch.distributed every process makes a recorder. Activation gradients add up over ranks, a sharded weight
    (DTensor, FSDP2) too, any other weight gradient is equal on all ranks after backward() and counts once. Each rank
    writes its file, which the program adds up; with gather=True rank 0 writes one file per step.
    Beside the directory, NAME.steps.jsonl has one JSON object per recorded step: step, scale, growth_tracker of the scaler,
    loss_dtype, loss (its value; "nan", "inf" as text), first_nonfinite (tensor and "nan" or "inf", of rank 0); null for what was not given.
    ValueError for a compiled model: attach to the model before it is compiled.
    """

    def __init__(
        self,
        model: Model,
        path: Path,
        *,
        every: int = 1,
        activations: bool = True,
        weights: str = "step",
        gather: bool = False,
        peaks: bool = False,
    ) -> None:
        if every < 1:
            raise ValueError(f"every: wanted 1 or more, found {every}")
        if weights not in ("step", "hook"):
            raise ValueError(f"weights: wanted 'step' or 'hook', found {weights!r}")
        if any("_orig_mod" in name.split(".") for name, _ in model.named_modules()) or hasattr(model, "_orig_mod"):
            raise ValueError("the model is compiled already, so hooks would not run: attach the recorder before torch.compile")
        dist: Any = import_module("torch.distributed")
        from ._dump_gradients import unused

        self._unused = unused
        self.rank: int = dist.get_rank() if dist.is_initialized() else 0
        self.ranks: int = dist.get_world_size() if dist.is_initialized() else 1
        if weights == "hook" and self.ranks > 1 and not all(hasattr(p, "to_local") for p in model.parameters()):
            raise ValueError("weights='hook' would count gradients before they are averaged over ranks: use weights='step'")
        self.first_nonfinite: tuple[int, str, str] | None = None
        """(step, tensor, "nan" or "inf") of the first recorded gradient that is not finite, on this rank."""
        self._model, self._every, self._with_activations, self._weights = model, every, activations, weights
        self._writer, self._gather, self._with_peaks = BinadesWriter(path), gather, peaks
        self._number = 0
        self._counter = Counter(self.rank, self.ranks)
        self._names: dict[str, Any] = {}  # of what was counted, in that order: its dtype
        self._refused: set[str] = set()
        self._warned: set[str] = set()
        self._outputs: OutputWatch | None = None
        self._hooks: list[Any] = []
        self._peaks: Any = None
        self._is_on = False

    def __enter__(self) -> Recorder:
        if self._with_activations:
            from ._dump_gradients import OutputWatch

            self._outputs = OutputWatch(self._model, self._keep)
        if self._weights == "hook":
            self._hooks = [
                parameter.register_post_accumulate_grad_hook(lambda p, name=name: self._weight(name, p.grad))
                for name, parameter in self._model.named_parameters()
                if parameter.requires_grad
            ]
        if self._with_peaks:
            from ._peaks import PeakMeter

            name = "peaks.csv" if self.ranks == 1 else f"peaks.rank{self.rank}of{self.ranks}.csv"
            self._peaks = PeakMeter(self._model, self._writer.path / name)
        self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._is_on = False
        if self._outputs is not None:
            self._outputs.remove()
            self._outputs.known.clear()
        for hook in self._hooks:
            hook.remove()
        if self._peaks is not None:
            self._peaks.close()

    def _start(self) -> None:
        """Before the forward pass of a step."""
        self._is_on = self._number % self._every == 0
        if self._outputs is not None:
            self._outputs.is_on = self._is_on
            self._outputs.calls.clear()
            self._outputs.known.clear()
        if self._is_on and self._peaks is not None:
            self._peaks.begin(self._number)

    def _warn(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            warnings.warn(text, stacklevel=4)

    def _keep(self, name: str, gradient: Any, *, replicated: bool = False) -> None:
        """Counts a gradient. replicated: equal on all ranks, so that rank 0 has its elements and the others none."""
        if not self._is_on:
            return
        tensor, mine = gradient.detach(), True
        shape: tuple[int, ...] = ()
        if hasattr(tensor, "to_local"):
            tensor, shape, mine = _shard(tensor)
        elif self.ranks > 1 and replicated:
            shape, mine = tuple(tensor.shape), self.rank == 0
        elif self.ranks > 1:  # per rank one batch of this shape
            shape = (self.ranks * tensor.shape[0], *tensor.shape[1:]) if tensor.dim() else (self.ranks,)
        if tensor.is_sparse:
            tensor = tensor.to_dense()  # rows that occur twice are summed
        name = self._unused(name, self._names)
        try:
            self._counter.add(name, tensor if mine else tensor.new_empty(0), shape=shape)
        except TypeError as error:  # complex, for example: no reason to end a training
            self._warn(f"not recorded: {error}")
            return
        self._names[name] = tensor.dtype

    def _weight(self, name: str, gradient: Any) -> None:
        if gradient is not None:
            self._keep(f"grad/{name}", gradient, replicated=True)

    def step(self, *, scale: float = 1, scaler: Any = None, loss: Any = None, step: int | None = None) -> None:
        """Ends a step: between the last backward() and unscale_ or optimizer.step().

        scale: what the loss was multiplied by, a power of two; it is taken off, exactly. scaler: a torch GradScaler,
        whose scale it is. loss: a tensor, whose dtype is recorded (the gradient of the loss itself is the scale).
        step: the number of this step, else one more than before, from 0 on. ValueError for a scale that is no power of
        two; OSError where the file cannot be written."""
        scale = float(scaler.get_scale()) if scaler is not None else scale
        number = self._number if step is None else step
        was_on, self._number = self._is_on, number + 1
        try:
            if was_on:
                self._record(number, scale, scaler, loss)
        finally:
            if len(self._counter):  # of a step that was refused
                self._counter = Counter(self.rank, self.ranks)
            self._names.clear()
            self._start()

    def _record(self, number: int, scale: float, scaler: Any, loss: Any) -> None:
        if self._peaks is not None:
            self._peaks.end(scale)
        log2_of(scale, "scale")
        if self._with_activations:
            self._judge_activations()
        if self._weights == "step":
            for name, parameter in self._model.named_parameters():
                self._weight(name, parameter.grad)
        dtype = None if loss is None else str(loss.dtype).removeprefix("torch.")
        taken = self._counter.take(number, dump_scale=scale, loss_dtype=dtype)
        bad = self._nonfinite(taken)
        if bad is not None and self.first_nonfinite is None:
            self.first_nonfinite = (number, *bad)
        self._write(taken)
        if self.rank == 0:
            value = None if loss is None else float(loss.detach())
            tracker = None if scaler is None else scaler.state_dict().get("_growth_tracker")  # a scaler that is off has none
            said = {"step": number, "scale": scale, "growth_tracker": tracker, "loss_dtype": dtype,
                    "loss": value if value is None or math.isfinite(value) else str(value), "first_nonfinite": bad}  # fmt: skip
            with open(self.steps_path, "a", encoding="utf-8") as file:
                file.write(json.dumps(said) + "\n")

    @property
    def steps_path(self) -> str:
        """Where the state of each recorded step goes, as a line of JSON: run.steps.jsonl beside run.binades."""
        return f"{str(self._writer.path).removesuffix('.binades')}.steps.jsonl"

    def _judge_activations(self) -> None:
        seen = [dtype for name, dtype in self._names.items() if name.startswith("act_grad/")]
        if not seen:
            self._warn("no gradient of a module's output was seen: was the model compiled before the recorder was attached?")
        if any(str(dtype) == "torch.float16" for dtype in seen):
            self._warn("the backward pass runs in float16: gradients that vanished in it are recorded as zeros; "
                       "record a step in float32 or bfloat16 to see them")  # fmt: skip

    def _nonfinite(self, taken: Summary) -> tuple[str, str] | None:
        """(tensor, "nan" or "inf") of the first that was counted."""
        rows = {row["name"]: row for row in taken._core.steps()[0]["tensors"] if row["nan_in"] or row["inf_in"]}
        name = next((name for name in self._names if name in rows), None)
        return None if name is None else (name, "nan" if rows[name]["nan_in"] else "inf")

    def _write(self, taken: Summary) -> None:
        if self.ranks == 1 or not self._gather:
            self._writer.append(taken)
            return
        dist: Any = import_module("torch.distributed")
        files: list[Any] | None = [None] * self.ranks if self.rank == 0 else None
        dist.gather_object(taken.to_bytes(), files)
        if files is None:
            return
        parts = [Summary.from_bytes(each) for each in files]
        try:
            self._writer.append(parts[0].merge(*parts[1:]))
        except InputError:  # ranks had batches of different shapes: their files stand side by side
            for part in parts:
                self._writer.append(part)


def _shard(tensor: Any) -> tuple[Any, tuple[int, ...], bool]:
    """Of a DTensor: what this rank holds, the whole's shape, and whether this rank is the one of its replicas to count."""
    replicate = import_module("torch.distributed.tensor").Replicate()
    if any(place.is_partial() for place in tensor.placements):
        tensor = tensor.redistribute(placements=[replicate if p.is_partial() else p for p in tensor.placements])
    at = tensor.device_mesh.get_coordinate() or []
    mine = all(where == 0 for where, place in zip(at, tensor.placements, strict=False) if place.is_replicate())
    return tensor.to_local(), tuple(tensor.shape), mine
