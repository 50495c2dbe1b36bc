# SPDX-License-Identifier: Apache-2.0
"""The recorder in trainers of others: Hugging Face and Lightning."""

from __future__ import annotations

import importlib
from typing import Any

from ._recorder import Recorder
from ._dumps import Path


class TrainerRecorder(Recorder):
    """The recorder of a Hugging Face `Trainer`, see record_trainer."""

    def __init__(self, trainer: Any, path: Path, **options: Any) -> None:
        super().__init__(trainer.model, path, **options)
        self._accelerator = trainer.accelerator
        self._backward = self._accelerator.backward

    def __enter__(self) -> TrainerRecorder:
        super().__enter__()

        def backward(loss: Any, **kwargs: Any) -> None:
            self._backward(loss, **kwargs)
            if self._accelerator.sync_gradients:  # the last micro-batch of a step; clipping comes next
                self.step(scaler=self._accelerator.scaler, loss=loss)

        self._accelerator.backward = backward
        return self

    def __exit__(self, *error: Any) -> None:
        self._accelerator.backward = self._backward
        super().__exit__(*error)


def record_trainer(trainer: Any, path: Path, **options: Any) -> Recorder:
    """The recorder of a Hugging Face `Trainer`, whatever its type of model:

        with pa.record_trainer(trainer, "run.binades", every=50):
            trainer.train()

    Each optimizer step is recorded with the gradients that all its micro-batches and ranks gave, before clipping; a callback
    would come after it. The loss scale is the trainer's own. `options` are those of `Recorder`, and so are the errors.
    """
    return TrainerRecorder(trainer, path, **options)


def lightning_callback(path: Path, **options: Any) -> Any:
    """A Lightning `Callback` that records: `Trainer(callbacks=[pa.lightning_callback("run.binades", every=50)])`.

    Each optimizer step is recorded with accumulated gradients, before clipping. `options` are those of `Recorder`.
    ValueError for precision="16-mixed" when training starts: Lightning unscales the weights' gradients before any callback
    sees them, and an FP16 backward pass has lost already what the recording is for. ImportError without lightning.
    """
    callbacks: Any = importlib.import_module("lightning.pytorch.callbacks")

    class RecorderCallback(callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.recorder: Recorder | None = None

        def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
            if getattr(trainer.precision_plugin, "scaler", None) is not None:
                raise ValueError('precision: wanted "32-true" or "bf16-mixed" while gradients are recorded, found "16-mixed"')
            self.recorder = Recorder(pl_module, path, **options)
            self.recorder.__enter__()

        def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
            if self.recorder is not None:
                self.recorder.step()

        def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
            self.close()

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            self.close()

        def close(self) -> None:
            if self.recorder is not None:
                self.recorder.__exit__(None, None, None)
                self.recorder = None

    return RecorderCallback()
