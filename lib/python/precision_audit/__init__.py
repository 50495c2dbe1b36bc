# SPDX-License-Identifier: Apache-2.0
"""What a number format does to gradients, and which loss scale to start with.

    import precision_audit as pa

    pa.audit("step0200.safetensors")             # a dump, or several, or arrays: {name: array}
    pa.cast(1.2e-7, "fp16")                      # one number, bit by bit
    pa.round(array, "e4m3")                      # whole arrays, at memory speed

Answers are those of the command `precision-audit`: the same counts, the same sentences. Arrays are those of numpy, torch,
ml_dtypes and of whatever else speaks DLPack or `__array__`, in the processor's memory; they are read where they lie.
"""

from ._answers import Answer, Audit, Cast, Measure, Outcome, Record, measures
from ._arrays import Array
from ._convert import cast, decode, encode, round
from ._core import InputError
from ._core import version as __version__
from ._dumps import Dump, open
from ._questions import ask, audit, compare, plan, recipes, recommend, replay
from ._recorder import Recorder, dump_gradients
from ._summaries import BinadesWriter, Counter, Summary, summarize

__all__ = [
    "Answer", "Array", "Audit", "BinadesWriter", "Cast", "Counter", "Dump", "InputError", "Measure", "Outcome", "Record",
    "Recorder", "Summary", "__version__", "ask", "audit", "cast", "compare", "decode", "dump_gradients", "encode",
    "measures", "open", "plan", "recipes", "recommend", "replay", "round", "summarize",
]  # fmt: skip
