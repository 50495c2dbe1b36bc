# SPDX-License-Identifier: Apache-2.0
"""Largest magnitudes (peaks.csv) as an input: alone, beside a dump, in a folder, in a replay; hostile rows."""

import json
import unittest

from dumps import f32, safetensors, write
from program import Case, run

HEADER = "step,name,kind,largest\n"


class Peaks(Case):
    def peaks(self, *rows, name="peaks.csv", header=HEADER):
        return write(self.folder, name, (header + "".join(f"{row}\n" for row in rows)).encode())

    def dump(self, name="step1.safetensors", folder=None):
        tensors = {"grad/w": f32(0.25, 2.0**-12, -(2.0**-30), 0.0), "act_grad/x": f32(2.0**-8, 2.0**-9)}
        return write(folder or self.folder, name, safetensors(tensors))

    def ask(self, *words):
        return self.answered(run(*words)).decode()

    def json(self, *words):
        return json.loads(self.ask(*words, "--output", "json"))

    def advice(self, *words):
        return self.json(*words, "--formats", "fp16")["recommendations"][0]

    def test_alone(self):
        path = self.peaks("1,w,grad,0.25", "2,w,grad,0.5", "2,x,act_grad,0.125", "2,out,act,50000", "3,w,grad,inf")
        text = " ".join(self.ask(path).split())
        self.assertIn("what vanishes is not known", text)
        self.assertIn("peaks.csv: largest values of 3 names over 3 steps, 1 to 3; of gradients 5.0e-01 in grad/w at step 2", text)
        self.assertIn("NaN or Inf among the gradients of 1 step", text)
        self.assertIn("from largest values alone none of them can be known", text)
        row = self.advice(path)
        self.assertEqual(row["window_log2"], [None, 16])
        self.assertEqual(row["static_scale_log2"], 13)
        self.assertIsNone(row["flushed_of_nonzero"])
        self.assertEqual(row["flushed_of_nonzero_reason"], "only largest magnitudes are known")
        self.assertEqual(row["bound_above_by"], {"name": "grad/w", "step": 2})
        document = self.json(path)
        self.assertEqual(document["outcomes"], [])
        self.assertEqual([t["elements"] for t in document["tensors"]], [None] * 5)
        self.assertEqual(document["inputs"], [{"path": str(path), "format": "peaks", "steps": [1, 2, 3], "tensors": 5,
                                               "elements": 0, "bytes": path.stat().st_size, "notes": []}])

    def test_beside_a_dump(self):
        dump = self.dump()
        alone = self.advice(dump)
        peaks = self.peaks("1,w,grad,0.25", "40,w,grad,4")
        both = self.advice(dump, peaks)
        self.assertEqual(both["window_log2"][1], alone["window_log2"][1] - 4)
        self.assertEqual(both["headroom_log2"], 5)
        self.assertEqual(both["flushed_of_nonzero"], alone["flushed_of_nonzero"])
        self.assertEqual(self.json(dump)["outcomes"], self.json(dump, peaks)["outcomes"])
        self.assertNotIn("inputs are of step", self.ask(dump, peaks))
        self.assertEqual(self.advice(dump, peaks, "--counts-only")["window_log2"][1], both["window_log2"][1])
        by_step = self.json(dump, peaks, "--by", "step")["outcomes"]
        self.assertEqual({(o["scope"], o["step"]) for o in by_step}, {("total", None), ("step", 1)})

    def test_in_a_folder_with_dumps(self):
        folder = self.folder / "run"
        folder.mkdir()
        self.dump("step1.safetensors", folder)
        write(folder, "peaks.csv", (HEADER + "9,w,grad,8\n").encode())
        self.assertEqual(self.advice(folder)["bound_above_by"], {"name": "grad/w", "step": 9})

    def test_select_and_kinds(self):
        path = self.peaks("1,w,grad,0.25", "1,h,act_grad,8", "1,h,op_grad,64", "1,loss,loss_grad,1", "1,y,act,70000")
        self.assertIn("act/y reaches 7.0e+04", " ".join(self.ask(path, "--formats", "fp16").split()))
        self.assertEqual(self.advice(path, "--select", "*grad/*")["window_log2"][1], 9)
        self.assertEqual(self.advice(path, "--select", "grad/*", "--select", "loss_grad/*")["window_log2"][1], 15)

    def test_what_largest_values_cannot_answer(self):
        path = self.peaks("1,w,grad,0.25")
        page = self.folder / "a.html"
        self.refused(3, run(path, "--report", page), "a dump for --report", "largest magnitudes alone")
        self.refused(3, run(path, "--fail-on", "nan_in>0"), "a dump for --fail-on")
        self.refused(3, run("recipes", path), "wanted a dump, found largest magnitudes alone")
        ran = run("recipes", self.dump(), path)
        self.assertEqual((ran.code, ran.out), (0, run("recipes", self.dump()).out))
        self.assertIn("peaks.csv: largest magnitudes have no part in this answer", ran.err.decode())
        self.assertEqual(run(path, "--plot", self.folder / "a.svg").code, 0)
        self.assertEqual(run(self.dump(), path, "--report", page).code, 0)

    def test_a_replay_takes_either_road(self):
        path = self.peaks(*[f"{step},w,grad,{2.0 ** (step % 3)}" for step in range(1, 30)], "30,x,act_grad,inf")
        roads = [self.json("replay", *words, "--advise")["replays"] for words in (["--maxima", path], [path])]
        self.assertEqual(roads[0], roads[1])

    def test_a_summary_of_them(self):
        path = self.peaks("1,w,grad,0.25", "1,x,act_grad,inf", "2,w,grad,nan", "2,x,act_grad,0")
        out = self.folder / "run.binades"
        self.assertEqual(run("summarize", path, "-o", out).code, 0)
        for words in ((), ("--dump-scale", "2^4")):
            self.assertEqual(self.advice(out, *words)["window_log2"], self.advice(path)["window_log2"])

    def test_hostile_rows(self):
        for row, wanted in {
            "x,w,grad,1": "wanted a step, a whole number, found x in line 3",
            "2,w,grad,-1": "wanted a magnitude from 0 on, inf or nan, found -1 in line 3",
            "2,w,grid,1": "wanted a kind: grad, act_grad, op_grad, act or loss_grad, found grid in line 3",
            "2,w,grad": "wanted 4 columns, found 2,w,grad in line 3",
            "2,w,\x1b[31mred,1": "found \\x1b[31mred in line 3",
        }.items():
            with self.subTest(row):
                path = self.peaks("1,w,grad,1", row)
                self.refused(3, run(path), f"{path}: at byte 34: ", wanted)

    def test_many_steps(self):
        path = self.peaks(*[f"{step},w,grad,{step}" for step in range(1, 20001)])
        self.assertEqual(self.advice(path)["window_log2"][1], 1)
        path = self.peaks(*[f"{step},w,grad,1" for step in range(100002)])
        self.refused(3, run(path), "at most 100000 steps")


if __name__ == "__main__":
    unittest.main()
