# SPDX-License-Identifier: Apache-2.0
"""A Lightning module that records.

python lightning_module.py && precision-audit run.binades
"""

import lightning
import precision_audit as pa
import torch
from torch import nn


class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))

    def training_step(self, batch, index):
        x, y = batch
        return nn.functional.cross_entropy(self.layers(x), y)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


torch.manual_seed(0)
data = torch.utils.data.TensorDataset(torch.randn(64, 16), torch.randint(0, 4, (64,)))
trainer = lightning.Trainer(
    max_steps=6, accelerator="cpu", gradient_clip_val=0.5, accumulate_grad_batches=2, logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False, callbacks=[pa.lightning_callback("run.binades", every=2)],
)  # fmt: skip
trainer.fit(Module(), torch.utils.data.DataLoader(data, batch_size=4))

print(pa.audit("run.binades", formats="fp16"))
