#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same rounding from Python, where the libraries are installed: float32 to a format and back, one thread.

Each library takes turns with a copy of the same bytes; printed are medians. Says nothing and succeeds without numpy.
"""
import statistics
import sys
import time

TURNS = 7
ELEMENTS = 1 << 22


def seconds(work) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def data_sets(numpy) -> dict:
    """A, B and C of bench_data.h: the same distributions, not the same numbers."""
    random = numpy.random.default_rng(1)
    sign = numpy.where(random.random(ELEMENTS) < 0.5, -1, 1)
    laws = {"A": (1e-2, 3), "B": (1, 1), "C": (1e-6, 3)}
    return {name: (sign * random.lognormal(numpy.log(median), sigma, ELEMENTS)).astype(numpy.float32)
            for name, (median, sigma) in laws.items()}


def main() -> None:
    try:
        import numpy
    except ImportError:
        print("numpy is not installed: nothing to compare with", file=sys.stderr)
        return
    def cast(dtype):
        return lambda values, out: numpy.copyto(out, values.astype(dtype), casting="unsafe")

    casts = [("numpy", "fp16", cast(numpy.float16))]
    try:
        import ml_dtypes
        casts += [("ml_dtypes", "bf16", cast(ml_dtypes.bfloat16)), ("ml_dtypes", "e4m3", cast(ml_dtypes.float8_e4m3fn)),
                  ("ml_dtypes", "e5m2", cast(ml_dtypes.float8_e5m2))]
    except ImportError:
        print("ml_dtypes is not installed: only fp16", file=sys.stderr)
    try:
        import precision_audit
        casts += [("precision_audit", name, lambda values, out, name=name: precision_audit.round(values, name, out=out))
                  for name in ("fp16", "bf16", "e4m3", "e5m2")]
    except ImportError:
        print("precision_audit is not installed (pip install .)", file=sys.stderr)
    print("| library | format | data | Gelem/s | of memcpy |\n|---|---|---|---|---|")
    numpy.seterr(all="ignore")
    for data, values in data_sets(numpy).items():
        out = numpy.empty_like(values)
        numpy.copyto(out, values)
        for library, name, convert in casts:
            spent, ratios = [], []
            for _ in range(TURNS):
                copied = seconds(lambda: numpy.copyto(out, values))
                spent.append(seconds(lambda: convert(values, out)))
                ratios.append(copied / spent[-1])
            print(f"| {library} | {name} | {data} | {ELEMENTS / statistics.median(spent) * 1e-9:.3f} | "
                  f"{statistics.median(ratios):.3f} |")


if __name__ == "__main__":
    main()
