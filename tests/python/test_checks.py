# SPDX-License-Identifier: Apache-2.0
"""The comparison itself: a report with one wrong number must not pass."""

import copy
import math
from fractions import Fraction

import numpy as np
import pytest
from reference import CLASSES, ERROR_CLASSES, TARGETS, Source, measure_exact
from test_conformance import check_outcome, ratio

NUDGE = 1 + 1e-11


def outcome(largest=5e4):
    values = np.array([0.0, 1e-9, 3.3e-6, 0.1, -0.7, largest, np.nan, -np.inf])
    return measure_exact(Source(values, narrow=False), TARGETS["fp16"], 0)


def faithful(want):
    nonzero = sum(want.counts[name] for name in CLASSES)
    return {
        "elements": want.elements, "zero_in": want.zero_in, "nan_in": want.nan_in, "inf_in": want.inf_in,
        "counts": dict(want.counts),
        "rates": {
            "flushed_of_all": ratio(want.counts["flushed"], want.elements),
            **{f"{name}_of_nonzero": ratio(want.counts[name], nonzero) for name in ("flushed", "subnormal", "overflowed")},
        },
        "error": {
            "sum_abs": float(want.sum_abs), "sum_squared": float(want.sum_squared),
            "bias": float(want.sum_signed / want.measured),
            "snr_db": 10 * math.log10(Fraction(want.sum_x_squared, 1) / want.sum_squared),
            "share_of_squared": {name: float(want.squared[name] / want.sum_squared) for name in ERROR_CLASSES},
        },
    }


def numbers_in(report, path=()):
    for key, value in report.items():
        if isinstance(value, dict):
            yield from numbers_in(value, (*path, key))
        else:
            yield (*path, key)


def test_a_faithful_report_passes():
    check_outcome(faithful(outcome()), outcome())


def test_a_ratio_beside_overflow_is_seen():
    want = outcome(largest=1e5)
    report = faithful(want)
    with pytest.raises(AssertionError):
        check_outcome(report, want)
    report["error"] |= {"snr_db": None, "snr_db_reason": "1 overflowed"}
    check_outcome(report, want)


@pytest.mark.parametrize("path", list(numbers_in(faithful(outcome()))), ids="/".join)
def test_one_wrong_number_is_seen(path):
    report = copy.deepcopy(faithful(outcome()))
    place = report
    for key in path[:-1]:
        place = place[key]
    value = place[path[-1]]
    if path[-1] == "snr_db":
        place[path[-1]] = value + 2e-9
    else:
        place[path[-1]] = value + 1 if isinstance(value, int) or value == 0 else value * NUDGE
    with pytest.raises(AssertionError):
        check_outcome(report, outcome())
