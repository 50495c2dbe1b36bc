# SPDX-License-Identifier: Apache-2.0
"""`accumulate` and `verify tensor-core` as a person or a script meets them."""

import csv
import io
import json
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

from dumps import f32, packed, safetensors
from program import Case, faults_of_line, run

recorded = Path(__file__).parents[2] / "data" / "golden" / "tensor-core"

# Words after `accumulate PATH` that are usage errors, and what the one line must name.
usage_errors = """
                                                over update gemm norm ops
--over=steps --norm                             --over --norm
--over=stairs                                   steps files
--over=steps --formats=fp17                     'fp17'
--over=steps --formats=e8m0                     'e8m0'
--over=steps --models=sideways                  'sideways' sequential
--over=steps --rounding=maybe                   'maybe' nearest_even
--over=steps --overflow=maybe                   'maybe'
--over=steps --terms=fp17                       'fp17'
--over=steps --scales=3:1                       '3:1'
--over=steps --block=0                          --block
--over=steps --predivide=0                      --predivide
--over=steps --predivide=nan                    --predivide
--over=steps --output=pdf                       'pdf'
--over=steps --threads=-1                       --threads
--over=steps --plot= --output=json              --plot=
--over=steps --block=18446744073709551616       --block
--over=steps --scales=180                       160 '180'
--norm --threads=1024                           --threads 256
--update --beta1=1                              --beta1
--update --lr=-1                                --lr
--norm --max-norm=0                             --max-norm
--norm --scale=3                                '3'
--threads=1 --gemm                              --gemm
--gemm a b --paths=h100:mma                     'h100:mma'
--gemm a b --paths=mi300:mfma:fp16:f32          unstable
--gemm a b --paths=h100:wgmma:bf16:f32/0        parts
--gemm a b --paths=ideal:mxfp5                  ideal:mxfp5
"""


