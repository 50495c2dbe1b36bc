# SPDX-License-Identifier: Apache-2.0
"""Summaries: summarize then audit is the audit of the dump; parts merge to the same bytes; a killed writer loses one
step; what a summary cannot answer is an interval, missing, or one sentence."""

import json
import os
import random
import signal
import subprocess
import time
import unittest

from dumps import f32, f64, floats, packed, safetensors, write
from program import Case, limit, program, run


def tensors_of(seed):
    """Tensors of several dtypes and sizes, no two steps alike."""
    some = random.Random(seed)
    values = [x * 2.0 ** some.randrange(-3, 4) for x in floats(some.randrange(200, 3000))]
    halves = packed("H", [some.getrandbits(16) for _ in range(300)])
    return {
        "act_grad/a": f32(*values),
        "grad/b": f32(*floats(77, -30)),
        "grad/c": ("BF16", [3, 100], halves),
        "grad/d": f64(*floats(150, -9)),
        "grad/empty": f32(),
    }


class Summaries(Case):
    def dump(self, name="step7.safetensors", seed=1, metadata=None):
        return write(self.folder, name, safetensors(tensors_of(seed), metadata))

    def summary(self, dump, name="x.binades", *options):
        path = self.folder / name
        self.answered(run("summarize", dump, "-o", path, *options))
        return path

    def document(self, *words):
        ran = run(*words, "--output=json", threads=0 if words[0] == "info" else 2)
        self.answered(ran)
        return json.loads(ran.out)

    def answered(self, ran, code=0):
        super().answered(ran, code)
        return ran.out

    def test_leaves_answer_all_that_an_audit_prints(self):
        series = self.folder / "series"
        series.mkdir()
        for step in range(3):
            (series / f"step{step}.safetensors").write_bytes(safetensors(tensors_of(step)))
        run_folder = self.summary(series, "run", "--level=leaves")
        self.assertEqual(sorted(os.listdir(run_folder)), [f"step{step:010}.binades" for step in range(3)])
        for words in ([], ["--by=tensor", "--scales=0:3"], ["--by=step"], ["--rounding=toward_negative"], ["--formats=e3m2,fp16"],
                      ["--overflow=saturate"], ["--counts-only"], ["--select=grad/*"]):
            with self.subTest(words):
                want, got = self.document("audit", series, *words), self.document("audit", run_folder, *words)
                for document in (want, got):
                    for row in document["tensors"] + document["outcomes"]:
                        row.pop("path", None)
                        if row.get("scope") == "step":
                            row.pop("name")
                order = lambda row: (row["step"], row["name"])
                self.assertEqual(sorted(want["tensors"], key=order), sorted(got["tensors"], key=order))
                key = lambda row: json.dumps([row[k] for k in ("scope", "step", "format", "scale_log2")] + [row.get("name")])
                self.assertEqual(sorted(want["outcomes"], key=key), sorted(got["outcomes"], key=key))
                self.assertEqual(want["recommendations"], got["recommendations"])

    def test_errors_and_counts_answer_what_they_hold(self):
        dump = self.dump()
        want = self.document("audit", dump)["outcomes"]
        errors = self.document("audit", self.summary(dump, "e.binades", "--level=errors"))["outcomes"]
        self.assertEqual(errors, want)
        counts = self.document("audit", self.summary(dump))["outcomes"]
        for got, row in zip(counts, want):
            self.assertEqual(got["counts"], row["counts"])
            self.assertEqual(got["rates"], row["rates"])
            self.assertIsNone(got["error"]["snr_db"])
            self.assertEqual(got["error"]["bias_reason"], "errors were not kept")
        bits = self.document("audit", self.summary(dump), "--formats=fp32", "--rounding=toward_zero", "--scales=0")["outcomes"][0]
        self.assertLess(bits["counts"]["exact"]["least"], bits["counts"]["exact"]["most"])

    def test_parts_and_ranks_merge_to_the_same_bytes(self):
        dump = self.dump(seed=5)
        for level in ("counts", "errors", "leaves"):
            whole = self.summary(dump, "whole.binades", f"--level={level}").read_bytes()
            self.assertEqual(self.summary(dump, "again.binades", f"--level={level}", "--threads=1", "--chunk-bytes=300").read_bytes(), whole)
            parts = [self.summary(dump, f"p{i}.binades", f"--level={level}", f"--part={i}/4") for i in range(1, 5)]
            sums = set()
            for order in ([0, 1, 2, 3], [3, 1, 0, 2], [2, 2, 0, 3, 1]):
                out = self.folder / "sum.binades"
                self.answered(run("merge", *[parts[i] for i in order], "-o", out, threads=0))
                sums.add(out.read_bytes())
                again = self.folder / "sum2.binades"
                self.answered(run("merge", out, parts[1], "-o", again, threads=0))
                self.assertEqual(again.read_bytes(), out.read_bytes())
            self.assertEqual(len(sums), 1)
            got = self.document("audit", self.folder / "sum.binades")
            want = self.document("audit", self.folder / "whole.binades")
            self.assertEqual(got["outcomes"], want["outcomes"])
            self.assertEqual(got["tensors"], [{**row, "path": str(self.folder / "sum.binades")} for row in want["tensors"]])

    def test_files_of_one_step_are_ranks_or_shards(self):
        values = floats(600)
        ranks = [write(self.folder, f"ranks/step3-rank{r}.safetensors", safetensors({"g": f32(*values[300 * r : 300 * r + 300])})) for r in (0, 1)]
        self.answered(run("summarize", self.folder / "ranks", "-o", self.folder / "run"))
        self.assertEqual(sorted(os.listdir(self.folder / "run")), ["step0000000003.rank0of2.binades", "step0000000003.rank1of2.binades"])
        self.answered(run("merge", self.folder / "run", "-o", self.folder / "sum.binades", threads=0))
        both = self.document("audit", *ranks)["outcomes"]
        self.assertEqual(self.document("audit", self.folder / "sum.binades", "--counts-only")["outcomes"][0]["counts"]["flushed"], both[0]["counts"]["flushed"])
        shards = [write(self.folder, f"shards/step3.{s}.safetensors", safetensors({s: f32(*floats(50))})) for s in "ab"]
        self.answered(run("summarize", *shards, "-o", self.folder / "shards.run"))
        self.assertEqual(os.listdir(self.folder / "shards.run"), ["step0000000003.binades"])

    def test_two_contents_of_one_tensor_are_refused(self):
        first, second = self.summary(self.dump(seed=1), "a.binades"), self.summary(self.dump(seed=2), "b.binades")
        self.refused(3, run("merge", first, second, "-o", self.folder / "c.binades", threads=0), "b.binades", "'act_grad/a'", "whole")

    def test_the_dumps_own_loss_scale_is_taken_off_once(self):
        scaled = {"g": f32(*[x * 2.0**12 for x in floats(500)])}
        marked = write(self.folder, "step1.safetensors", safetensors(scaled, {"loss_scale": "4096.0", "loss_dtype": "F16"}))
        plain = write(self.folder, "step2.safetensors", safetensors({"g": f32(*floats(500))}))
        want = self.document("audit", plain)["outcomes"]
        same = lambda document: [{**row, "step": None} for row in document["outcomes"]]
        self.assertEqual(same(self.document("audit", marked)), same({"outcomes": want}))
        self.assertEqual(same(self.document("audit", self.summary(marked, "m.binades", "--level=leaves"))), same({"outcomes": want}))
        info = self.document("info", self.folder / "m.binades")["steps"][0]
        self.assertEqual((info["dump_scale_log2"], info["loss_dtype"]), (12, "F16"))
        both = self.document("audit", marked, plain)["outcomes"][0]
        self.assertEqual(both["counts"]["flushed"], 2 * want[0]["counts"]["flushed"])

    def test_questions_about_elements_say_so(self):
        path, other = self.summary(self.dump()), self.summary(self.dump("step8.safetensors"), "y.binades")
        for words in (["norm", path], ["over", "steps", path, other], ["ops", path]):
            ran = run("accumulate", *words)
            self.refused(3, ran, "x.binades", "a summary of them: this question needs the dump itself")

    def test_what_is_no_summary(self):
        dump = self.dump()
        self.refused(3, run("merge", dump, "-o", self.folder / "y.binades", threads=0), "wanted a .binades file to merge")
        self.refused(3, run("info", dump, threads=0), "wanted a .binades file")
        self.refused(3, run("summarize", dump, "-o", dump), "another file")
        self.refused(2, run("summarize", dump), "-o")
        self.refused(2, run("summarize", dump, "-o", self.folder / "y.binades", "--part=5/4"), "--part")
        path = self.summary(dump)
        broken = bytearray(path.read_bytes())
        broken[-1] ^= 1
        path.write_bytes(broken)
        self.refused(3, run("audit", path), "CRC-32C")
        self.refused(3, run("audit", write(self.folder, "z.binades", b"nothing")), "z.binades")

    # Killed as soon as so many steps are there, and a little later: somewhere in the next one.
    def test_a_killed_writer_loses_the_step_at_hand(self):
        series = self.folder / "series"
        series.mkdir()
        for step in range(24):
            (series / f"step{step}.safetensors").write_bytes(safetensors(tensors_of(step)))
        want = self.summary(series, "want", "--level=leaves")
        whole = {name: (want / name).read_bytes() for name in sorted(os.listdir(want))}
        some, cut_short = random.Random(1), 0
        for turn in range(20):
            out, steps = self.folder / f"run{turn}", some.randrange(23)
            written = lambda: sorted(name for name in (os.listdir(out) if out.exists() else []) if not name.startswith("."))
            child = subprocess.Popen([program, "summarize", series, "-o", out, "--level=leaves", "--threads=2"],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=limit)
            while len(written()) < steps and child.poll() is None:
                pass
            time.sleep(some.uniform(0, 0.004))
            child.send_signal(signal.SIGKILL)
            child.wait()
            names = written()
            self.assertEqual(names, list(whole)[: len(names)])
            for name in names:
                self.assertEqual((out / name).read_bytes(), whole[name])
            cut_short += len(names) < 24
            if names:
                self.answered(run("info", out, threads=0))
            self.answered(run("summarize", series, "-o", out, "--level=leaves"))
            self.assertEqual({name: (out / name).read_bytes() for name in written()}, whole)
        self.assertGreater(cut_short, 10)


if __name__ == "__main__":
    unittest.main()
