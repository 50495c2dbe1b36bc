# SPDX-License-Identifier: Apache-2.0
"""The advice against real FP16 trainings: the window's end is the real limit, the static scale trains as FP32 does."""
import itertools
import json
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


@pytest.mark.parametrize("without", problems)
def test_no_constant_hangs_on_one_problem(without):
    """Thresholds as the other five would set them: below every scale that trained well, above every one that did not."""
    badly = {"words": (32, 0.15), "contrast": (33, 0.03), "denoise": (1, 0.04), "vae": (0, 0.33)}
    floor = max(db for name, (db, _) in badly.items() if name != without)
    share = min(lost for name, (_, lost) in badly.items() if name != without)
    assert floor < 40 and share > 0.01
