# SPDX-License-Identifier: Apache-2.0
"""precision-audit verify gemm: recorded products are reproduced, a changed bit is found, broken files are refused."""

import json
import struct
import unittest
from pathlib import Path

from dumps import write
from program import Case, run

golden = Path(__file__).resolve().parents[2] / "data/golden/gemm"
unsplit = golden / "rtx4060-gemm-unsplit.safetensors"


def parts(raw):
    """The header as a dictionary, and the data."""
    (size,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + size]), bytearray(raw[8 + size :])


def joined(header, data):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(data)


class VerifyGemmTest(Case):
    def changed(self, name, change):
        header, data = parts(unsplit.read_bytes())
        change(header, data)
        return write(self.folder, name, joined(header, data))

    def set_case(self, column, value):
        """A change of one column of the first case."""

        def change(header, data):
            columns = json.loads(header["__metadata__"]["columns"])
            at = header["cases"]["data_offsets"][0] + 4 * columns.index(column)
            data[at : at + 4] = struct.pack("<I", value)

        return change

    def test_everything_recorded_is_reproduced(self):
        ran = run("verify", "gemm", "--vectors", golden, "--output", "json")
        self.assertEqual(ran.code, 0, ran.err)
        self.assertEqual(ran.err.count(b"passed over"), 2)
        files = json.loads(ran.out)["files"]
        self.assertEqual([(one["outputs"], one["mismatches"]) for one in files], [(23142, 0), (6305, 0), (1160, 0)])

    def test_one_changed_bit_is_one_mismatch(self):
        def flip(header, data):
            data[header["d"]["data_offsets"][0]] ^= 1

        ran = run("verify", "gemm", "--vectors", self.changed("flipped.safetensors", flip), "--output", "json")
        self.assertEqual((ran.code, ran.err), (1, b""))
        report = json.loads(ran.out)
        self.assertEqual(report["files"][0]["mismatches"], 1)
        self.assertEqual(report["first_mismatches"][0]["output"], 0)

    def test_files_that_are_not_what_they_claim(self):
        for column, value, part in [
            ("format_a", 2, "format_a and format_b 0 or 1"),
            ("out", 5, "out from 0 to 4"),
            ("scheme", 4, "scheme from 0 to 3"),
            ("split", 0, "split from 1"),
            ("split", 0xFFFFFFFF, "split from 1"),
            ("m", 0xFFFFFFFF, "operands within"),
            ("k", 0xFFFFFFFF, "operands within"),
            ("n", 0xFFFFFFFF, "operands within"),
            ("a_at", 0xFFFFFFFF, "operands within"),
            ("d_at", 0xFFFFFFFF, "outputs within"),
        ]:
            with self.subTest(column=column, value=value):
                path = self.changed("broken.safetensors", self.set_case(column, value))
                self.refused(3, run("verify", "gemm", "--vectors", path), str(path), part, "case 0")
        gpu = self.changed("gpu.safetensors", lambda h, d: h["__metadata__"].update(gpu="v100", compute_capability=""))
        self.refused(3, run("verify", "gemm", "--vectors", gpu), "tensor-core table", "v100")

    def test_nothing_to_compare(self):
        tensor_core = golden.parent / "tensor-core"
        ran = run("verify", "gemm", "--vectors", tensor_core)
        self.assertEqual((ran.code, ran.out), (3, b""))
        self.assertIn(b"no file of kind lowp-gemm-vectors/1", ran.err)
        self.refused(2, run("verify", "gemm"), "--vectors")

    def test_dot_products_beside_products(self):
        ran = run("verify", "tensor-core", "--vectors", golden, "--output", "json", threads=None)
        self.assertEqual(ran.code, 0, ran.err)
        self.assertEqual(ran.err.count(b"passed over"), 3)
        self.assertEqual([one["mismatches"] for one in json.loads(ran.out)["files"]], [0, 0])


if __name__ == "__main__":
    unittest.main()
