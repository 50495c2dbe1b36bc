# SPDX-License-Identifier: Apache-2.0
"""`replay`, `scalers` and `verify scalers` as a person or a script meets them."""

import csv
import io
import json
import math
import shutil
import struct
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

from dumps import f32, safetensors
from program import Case, run

recorded = Path(__file__).parents[2] / "data" / "golden" / "scalers"

# Words after `replay --maxima FILE` that are usage errors, and what the one line must name.
usage_errors = """
--scaler=tirch                   --scaler 'tirch' torch
--scaler=torch,torch             'torch' twice
--scaler=                        --scaler
--init=0                         --init '0'
--init=2^x                       --init '2^x'
--init=-1                        --init
--init=inf                       --init
--growth-interval=0              --growth-interval
--scaler=static --growth-interval=10   static
--param=growth                   --param NAME=VALUE
--param=grow=2                   --param 'grow' growth_factor
--param=growth_factor=two        --param growth_factor
--loss-dtype=fp17                'fp17'
--accumulate=0                   --accumulate
--divide=0                       --divide
--steps=0                        --steps
--dump-scale=3                   --dump-scale '3'
--output=pdf                     'pdf'
--threads=-1                     --threads
"""


def number(text):
    return float.fromhex(text)


def fp32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


class Replay(Case):
    def maxima(self, *largest, name="maxima.csv"):
        path = self.folder / name
        path.write_text("step,largest\n" + "".join(f"{i},{x}\n" for i, x in enumerate(largest, 1)))
        return path

    def ask(self, *words, code=0):
        return self.answered(run("replay", *words), code)

    def json(self, *words):
        return json.loads(self.ask(*words, "--output", "json"))

    def test_the_answer_comes_first(self):
        path = self.maxima(*[100] * 20)
        text = " ".join(self.ask("--maxima", path).decode().split())
        self.assertTrue(
            text.startswith(
                "torch from 2^16: the first 7 steps are skipped, none later; the scale is 2^9 from step 8 to the end. "
                "From the advised 2^9: no step is skipped."
            ),
            text,
        )
        self.assertIn("Not covered", text)

    def test_sentences_with_one_and_with_many(self):
        for largest, start in [
            ([1], "torch from 2^16: its only step is skipped; the scale is 2^15 after the last step."),
            ([1, 1], "torch from 2^16: the first step is skipped, none later; the scale is 2^15 from step 2 to the end."),
            ([0.5], "torch from 2^16: no step is skipped; the scale stays 2^16. That is the advised first scale."),
            ([0.1], "torch from 2^16: no step is skipped; the scale stays 2^16. The highest first scale without a skip is 2^19."),
            ([0.1, 1, 0.1], "torch from 2^16: 1 step is skipped, none at the start; the scale is 2^15 from step 3"),
            ([0.1, 1, 1, 2, 0], "torch from 2^16: 2 steps are skipped, none at the start; the scale is 2^14 from step 5"),
            ([9, 0, 0, 9, 0], "torch from 2^16: the first step is skipped, 1 later; the scale is 2^14 from step 5"),
            (["inf", "nan"], "torch from 2^16: both steps are skipped; the scale is 2^14 after the last step."),
        ]:
            text = " ".join(self.ask("--maxima", self.maxima(*largest)).decode().split())
            self.assertTrue(text.startswith(start), text)

    def test_steps_left_out_are_said(self):
        path = self.folder / "m.csv"
        path.write_text("1,1\n100,1\n600,1\n")
        self.assertIn("These are 3 steps between 1 and 600", self.ask("--maxima", path).decode())
        self.assertNotIn("These are", self.ask("--maxima", self.maxima(1, 1, 1)).decode())

    def test_json_has_every_step(self):
        replays = self.json("--maxima", self.maxima(1, 1, 0.25, 0.25), "--scaler", "torch,deepspeed", "--init", "2^16")["replays"]
        self.assertEqual([one["scaler"] for one in replays], ["torch", "deepspeed"])
        torch, deepspeed = replays
        self.assertEqual(torch["params"]["growth_interval"], 2000)
        self.assertEqual((torch["init_scale"], torch["init_scale_log2"]), ("0x1p+16", 16))
        self.assertEqual([step["step"] for step in torch["steps"]], [1, 2, 3, 4])
        self.assertEqual([number(step["scale"]) for step in torch["steps"]], [65536, 32768, 32768, 32768])
        self.assertEqual([step["scale_log2"] for step in torch["steps"]], [16, 15, 15, 15])
        self.assertEqual([step["skipped"] for step in torch["steps"]], [True, False, False, False])
        self.assertEqual((torch["skipped_first"], torch["skipped_later"]), (1, 0))
        self.assertEqual((torch["final_scale"], torch["final_scale_log2"]), ("0x1p+15", 15))
        self.assertEqual([step["skipped"] for step in deepspeed["steps"]], [True, True, False, False])

    def test_csv_has_the_steps_as_a_table(self):
        text = self.ask("--maxima", self.maxima(1, 0.25), "--output", "csv").decode()
        block = text.split("# replays.steps\n")[1].split("\n\n")[0]
        rows = list(csv.DictReader(io.StringIO(block)))
        self.assertEqual([(row["scaler"], row["step"], row["skipped"]) for row in rows], [("torch", "1", "true"), ("torch", "2", "false")])

    def test_one_table_alone(self):
        path = self.maxima(1, 0.25)
        steps = self.ask("--maxima", path, "--output=csv", "--table=replays.steps").decode().splitlines()
        self.assertEqual(steps, ["scaler,step,scale,scale_log2,skipped", "torch,1,0x1p+16,16,true", "torch,2,0x1p+15,15,false"])
        replays = self.ask("--maxima", path, "--output=csv", "--table=replays").decode().splitlines()
        self.assertEqual(len(replays), 2)

    def test_other_factors_give_other_scales(self):
        steps = self.json("--maxima", self.maxima(1, 0, 0, 0), "--growth-interval=1", "--param=growth_factor=1.7", "--param=backoff_factor=0.6")[
            "replays"
        ][0]["steps"]
        first = fp32(65536 * 0.6)
        self.assertEqual([number(step["scale"]) for step in steps], [65536, first, fp32(first * 1.7), fp32(fp32(first * 1.7) * 1.7)])
        self.assertEqual(steps[1]["scale_log2"], math.log2(first))

    def test_differences_are_named(self):
        document = self.json("--maxima", self.maxima(1, 0, 0), "--scaler=torch,deepspeed,accelerate", "--diff")
        self.assertEqual([row["step"] for row in document["differences"]], [2, None])
        text = self.ask("--maxima", self.maxima(1, 0, 0), "--scaler=torch,deepspeed,accelerate", "--diff").decode()
        self.assertIn("differ first at step 2", text)
        self.assertIn("do the same at every step", text)

    def test_advice(self):
        advice = self.json("--maxima", self.maxima(*[0.9] * 30), "--advise")["advice"]
        self.assertEqual((advice["init_scale_log2"], advice["skipped"], advice["growth_interval"]), (16, 0, 2000))
        advice = self.json("--maxima", self.maxima(*[0.9] * 30), "--advise", "--loss-dtype=fp16")["advice"]
        self.assertEqual(advice["init_scale_log2"], 15)
        self.assertNotIn("advice", self.json("--maxima", self.maxima(0), "--advise"))

    def test_a_run_that_the_framework_ends(self):
        text = self.ask("--maxima", self.maxima(*["nan"] * 30), "--scaler", "fairseq").decode()
        self.assertIn("FloatingPointError ends the run", " ".join(text.split()))

    def test_beyond_the_run_only_with_its_assumption(self):
        path = self.maxima(1, 0.1)
        text = " ".join(self.ask("--maxima", path, "--steps", "6").decode().split())
        self.assertIn("the last 4 steps assume that the steps of the run come again in the same order", text)
        self.assertEqual([s["step"] for s in self.json("--maxima", path, "--steps", "4")["replays"][0]["steps"]], [1, 2, 3, 4])

    def test_scalers_without_recordings_say_so(self):
        text = self.ask("--maxima", self.maxima(1, 9e9), "--scaler", "popart").decode()
        self.assertIn("popart: from source, not run.", text)
        self.assertEqual(self.json("--maxima", self.maxima(1), "--scaler", "static")["replays"][0]["source"], "from source, not run")

    def dump(self):
        """Weight gradients 2^-30, 1.5 * 2^-30, 2^-10 and 0; the largest magnitude is that of an activation gradient."""
        for step in (1, 2):
            tensors = {"grad/w": f32(2**-30, -1.5 * 2**-30, 2**-10, 0), "act_grad/h": f32(3, 2**-40)}
            (self.folder / f"step{step}.safetensors").write_bytes(safetensors(tensors))
        return self.folder

    def test_dumps_count_all_gradients_and_show_what_is_flushed(self):
        document = self.json(self.dump(), "--init", "2^15")
        steps = document["replays"][0]["steps"]
        self.assertEqual([step["skipped"] for step in steps], [True, False])  # 3 * 2^15 >= 65520
        # FP16 flushes up to 2^-25 / scale: at 2^15 nothing.
        self.assertEqual([(row["least"], row["most"]) for row in document["flushed"]], [(0, 0), (0, 0)])
        for init, least, most in [("2^5", 1 / 3, 1 / 3), ("2^4", 2 / 3, 2 / 3), ("2^6", 0, 0), ("28", 1 / 3, 2 / 3)]:
            row = self.json(self.dump(), "--init", init)["flushed"][0]
            self.assertEqual((row["least"], row["most"]), (least, most), init)
        text = self.ask(self.dump(), "--init", "28").decode()
        self.assertIn("33.3 to 66.7 %", text)

    def test_what_the_dump_itself_says(self):
        path = self.folder / "step1.safetensors"
        path.write_bytes(safetensors({"grad/w": f32(2**-20)}, {"loss_dtype": "float16"}))
        self.assertTrue(self.json(path)["replays"][0]["steps"][0]["skipped"])  # the loss's own gradient is the scale
        path.write_bytes(safetensors({"grad/w": f32(2**-4)}, {"loss_scale": "1024"}))
        self.assertEqual(self.json(path, "--advise")["advice"]["init_scale_log2"], 29)  # 2^-14 is the largest
        self.assertEqual(self.json(path, "--advise", "--loss-dtype=fp16")["advice"]["init_scale_log2"], 15)

    def test_inf_at_the_scale_of_the_dump_is_a_bound(self):
        path = self.folder / "step1.safetensors"
        path.write_bytes(safetensors({"grad/w": f32(1, math.inf)}))
        ran = {init: self.json(path, "--dump-scale", "2^10", "--init", init)["replays"][0]["steps"][0]["skipped"] for init in ("2^10", "2^9")}
        self.assertEqual(ran, {"2^10": True, "2^9": False})
        self.assertIn("was taken to be finite below", " ".join(self.ask(path, "--dump-scale", "2^10").decode().split()))
        self.assertTrue(self.json(path, "--init", "1")["replays"][0]["steps"][0]["skipped"])

    def test_weights_alone_say_what_is_missing(self):
        path = self.folder / "w.safetensors"
        path.write_bytes(safetensors({"grad/w": f32(1, 2)}))
        self.assertIn("Gradients of activations: they are not here", self.ask(path).decode())

    def test_picture(self):
        plot = self.folder / "scale.svg"
        ran = run("replay", "--maxima", self.maxima(*[100] * 20), "--scaler=torch,deepspeed", f"--plot={plot}")
        self.assertEqual(ran.code, 0, ran.err)
        self.assertIn(b"scale.svg", ran.err)
        texts = ["".join(element.itertext()) for element in xml.parse(plot).iter("{http://www.w3.org/2000/svg}text")]
        for wanted in ("torch", "deepspeed", "skipped step", "step of training", "loss scale"):
            self.assertIn(wanted, texts)
        self.assertEqual(self.ask("--maxima", self.maxima(*[100] * 20), "--scaler=torch,deepspeed", "--output=svg"), plot.read_bytes())

    def test_a_million_steps(self):
        path = self.folder / "long.csv"
        path.write_text("step,largest\n" + "".join(f"{i},{(i * 7919 % 1000) / 10}\n" for i in range(1_000_000)))
        self.assertIn("1,000,000 steps", " ".join(self.ask("--maxima", path).decode().split()))

    def test_usage_errors(self):
        path = self.maxima(1)
        for line in filter(None, map(str.strip, usage_errors.splitlines())):
            words, parts = line.split("  ", 1)
            with self.subTest(words):
                self.refused(2, run("replay", "--maxima", path, *words.split()), *parts.split())
        self.refused(2, run("replay"), "no PATH given")
        self.refused(2, run("replay", path, "--maxima", path), "wanted one")

    def test_input_errors(self):
        self.refused(3, run("replay", "--maxima", self.folder / "none.csv"), "none.csv")
        bad = self.folder / "bad.csv"
        bad.write_text("step,largest\n1,-3\n")
        self.refused(3, run("replay", "--maxima", bad), "bad.csv", "at byte 13", "-3")
        self.refused(3, run("replay", self.folder / "none.npy"), "none.npy")
        self.refused(3, run("replay", "--maxima", self.maxima(1), "--accumulate=2"), "2 steps")


