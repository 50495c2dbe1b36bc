# SPDX-License-Identifier: Apache-2.0
"""Standard input and named pipes: what comes through them is counted as if it lay in a file."""

import json
import os
import threading
import unittest

from dumps import floats, npy, packed, safetensors, f32, write
from program import Case, run

values = floats(50000)
array = npy(shape=f"({len(values)},)", data=packed("f", values))
raw = packed("f", values)


def without_errors(outcomes):
    kept = [{key: value for key, value in row.items() if key != "error"} for row in outcomes]
    for row in kept:
        row["counts"] = {key: value for key, value in row["counts"].items() if not key.startswith("exact")}
    return kept


class Pipe(Case):
    def outcomes(self, ran):
        """What an audit found, without where it found it."""
        document = json.loads(self.answered(ran))
        tensors = [{key: row[key] for key in ("shape", "elements", "zero_in", "max_abs")} for row in document["tensors"]]
        return tensors, document["outcomes"]

    def test_as_a_file(self):
        wanted = self.outcomes(run(write(self.folder, "a.npy", array), "--output=json"))
        swapped = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
        for name, words, piped in (
            ("npy", [], array),
            ("raw", ["--dtype=f32"], raw),
            ("raw in small reads", ["--dtype=f32", "--chunk-bytes=1000"], raw),
            ("raw, big-endian", ["--dtype=f32", "--endian=big"], swapped),
            ("raw after something", ["--dtype=f32", "--offset=5", f"--count={len(values)}"], b"12345" + raw + b"67"),
            ("counts only", ["--dtype=f32", "--counts-only"], raw),
        ):
            with self.subTest(name=name):
                tensors, outcomes = self.outcomes(run("-", "--output=json", *words, piped=piped))
                self.assertEqual(tensors, wanted[0])
                if "--counts-only" in words:
                    self.assertEqual(without_errors(outcomes), without_errors(wanted[1]))
                else:
                    self.assertEqual(outcomes, wanted[1])

    def test_named(self):
        path = self.folder / "step7.npy"
        os.mkfifo(path)
        writer = threading.Thread(target=lambda: path.write_bytes(array), daemon=True)
        writer.start()
        tensors, _ = self.outcomes(run(path, "--output=json"))
        writer.join(timeout=20)
        self.assertEqual(tensors[0]["elements"], len(values))

    def test_refused(self):
        for name, words, piped, *parts in (
            ("nothing", [], b"", "is empty"),
            ("nothing raw", ["--dtype=f32"], b"", "is empty"),
            ("kind", [], safetensors({"a": f32(1, 2)}), "wanted npy", "found safetensors"),
            ("no dtype", [], raw, "found neither"),
            ("short", [], array[:-3], f"at byte {len(array) - 3}", "wanted 3 more bytes"),
            ("long", [], array + b"x", f"at byte {len(array)}", "found more bytes"),
            ("part of an element", ["--dtype=f32"], raw[:-1], f"at byte {len(raw) - 4}", "found 3 bytes"),
            ("count", ["--dtype=f32", f"--count={len(values) + 1}"], raw, "wanted 4 more bytes"),
            ("count, read by and by", ["--dtype=f32", "--chunk-bytes=4096", f"--count={len(values) + 1}"], raw,
             f"at byte {len(raw)}", "wanted 4 more bytes"),
            ("offset", ["--dtype=f32", "--offset=4000000"], raw, f"at byte {len(raw)}", "end of data"),
            ("header", [], array[:20], "at byte 20"),
        ):
            with self.subTest(name=name):
                self.refused(3, run("-", *words, piped=piped), *parts)

    def test_only_where_one_read_suffices(self):
        self.refused(3, run("accumulate", "--norm", "-", piped=array), "No such file")


if __name__ == "__main__":
    unittest.main()
