# SPDX-License-Identifier: Apache-2.0
"""What a number format does to gradients, and which loss scale to start with.

    import precision_audit as pa

    pa.audit("step0200.safetensors")             # a dump, or several, or arrays: {name: array}
    pa.cast(1.2e-7, "fp16")                      # one number, bit by bit
    pa.round(array, "e4m3")                      # whole arrays, at memory speed

Answers are those of the command `precision-audit`: the same counts, the same sentences. Arrays are those of numpy, torch,
ml_dtypes and of whatever else speaks DLPack or `__array__`, in the processor's memory; they are read where they lie.
"""

import importlib
from typing import TYPE_CHECKING

from ._adapters import lightning_callback, record_trainer
from ._answers import Answer, Audit, Cast, Measure, Outcome, Record, measures
from ._arrays import Array
from ._convert import cast, decode, encode, round
from ._core import InputError
from ._core import version as __version__
from ._dumps import Dump, open
from ._questions import ask, audit, compare, plan, recipes, recommend, replay
from ._recorder import Recorder, dump_gradients
from ._summaries import BinadesWriter, Counter, Summary, summarize

if TYPE_CHECKING:
    from ._peaks import PeakMeter

_OF_TORCH = {"PeakMeter": "_peaks"}  # imported where they are used: the program starts without torch


def __getattr__(name: str) -> object:
    if name in _OF_TORCH:
        return getattr(importlib.import_module(f".{_OF_TORCH[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Answer", "Array", "Audit", "BinadesWriter", "Cast", "Counter", "Dump", "InputError", "Measure", "Outcome", "PeakMeter",
    "Record", "Recorder", "Summary", "__version__", "ask", "audit", "cast", "compare", "decode", "dump_gradients", "encode",
    "lightning_callback", "measures", "open", "plan", "recipes", "recommend", "record_trainer", "replay", "round", "summarize",
]  # fmt: skip
