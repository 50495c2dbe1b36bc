# SPDX-License-Identifier: Apache-2.0
"""Questions: each is a command of the program, asked in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import _core
from ._answers import Answer, Audit, Record
from ._dumps import Path
from ._summaries import Data, source_of
from ._words import words


def _several(value: str | Sequence[str] | None) -> Sequence[str] | None:
    return [value] if isinstance(value, str) else value


def _asked(command: str, data: Data | None, options: dict[str, Any]) -> _core.Answer:
    paths, series = ([], None) if data is None else source_of(data)
    return _core.ask(command.split(), [*words(**options), "--", *paths], series)


def ask(command: str, data: Data | None = None, *values: str, **options: Any) -> Answer:
    """Any command of the program by its words: ask("accumulate norm", "dump.safetensors", formats=["bf16"]).

    `options` are those of the command, with "_" for "-" (`precision-audit COMMAND --help`): True is a flag, a list has
    its values one after the other. `values` are words of commands without a dump: ask("formats", None, "e4m3").
    ValueError for a command, an option or a value that is unknown, in one line that lists those there are; InputError
    where data cannot be read.
    """
    paths, series = ([], None) if data is None else source_of(data)
    return Answer(_core.ask(command.split(), [*words(**options), "--", *paths, *values], series), command)


def audit(
    data: Data,
    *,
    formats: str | Sequence[str] | None = None,
    scales: tuple[int, int] | None = None,
    rounding: str | None = None,
    overflow: str | None = None,
    by: str | None = None,
    top: int | None = None,
    counts_only: bool = False,
    dump_scale: float | None = None,
    fail_on: str | Sequence[str] | None = None,
    loss_dtype: str | None = None,
    policy: str | None = None,
    min_snr: float | None = None,
    max_flushed: float | None = None,
    headroom: int | None = None,
    select: str | Sequence[str] | None = None,
    threads: int | None = None,
    page: bool = False,
) -> Audit:
    """What each format loses at each loss scale, and which scale to start with; `precision-audit audit`.

    data: paths, {name: array}, {step: {name: array}}, a Summary or a Dump. Arrays of float64, float32, float16, bfloat16,
    float8_e4m3fn or float8_e5m2, of any shape, order and stride, are read where they lie. formats: fp16, bf16, e4m3 and
    e5m2 by default; any eXmY. scales: (low, high) as log2, both included; (-8, 32) by default. rounding: a deterministic
    mode. by: "tensor" or "step", for outcomes of each. page: keep what the web page needs; a notebook then shows that page.

    Every count is exact, whatever the threads. Zeros, NaN and Inf of the input are counted apart and are part of no rate;
    -0 is a zero; without elements all counts are 0 and rates None. With a Summary what its level does not know lies
    between bounds. InputError where data cannot be read, TypeError for arrays of another kind or on another device,
    ValueError for a word without meaning.
    """
    options = dict(formats=formats, scales=scales, rounding=rounding, overflow=overflow, by=by, top=top,
                   counts_only=counts_only, dump_scale=dump_scale, fail_on=_several(fail_on), loss_dtype=loss_dtype,
                   policy=policy, min_snr=min_snr, max_flushed=max_flushed, headroom=headroom, select=_several(select),
                   threads=threads, report="page.html" if page else None)  # fmt: skip
    return Audit(_asked("audit", data, options), "audit", page)


def recommend(data: Data, **options: Any) -> dict[str, Record]:
    """By format, which loss scale to start with and why: `recommend(data)["fp16"].init_scale`, `.verdict`, `.window_log2`.

    data and options are those of `audit`. Source: lib/lowp/audit/recommend.h.
    """
    return audit(data, **options).recommendations


def compare(
    before: Data,
    after: Data,
    *,
    tolerance: int | None = None,
    ulp_format: str | None = None,
    scale_a: float | None = None,
    scale_b: float | None = None,
    top: int | None = None,
    fail_on: str | Sequence[str] | None = None,
    select: str | Sequence[str] | None = None,
    threads: int | None = None,
) -> Answer:
    """How two dumps differ, tensor by tensor of the same name, element by element; `precision-audit compare`.

    before, after: as `data` of `audit`, but both with their elements. tolerance: units in the last place that a pair may be
    apart, counted in `ulp_format` or in the narrower of the two types. scale_a, scale_b: loss scales to take off. Errors as
    in `audit`.
    """
    options = dict(tolerance=tolerance, ulp_format=ulp_format, scale_a=scale_a, scale_b=scale_b, top=top,
                   fail_on=_several(fail_on), select=_several(select), threads=threads)  # fmt: skip
    (paths, series), (other_paths, other) = source_of(before), source_of(after)
    if len(paths) == 1 and len(other_paths) == 1:
        return Answer(_core.ask(["compare"], [*words(**options), "--", *paths, *other_paths]), "compare")
    opened = [held or _core.Series.open(["--", *given]) for held, given in ((series, paths), (other, other_paths))]
    return Answer(_core.ask(["compare"], words(**options), *opened), "compare")


def replay(
    data: Data | None = None,
    *,
    maxima: Path | None = None,
    advise: bool = False,
    diff: bool = False,
    scaler: str | Sequence[str] | None = None,
    init: float | None = None,
    growth_interval: int | None = None,
    param: str | Sequence[str] | None = None,
    loss_dtype: str | None = None,
    accumulate: int | None = None,
    divide: float | None = None,
    dump_scale: float | None = None,
    steps: int | None = None,
    resume: int | None = None,
    select: str | Sequence[str] | None = None,
    threads: int | None = None,
) -> Answer:
    """What loss scalers would have done on a run: which steps they would have skipped, and their scale over the steps.

    data: a series of dumps or summaries; or maxima: a file with one largest magnitude per step. scaler: one or more of
    `ask("scalers")`. The rules are those of the frameworks, bit for bit. `precision-audit replay`; errors as in `audit`.
    """
    options = dict(maxima=maxima, advise=advise, diff=diff, scaler=scaler, init=init, growth_interval=growth_interval,
                   param=_several(param), loss_dtype=loss_dtype, accumulate=accumulate, divide=divide, dump_scale=dump_scale,
                   steps=steps, resume=resume, select=_several(select), threads=threads)  # fmt: skip
    return Answer(_asked("replay", data, options), "replay")


def recipes(
    data: Data | None = None,
    *,
    recipes: str | Sequence[str] | None = None,
    by: str | None = None,
    list: bool = False,
    delayed: str | None = None,
    windows: Sequence[int] | None = None,
    algorithm: str | None = None,
    margin: int | None = None,
    select: str | Sequence[str] | None = None,
    threads: int | None = None,
) -> Answer:
    """What FP8, FP6 and FP4 recipes lose, block by block; each is equal to an implementation bit for bit.

    data: paths, arrays or a Dump: recipes need the elements, so a Summary is an InputError. recipes: names, or how they
    begin; list=True, without data, tells all of them. `precision-audit recipes`; errors as in `audit`.
    """
    options = dict(recipes=recipes, by=by, list=list, delayed=delayed, windows=windows, algorithm=algorithm, margin=margin,
                   select=_several(select), threads=threads)  # fmt: skip
    return Answer(_asked("recipes", data, options), "recipes")


def plan(
    data: Data,
    *,
    snr: float | None = None,
    flushed: float | None = None,
    saturated: float | None = None,
    select: str | Sequence[str] | None = None,
    threads: int | None = None,
) -> Answer:
    """The cheapest format or recipe for each tensor that keeps a stated precision and range, with the reasons.

    snr: decibels that each tensor keeps at least; flushed, saturated: shares that may vanish or be clipped. Needs the
    elements. `precision-audit plan`; errors as in `audit`.
    """
    options = dict(snr=snr, flushed=flushed, saturated=saturated, select=_several(select), threads=threads)
    return Answer(_asked("plan", data, options), "plan")
