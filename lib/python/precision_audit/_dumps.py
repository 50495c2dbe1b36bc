# SPDX-License-Identifier: Apache-2.0
"""Dumps: files, and arrays in memory, as what a question is asked of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from . import _core
from ._answers import Record
from ._arrays import Array, lend
from ._words import words

if TYPE_CHECKING:
    import numpy as np

Path: TypeAlias = Union[str, "os.PathLike[str]"]

NUMPY_NAMES = {"float64": "f8", "float32": "f4", "float16": "f2"}


class Dump:
    """Files that have been opened and checked; nothing is read until a question is asked."""

    def __init__(self, series: _core.Series) -> None:
        self._series = series

    @property
    def inputs(self) -> list[Record]:
        """Of each file: path, format, step, bytes, tensors, dump_scale_log2, notes."""
        return [Record(row) for row in self._series.inputs()]

    @property
    def tensors(self) -> list[Record]:
        """Of each tensor: name, path, step, dtype, shape, elements."""
        return [Record(row) for row in self._series.tensors()]

    def __len__(self) -> int:
        return len(self._series.tensors())

    def __repr__(self) -> str:
        return f"<Dump: {len(self.inputs)} inputs, {len(self)} tensors>"

    def array(self, name: str, step: int | None = None) -> np.ndarray[Any, Any]:
        """A tensor, read into a new array in row-major order; bfloat16 and float8 need ml_dtypes. KeyError where no
        tensor has the name (and the step), InputError where its file cannot be read."""
        import numpy as np

        for number, row in enumerate(self._series.tensors()):
            if row["name"] == name and (step is None or row["step"] == step):
                return np.frombuffer(self._series.elements(number), _numpy_dtype(row["dtype"])).reshape(row["shape"]).copy()
        raise KeyError(f"no tensor {name!r}" + ("" if step is None else f" at step {step}"))


def _numpy_dtype(name: str) -> np.dtype[Any]:
    import numpy as np

    if name in NUMPY_NAMES:
        return np.dtype("<" + NUMPY_NAMES[name])
    import ml_dtypes

    found: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    return found


def open(
    paths: Path | Sequence[Path],
    *,
    select: str | Sequence[str] | None = None,
    reader: str | None = None,
    dtype: str | None = None,
    offset: int | None = None,
    count: int | None = None,
    endian: str | None = None,
    assume_dtype: str | None = None,
    strict: bool = False,
) -> Dump:
    """Opens files, or directories with one file per step, as the program does; `select` are globs over tensor names.

    Every offset, size and name is checked, no element is read. InputError where a file cannot be read, in one line that
    names file, offset, wanted and found; ValueError for an argument that has no meaning.
    Source: lib/lowp/tensor/step_series.h, `precision-audit audit --help` under "Files".
    """
    options = words(select=[select] if isinstance(select, str) else select, reader=reader, dtype=dtype, offset=offset,
                    count=count, endian=endian, assume_dtype=assume_dtype, strict=strict)  # fmt: skip
    return Dump(_core.Series.open([*options, "--", *path_words(paths)]))


def is_path(value: object) -> bool:
    return isinstance(value, (str, os.PathLike))


def path_words(paths: Path | Iterable[Path]) -> list[str]:
    return [os.fspath(path) for path in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]


def series_of_arrays(arrays: Mapping[Any, Any]) -> _core.Series:
    """{name: array}, or {step: {name: array}}."""
    several = bool(arrays) and all(isinstance(value, Mapping) for value in arrays.values())
    steps: list[tuple[int | None, Mapping[str, Array]]] = [(int(key), value) for key, value in arrays.items()] if several else [(None, arrays)]
    return _core.Series.of([(step, [(str(name), *lend(array, str(name))) for name, array in named.items()]) for step, named in steps])
