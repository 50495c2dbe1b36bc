# SPDX-License-Identifier: Apache-2.0
"""The page data/bench/README.md and its chart, made of one JSON file of runs: what is asked, what is reached."""
from html import escape
from pathlib import Path
from statistics import median


def json_in(folder: Path) -> Path:
    (found,) = folder.glob("*.json")
    return found


class Runs:
    """Counters by the parts of a run's name."""

    def __init__(self, runs: list[dict]):
        self.runs = runs

    def all(self, counter: str, *parts: str) -> list[float]:
        """Values of every run whose name begins with these parts; "*" stands for any one part, and "a,b" for a or b."""
        wanted = [part.split(",") for part in parts]
        found = []
        for run in self.runs:
            name = run["name"].split("/")
            if counter in run and len(name) >= len(wanted) and all(
                    own in part or part == ["*"] for own, part in zip(name, wanted)):
                found.append(run[counter])
        return found

    def one(self, counter: str, *parts: str) -> float:
        (value,) = self.all(counter, *parts)
        return value


def spread(runs: Runs, mode: str, name: str) -> float:
    """The best data set's speed over the worst's, of the format where it is largest."""
    return max(max(speeds) / min(speeds) for speeds in (
        runs.all("Gelem_s", "round", form, mode, "*", name) for form in ("fp16", "bf16", "e4m3", "e5m2")))


def modes(runs: Runs, wanted) -> str:
    return ",".join(sorted({run["name"].split("/")[2] for run in runs.runs if run["name"].startswith("table/")
                            and wanted(run["name"].split("/")[2])}))


def rounding_asked(runs: Runs):
    """(what is asked, at least or at most, the bound, reached) for rounding."""
    yield "FP16 and BF16, to nearest: share of memcpy's speed", ">=", 0.95, min(
        runs.all("of_memcpy", "round,table", "fp16,bf16", "nearest_even", "*", "2^24"))
    yield "E4M3 and E5M2, to nearest: share of memcpy's speed", ">=", 0.9, min(
        runs.all("of_memcpy", "round,table", "e4m3,e5m2", "nearest_even", "*", "2^24"))
    yield "any other format and deterministic mode", ">=", 0.8, min(
        runs.all("of_memcpy", "table", "*", modes(runs, lambda mode: not mode.startswith("stochastic"))))
    yield "stochastic modes", ">=", 0.6, min(
        runs.all("of_memcpy", "table", "*", modes(runs, lambda mode: mode.startswith("stochastic"))))
    yield "fastest data set over the slowest, one format", "<=", 1.1, spread(runs, "nearest_even", "2^24")
    yield "E4M3 in the L2 cache, 10^9 elements per second", ">=", 12, min(
        runs.all("Gelem_s", "round", "e4m3", "nearest_even", "A", "2^15"))


def audit_asked(runs: Runs):
    """The same for the audit."""
    yield "counting with errors, slowest data set, 10^9 elements per second", ">=", 1.5, min(
        runs.all("Gelem_s", "count", "4x41", "errors"))
    yield "counts only, slowest data set, 10^9 elements per second", ">=", 4, min(
        runs.all("Gelem_s", "count", "4x41", "counts"))
    for work, words in (("errors", "with errors"), ("counts", "counts only")):
        one = runs.one("Gelem_s", "pass", "1x1", work, "A", "2^24", "1")
        yield f"8 formats at 64 scales over 1 format at 1 scale, time, {words}", "<=", 1.1, one / runs.one(
            "Gelem_s", "pass", "8x64", work, "A", "2^24", "1")
    for work, words in (("errors", "with errors"), ("counts", "counts only")):
        yield f"two threads over one, 16 GiB, {words}", ">=", 1.8, runs.one(
            "seconds", "program", "16GiB", work, "1") / runs.one("seconds", "program", "16GiB", work, "2")
    for work, words in (("errors", "with errors"), ("counts", "counts only")):
        yield f"16 GiB: share of `cat`'s speed, {words}", ">=", 0.8, runs.one("of_cat", "program", "16GiB", work, "2")
    yield "20,000 tensors over one tensor of the same bytes, time", "<=", 2, runs.one(
        "times_one_tensor", "program", "80MB_in_20000")


def score(what: str, sign: str, bound: float, reached: float) -> str:
    met = reached >= bound if sign == ">=" else reached <= bound
    bar = "█" * max(1, round(10 * min(2.0, reached / bound)))
    return (f"| {what} | {'at least' if sign == '>=' else 'at most'} {bound:g} | {reached:.2f} | {bar} | "
            f"{'met' if met else '**missed**'} |")


BARS = (
    ("round FP32 to FP16, nearest", ("round", "fp16", "nearest_even", "A", "2^24"), "ours"),
    ("round FP32 to BF16, nearest", ("round", "bf16", "nearest_even", "A", "2^24"), "ours"),
    ("round FP32 to E4M3, nearest", ("round", "e4m3", "nearest_even", "A", "2^24"), "ours"),
    ("round FP32 to E5M2, nearest", ("round", "e5m2", "nearest_even", "A", "2^24"), "ours"),
    ("round FP32 to E4M3, stochastic", ("round", "e4m3", "stochastic_a", "A", "2^24"), "ours"),
    ("audit, counts only, 4 formats, 41 scales", ("pass", "4x41", "counts", "A", "2^24", "1"), "ours"),
    ("audit with errors, 4 formats, 41 scales", ("pass", "4x41", "errors", "A", "2^24", "1"), "ours"),
    ("ml_dtypes: FP32 to BF16 and back", ("ml_dtypes", "bf16", "nearest_even", "A"), "theirs"),
    ("numpy: FP32 to FP16 and back", ("numpy", "fp16", "nearest_even", "A"), "theirs"),
    ("ml_dtypes: FP32 to E4M3 and back", ("ml_dtypes", "e4m3", "nearest_even", "A"), "theirs"),
)


