# SPDX-License-Identifier: Apache-2.0
"""`compare A B` as a person or a script meets it."""

import csv
import io
import json
import unittest
import xml.etree.ElementTree as xml

from dumps import f32, f64, floats, packed, safetensors, write
from program import Case, run

nan, inf = float("nan"), float("inf")


class Compare(Case):
    def dump(self, name, tensors, **metadata):
        return write(self.folder, f"{name}.safetensors", safetensors(tensors, {k: str(v) for k, v in metadata.items()}))

    def pair(self, a, b, **metadata):
        return self.dump("a", a, **metadata), self.dump("b", b, **metadata)

    def json(self, *words, code=0):
        ran = run("compare", *words, "--output", "json")
        self.assertEqual(ran.code, code, ran.err)
        return json.loads(ran.out)

    def text(self, *words, code=0):
        """The answer on one line, so that sentences can be looked for."""
        ran = run("compare", *words)
        self.assertEqual(ran.code, code, ran.err)
        return " ".join(ran.out.decode().split())

    def test_equal_dumps(self):
        a, b = self.pair({"w": f32(*floats(500))}, {"w": f32(*floats(500))}, step=3)
        self.assertIn("Equal, bit for bit: 1 tensor of 500 values.", self.text(a, b))
        found = self.json(a, b)
        self.assertEqual(found["comparison"]["first"]["name"], None)
        self.assertEqual(found["comparison"]["first"]["name_reason"], "nothing differs")
        self.assertEqual(found["tensors"][0]["snr_db_reason"], "no difference")
        self.assertEqual([source["path"] for source in found["inputs"]], [str(a), str(b)])
        self.assertEqual((found["comparison"]["inputs_a"], found["comparison"]["inputs_b"]), (1, 1))

    def test_the_first_difference(self):
        values = floats(300, 0)
        later = list(values)
        later[17], later[200] = later[17] * 2, -later[200]
        a, b = self.pair({"v": f32(1, 2), "w": f32(*values)}, {"v": f32(1, 2), "w": f32(*later)}, step=7)
        first = self.json(a, b)["comparison"]["first"]
        self.assertEqual((first["name"], first["step_a"], first["index"]), ("w", 7, 17))
        self.assertEqual(first["ulps"], 1 << 23)  # a factor of two
        text = self.text(a, b)
        self.assertIn("First difference: w, element 17 (step 7): ", text)
        self.assertIn("8,388,608 ulps of fp32 apart.", text)
        self.assertIn("1 of 2 tensors differs, 2 of 302 values (", text)
        self.assertIn("Values: 1 of opposite signs.", text)

    def test_tolerance_and_format(self):
        a, b = self.pair({"w": f32(1, 1, -1e-45)}, {"w": f32(1 + 2**-23, 1 + 2**-21, 1e-45)})
        self.assertEqual(self.json(a, b)["tensors"][0]["ulps"], {"p50": 2, "p90": 4, "p99": 4, "max": 4})
        self.assertEqual(self.json(a, b, "--tolerance", "2")["comparison"]["first"]["index"], 1)
        self.assertIn("No value differs by more than 4 ulps: 1 tensor of 3 values, 0 of them",
                      self.text(a, b, "--tolerance", "4"))
        found = self.json(a, b, "--ulp-format", "bf16")["tensors"][0]
        self.assertEqual((found["ulp_format"], found["ulps"]["max"], found["sign_flips"]), ("bf16", 0, 1))

    def test_one_type_each(self):
        a, b = self.pair({"w": f32(1.0, 1e-9, 70000.0, 1 / 3)}, {"w": ("F16", [4], packed("e", [1.0, 0, inf, 1 / 3]))})
        row = self.json(a, b)["tensors"][0]
        self.assertEqual((row["dtype_a"], row["dtype_b"], row["ulp_format"]), ("f32", "f16", "fp16"))
        self.assertEqual((row["ulps"]["max"], row["lost"], row["inf_only_b"], row["equal_bits"]), (0, 1, 1, 1))
        self.assertEqual((row["differing"], row["first"]["index"]), (1, 2))  # an overflow is more than rounding
        self.assertEqual((row["first"]["b"], row["first"]["b_reason"]), (None, "Inf"))
        self.assertEqual(row["snr_db_reason"], "1 NaN or Inf on one side only")
        text = self.text(a, b)
        self.assertIn("First difference: w, element 2 (a.safetensors): 70000 in A, Inf in B.", text)
        self.assertIn("Values: 1 not zero in A and zero in B, 1 Inf in B alone.", text)

    def test_nan_in_both_is_no_difference(self):
        a, b = self.pair({"w": f32(nan, inf, 0.0)}, {"w": f32(nan, inf, -0.0)})
        self.assertIn("No value differs by an ulp: 1 tensor of 3 values, 66.7 % of them equal bit for bit.", self.text(a, b))

    def test_loss_scales_are_taken_off(self):
        a = self.dump("a", {"w": f32(0.5, 0.25, 2**-30)})
        b = self.dump("b", {"w": ("F16", [3], packed("e", [512.0, 256.0, 2**-20]))}, loss_scale=1024)
        found = self.json(a, b)
        self.assertEqual((found["tensors"][0]["equal_bits"], found["tensors"][0]["ulps"]["max"]), (3, 0))
        b = self.dump("b", {"w": f32(512.0, 256.0, 2**-20)})
        self.assertEqual(self.json(a, b)["tensors"][0]["equal_bits"], 0)
        self.assertEqual(self.json(a, b, "--scale-b", "2^10")["tensors"][0]["equal_bits"], 3)

    def test_two_shapes(self):
        a, b = self.pair({"v": f32(1, 2), "w": ("F32", [2, 3], packed("f", [1] * 6))},
                         {"v": f32(1, 2), "w": ("F32", [3, 2], packed("f", [1] * 6))})
        ran = run("compare", a, b)
        self.assertEqual((ran.code, ran.err), (1, b"precision-audit: w: shape [2, 3] in A, [3, 2] in B: not compared\n"))
        self.assertIn("Equal, bit for bit: 1 tensor of 2 values.", ran.out.decode())
        self.assertIn("Not compared\n  w: shape [2, 3] in A, [3, 2] in B: not compared.\n", ran.out.decode())
        row = self.json(a, b, code=1)["tensors"][1]
        self.assertEqual((row["status"], row["shape_a"], row["shape_b"]), ("two shapes", [2, 3], [3, 2]))
        self.assertEqual((row["ulps"]["max"], row["ulps"]["max_reason"]), (None, "two shapes"))
        names = [f"t{i}" for i in range(8)]
        a, b = self.pair({n: f32(1, 2) for n in names}, {n: f32(1) for n in names})
        ran = run("compare", a, b)
        self.assertEqual((ran.code, ran.err.count(b"\n")), (1, 6))
        self.assertIn(b"3 more tensors have two shapes", ran.err)
        self.assertIn("Nothing could be compared: no tensor has the same shape in both.", ran.out.decode())

    def test_one_side_only(self):
        a, b = self.pair({"u": f32(1), "v": f32(1)}, {"v": f32(1), "w": f32(1), "x": f32(2)})
        text = self.text(a, b)
        self.assertIn("1 tensor only in A: u.", text)
        self.assertIn("2 tensors only in B: w, x.", text)
        found = self.json(a, b)
        self.assertEqual([row["status"] for row in found["tensors"]], ["only in A", "compared", "only in B", "only in B"])
        self.assertEqual(found["comparison"]["unmatched"], 3)
        ran = run("compare", a, b, "--fail-on", "unmatched>0")
        self.assertEqual((ran.code, ran.err),
                         (1, b"precision-audit: --fail-on unmatched>0: unmatched is 3 in all tensors together\n"))
        self.refused(3, run("compare", self.dump("c", {"z": f32(1)}), b), "'v', 'w', 'x'", "c.safetensors has too")

    def test_two_files_of_one_tensor(self):
        a, b = self.dump("before", {"x": f32(1, 2, 3)}), self.dump("after", {"y": f32(1, 2, 4)})
        found = self.json(a, b)
        self.assertEqual([tensor["name"] for tensor in found["tensors"]], ["x"])
        self.assertEqual(found["comparison"]["first"]["index"], 2)
        self.assertIn("shape", self.text(a, self.dump("long", {"z": f32(1, 2, 3, 4)}), code=1))

    def test_series(self):
        for step in (1, 2, 3):
            write(self.folder, f"x/step{step}.safetensors", safetensors({"v": f32(1), "w": f32(step, 5)}))
            write(self.folder, f"y/step{step + 1}.safetensors", safetensors({"v": f32(1), "w": f32(step + 1, 5 + step)}))
        found = self.json(self.folder / "x", self.folder / "y")
        self.assertEqual([(s["step_a"], s["step_b"]) for s in found["steps"]], [(1, None), (2, 2), (3, 3), (None, 4)])
        self.assertEqual([s["tensors_differing"] for s in found["steps"]], [0, 1, 1, 0])
        self.assertEqual((found["comparison"]["first"]["name"], found["comparison"]["first"]["step_a"]), ("w", 2))
        self.assertEqual((found["comparison"]["inputs_a"], found["comparison"]["inputs_b"]), (3, 3))
        text = self.text(self.folder / "x", self.folder / "y")
        self.assertIn("step 1 is only in A.", text)
        self.assertIn("step 4 is only in B.", text)
        lone = self.dump("lone", {"w": f32(1, 5)}, step=9)
        self.refused(3, run("compare", self.folder / "x", lone), "(1, 2, 3)", "none: 9")
        two = self.json(self.folder / "x" / "step1.safetensors", lone)  # two files, whatever their steps
        self.assertEqual((two["steps"][0]["step_a"], two["steps"][0]["step_b"]), (1, 9))

    def test_fail_on(self):
        a, b = self.pair({"v": f32(1, 2), "w": f32(1, nan)}, {"v": f32(1, 4), "w": f32(1, 3)}, step=2)
        for condition, line in (
            ("ulps_max>0", "ulps_max is 8388608 in v, step 2"),
            ("differing_of_all>=50%", "differing_of_all is 0.5 in v, step 2"),
            ("differing>1", "differing is 2 in all tensors together"),
            ("snr_db<-10", "snr_db is -inf in w, step 2"),
            ("nan_only_a>0", "nan_only_a is 1 in w, step 2"),
        ):
            ran = run("compare", a, b, "--fail-on", condition)
            self.assertEqual((ran.code, ran.err.decode()), (1, f"precision-audit: --fail-on {condition}: {line}\n"))
        self.assertEqual(run("compare", a, b, "--fail-on", "ulps_max>8388608", "--fail-on", "lost>0").code, 0)
        for condition, parts in (("ulps_pmax>1", ["'ulps_pmax'", "ulps_max"]), ("ulps_max", ["'ulps_max'", "shell"]),
                                 ("ulps_max>x", ["METRIC>NUMBER"]), ("lost>0@fp16", ["'lost>0@fp16'"])):
            self.refused(2, run("compare", a, b, "--fail-on", condition), *parts)

    def test_usage(self):
        a = self.dump("a", {"w": f32(1)})
        self.refused(2, run("compare", a), "B")
        self.refused(2, run("compare", a, a, a), "a.safetensors")
        self.refused(2, run("compare", a, a, "--ulp-format", "e8m0"), "'e8m0'")
        self.refused(2, run("compare", a, a, "--tolerance", "-1"), "--tolerance")
        self.refused(2, run("compare", a, a, "--scale-a", "3"), "--scale-a")
        self.refused(3, run("compare", a, self.folder / "none.safetensors"), "none.safetensors")
        self.refused(2, run("compare", a, self.dump("b", {"w": f32(2)}), "--plot", self.folder / "b.safetensors"), "--plot")

    def test_summaries_have_no_elements(self):
        a = self.dump("a", {"w": f32(1, 2)})
        summary = self.folder / "s.binades"
        self.assertEqual(run("summarize", a, "-o", summary).code, 0)
        for words in ([a, summary], [summary, a], [summary, summary]):
            self.refused(3, run("compare", *words), "s.binades", "wanted elements", "needs the dumps themselves")

    def test_select_and_table(self):
        a, b = self.pair({"v": f32(1), "w": f32(1)}, {"v": f32(2), "w": f32(2)})
        self.assertEqual([row["name"] for row in self.json(a, b, "--select", "w")["tensors"]], ["w"])
        out = self.answered(run("compare", a, b, "--output", "csv", "--table", "tensors"))
        rows = list(csv.DictReader(io.StringIO(out.decode())))
        self.assertEqual([(row["name"], row["ulps.max"]) for row in rows], [("v", "8388608"), ("w", "8388608")])

    def test_other_outputs(self):
        a, b = self.pair({f"t{i}": f32(*floats(40)) for i in range(4)}, {f"t{i}": f32(*floats(40, -19)) for i in range(4)})
        self.assertIn("| tensor |", self.answered(run("compare", a, b, "--output", "markdown")).decode())
        picture = self.answered(run("compare", a, b, "--output", "svg")).decode()
        self.assertIn("first difference: t0", picture)
        xml.fromstring(picture)

    def test_page(self):
        a, b = self.pair({"v": f32(1, 2), "w": f32(1)}, {"v": f32(1, 4), "w": f32(1)})
        page = self.folder / "page.html"
        self.assertEqual(run("compare", a, b, "--report", page).code, 0)
        self.assertIn("First difference: v, element 1", page.read_text("utf-8"))
        self.assertIn("<svg", page.read_text("utf-8"))

    def test_the_same_bytes_for_any_threads_and_read_size(self):
        a, b = self.pair({f"t{i}": f64(*floats(3000, -20 + i)) for i in range(9)},
                         {f"t{i}": f32(*floats(3000, -20 + i)) for i in range(9)})
        outs = {run("compare", a, b, "--output", output, *words).out
                for words in ([], ["--threads=1"], ["--threads=5", "--chunk-bytes=9"]) for output in ("json", "text")}
        self.assertEqual(len(outs), 2)  # one of each

    def test_empty_and_scalar_tensors(self):
        tensors = {"none": ("F32", [0, 3], b""), "one": ("F32", [], packed("f", [2]))}
        a, b = self.pair(tensors, tensors)
        found = self.json(a, b)["tensors"]
        self.assertEqual((found[0]["elements"], found[0]["ulps"]["max_reason"]), (0, "no pair of finite values"))
        self.assertEqual((found[1]["shape_a"], found[1]["equal_bits"]), ([], 1))
        a, b = self.pair({"none": tensors["none"]}, {"none": tensors["none"]})
        self.assertIn("Equal, bit for bit: 1 tensor of 0 values.", self.text(a, b))


if __name__ == "__main__":
    unittest.main()
