# SPDX-License-Identifier: Apache-2.0
"""Real gradients: an audit of a summary says what the audit of the dump says, as far as its level goes; files are small."""

import gzip
import json
import unittest
from pathlib import Path

from program import Case, run

root = Path(__file__).parents[2]
samples = sorted((root / "data" / "samples").glob("*.safetensors")) + [root / "data" / "samples" / "chargpt-steps"]
gradients = root.parent / "shared" / "data" / "gradients"
questions = (
    [],
    ["--by=tensor", "--scales=15:16"],
    ["--by=step", "--rounding=toward_positive", "--overflow=saturate", "--scales=0:1"],
    ["--by=tensor", "--formats=tf32,e4m3fnuz,e3m2", "--scales=8:8", "--rounding=to_odd", "--overflow=saturate_finite"],
    ["--rounding=nearest_away", "--formats=fp16,e2m1", "--scales=-9:9"],
)


def ordered(rows, *keys):
    """Rows without paths and in an order of their own: a summary has sorted names, a dump those of its file."""
    kept = [{k: v for k, v in row.items() if k != "path" and (k != "name" or row.get("scope") != "step")} for row in rows]
    return sorted(kept, key=lambda row: [json.dumps(row.get(key)) for key in keys])


class RealSummaries(Case):
    def document(self, path, words):
        return json.loads(self.answered(run("audit", path, *words, "--output=json")))

    def summary(self, dump, level):
        path = self.folder / f"{dump.name}.{level}"
        self.answered(run("summarize", dump, "-o", path, f"--level={level}"))
        return path

    def same_outcomes(self, got, want, level, nearest_even):
        keys = ("scope", "step", "name", "format", "scale_log2")
        got, want = ordered(got["outcomes"], *keys), ordered(want["outcomes"], *keys)
        if level == "counts" or (level == "errors" and not nearest_even):
            for row in got + want:
                row.pop("error")
        self.assertTrue(got == want, f"{sum(a != b for a, b in zip(got, want))} of {len(want)} rows differ")

    def same_answers(self, dump):
        levels = {level: self.summary(dump, level) for level in ("counts", "errors", "leaves")}
        for words in questions:
            want = self.document(dump, words)
            for level, path in levels.items():
                with self.subTest(dump=dump.name, level=level, words=words):
                    got = self.document(path, words)
                    self.same_outcomes(got, want, level, "--rounding" not in "".join(words))
                    self.assertTrue(ordered(got["tensors"], "step", "name") == ordered(want["tensors"], "step", "name"))
                    if level != "counts":
                        self.assertEqual(got["recommendations"], want["recommendations"])

    def test_samples(self):
        for dump in samples:
            self.same_answers(dump)

    def test_shared_gradients(self):
        if not gradients.is_dir():
            self.skipTest(f"{gradients} is not here")
        dumps = [path for path in sorted(gradients.iterdir()) if path.suffix not in (".md", ".json")]
        self.assertGreater(len(dumps), 5)
        for dump in dumps:
            self.same_answers(dump)

    # Bytes of one tensor and step; of a file, so its header and names count.
    def test_sizes(self):
        files = sorted(gradients.glob("chargpt-step0600*.safetensors")) or samples[:1]
        for dump in files:
            counts, errors = self.summary(dump, "counts"), self.summary(dump, "errors")
            tensors = json.loads(self.answered(run("info", counts, "--output=json", threads=0)))["steps"][0]["tensors"]
            self.assertLessEqual(counts.stat().st_size, 1300 * tensors)
            self.assertLessEqual(len(gzip.compress(counts.read_bytes())), 400 * tensors)
            self.assertLessEqual(errors.stat().st_size, 20000 * tensors)


if __name__ == "__main__":
    unittest.main()
