# SPDX-License-Identifier: Apache-2.0
"""A Hugging Face Trainer that records.

python hugging_face.py && precision-audit run.binades
"""

import precision_audit as pa
import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

torch.manual_seed(0)
model = GPT2LMHeadModel(GPT2Config(vocab_size=32, n_positions=16, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0))
rows = [{"input_ids": tokens, "labels": tokens} for tokens in torch.randint(0, 32, (64, 16))]
arguments = TrainingArguments(
    "build/trainer", max_steps=6, per_device_train_batch_size=4, gradient_accumulation_steps=2, max_grad_norm=0.5,
    use_cpu=True, report_to=[], save_strategy="no", logging_steps=3, disable_tqdm=True,
)  # fmt: skip
trainer = Trainer(model, arguments, train_dataset=rows)

with pa.record_trainer(trainer, "run.binades", every=2):
    trainer.train()

print(pa.audit("run.binades", formats="fp16"))
