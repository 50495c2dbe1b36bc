# SPDX-License-Identifier: Apache-2.0
"""The advice against real FP16 trainings: the window's end is the real limit, the static scale trains as FP32 does."""
import itertools
import json
import math
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRUTH = pathlib.Path(os.environ.get("LOWP_TRUTH", ROOT.parent / "shared/data/truth"))
PROGRAM = os.environ.get("PRECISION_AUDIT", str(ROOT / "build/release/bin/precision-audit"))

if not (TRUTH / "truth.json").exists():
    pytest.skip(f"no recorded trainings in {TRUTH} (LOWP_TRUTH)", allow_module_level=True)
truth = json.loads((TRUTH / "truth.json").read_text())
problems = sorted(name for name in truth if any((TRUTH / name).glob("step*.safetensors")))


def dumps(name):
    return {int(path.stem[4:]): path for path in sorted((TRUTH / name).glob("step*.safetensors"))}


def advice(paths, *words):
    command = [PROGRAM, *map(str, paths), "--formats", "fp16", "--output", "json", *words]
    done = subprocess.run(command, capture_output=True, check=True)
    return json.loads(done.stdout)["recommendations"][0]


def loss_words(name):
    return ["--loss-dtype", "fp16"] if truth[name]["loss_dtype"] == "float16" else []


def sets_of(name):
    """Step 1 (or the first dump), steps 1 to 5 where they are, and all."""
    steps = dumps(name)
    first = [min(steps)]
    five = [step for step in steps if step <= 5]
    return [list(chosen) for chosen in {tuple(first), tuple(five or first), tuple(steps)}]


def cases():
    return [(name, steps) for name in problems for steps in sets_of(name)]


@pytest.mark.parametrize("name", problems)
def test_the_upper_end_is_the_real_limit(name):
    steps = dumps(name)
    compared = 0
    for step, limit in truth[name]["real_limit_log2"].items():
        if int(step) in steps:
            row = advice([steps[int(step)]], *loss_words(name))
            assert row["window_log2"][1] == limit, (name, step)
            compared += 1
    assert compared > 0


def test_an_fp16_loss_is_named_where_nobody_says_what_the_loss_is():
    for name in problems:
        if truth[name]["loss_dtype"] == "float16":
            row = advice(dumps(name).values())
            assert any("2^15" in caveat for caveat in row["caveats"])
            limits = advice(dumps(name).values(), "--loss-dtype", "fp16")["limits"]
            assert {"cause": "loss_dtype", "log2": 15} == {k: limits[1][k] for k in ("cause", "log2")}


@pytest.mark.parametrize("name", problems)
def test_the_upper_end_of_a_set_is_the_least_of_its_steps(name):
    steps = dumps(name)
    ends = {step: advice([path])["window_log2"][1] for step, path in steps.items()}
    for size in range(1, min(len(steps), 3) + 1):
        for chosen in itertools.islice(itertools.combinations(steps, size), 12):
            assert advice([steps[s] for s in chosen])["window_log2"][1] == min(ends[s] for s in chosen)
    assert advice(steps.values())["window_log2"][1] == min(ends.values())


@pytest.mark.parametrize(("name", "steps"), cases())
@pytest.mark.parametrize("policy", ["default", "precision", "range", "both"])
def test_the_static_scale_skips_nothing_and_trains_as_fp32_does(name, steps, policy):
    row = advice([dumps(name)[step] for step in steps], *loss_words(name), "--policy", policy)
    static = row["static_scale_log2"]
    assert static <= truth[name]["largest_clean_init_log2"]
    runs = {run["init"]: run for run in truth[name]["runs_falling"]}
    below = [init for init in runs if init <= static] or [min(runs)]
    evaluations = truth[name]["fp32_eval_3_seeds"]
    assert min(evaluations) <= runs[max(below)]["final"] <= max(evaluations)
    if len(steps) <= 5:
        assert row["window_log2"][1] - static >= 3


def test_a_summed_loss_gets_headroom():
    assert advice([dumps("diabetes")[1]])["static_scale_log2"] <= -2


# Step of the dump, the lowest scale (log2) at which FP16 training was still fine, and one at which it was clearly worse.
LOWER_ENDS = {
    "words": (60, -6, -8),
    "contrast": (1, -8, -12),
    "denoise": (1, -8, -12),
    "vae": (1, -20, -24),
    "diabetes": (1, -24, None),  # nothing lower was tried
}
# Rises of the largest gradient after step 1, in binades, of trainings that are not in the data: the largest three are
# long, wgan and salary, whose forward pass overflows.
OTHER_RISES = [1.1, 1.1, 1.1, 1.1, 1.7, 2.6, 10.3]


def worst_and_lost(name, step, scale):
    """Signal to noise of the worst tensor, and the share of non-zero weight gradients flushed, at a scale."""
    words = ["--formats", "fp16", "--by", "tensor", "--scales", f"{scale}:{scale}", "--output", "json"]
    done = subprocess.run([PROGRAM, str(dumps(name)[step]), *words], capture_output=True, check=True)
    rows = [row for row in json.loads(done.stdout)["outcomes"] if row["scope"] == "tensor"]
    decibels = [row["error"]["snr_db"] for row in rows if row["error"]["snr_db"] is not None]
    weights = [row for row in rows if row["name"].startswith("grad/")]
    nonzero = sum(row["elements"] - row["zero_in"] - row["nan_in"] - row["inf_in"] for row in weights)
    return min(decibels), sum(row["counts"]["flushed"] for row in weights) / nonzero


@pytest.fixture(scope="module")
def measured():
    """Of each problem: at the scale that was still fine, and at the one that was worse."""
    ends = {}
    for name, (step, fine, worse) in LOWER_ENDS.items():
        ends[name] = [worst_and_lost(name, step, scale) if scale is not None else None for scale in (fine, worse)]
    return ends


@pytest.mark.parametrize("without", [None, *problems])
def test_constants_are_the_same_without_any_one_problem(measured, without):
    """min_snr_db is the next ten above the worst tensor of every bad run, max_flushed the power of ten below the least
    share that such a run lost; the defaults of the program are these, whichever problem is left out."""
    worse = [ends[1] for name, ends in measured.items() if name != without and ends[1]]
    floor = 10 * math.ceil(max(decibels for decibels, _ in worse) / 10)
    share = 10.0 ** math.floor(math.log10(min(lost for _, lost in worse)))
    criteria = {row["name"]: row["threshold"] for row in advice([dumps("words")[60]])["criteria"]}
    assert criteria == {"precision": floor, "range": share}
    assert all(decibels < floor and lost > share for decibels, lost in worse)


@pytest.mark.parametrize("without", [None, *problems])
def test_the_headroom_is_the_same_without_any_one_problem(without):
    """Whole binades above every rise but that of the training whose forward pass overflows."""
    runs = json.loads((TRUTH / "trajectories.json").read_text())
    rises = list(OTHER_RISES)
    for name, run in runs.items():
        largest = [x for x in run["fp32_largest_per_step"] if isinstance(x, (int, float)) and math.isfinite(x)]
        if name != without:
            rises.append(math.log2(max(largest) / largest[0]))
    headroom = math.ceil(sorted(rises)[-2])
    row = advice([dumps("contrast")[1]])
    assert row["headroom_log2"] == headroom
    if without is None:
        assert len(rises) == 15 and sum(rise < headroom for rise in rises) == 14
        assert any("in fourteen of fifteen trainings it rose by less than 3 binades" in text for text in row["caveats"])
