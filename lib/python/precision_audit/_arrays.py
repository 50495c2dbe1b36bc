# SPDX-License-Identifier: Apache-2.0
"""Arrays of other libraries, as `_core` takes them: what DLPack cannot say is said beside it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np  # imported where an array comes: the program starts without it

Array: TypeAlias = Any
"""numpy, torch (on the CPU), ml_dtypes, or anything with `__dlpack__` or `__array__`, of float64, float32, float16,
bfloat16, float8_e4m3fn or float8_e5m2."""


def is_numpy(array: Array) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(array, (numpy.ndarray, numpy.generic))


def lend(array: Array, name: str = "the array") -> tuple[Any, str]:
    """(what DLPack takes, the name of its element type where DLPack has none); the same memory wherever there is one."""
    if not is_numpy(array) and hasattr(array, "__dlpack__"):
        return array, ""
    if not is_numpy(array) and not hasattr(array, "__array__"):
        raise TypeError(f"{name}: wanted an array (numpy, torch, DLPack or __array__), found {type(array).__name__}")
    import numpy as np

    held = np.asarray(array)
    if not held.dtype.isnative:
        raise TypeError(f"{name} is big-endian: wanted the machine's byte order (array.astype(array.dtype.newbyteorder('=')))")
    if held.dtype.isbuiltin == 1 or held.dtype.itemsize not in (1, 2):
        return held, ""
    return held.view(f"u{held.dtype.itemsize}"), held.dtype.name  # ml_dtypes: numpy cannot export them


def like(array: Array) -> Array:
    """Memory for a result of the same library, shape and element type; contiguous."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        return torch.empty(array.shape, dtype=array.dtype)
    import numpy as np

    held = np.asarray(array) if is_numpy(array) or not hasattr(array, "__dlpack__") else np.from_dlpack(array)
    return np.empty(held.shape, held.dtype)


def same_kind(array: Array, result: np.ndarray[Any, Any]) -> Array:
    """A new numpy array as a tensor where `array` is one; nothing is copied."""
    torch = sys.modules.get("torch")
    return torch.from_numpy(result) if torch is not None and isinstance(array, torch.Tensor) else result