class Accumulate(Case):
    def series(self):
        rows = [(256, 1, 1e-9), (1, 2, 1e-9), (1, 3, 1e-9), (1, 4, 1e-9)]
        for step, row in enumerate(rows, 1):
            (self.folder / f"step{step}.safetensors").write_bytes(safetensors({"grad/w": f32(*row)}))
        return self.folder

    def ask(self, *words):
        return self.answered(run("accumulate", *words))

    def json(self, *words):
        return json.loads(self.ask(*words, "--output", "json"))

    def test_over_says_the_answer_first(self):
        text = self.ask(self.series(), "--over", "steps", "--formats", "bf16,fp32", "--models", "sequential").decode()
        first = text.split("\n\n")[0].split("step1")[0]
        self.assertEqual(
            " ".join(first.split()),
            "Summing 4 micro-batches in bf16 loses 25.0 % of the contributions; fp32 loses none.",
        )
        self.assertIn("Not covered", text)

    def test_over_counts(self):
        report = self.json(self.series(), "--over", "files", "--formats", "fp16", "--models", "sequential,kahan")
        full = {row["model"]: row for row in report["sums"] if row["terms"] == 4}
        row = full["sequential"]
        self.assertEqual((row["elements"], row["contributions"], row["flushed"], row["absorbed"]), (3, 12, 4, 0))
        self.assertEqual(row["stopped"], 1)
        self.assertIsNone(full["kahan"]["absorbed"])
        self.assertEqual(report["models"][0]["name"], "sequential")

    def questions(self):
        """Each question, asked so that it has an answer."""
        ones = packed("f", [1.0 + 0.01 * i for i in range(128)])
        matrices = {"a": ("F32", [64, 2], ones), "b": ("F32", [64, 2], ones), "grad/w": f32(3, 4)}
        path, state = self.folder / "m.safetensors", self.folder / "state.safetensors"
        path.write_bytes(safetensors(matrices))
        moments = {"param/w": f32(1, 2), "exp_avg/w": f32(1, 1), "exp_avg_sq/w": f32(1, 1e-9)}
        state.write_bytes(safetensors(moments, {"step": "9"}))
        dumps = self.folder / "dumps"
        dumps.mkdir()
        for step in range(1, 4):
            (dumps / f"step{step}.safetensors").write_bytes(safetensors({"grad/w": f32(256, step, 1e-9)}))
        blocks = "ideal:nvfp4,b200:tcgen05.mxf4nvf4:e2m1:f32,b200:tcgen05.mxf8f6f4:e4m3:f32+1,h100:wgmma:bf16:f32/2"
        return [
            [dumps, "--over", "steps"],
            [dumps, "--over", "files", "--scales", "-2:20", "--rounding", "stochastic_c"],
            [dumps, "--update"],
            [state, "--update"],
            [path, "--gemm", "a", "b"],
            [path, "--gemm", "a", "b", "--paths", blocks],
            [path, "--norm"],
            [path, "--ops"],
        ]

    def test_every_output(self):
        for words, name in [(w, n) for w in self.questions() for n in ("text", "markdown", "csv", "json", "svg")]:
            with self.subTest(f"{words} {name}"):
                out = self.ask(*words, "--output", name).decode()
                self.assertEqual(out, self.ask(*words, "--output", name, "--threads", "7").decode())
                if name == "json":
                    json.loads(out)
                if name == "csv":
                    self.assertGreater(len(list(csv.reader(io.StringIO(out)))), 10)
                if name == "svg":
                    self.assertIn("<polyline", out)  # a line at least
                    self.assertNotIn("nothing to draw", out)
                    self.assertTrue(xml.fromstring(out).tag.endswith("svg"))
                if name == "text":
                    self.assertIn("Not covered", out)
        words = [self.folder / "dumps", "--over", "steps"]
        plot = self.folder / "plot.svg"
        ran = run("accumulate", *words, "--plot", plot)
        self.assertEqual((ran.code, ran.out), (0, self.ask(*words)))
        self.assertTrue(xml.fromstring(plot.read_bytes()).tag.endswith("svg"))

    def test_old_and_new_spellings(self):
        """`accumulate --norm PATH` is `accumulate norm PATH`; options may stand before and after paths."""
        for words in self.questions():
            path, question, *rest = words
            wanted = self.ask(*words)
            name = question.removeprefix("--")
            count = {"over": 1, "gemm": 2}.get(name, 0)
            self.assertEqual(self.ask(name, *rest[:count], path, *rest[count:]), wanted)
            self.assertEqual(self.ask(question, *rest, path), wanted)
            self.assertEqual(self.ask(*rest[count:], question, *rest[:count], path), wanted)
        path = self.folder / "m.safetensors"
        self.assertEqual(self.ask("--gemm", "a", "b", path, "--output", "json"), self.ask(path, "--output", "json", "--gemm", "a", "b"))
        dumps = self.folder / "dumps"
        selected = ["--select", "grad/*", "--select", "act_grad/*"]
        self.assertEqual(self.ask("over", "steps", *selected, dumps), self.ask("over", "steps", dumps))

    def test_update(self):
        state = {
            "param/w": f32(1, 1, 1),
            "exp_avg/w": f32(1, 1, 0),
            "exp_avg_sq/w": f32(1, 1e-12, 1),
        }
        path = self.folder / "state.safetensors"
        path.write_bytes(safetensors(state, {"step": "100000"}))
        report = self.json(path, "--update", "--lr", "0.001", "--formats", "bf16,fp32")
        total = {row["format"]: row for row in report["updates"] if row["scope"] == "total"}
        self.assertEqual(total["bf16"]["moving"], 2)
        self.assertEqual(total["bf16"]["stalled"], {"nearest": 1, "stochastic": total["bf16"]["stalled"]["stochastic"], "kahan": 0})
        self.assertEqual(total["fp32"]["stalled"]["nearest"], 0)
        self.refused(3, run("accumulate", self.folder / "state.safetensors", "--update", "--select", "param/*"), "exp_avg")

    def test_norm(self):
        path = self.folder / "g.safetensors"
        path.write_bytes(safetensors({"grad/w": f32(3, 4)}))
        report = self.json(path, "--norm", "--max-norm", "1", "--formats", "fp32")
        at = {row["scale_log2"]: row for row in report["norms"]}
        self.assertEqual((at[0]["norm"], at[16]["norm"]), (5, 5 * 65536))
        self.assertAlmostEqual(at[0]["coefficient"], 0.2, places=6)
        self.assertAlmostEqual(at[16]["coefficient"], 0.2 / 65536, places=9)

    def test_gemm_and_operations(self):
        path = self.folder / "m.safetensors"
        ones = packed("f", [1.0] * 600)
        path.write_bytes(safetensors({"a": ("F32", [300, 2], ones), "b": ("F32", [300, 2], ones)}))
        report = self.json(path, "--gemm", "a", "b", "--paths", "h100:wgmma:fp16:f32,ideal:fp16")
        self.assertEqual([row["exact"] for row in report["products"] if row["k"] == 300], [4, 4])
        self.assertEqual(report["divergences"][0]["differing"], 0)
        flat = self.folder / "flat.safetensors"
        flat.write_bytes(safetensors({"x": ("F32", [1, 600], ones)}))
        report = self.json(flat, "--ops", "--formats", "bf16")
        rows = {(row["operation"], row["fp32_inside"]): row for row in report["operations"] if row["terms"] is None}
        self.assertAlmostEqual(rows["sum", False]["relative_error"]["max"], (600 - 256) / 600)
        self.assertEqual(rows["sum", False]["verdict"], "needs FP32")
        self.refused(3, run("accumulate", path, "--gemm", "a", "nothing"), "'nothing'")

    def test_usage_errors(self):
        folder = self.series()
        for line in usage_errors.strip("\n").split("\n"):
            words, named = line[:48].split(), line[48:].split()
            with self.subTest(line):
                self.refused(2, run("accumulate", folder, *words), *named)

    def test_input_errors(self):
        self.refused(3, run("accumulate", self.folder / "none", "--over", "steps"), "none")
        one = self.folder / "one.safetensors"
        one.write_bytes(safetensors({"grad/w": f32(1)}))
        self.refused(3, run("accumulate", one, "--over", "steps"), "two dumps")
        other = self.folder / "two.safetensors"
        other.write_bytes(safetensors({"grad/v": f32(1)}))
        self.refused(3, run("accumulate", one, other, "--over", "steps"), "shape")
        self.refused(3, run("accumulate", one, "--update"), "exp_avg")

    def test_codes_of_recorded_results_are_matrices_too(self):
        path = recorded / "h100-wgmma-e4m3-f32.safetensors"
        report = self.json(path, "--gemm", "a", "b", "--paths", "ideal:e4m3,h100:wgmma:e4m3:f32")
        self.assertEqual([row["a_scale_log2"] for row in report["paths"]], [0, 0])
        self.assertEqual(report["products"][-1]["k"], 200)
        self.refused(3, run("accumulate", path, "--gemm", "a", "c"), "'c'")
        self.refused(3, run("accumulate", path, "--gemm", "a", "e"), "'e'")

    def test_hostile_names_stay_text(self):
        name = "grad/\x1b[31m<script>,\n"
        for step in (1, 2):
            (self.folder / f"step{step}.safetensors").write_bytes(safetensors({name: f32(1, 2), f"only{step}\x1b": f32(1)}))
        for output in ("text", "markdown", "json", "svg", "csv"):
            self.assertNotIn(b"\x1b", self.ask(self.folder, "--over", "steps", "--output", output))


