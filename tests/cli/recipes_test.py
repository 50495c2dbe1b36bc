# SPDX-License-Identifier: Apache-2.0
"""`recipes` and `verify recipes` as a person or a script meets them."""

import json
import shutil
import struct
import unittest
from pathlib import Path

from dumps import f32, npy, packed, safetensors
from program import Case, run

root = Path(__file__).parents[2]
golden = root / "data" / "golden" / "recipes"
shared = root.parent / "shared" / "data"


def verify(*words):
    return run("verify", "recipes", *words, threads=0)


class VerifyRecipes(Case):
    def copy(self):
        folder = self.folder / "recipes"
        shutil.copytree(golden, folder)
        return folder

    def json(self, ran, code=0):
        return json.loads(self.answered(ran, code))

    def test_every_recorded_cell_is_reproduced(self):
        found = self.json(verify("--vectors", golden, "--tensors", golden / "tensors", "--output", "json"))
        self.assertEqual((found["summary"]["unknown_cells"], found["summary"]["mismatches"]), (0, 0))
        self.assertEqual((found["summary"]["tensors_named"], found["summary"]["tensors_found"]), (3, 3))
        self.assertEqual(found["summary"]["missing"], [])
        self.assertEqual(len(found["cells"]), 127)
        edges = [cell for cell in found["cells"] if cell["edge_rows"]]
        self.assertEqual({cell["edge_rows"] for cell in edges}, {73})
        self.assertEqual(len(edges), 118)
        self.assertTrue(all(cell["tensors"] or cell["edge_rows"] for cell in found["cells"]))

    def test_the_whole_set_where_it_is(self):
        if not (shared / "recipe-vectors").is_dir():
            self.skipTest(f"{shared / 'recipe-vectors'} is not here")
        found = self.json(verify("--vectors", shared / "recipe-vectors", "--output", "json"))
        self.assertEqual((found["summary"]["unknown_cells"], found["summary"]["mismatches"]), (0, 0))
        self.assertEqual(found["summary"]["problems"], [])

    def test_one_wrong_byte_is_found(self):
        folder = self.copy()
        path = folder / "edge.safetensors"
        data = bytearray(path.read_bytes())
        length = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8 : 8 + length])
        for part in ("codes", "scale"):
            begin = header[f"mx/e4m3/rceil#te_host#{part}"]["data_offsets"][0]
            data[8 + length + begin] ^= 1
        path.write_bytes(data)
        found = self.json(verify("--vectors", folder, "--tensors", golden / "tensors", "--output", "json"), 1)
        self.assertEqual(found["summary"]["mismatches"], 1)
        wrong = [cell for cell in found["cells"] if cell["edge_mismatches"]]
        self.assertEqual([cell["cell"] for cell in wrong], ["mx/e4m3/rceil#te_host"])

    def test_a_wrong_digest_count_and_error_are_found(self):
        for key, value in (("codes_sha256", "0" * 64), ("flushed", 1), ("sq_err", "0x1p-3"), ("dq_g_hex", "00000000")):
            folder = self.folder / key
            shutil.copytree(golden, folder)
            path = folder / "real.json"
            real = json.loads(path.read_text())
            real["results"]["chargpt-step0600|grad/tok.weight"]["nvfp4/te|te_host"][key] = value
            path.write_text(json.dumps(real))
            found = self.json(verify("--vectors", folder, "--tensors", golden / "tensors", "--output", "json"), 1)
            self.assertEqual(found["summary"]["mismatches"], 1, key)

    def test_unknown_cells_missing_tensors_and_other_data_are_counted(self):
        folder = self.copy()
        path = folder / "real.json"
        real = json.loads(path.read_text())
        tensors = real["results"]
        tensors["chargpt-step0600|grad/tok.weight"]["mx/e4m3/sideways|nobody"] = {"n": 1}
        tensors["elsewhere|grad/w"] = tensors["unet-step0200|grad/d2.0.weight"]
        tensors["chargpt-step0600|grad/blocks.0.ln1.bias"]["_raw_sha256"] = "0" * 64
        path.write_text(json.dumps(real))
        found = self.json(verify("--vectors", folder, "--tensors", golden / "tensors", "--output", "json"), 1)["summary"]
        self.assertEqual((found["unknown_cells"], found["mismatches"]), (1, 0))
        self.assertEqual((found["tensors_named"], found["tensors_found"]), (4, 3))
        self.assertEqual(len(found["problems"]), 2)

    def test_optional_files_are_named(self):
        folder = self.copy()
        for name in ("fp4_sr.json", "philox.json", "delayed.json"):
            (folder / name).unlink()
        text = self.answered(verify("--vectors", folder, "--tensors", golden / "tensors")).decode()
        for name in ("fp4_sr.json", "philox.json", "delayed.json"):
            self.assertIn(f"{name} is not in", text)

    def test_wrong_rounding_bytes_and_trajectories_are_found(self):
        folder = self.copy()
        for name, change in (
            ("fp4_sr.json", lambda text: text.replace('"counts_of_256":[128,128]', '"counts_of_256":[127,129]', 1)),
            ("philox.json", lambda text: text.replace("6627e8d5", "6627e8d6")),
            ("delayed.json", lambda text: text.replace('"45435cbd"', '"45435cbe"', 1)),
        ):
            path = folder / name
            old = path.read_text()
            self.assertNotEqual(change(old), old)
            path.write_text(change(old))
            found = self.json(verify("--vectors", folder, "--tensors", golden / "tensors", "--output", "json"), 1)
            self.assertGreaterEqual(found["summary"]["mismatches"], 1, name)
            path.write_text(old)

    def test_what_is_no_set_is_refused(self):
        self.refused(3, verify("--vectors", self.folder), "edge.safetensors")
        folder = self.copy()
        (folder / "real.json").write_text("{")
        self.refused(3, verify("--vectors", folder), "real.json", "valid JSON")
        (folder / "real.json").write_text('{"results": []}')
        self.refused(3, verify("--vectors", folder), "real.json", "results")
        self.refused(2, verify("--vectors", golden, "--output", "svg"), "svg")


