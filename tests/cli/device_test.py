# SPDX-License-Identifier: Apache-2.0
"""--device cuda: the answer of the processor, or one line that says why there is none."""

import unittest
from pathlib import Path

import program
from dumps import f32, f64, safetensors, write
from program import Case, run

program.megabytes = 0  # CUDA reserves more addresses than there is memory
sample = Path(__file__).resolve().parents[2] / "data/samples/unet-step0200.safetensors"


class DeviceTest(Case):
    def test_the_same_bytes_or_a_reason(self):
        for words in ([], ["--by", "tensor"], ["--rounding", "toward_zero", "--dump-scale", "2^4"]):
            ran = run(sample, *words, "--output", "json", "--device", "cuda")
            if ran.code == 2:
                self.refused(2, ran, "--device cuda", "without CUDA")
            elif ran.code == 3:
                self.refused(3, ran, "--device cuda", "a CUDA device")
            else:
                want = self.answered(run(sample, *words, "--output", "json"))
                self.assertEqual(self.answered(ran), want)

    def test_the_processor_is_the_default(self):
        self.assertEqual(self.answered(run(sample, "--device", "cpu")), self.answered(run(sample)))

    def test_formats_beyond_it_are_usage_errors(self):
        ran = run(sample, "--formats", "fp16,e6m20", "--device", "cuda")
        self.refused(2, ran, "--device cuda")
        self.assertTrue("'e6m20' with 20" in ran.err.decode() or "without CUDA" in ran.err.decode(), ran.err)

    def test_elements_beyond_it_are_named(self):
        path = write(self.folder, "a.safetensors", safetensors({"narrow": f32(1.0), "broad": f64(1.0)}))
        ran = run(path, "--device", "cuda")
        if ran.code == 2:
            self.refused(2, ran, "without CUDA")
        else:
            self.refused(3, ran, str(path), "f32, f16 or bf16", "f64 in broad")


if __name__ == "__main__":
    unittest.main()
