# SPDX-License-Identifier: Apache-2.0
"""monitor: what a log says about its loss scaler; and audits of histograms that a run has logged."""

import csv
import io
import json
import unittest
import xml.etree.ElementTree as xml

from program import Case, run

hysteresis = "[deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, but hysteresis is 2. Reducing hysteresis to 1\n"
lowered = "[deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: {}, reducing to {}\n"
keys = ["file", "framework", "first_line", "last_line", "verdict", "began_step", "skipped_steps", "scale_meaning"]


def megatron(iteration, scale, skipped=0):
    return (f" iteration {iteration:8}/ 100 | loss scale: {scale}.0 | grad norm: 1.0 | number of skipped iterations: {skipped} | "
            "number of nan iterations: 0 |\n")


class Monitor(Case):
    def log(self, text, name="run.log"):
        path = self.folder / name
        path.write_text(text)
        return path

    def monitor(self, *words, code=0):
        return self.answered(run("monitor", *words, threads=0), code)

    def test_json_has_a_section_per_run(self):
        path = self.log("".join(megatron(i, 8) for i in (1, 2, 3)) + "# another\n" + megatron(1, 8) + megatron(2, 4, 1) + megatron(3, 2, 1))
        sections = json.loads(self.monitor(path, "--output", "json"))["sections"]
        self.assertEqual([[k for k in s if not k.endswith("_reason")][:8] for s in sections], [keys, keys])
        self.assertEqual([(s["first_line"], s["last_line"], s["verdict"], s["began_step"], s["skipped_steps"]) for s in sections],
                         [(1, 3, "healthy", None, 0), (5, 7, "spike and recovery", 2, 2)])
        self.assertEqual({s["scale_meaning"] for s in sections}, {"of the next step"})
        only = json.loads(self.monitor(path, "--lines", "5:6", "--output", "json"))["sections"]
        self.assertEqual([(s["first_line"], s["last_line"], s["skipped_steps"]) for s in only], [(5, 6, 1)])

    def test_sentences_with_none_one_and_many(self):
        for lines, sentence in (
            (megatron(1, 8), "None of 1 step was skipped; the scale stayed at 8."),
            (hysteresis, "1 of 1 step was skipped; the scale stayed at 65536."),
            (hysteresis + lowered.format(65536, 32768), "2 of 2 steps were skipped; the scale went from 65536 to 32768."),
        ):
            self.assertIn(sentence, self.monitor(self.log(lines)).decode())

    def test_every_output_and_the_picture(self):
        path = self.log(hysteresis + lowered.format(65536, 32768))
        rows = list(csv.reader(io.StringIO(self.monitor(path, "--output", "csv").decode())))
        self.assertTrue(any("start-up skips" in row for row in rows))
        self.assertIn("start-up skips", self.monitor(path, "--output", "markdown").decode())
        picture = self.folder / "scale.svg"
        self.assertEqual(run("monitor", path, "--plot", picture, threads=0).code, 0)
        self.assertIn("start-up skips", "".join(xml.parse(picture).getroot().itertext()))

    def test_fail_on_a_verdict(self):
        path = self.log(hysteresis)
        self.monitor(path, "--fail-on", "start-up skips", code=1)
        self.monitor(path, "--fail-on", "NaN source")
        self.refused(2, run("monitor", path, "--fail-on", "sadness", threads=0), "'sadness'")

    def test_what_is_refused(self):
        path = self.log(hysteresis)
        for words in ("2:1", "0:1", "a:b", "1:2:3"):
            self.refused(2, run("monitor", path, "--lines", words, threads=0), "--lines", f"'{words}'")
        self.refused(3, run("monitor", path, "--lines", "1:9", threads=0), "line 9", "1 lines")
        self.refused(3, run("monitor", self.folder / "none", threads=0), "none")
        self.refused(3, run("monitor", self.folder, threads=0), "directory")
        (self.folder / "b").write_bytes(b"a\0b\n")
        self.refused(3, run("monitor", self.folder / "b", threads=0), "NUL")
        self.refused(2, run("monitor", threads=0), "LOG")


class LoggedHistograms(Case):
    def test_bounds_from_plain_json(self):
        path = self.folder / "h.json"
        path.write_text(json.dumps({"counts": [10, 5, 1], "edges": [0, 2.0**-25, 2.0**-14, 1.5]}))
        report = json.loads(self.answered(run(path, "--formats", "fp16", "--scales", "0:1", "--output", "json", threads=0)))
        self.assertEqual(report["sweep"][0]["zero_or_flushed"], {"least": 10, "most": 15})
        self.assertEqual(report["sweep"][1]["zero_or_flushed"], {"least": 0, "most": 10})
        self.assertEqual((report["formats"][0]["s_high_log2"], report["formats"][0]["s_high_exact"]), (15, False))
        text = self.answered(run(path, "--formats", "fp16", threads=0)).decode()
        self.assertIn("add_histogram", text)
        self.refused(2, run(path, "--fail-on", "flushed_of_all>0@fp16", threads=0), "--fail-on")

    def test_what_is_refused(self):
        path = self.folder / "h.json"
        path.write_text("{}")
        self.refused(3, run(path, threads=0), "h.json", "histograms")


if __name__ == "__main__":
    unittest.main()