class Scalers(Case):
    def ask(self, *words, code=0):
        return self.answered(run("scalers", *words, threads=0), code)

    def test_every_row_with_defaults_and_source(self):
        rows = json.loads(self.ask("--output=json"))["scalers"]
        self.assertGreaterEqual(len(rows), 30)
        for row in rows:
            self.assertTrue(row["source"] and row["rule"] and row["parameters"], row["name"])
            self.assertEqual(row["executed"], row["vectors"] is not None)
            text = self.ask(row["name"]).decode()
            self.assertIn("Source:", text)
            self.assertEqual(row["vectors"] is None, "Evidence: from source, not run" in text, row["name"])
        self.assertIn("from source, not run", self.ask().decode())

    def test_differences_on_examples_and_on_a_run(self):
        rows = json.loads(self.ask("--diff", "torch", "deepspeed", "--output=json"))["differences"]
        self.assertEqual([row["step"] for row in rows], [10, 6, 3, 1])
        path = self.folder / "m.csv"
        path.write_text("1,1\n2,1\n3,0\n")
        (row,) = json.loads(self.ask("--diff", "torch", "paddle", "--maxima", path, "--output=json"))["differences"]
        self.assertIsNone(row["step"])
        (row,) = json.loads(self.ask("--diff", "torch", "keras", "--maxima", path, "--output=json"))["differences"]
        self.assertEqual((row["step"], row["a_scale"], row["b_scale"]), (1, "0x1p+16", "0x1p+15"))

    def test_refusals(self):
        self.refused(2, run("scalers", "torx", threads=0), "'torx'", "torch")
        self.refused(2, run("scalers", "--diff", "torch", "torx", threads=0), "'torx'")
        self.refused(2, run("scalers", "--output=svg", threads=0), "'svg'")


