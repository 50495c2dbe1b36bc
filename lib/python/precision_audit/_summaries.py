# SPDX-License-Identifier: Apache-2.0
"""Summaries: exact counts of a dump in a hundredth of its size; what is counted while a model trains."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, TypeAlias, Union

from . import _core
from ._answers import Record
from ._arrays import Array, lend
from ._device import count_on_device, dtype_name, is_elsewhere
from ._dumps import Dump, Path, is_path, path_words, series_of_arrays
from ._words import words

Data: TypeAlias = Union[Path, Sequence[Path], Mapping[str, Array], Mapping[int, Mapping[str, Array]], "Summary", Sequence["Summary"], Dump]
"""What can be asked about: paths, {name: array}, {step: {name: array}}, a Summary or several, a Dump."""


class Summary:
    """Evidence of one or more steps, tensor by tensor: it answers what the elements would, exactly, at its level.

    An immutable value: `==` compares all of it, `pickle` keeps it, `save` writes it as `.binades`, which the program
    takes in place of a dump. Source: lib/lowp/summary/summary.h.
    """

    def __init__(self, core: _core.Summary) -> None:
        self._core = core

    @classmethod
    def load(cls, paths: Path | Sequence[Path]) -> Summary:
        """Reads `.binades` files, or directories of them, at the level they have. InputError for anything else."""
        return cls(_core.Summary.load(path_words(paths)))

    @property
    def steps(self) -> list[Record]:
        """Of each step: step, dump, dump_scale_log2, loss_dtype, notes, tensors (name, dtype, shape, part, level,
        elements, zero_in, nan_in, inf_in)."""
        return [Record(row) for row in self._core.steps()]

    @property
    def tensors(self) -> list[Record]:
        """The tensors of all steps."""
        return [tensor for step in self.steps for tensor in step["tensors"]]

    def save(self, path: Path) -> int:
        """Writes one `.binades` file; a directory with one file per step where there are several, or where `path` is a
        directory or ends with "/". Returns the bytes written. Each file is written beside its place and renamed: a process
        that dies leaves the old file or the new one. InputError where another kind of file is there."""
        return self._core.save(os.fspath(path))

    def merge(self, *others: Summary) -> Summary:
        """All of them as one: steps side by side; parts and ranks of one step are added as soon as all are there.
        Associative, commutative, and the same summary twice counts once. InputError where two contradict each other."""
        return Summary(_core.Summary.merged([self._core, *(other._core for other in others)]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Summary) and self._core == other._core

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self._core.steps())

    def __repr__(self) -> str:
        return f"<Summary: {len(self)} steps, {len(self.tensors)} tensors>"

    def to_bytes(self) -> list[bytes]:
        """The `.binades` file of each step."""
        return self._core.to_bytes()

    @classmethod
    def from_bytes(cls, files: Sequence[bytes]) -> Summary:
        """From what `to_bytes` gave. InputError for any other bytes."""
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, f"{number}.binades") for number in range(len(files))]
            for path, data in zip(paths, files, strict=True):
                FilePath(path).write_bytes(data)
            return cls(_core.Summary.load(paths))

    def __reduce__(self) -> tuple[Any, ...]:
        return Summary.from_bytes, (self.to_bytes(),)


def source_of(data: Data) -> tuple[list[str], _core.Series | None]:
    """What a question is asked of: PATHs as words, or a series in memory."""
    if isinstance(data, Dump):
        return [], data._series
    if isinstance(data, Summary):
        return [], data._core.series()
    if isinstance(data, Mapping):
        return [], series_of_arrays(data)
    if is_path(data):
        return path_words(data), None  # type: ignore[arg-type]
    if isinstance(data, Sequence) and data and all(isinstance(item, Summary) for item in data):
        return [], data[0].merge(*data[1:])._core.series()  # type: ignore[union-attr]
    if isinstance(data, Sequence) and data and all(is_path(item) for item in data):
        return path_words(data), None  # type: ignore[arg-type]
    raise TypeError(f"wanted paths, {{name: array}}, {{step: {{name: array}}}}, a Summary or a Dump, found {type(data).__name__}")


def summarize(
    data: Data,
    *,
    level: str | None = None,
    part: tuple[int, int] | None = None,
    dump_scale: float | None = None,
    formats: str | Sequence[str] | None = None,
    scales: tuple[int, int] | None = None,
    select: str | Sequence[str] | None = None,
    threads: int | None = None,
) -> Summary:
    """Counts every element of `data` once, exactly: any number of threads gives the same bytes.

    level: "counts" (the default: every class count of formats with up to ten fraction bits), "errors" (and SNR and bias
    in nearest_even) or "leaves" (all that an audit prints; `formats` with more than ten fraction bits at `scales` are
    then kept too). part: (i, n), the i-th of n parts of every tensor, i from 1; merge adds them up. dump_scale: the loss
    scale, a power of two, of dumps that do not say theirs.
    The same as `precision-audit summarize`, whose file has the same bytes as `save` of this.
    InputError where data cannot be read, TypeError for arrays of another kind, ValueError for other faults.
    """
    paths, series = source_of(data)
    options = words(level=level, part=None if part is None else f"{part[0]}/{part[1]}", dump_scale=dump_scale, formats=formats,
                    scales=scales, select=[select] if isinstance(select, str) else select, threads=threads)  # fmt: skip
    return Summary(_core.Summary.of([*options, "--", *paths], series))


def log2_of(scale: float, name: str) -> int:
    fraction, exponent = math.frexp(scale)
    if fraction != 0.5:
        raise ValueError(f"{name}: wanted a power of two, found {scale!r}")
    return exponent - 1


class Counter:
    """Counts of one step, added tensor by tensor while a model trains; level "counts". `rank` of `ranks` processes that
    each see a part of every tensor; merging the summaries of all gives the whole. May be called from several threads."""

    def __init__(self, rank: int = 0, ranks: int = 1) -> None:
        self._core = _core.Counter(rank, ranks)

    def add(self, name: str, array: Array, *, shape: Sequence[int] | None = None) -> None:
        """Counts every element of `array`, of any shape and strides, where it lies; the GIL is not held meanwhile. NaN, Inf
        and zeros of either sign are counted as such; an empty array counts nothing. Arrays added under one name are counted
        together. shape: of the whole tensor, where the array is a part of it. A torch tensor on another device is counted
        there, to the same bits, and only its counts are copied (256 to 93,631 int64; 709,129 of float64).
        TypeError for arrays of another kind, or of another element type than before, or of another library and in another
        memory; ValueError for negative strides."""
        if is_elsewhere(array):
            table = count_on_device(array).cpu()
            self._core.add_table(name, dtype_name(array), list(array.shape), table, list(shape or ()))
            return
        held, dtype = lend(array, name)
        self._core.add(name, held, dtype, list(shape or ()))

    def take(
        self,
        step: int | None = None,
        *,
        dump: str | None = None,
        dump_scale: float = 1,
        loss_dtype: str | None = None,
        notes: Sequence[str] = (),
    ) -> Summary:
        """All that was counted, as the summary of a step; the counter is as new. dump_scale: the loss scale that the
        values have, a power of two; it is taken off, exactly. dump: a name for a step that has no number."""
        name = dump or ("recorded" if step is None else f"step{step:010d}")
        return Summary(self._core.take(step, name, log2_of(dump_scale, "dump_scale"), loss_dtype, list(notes)))

    def __len__(self) -> int:
        """How many tensors have been counted."""
        return len(self._core)


class BinadesWriter:
    """A run as a directory of `.binades` files, one for each step (and rank): the program opens it as a series.

    Each file is written beside its place, synchronised and renamed: a run that is killed keeps every step that
    `append` has returned from."""

    def __init__(self, path: Path) -> None:
        self.path = FilePath(path)

    def append(self, summary: Summary) -> None:
        """Adds the steps of a summary. A file of the same step (and rank) is replaced. InputError where it cannot be
        written."""
        summary._core.save(f"{self.path}/")
