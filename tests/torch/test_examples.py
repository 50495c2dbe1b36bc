# SPDX-License-Identifier: Apache-2.0
"""The examples of training loops run as they are printed; what the adapters record is what the optimizer would have been
given without clipping."""

import os
import subprocess
import sys
from pathlib import Path

import precision_audit as pa
import pytest
import torch
from torch import nn

examples = Path(__file__).resolve().parents[1] / "examples"


def grads(model):
    return {f"grad/{n}": p.grad.detach().clone() for n, p in model.named_parameters() if p.grad is not None}


def outcomes(data, prefix="grad/"):
    """{name: counts at every step and scale} of what is named like that."""
    found = {}
    for row in pa.audit(data, formats="fp16,e4m3", scales=(-40, 40), by="tensor").to_dict()["outcomes"]:
        if (row["name"] or "").startswith(prefix):
            counts = {key: value for key, value in row.items() if isinstance(value, (int, str)) and key not in ("path", "name")}
            found.setdefault(row["name"], []).append(counts)
    return found


@pytest.mark.parametrize("name, steps", [("plain_loop", [0, 5, 10, 15, 20, 25]), ("hugging_face", [0, 2, 4]), ("lightning_module", [0, 2, 4])])
def test_example(name, steps, tmp_path):
    assert len((examples / f"{name}.py").read_text().splitlines()) < 40
    done = subprocess.run([sys.executable, examples / f"{name}.py"], cwd=tmp_path, capture_output=True, text=True,
                          env=os.environ | {"HF_HUB_OFFLINE": "1"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "fp16" in done.stdout
    recorded = pa.Summary.load(tmp_path / "run.binades")
    assert [step["step"] for step in recorded.steps] == steps
    for step in recorded.steps:
        names = {tensor["name"] for tensor in step["tensors"]}
        assert any(n.startswith("grad/") for n in names) and any(n.startswith("act_grad/") for n in names)


def test_hugging_face_is_recorded_before_clipping(tmp_path):
    transformers = pytest.importorskip("transformers")

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(8, 4)

        def forward(self, x, labels):
            logits = self.layer(x)
            return {"loss": nn.functional.cross_entropy(logits, labels) * 100, "logits": logits}

    torch.manual_seed(0)
    rows = [{"x": x, "labels": torch.tensor(i % 4)} for i, x in enumerate(torch.randn(32, 8))]
    arguments = transformers.TrainingArguments(
        str(tmp_path / "out"), max_steps=4, per_device_train_batch_size=2, gradient_accumulation_steps=2, max_grad_norm=0.5,
        use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = transformers.Trainer(Model(), arguments, train_dataset=rows)
    unclipped = []
    clip = trainer.accelerator.clip_grad_norm_

    def keep(*args, **kwargs):
        unclipped.append(grads(trainer.model))
        return clip(*args, **kwargs)

    trainer.accelerator.clip_grad_norm_ = keep
    backward = trainer.accelerator.backward
    with pa.record_trainer(trainer, tmp_path / "run.binades"):
        trainer.train()
    assert trainer.accelerator.backward == backward
    assert len(unclipped) == 4 and max(g.abs().max() for g in unclipped[0].values()) > 0.5
    assert outcomes(tmp_path / "run.binades") == outcomes({step: values for step, values in enumerate(unclipped)})


def test_lightning_is_recorded_before_clipping(tmp_path):
    lightning = pytest.importorskip("lightning")
    unclipped = []

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(8, 4)

        def training_step(self, batch, index):
            return nn.functional.cross_entropy(self.layer(batch[0]), batch[1]) * 100

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

        def configure_gradient_clipping(self, *args, **kwargs):
            unclipped.append(grads(self))
            super().configure_gradient_clipping(*args, **kwargs)

    torch.manual_seed(0)
    data = torch.utils.data.TensorDataset(torch.randn(32, 8), torch.arange(32) % 4)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = lightning.Trainer(max_steps=4, accelerator="cpu", gradient_clip_val=0.5, accumulate_grad_batches=2, **quiet,
                                callbacks=[pa.lightning_callback(tmp_path / "run.binades")])  # fmt: skip
    trainer.fit(Module(), torch.utils.data.DataLoader(data, batch_size=2))
    assert len(unclipped) == 4 and max(g.abs().max() for g in unclipped[0].values()) > 0.5
    assert outcomes(tmp_path / "run.binades") == outcomes({step: values for step, values in enumerate(unclipped)})