class Recipes(Case):
    def dump(self, **tensors):
        path = self.folder / "step1.safetensors"
        path.write_bytes(safetensors({name.replace("__", "/"): value for name, value in tensors.items()}))
        return path

    def json(self, *words):
        return json.loads(self.answered(run("recipes", *words, "--output", "json")))

    def test_counts_by_hand(self):
        # E4M3 of one scale: 448 becomes 448; 2^-10 is half of the smallest number and goes to even, zero.
        path = self.dump(grad__w=f32(448.0, 2.0**-10, -(2.0**-9), 0.0))
        row = self.json(path, "--recipes", "fp8-current-te-e4m3")["recipes"][0]
        self.assertEqual([row[k] for k in ("elements", "zero_in", "flushed", "subnormal", "saturated")], [4, 1, 1, 1, 0])
        # A scale of 0 loses a block although its codes are not zero.
        path = self.dump(grad__w=f32(*([2688.0] * 16 + [1e-4] * 16)))
        row = self.json(path, "--recipes", "nvfp4-te")["recipes"][0]
        self.assertEqual((row["flushed"], row["in_zero_scale_blocks"], row["lost_blocks"]), (16, 16, 1))
        self.assertEqual(row["zero_codes"], 0)

    def test_rows_are_rows_in_any_order_of_storage(self):
        # Two rows of 16: one of them tiny. Stored column by column, the blocks must be the same.
        rows = [[1.0] * 16, [2.0**-20] * 16]
        by_columns = [rows[r][c] for c in range(16) for r in range(2)]
        counts = []
        for order, values in (("False", rows[0] + rows[1]), ("True", by_columns)):
            path = self.folder / f"order{order}.npy"
            path.write_bytes(npy("'<f4'", "(2, 16)", packed("f", values), order))
            counts.append(self.json(path, "--recipes", "mx-rceil-te-e4m3")["recipes"][0]["flushed"])
        self.assertEqual(counts, [0, 0])

    def test_the_first_step_of_delayed_scaling(self):
        path = self.dump(act_grad__w=f32(*[1e-9] * 8))
        row = self.json(path, "--recipes", "fp8-delayed-first-step-e5m2")["recipes"][0]
        self.assertEqual(row["flushed"], 8)

    def test_list_and_diff(self):
        text = self.answered(run("recipes", "--list", threads=0)).decode()
        self.assertIn("mx-rceil-te", text)
        path = self.dump(grad__w=f32(*[0.0] * 32, *range(1, 33)))
        same = self.answered(run("recipes", path, "--diff", "mx-rceil-e4m3", "mx-rceil-te-e4m3")).decode()
        self.assertIn("the same bytes", same)
        other = self.answered(run("recipes", path, "--diff", "mx-rceil-te-e4m3", "mx-rceil-jax-e4m3")).decode()
        self.assertIn("differ in 1 of 1 tensor: 0 scales and 32 codes", other)

    def test_usage(self):
        path = self.dump(grad__w=f32(1.0))
        self.refused(2, run("recipes", threads=0), "PATH")
        self.refused(2, run("recipes", path, "--recipes", "nvfp5"), "nvfp5")
        self.refused(2, run("recipes", path, "--diff", "nvfp4-te", "nvfp5"), "nvfp5")
        self.refused(2, run("recipes", path, "--by", "step"), "step")

    def test_the_tensor_that_loses_most(self):
        if not (shared / "gradients").is_dir():
            self.skipTest(f"{shared / 'gradients'} is not here")
        rows = {
            row["recipe"]: row
            for row in self.json(
                shared / "gradients" / "unet-step0200.safetensors", "--select", "act_grad/head", "--recipes",
                "nvfp4-te,fp8-delayed-first-step-e5m2",
            )["recipes"]
        }
        te = rows["nvfp4-te"]
        self.assertEqual((te["flushed"], te["elements"] - te["zero_in"]), (165667, 188797))
        self.assertEqual(te["in_zero_scale_blocks"], 94994)
        self.assertEqual(round(rows["fp8-delayed-first-step-e5m2"]["flushed_of_nonzero"], 3), 0.989)


if __name__ == "__main__":
    unittest.main()