class VerifyTensorCore(Case):
    def verify(self, *words):
        return run("verify", "tensor-core", *words, threads=0)

    def test_the_recorded_results(self):
        text = self.answered(self.verify("--vectors", recorded)).decode()
        self.assertTrue(text.startswith("5,600 recorded dot products in 28 files are reproduced bit for bit."), text[:99])
        report = json.loads(self.answered(self.verify("--vectors", recorded, "--output", "json")))
        self.assertEqual({row["mismatches"] for row in report["files"]}, {0})

    def test_a_changed_bit_is_a_finding(self):
        bad = bytearray((recorded / "a100-mma-fp16-f32.safetensors").read_bytes())
        bad[-1] ^= 0x80
        path = self.folder / "bad.safetensors"
        path.write_bytes(bytes(bad))
        ran = self.verify("--vectors", path)
        self.assertEqual((ran.code, ran.err), (1, b""))
        self.assertIn("row 199: recorded 0x", ran.out.decode())

    def test_errors(self):
        self.refused(2, self.verify(), "--vectors")
        self.refused(2, self.verify("--vectors", recorded, "--output", "pdf"), "pdf")
        self.refused(2, self.verify("--vectors", recorded, "--output", "svg"), "svg")
        self.refused(3, self.verify("--vectors", self.folder), "none")
        path = self.folder / "grads.safetensors"
        path.write_bytes(safetensors({"grad/w": f32(1)}))
        self.refused(3, self.verify("--vectors", path), "tensor-core table")
        self.assertEqual(faults_of_line(self.verify("--vectors", path).err), "")


if __name__ == "__main__":
    unittest.main()
