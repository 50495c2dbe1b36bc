# SPDX-License-Identifier: Apache-2.0
"""`plan` and `memory` as a person or a script meets them."""

import json
import unittest
from pathlib import Path

from dumps import f32, packed, safetensors
from program import Case, run

shared = Path(__file__).parents[3] / "shared" / "data"


class Plan(Case):
    def dump(self, step=1, **tensors):
        path = self.folder / f"step{step}.safetensors"
        path.write_bytes(safetensors({name.replace("__", "/"): value for name, value in tensors.items()}))
        return path

    def json(self, *words):
        return json.loads(self.answered(run("plan", *words, "--output", "json")))

    def test_numbers_of_a_format_need_no_more_than_it(self):
        # E2M1's own numbers under one scale are exact in four bits.
        path = self.dump(grad__w=f32(*[0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -6.0] * 4))
        tensor = self.json(path)["tensors"][0]
        self.assertEqual((tensor["format"], tensor["snr_db"]), ("mx-rceil-te-e2m1", None))
        self.assertEqual((tensor["module"], tensor["kind"]), ("w", "weight gradient"))

    def test_a_promotion_is_needed(self):
        # Sixty binades in one block: only formats of FP32's range keep them.
        path = self.dump(act_grad__blocks=f32(*[2.0**-e * 1.01 for e in range(0, 96, 3)]))
        tensor = self.json(path)["tensors"][0]
        self.assertEqual(tensor["format"], "bf16")
        self.assertIn("flushed", tensor["reason"])

    def test_the_worst_step_decides(self):
        self.dump(1, grad__w=f32(*[1.0] * 32))
        self.dump(2, grad__w=f32(*[2.0**-e for e in range(32)]))
        one = self.json(self.folder / "step1.safetensors")["tensors"][0]["format"]
        both = self.json(self.folder)["tensors"][0]["format"]
        self.assertEqual(one, "mx-rceil-te-e2m1")
        self.assertNotEqual(both, one)

    def test_every_choice_is_the_cheapest_that_is_enough(self):
        for name in ("unet-step0200", "chargpt-step0600"):
            path = shared / "gradients" / f"{name}.safetensors"
            if not path.exists():
                self.skipTest(f"{path} is not here")
            found = self.json(path)
            self.assertEqual(len(found["tensors"]), {"unet-step0200": 28, "chargpt-step0600": 63}[name])
            for tensor in found["tensors"]:
                self.assertTrue(tensor["format"] and tensor["reason"], tensor)

    def test_nothing_to_plan(self):
        self.assertTrue(self.answered(run("plan", self.dump(grad__w=f32()))).startswith(b"Nothing to plan: no tensor has a value.\n"))

    def test_usage(self):
        path = self.dump(grad__w=f32(1.0))
        self.refused(2, run("plan", path, "--flushed", "2"), "--flushed")
        picture = run("plan", path, "--output", "svg")
        self.assertEqual(picture.code, 0)
        for word in (b"MXFP4", b"grad/", b"not enough", b"stroke-width=\"2\""):
            self.assertIn(word, picture.out)


class Memory(Case):
    def ask(self, *words):
        return json.loads(self.answered(run("memory", *words, "--output", "json", threads=0)))

    def test_terms(self):
        found = self.ask("--params", "1000", "--kept", "fp16-master", "--optimizer", "adamw")
        self.assertEqual(found["memory"]["bytes"], 16000)
        self.assertEqual(sum(term["bytes"] for term in found["terms"]), 16000)
        self.assertEqual(self.ask("--params", "1000", "--kept", "bf16")["memory"]["bytes"], 8000)
        split = self.ask("--params", "1000", "--zero", "3", "--ranks", "3")
        self.assertEqual(split["memory"]["bytes"], 1334 + 1334 + 2667)

    def test_shapes_and_quantized_copies(self):
        path = self.folder / "shapes.txt"
        path.write_text("a 3 40 # two rows of blocks\nb 7\n\n")
        found = self.ask("--shapes", path, "--optimizer", "sgd", "--recipe", "mx-rceil-te-e4m3")
        # rows: 120 codes, 3 x 2 scales; columns: 120 codes, 40 x 1 scales
        self.assertEqual(found["memory"]["bytes"], 8 * 127 + 126 + 160)
        dump = self.folder / "w.safetensors"
        dump.write_bytes(safetensors({"w": ("F32", [2, 3], packed("f", [0] * 6))}))
        self.assertEqual(self.ask("--shapes", dump)["memory"]["bytes"], 16 * 6 + 4)

    def test_activations_are_never_guessed(self):
        text = self.answered(run("memory", "--params", "7e9", threads=0)).decode()
        self.assertTrue(text.startswith("112.0 GB for 7,000,000,000 parameters"), text)
        self.assertIn("--activations", text)
        self.assertEqual(self.ask("--params", "10", "--activations", "5")["memory"]["bytes"], 165)

    def test_usage(self):
        for words, part in (
            (("--params", "x"), "'x'"),
            ((), "--params and --shapes"),
            (("--params", "1", "--kept", "fp4"), "fp4"),
            (("--params", "1", "--optimizer", "lion"), "lion"),
            (("--params", "1", "--zero", "4"), "--zero"),
        ):
            self.refused(2, run("memory", *words, threads=0), part)
        path = self.folder / "bad.txt"
        path.write_text("w 3 x\n")
        self.refused(3, run("memory", "--shapes", path, threads=0), "line 1", "x")


if __name__ == "__main__":
    unittest.main()