def chart(runs: Runs) -> str:
    """Bars of 10^9 elements a second on one core, from and to memory, with a line for memcpy."""
    copy = median(runs.all("memcpy_Gelem_s", "round", "*", "nearest_even", "*", "2^24"))
    shown = [(label, runs.one("Gelem_s", *parts), kind) for label, parts, kind in BARS]
    left, top, row, unit = 290, 60, 26, 100
    height = top + row * len(shown) + 46
    line = left + copy * unit
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 {height}" width="800" height="{height}" '
           'font-family="Helvetica, Arial, sans-serif" font-size="13" role="img" aria-labelledby="title desc">',
           '<title id="title">Speed of rounding and of the audit on one core</title>',
           '<desc id="desc">' + escape("; ".join(f"{label}: {speed:.2f}" for label, speed, _ in shown)) +
           f"; memcpy of the same bytes: {copy:.2f}. All in 10^9 elements per second.</desc>",
           f'<rect width="800" height="{height}" fill="#ffffff"/>',
           '<text x="20" y="26" font-size="16" font-weight="bold" fill="#222222">Speed on one core, 10⁹ elements per '
           'second</text>']
    for i, (label, speed, kind) in enumerate(shown):
        y = top + row * i
        fill = "#2f6f9f" if kind == "ours" else "#b9b9b9"
        out.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end" fill="#222222">{escape(label)}</text>')
        out.append(f'<rect x="{left}" y="{y}" width="{max(1.0, speed * unit):.1f}" height="18" fill="{fill}"/>')
        out.append(f'<text x="{left + speed * unit + 5:.1f}" y="{y + 14}" fill="#222222" stroke="#ffffff" '
                   f'stroke-width="4" paint-order="stroke">{speed:.2f}</text>')
    bottom = top + row * len(shown)
    out.append(f'<line x1="{line:.1f}" x2="{line:.1f}" y1="{top - 8}" y2="{bottom + 4}" stroke="#222222" '
               'stroke-dasharray="5 3"/>')
    out.append(f'<text x="{line:.1f}" y="{top - 13}" text-anchor="middle" fill="#222222">memcpy {copy:.2f}</text>')
    out.append(f'<text x="20" y="{height - 14}" fill="#555555">Data in memory, 2^24 elements (Python: 2^22). '
               'Blue: this library and program. Grey: other libraries.</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


PAGE = """<!-- Made by tests/bench/bench_table.py --page data/bench. Change that, or the JSON, rather than this. -->
# Speed

{machine}

![{title}](speed.svg)

## Scorecard

Bars: ten blocks are the bound. "At least" wants ten or more, "at most" ten or fewer.

| the audit | asked | reached | | |
|---|---|---|---|---|
{audit}

| rounding whole arrays | asked | reached | | |
|---|---|---|---|---|
{rounding}

Why the missed ones are missed, and what was tried: [notes.md](notes.md).

## The program

| dump | command | seconds | peak memory, MB |
|---|---|---|---|
{program}

Wall time, two threads unless said, the file in the page cache, median of three.

## How to repeat it

`tools/dev bench [FILTER]` builds and runs the benchmarks and prints their rows, which [{json}]({json}) holds ({count} with
the program and Python). Each measurement takes turns with a `memcpy` of the same bytes in the same process, and the median
of 15 counts: machines drift, the ratio does not. Two results are compared with
`tests/bench/bench_table.py --compare OLD.json NEW.json`. To put new ones here: `bench_table.py --merge` into the JSON, then
`bench_table.py --page data/bench`. The rows of the program itself were taken with `/usr/bin/time`, those of Python with
`tests/bench/compare_python.py`. Data sets A, B, C: `tests/bench/bench_data.h`.
"""

PROGRAM = (
    ("16 GiB, one tensor of gradients", "`cat FILE >/dev/null`", "16GiB/cat"),
    ("", "`precision-audit`", "16GiB/errors/2"),
    ("", "`precision-audit --counts-only`", "16GiB/counts/2"),
    ("", "`precision-audit`, one thread", "16GiB/errors/1"),
    ("", "`precision-audit --counts-only`, one thread", "16GiB/counts/1"),
    ("80 MB in one tensor", "`precision-audit`", "80MB_in_1/errors/2"),
    ("80 MB in 20,000 tensors", "`precision-audit`", "80MB_in_20000/errors/2"),
    ("512 MiB of BF16", "`precision-audit`, one thread", "512MiB_bf16/errors/1"),
    ("1 MB", "`precision-audit`", "1MB/errors/2"),
)


def files(context: dict, runs: list[dict], json_name: str):
    """(name, text) of the page and of its chart."""
    asked = Runs(runs)
    program = []
    for dump, command, name in PROGRAM:
        run = next(run for run in runs if run["name"] == f"program/{name}")
        program.append(f"| {dump} | {command} | {run['seconds']:g} | {run.get('peak_megabytes', '')} |")
    machine = [f"{context['processor']}; {context['num_cpus']} processors; {context['instruction_set']}; "
               f"{context['compiler']}; {context['date']}."]
    if "note" in context:
        machine.append(f"The JSON is {context['note']}.")
    yield "README.md", PAGE.format(
        machine="\n".join(machine), title="Bars of 10^9 elements per second on one core, beside memcpy",
        audit="\n".join(score(*row) for row in audit_asked(asked)),
        rounding="\n".join(score(*row) for row in rounding_asked(asked)),
        program="\n".join(program), count=len(runs), json=json_name)
    yield "speed.svg", chart(asked)