class VerifyScalers(Case):
    def verify(self, folder, *words):
        return run("verify", "scalers", "--vectors", folder, *words, threads=0)

    def copy(self):
        folder = self.folder / "vectors"
        shutil.copytree(recorded, folder)
        return folder

    def change(self, folder, name, change):
        path = folder / name
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document))

    def totals(self, ran, code):
        return json.loads(self.answered(ran, code))["totals"]

    def test_recorded_trajectories(self):
        totals = self.totals(self.verify(recorded, "--output=json"), 0)
        self.assertEqual((totals["files"], totals["mismatches"], totals["unknown"], totals["informational"]), (27, 0, 0, 2))
        text = self.answered(self.verify(recorded)).decode()
        self.assertIn("Informational", text)

    def test_a_changed_number_is_a_finding(self):
        folder = self.copy()
        self.change(folder, "torch_GradScaler.json", lambda d: d["cases"][0].update(final_scale="0x1p+3"))
        self.assertEqual(self.totals(self.verify(folder, "--output=json"), 1)["mismatches"], 1)
        self.assertIn("final_scale recorded 0x1p+3", self.answered(self.verify(folder), 1).decode())

    def test_informational_files_are_no_finding(self):
        folder = self.copy()
        self.change(folder, "openseq2seq_LogMax.json", lambda d: d["cases"][0].update(final_scale="0x1p+3"))
        self.assertEqual(self.totals(self.verify(folder, "--output=json"), 0)["mismatches"], 0)

    def test_an_unknown_scaler_is_a_finding(self):
        folder = self.copy()
        self.change(folder, "torch_GradScaler.json", lambda d: d.update(scaler="torch_GradScaler_of_tomorrow"))
        self.assertEqual(self.totals(self.verify(folder, "--output=json"), 1)["unknown"], 1)
        self.assertIn("1 file is of a scaler that is no row of the table", " ".join(self.answered(self.verify(folder), 1).decode().split()))

    def test_no_known_file_is_bad_input(self):
        self.refused(3, self.verify(self.folder), "scaler-trajectories/1")
        self.refused(3, self.verify(self.folder / "none"), "none")
        (self.folder / "other.json").write_text('{"format": "something else"}')
        self.refused(3, self.verify(self.folder), "scaler-trajectories/1")
        (self.folder / "other.json").write_text("[1, 2")
        self.refused(3, self.verify(self.folder), "other.json", "JSON")

    def test_broken_layout_is_bad_input(self):
        for what, change in {
            "steps": lambda d: d["cases"][0].update(steps=-1),
            "cases[0].scale": lambda d: d["cases"][0].update(scale=[[0, "0x1p+16"], [0, "0x1p+17"]]),
            "'cases'": lambda d: d.pop("cases"),
            "skipped": lambda d: d["cases"][0].update(skipped=7),
            "final_scale": lambda d: d["cases"][0].update(final_scale="two"),
            "tomorrow": lambda d: d["cases"][0].update(input="tomorrow"),
            "steps of input": lambda d: d["cases"][0].update(steps=10**9),
        }.items():
            with self.subTest(what):
                folder = self.copy()
                self.change(folder, "torch_GradScaler.json", change)
                self.refused(3, self.verify(folder), "torch_GradScaler.json", what)
                shutil.rmtree(folder)
        for tokens in ("2900*5x", "29*3", "2900*99999999999", "zz00"):
            with self.subTest(tokens):
                folder = self.copy()
                self.change(folder, "inputs.json", lambda d: next(iter(d["series"].values())).update(m=tokens))
                self.refused(3, self.verify(folder), "inputs.json")
                shutil.rmtree(folder)


if __name__ == "__main__":
    unittest.main()
