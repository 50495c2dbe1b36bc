# SPDX-License-Identifier: Apache-2.0
"""What goes to stdout, what to stderr, and with which exit code."""

import csv
import io
import json
import os
import re
import subprocess
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

from dumps import f32, f64, floats, packed, safetensors, write
from program import Case, faults_of_line, program, run

formats = ["fp16", "bf16", "e4m3", "e5m2"]
scales = range(-8, 33)

# Words after a good path that are usage errors, and what the one line must name.
usage_errors = """
--bogus                              --bogus
--version                            --version
--formats=                           --formats
--formats=fp17                       'fp17' fp16
--formats=fp16,                      ''
--formats=fp16,FP16                  'FP16' twice
--formats=e8m0                       'e8m0'
--formats=e99m2                      'e99m2'
--formats=e8m-1                      'e8m-1'
--formats=e1m1                       'e1m1'
--scales=                            --scales
--scales=5:1                         LOW:HIGH '5:1'
--scales=-161:0                      -160 '-161:0'
--scales=0:161                       160 '0:161'
--scales=1:2:3                       '1:2:3'
--scales=1.5:3                       '1.5:3'
--scales=-9223372036854775808:0      --scales
--by=foo                             --by total tensor step 'foo'
--rounding=foo                       'foo' nearest_even
--rounding=stochastic_a              'stochastic_a' deterministic
--overflow=x                         'x' ieee saturate
--dump-scale=0                       --dump-scale '0'
--dump-scale=3                       --dump-scale '3'
--dump-scale=-4                      --dump-scale '-4'
--dump-scale=nan                     --dump-scale 'nan'
--dump-scale=inf                     --dump-scale 'inf'
--dump-scale=1e400                   --dump-scale '1e400'
--dump-scale=2^x                     --dump-scale '2^x'
--dump-scale=2^161                   --dump-scale '2^161'
--dump-scale=2^-9223372036854775808  --dump-scale
--device=foo                         --device cpu cuda 'foo'
--device=                            --device
--output=foo                         'foo' text json csv markdown
--output=                            --output
--threads=-1                         --threads -1
--threads=257                        --threads 257
--threads=x                          --threads x
--threads=99999999999                --threads 99999999999
--chunk-bytes=0                      --chunk-bytes 0
--chunk-bytes=-1                     --chunk-bytes -1
--max-flushed=2                      --max-flushed 2
--max-flushed=nan                    --max-flushed nan
--headroom=-1                        --headroom -1
--progress=x                         --progress 'x'
--reader=x                           'x' safetensors npz
--dtype=x                            'x' f32 bf16
--assume-dtype=x                     'x' f32 bf16
--endian=x                           --endian 'x'
--offset=-1                          --offset -1
--count=-1                           --count -1
--plot=                              --plot
--select=                            --select
--fail-on=                           --fail-on
--fail-on=foo>1@fp16                 'foo' flushed_of_nonzero snr_db
--fail-on=flushed>1                  METRIC>NUMBER@FORMAT 'flushed>1'
--fail-on=flushed@fp16               'flushed@fp16'
--fail-on=flushed>x@fp16             'flushed>x@fp16'
--fail-on=flushed>>0@fp16            'flushed>>0@fp16'
--fail-on=flushed>1@tf32             'tf32' fp16,bf16,e4m3,e5m2
--fail-on=flushed>1@fp16:3           'flushed>1@fp16:3'
--fail-on=flushed>1@fp16:2^99        2^99 -8:32
--fail-on=flushed>1@fp16:2^1:2       'flushed>1@fp16:2^1:2'
"""


def counts_of(ran):
    """(format, scale) -> counts of the totals in a JSON document."""
    return {
        (row["format"], row["scale_log2"]): row["counts"]
        for row in json.loads(ran.out)["outcomes"]
        if row["scope"] == "total"
    }


class Contract(Case):
    def setUp(self):
        super().setUp()
        tensors = {"act_grad/a": f32(*floats(700)), "grad/b": f32(*floats(300, -4)), "grad/c": f32(1e-9, 0.0)}
        self.dump = write(self.folder, "grads-step7.safetensors", safetensors(tensors))
        for step in (1, 2, 10):
            tensors = {"act_grad/a": f32(*floats(400, -20 + step))}
            write(self.folder, f"run/step{step}.safetensors", safetensors(tensors))

    def test_help_is_an_answer(self):
        for words in (["--help"], ["-h"], ["help"], ["audit", "--help"], [self.dump, "--help"]):
            with self.subTest(words=words):
                text = self.answered(run(*words, threads=0)).decode()
                self.assertIn("PATH...", text)
                self.assertIn("Exit codes: 0 fine, 1 ", text)

    def test_every_option_is_in_the_help(self):
        text = self.answered(run("audit", "--help", threads=0)).decode()
        for line in usage_errors.split("\n"):
            option = line.partition("=")[0].split(" ")[0]
            if option and option not in ("--bogus", "--version"):
                self.assertIn(option + " ", text)

    def test_every_command_and_option_has_help(self):
        """Of each row of the table: its help names every option that it takes, and --help is an answer."""
        listed = self.answered(run("--help", threads=0)).decode()
        rows = re.findall(r"^  ([a-z-]+) +\S", listed.partition("Commands:")[2].partition("\n\n")[0], re.M)
        self.assertIn("formats", rows)
        waiting, seen = [[row] for row in rows], 0
        while waiting:
            words = waiting.pop()
            with self.subTest(command=words):
                text = self.answered(run(*words, "--help", threads=0)).decode()
                self.assertEqual(text, self.answered(run("help", *words, threads=0)).decode())
                below = re.findall(r"^  ([a-z-]+) +\S", text.partition("\nNames:\n")[2], re.M)
                waiting += [[*words, row] for row in below]
                options = re.findall(r"^  (?:-\w, )?(--[a-z0-9-]+)", text, re.M)
                if below:
                    continue
                seen += 1
                self.assertIn("--output", options)
                self.assertIn("Exit codes: 0 fine, 1 ", text)
                for option in options:
                    self.refused(2, run(*words, option + "=", threads=0), option)  # known, and "=" eats nothing
        self.assertGreaterEqual(seen, 12)

    def test_manual_and_completions(self):
        options = re.findall(r"^  (?:-\w, )?--([a-z0-9-]+)", self.answered(run("audit", "--help", threads=0)).decode(), re.M)
        self.assertIn("fail-on", options)
        for name in ("man", "bash", "zsh", "fish"):
            text = self.answered(run("help", name, threads=0)).decode()
            plain = text.replace("\\-", "-")
            for option in options:
                self.assertRegex(plain, rf"(?:--|-l ){option}\b", name)
            for command in ("accumulate", "conversions", "tensor-core"):
                self.assertIn(command, plain)
            if name == "bash":
                self.assertEqual(subprocess.run(["bash", "-n"], input=text.encode(), capture_output=True).stderr, b"")
                ask = text + '\nCOMP_WORDS=(precision-audit x.npy --by te) COMP_CWORD=3; _precision_audit; echo "${COMPREPLY[*]}"'
                told = subprocess.run(["bash", "-c", ask], capture_output=True)
                self.assertEqual(told.stdout, b"tensor\n")

    def test_did_you_mean(self):
        for words, meant in (
            (["adit"], "'audit'"),
            (["forms"], "'formats'"),
            ([self.dump, "--formts", "fp16"], "'--formats'"),
            ([self.dump, "--by", "tensors"], "'tensor'"),
            ([self.dump, "--formats", "half"], "fp16"),
            ([self.dump, "--formats", "fp8"], "e4m3 or e5m2"),
            ([self.dump, "--formats", "fp1"], "'fp16'"),
            ([self.dump, "--formats", "mxfp4"], "accumulate gemm"),
            ([self.dump, "--rounding", "towards_zero"], "'toward_zero'"),
            ([self.dump, "--output", "jsn"], "'json'"),
            ([self.dump, "--scales", "65536"], "16?"),
            (["verify", "conversion"], "'conversions'"),
            (["accumulate", "ovr"], "'over'"),
        ):
            with self.subTest(words=words):
                self.refused(2, run(*words, threads=0), meant)
        for words in (["--formats", "fp16, bf16"], ["--formats", "FP16,float8_e4m3fn"], ["--rounding", "rne"]):
            self.answered(run(self.dump, *words))
        self.refused(3, run(self.folder / "adit", threads=0), "No such file")

    def test_options_before_and_after_paths(self):
        wanted = self.answered(run(self.dump, "--formats", "fp16", "--output", "csv"))
        for words in (
            ["--formats", "fp16", self.dump, "--output", "csv"],
            ["--formats=fp16", "--output=csv", self.dump],
            ["audit", "--output", "csv", self.dump, "--formats", "fp16"],
            ["--output", "csv", "--formats", "fp16", "--", self.dump],
        ):
            self.assertEqual(self.answered(run(*words, threads=0)), wanted)

    def test_one_table(self):
        text = self.answered(run(self.dump, "--output", "csv", "--table", "outcomes")).decode()
        rows = list(csv.DictReader(io.StringIO(text)))
        self.assertEqual(len(rows), len(formats) * len(scales))
        self.assertNotIn("#", text)
        document = json.loads(self.answered(run(self.dump, "--output", "json", "--table", "tensors")))
        self.assertEqual(list(document), ["schema_version", "tool", "inputs", "tensors"])
        self.refused(2, run(self.dump, "--output", "csv", "--table", "outcome"), "--table", "'outcomes'")
        self.refused(2, run(self.dump, "--table", "outcomes"), "--table", "csv")

    def test_version(self):
        self.assertRegex(self.answered(run("--version", threads=0)).decode(), r"\Aprecision-audit \d+\.\d+\.\d+\n\Z")

    def test_no_words_is_a_usage_error(self):
        ran = run(threads=0)
        self.assertEqual((ran.code, ran.out), (2, b""))
        self.assertIn(b"PATH...", ran.err)
        self.refused(2, run("audit", threads=0), "PATH", "--help")

    def test_usage_errors(self):
        for line in filter(None, usage_errors.split("\n")):
            word, *parts = line.split()
            with self.subTest(word=word):
                self.refused(2, run(self.dump, word), *parts)

    def test_usage_is_judged_before_any_file(self):
        self.refused(2, run(self.folder / "missing", "--by=foo"), "--by")

    def test_json(self):
        document = json.loads(self.answered(run(self.dump, "--output", "json")), parse_constant=self.fail)
        self.assertEqual(
            list(document), ["schema_version", "tool", "inputs", "tensors", "outcomes", "recommendations"]
        )
        self.assertEqual(document["schema_version"], 2)
        self.assertEqual(
            [(row["scope"], row["format"], row["scale_log2"]) for row in document["outcomes"]],
            [("total", name, scale) for name in formats for scale in scales],
        )
        for row in document["outcomes"]:
            classes = sum(row["counts"].values()) - row["counts"]["exact"]
            self.assertEqual(classes, row["elements"] - row["zero_in"] - row["nan_in"] - row["inf_in"])
        self.assertEqual([row["format"] for row in document["recommendations"]], formats)
        self.assertEqual(document["inputs"][0]["steps"], [7])

    def test_csv_and_markdown_are_tables(self):
        text = self.answered(run(self.dump, "--output", "csv")).decode()
        for block in text.split("\n\n"):
            rows = [row for row in csv.reader(io.StringIO(block)) if row and not row[0].startswith("#")]
            self.assertEqual(len({len(row) for row in rows}), 1, block[:200])
        text = self.answered(run(self.dump, "--output", "markdown")).decode()
        tables = [block for block in text.split("\n\n") if block.startswith("|")]
        self.assertTrue(tables)
        for block in tables:
            bars = {line.replace("\\|", "").count("|") for line in block.strip().split("\n")}
            self.assertEqual(len(bars), 1, block[:200])

    def test_plot_is_xml_and_changes_no_answer(self):
        picture = self.folder / "picture.svg"
        ran = run(self.dump, "--plot", picture)
        self.assertEqual((ran.code, ran.out), (0, self.answered(run(self.dump))))
        self.assertEqual(ran.err.decode(), f"precision-audit: picture written to {picture}\n")
        root = xml.parse(picture).getroot()
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
        for name in formats:
            self.assertTrue(any(name in text for text in texts), name)
        self.assertEqual(picture.read_bytes(), self.answered(run(self.dump, "--output", "svg")))
        self.assertEqual(run(self.dump, "--plot", picture).code, 0)  # our own picture may be written over
        self.assertEqual(list(self.folder.glob("*.part")), [])

    def test_plot_that_cannot_be_written(self):
        self.refused(3, run(self.dump, "--plot", self.folder / "no" / "x.svg"), "no/x.svg", "No such file")
        for target in (self.folder, "/dev/full", "-", "picture.png", "picture", ".svg"):
            with self.subTest(target=target):
                self.refused(2, run(self.dump, "--plot", target), "--plot", ".svg", str(target))

    def test_plot_never_writes_over_what_is_not_ours(self):
        (self.folder / "dir.svg").mkdir()
        foreign = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"></svg>\n'
        for name, content in (("foreign.svg", foreign), ("notes.svg", b"my notes"), ("empty.svg", b"")):
            path = write(self.folder, name, content)
            with self.subTest(name=name):
                self.refused(2, run(self.dump, "--plot", path), "another file", name)
                self.assertEqual(path.read_bytes(), content)
        self.refused(2, run(self.dump, "--plot", self.folder / "dir.svg"), "a directory")
        # An input, also under another name, and also when the shell put it after --plot.
        dump = write(self.folder, "input.svg", self.dump.read_bytes())
        other = self.folder / "other.svg"
        other.symlink_to(dump)
        for words in ([dump, "--plot", dump], [dump, "--plot", other], ["--plot", dump, other]):
            with self.subTest(words=words):
                self.refused(2, run("audit", *words), "an input")
                self.assertEqual(dump.read_bytes(), self.dump.read_bytes())

    def test_a_full_disk_leaves_the_old_picture(self):
        picture = self.folder / "picture.svg"
        self.assertEqual(run(self.dump, "--plot", picture).code, 0)
        before = picture.read_bytes()
        ran = subprocess.run(
            ["bash", "-c", 'trap "" XFSZ; ulimit -f 4; exec "$0" "$@"', program, self.dump, "--plot", picture, "--threads=1"],
            capture_output=True,
        )
        self.assertEqual((ran.returncode, ran.stdout, picture.read_bytes()), (3, b"", before))
        self.assertIn(b"File too large", ran.stderr)
        self.assertEqual(list(self.folder.glob("*.part")), [])

    def test_stdout_full_or_closed(self):
        with open("/dev/full", "wb") as full:
            ran = run(self.dump, stdout=full)
        self.assertEqual((ran.code, faults_of_line(ran.err)), (3, ""))
        reading, writing = os.pipe()
        os.close(reading)
        ran = run(self.dump, stdout=writing)
        os.close(writing)
        self.assertNotEqual(ran.code, 0)

    def test_fail_on(self):
        document = self.answered(run(self.dump))
        counts = counts_of(run(self.dump, "--output", "json"))
        flushed = counts["fp16", 0]["flushed"]
        self.assertGreater(flushed, 0)
        for comparison, holds in ((">", False), (">=", True), ("<", False), ("<=", True)):
            condition = f"flushed{comparison}{flushed}@fp16:2^0"
            with self.subTest(condition=condition):
                ran = run(self.dump, "--fail-on", condition)
                self.assertEqual((ran.code, ran.out), (1 if holds else 0, document))
                self.assertEqual(ran.err.decode().count("\n"), int(holds))
                if holds:
                    self.assertEqual(faults_of_line(ran.err), "")
                    self.assertIn(f"{condition}: flushed is {flushed} in fp16 at 2^0", ran.err.decode())

    def test_fail_on_speaks_of_the_recommended_scale(self):
        document = json.loads(run(self.dump, "--output", "json").out)
        scale = document["recommendations"][1]["init_scale_log2"]
        ran = run(self.dump, "--fail-on", "snr_db<1000@bf16", "--fail-on", "flushed>=0@bf16")
        self.assertEqual((ran.code, ran.err.decode().count(f"in bf16 at 2^{scale}\n")), (1, 2), ran.err)

    def test_fail_on_cannot_be_written_so_that_it_never_fires(self):
        self.refused(2, run(self.dump, "--fail-on", "overflowed>0@fp16"), "@fp16:2^16")
        self.refused(2, run(self.dump, "--fail-on", "flushed"), "the shell took")
        ran = run(self.dump, "--fail-on", "flushed_of_nonzero>0.0001%@fp16:2^0")
        self.assertEqual((ran.code, faults_of_line(ran.err)), (1, ""))
        bad = write(self.folder, "nan.safetensors", safetensors({"grad/a": f32(float("nan"), 1.0)}))
        ran = run(bad, "--fail-on", "nan_in>0", "--fail-on", "inf_in>0")
        self.assertEqual((ran.code, ran.err), (1, b"precision-audit: --fail-on nan_in>0: nan_in is 1\n"))

    def test_by_shows_tables_to_people(self):
        plain = self.answered(run(self.dump)).decode()
        for output in ("text", "markdown"):
            text = self.answered(run(self.dump, "--by", "tensor", "--output", output)).decode()
            for name in ("act_grad/a", "grad/b", "grad/c"):
                self.assertRegex(text, rf"(?m)^[ |]+{name} ")
            text = self.answered(run(self.dump, "--by", "tensor", "--top", "1", "--output", output)).decode()
            table = text.partition("1 of 3 tensors")[2].partition("Not covered")[0]
            self.assertEqual(len(re.findall(r"(?m)^[ |]+(?:act_)?grad/[abc] ", table)), 1)
            self.assertIn("1 of 3 tensors", text)
        text = self.answered(run(self.folder / "run", "--by", "step")).decode()
        self.assertEqual(re.findall(r"(?m)^  (\d+) +400 ", text), ["1", "2", "10"])
        self.assertNotIn("Each step", plain)

    def test_by_adds_to_the_total(self):
        total = json.loads(run(self.dump, "--output", "json").out)["outcomes"]
        for by, names in (
            ("tensor", ["act_grad/a", "grad/b", "grad/c"]),
            ("step", [str(self.dump)]),
        ):
            rows = json.loads(run(self.dump, "--output", "json", "--by", by).out)["outcomes"]
            with self.subTest(by=by):
                self.assertEqual(rows[: len(total)], total)
                self.assertEqual([row["name"] for row in rows[len(total) :: len(total)]], names)
                self.assertEqual({row["scope"] for row in rows[len(total) :]}, {by})
                for key in ("flushed", "subnormal", "normal", "overflowed", "exact"):
                    parts = [row["counts"][key] for row in rows[len(total) :] if row["scale_log2"] == 3]
                    wholes = [row["counts"][key] for row in total if row["scale_log2"] == 3]
                    self.assertEqual(sum(parts), sum(wholes))

    def test_steps_are_numbers(self):
        document = json.loads(run(self.folder / "run", "--output", "json", "--by", "step").out)
        self.assertEqual([row["steps"] for row in document["inputs"]], [[1], [2], [10]])
        steps = [row["step"] for row in document["outcomes"] if row["scope"] == "step"]
        self.assertEqual(list(dict.fromkeys(steps)), [1, 2, 10])

    def test_one_scale(self):
        rows = json.loads(self.answered(run(self.dump, "--output", "json", "--scales=4")))["outcomes"]
        self.assertEqual([row["scale_log2"] for row in rows], [4] * len(formats))
        self.assertEqual(run(self.dump, "--scales=4", "--plot", self.folder / "one.svg").code, 0)
        xml.parse(self.folder / "one.svg")

    def test_dump_scale_shifts_the_scales(self):
        plain = counts_of(run(self.dump, "--output", "json", "--scales=-20:32"))
        for word in ("--dump-scale=4096", "--dump-scale=2^12"):
            shifted = counts_of(run(self.dump, "--output", "json", "--scales=-8:32", word))
            for name, scale in shifted:
                self.assertEqual(shifted[name, scale], plain[name, scale - 12])

    def test_roundings_and_overflow_rules(self):
        results = {}
        for rounding in ("nearest_even", "nearest-away", "toward_zero", "toward_positive", "toward_negative", "to_odd"):
            for overflow in ("ieee", "saturate", "saturate_finite"):
                words = ["--rounding", rounding, "--overflow", overflow]
                self.answered(run(self.dump, *words))
                rows = json.loads(self.answered(run(self.dump, "--output", "json", *words)))["outcomes"]
                self.assertEqual({row["rounding"] for row in rows}, {rounding.replace("-", "_")})
                self.assertEqual({row["overflow"] for row in rows}, {overflow})
                results[rounding, overflow] = [row["counts"] for row in rows]
                if overflow != "ieee":
                    self.assertEqual({row["counts"]["overflowed"] for row in rows}, {0})
        flushed = {rounding: sum(row["flushed"] for row in rows) for (rounding, _), rows in results.items()}
        self.assertEqual(flushed["to_odd"], 0)
        self.assertGreater(flushed["toward_zero"], flushed["nearest_even"])
        self.assertGreaterEqual(flushed["nearest_even"], flushed["nearest-away"])

    def test_raw_needs_a_dtype(self):
        raw = write(self.folder, "grads.bin", b"\xff" * 6 + packed("f", floats(100)))
        self.refused(3, run(raw), "grads.bin", "dtype")
        self.refused(3, run(raw, "--dtype=f32"), "grads.bin", "whole", "406")
        document = json.loads(run(raw, "--dtype=f32", "--offset=6", "--output=json").out)
        same = write(self.folder, "same.safetensors", safetensors({"grads": f32(*floats(100))}))
        self.assertEqual(document["outcomes"], json.loads(run(same, "--output=json").out)["outcomes"])
        swapped = packed("f", floats(100))
        swapped = b"".join(swapped[i : i + 4][::-1] for i in range(0, 400, 4))
        raw = write(self.folder, "big.bin", swapped)
        document = json.loads(run(raw, "--dtype=f32", "--endian=big", "--count=50", "--output=json").out)
        half = write(self.folder, "half.safetensors", safetensors({"grads": f32(*floats(100)[:50])}))
        self.assertEqual(document["outcomes"], json.loads(run(half, "--output=json").out)["outcomes"])

    def test_select(self):
        names = [row["name"] for row in json.loads(run(self.dump, "--select=grad/*", "--output=json").out)["tensors"]]
        self.assertEqual(names, ["grad/b", "grad/c"])
        ran = run(self.dump, "--select=grad/c", "--select=act*", "--output=json")
        self.assertEqual(len(json.loads(ran.out)["tensors"]), 2)
        self.refused(3, run(self.dump, "--select=nothing"), "'nothing'", "'grad/b'")

    def test_formats_in_capitals(self):
        ran = run(self.dump, "--formats=FP16,E4M3", "--output=json", "--fail-on=flushed>=0@FP16:1")
        self.assertEqual(ran.code, 1)
        self.assertEqual({row["format"] for row in json.loads(ran.out)["outcomes"]}, {"fp16", "e4m3"})

    def test_one_answer_for_any_thread_count_and_chunk(self):
        for words in ([self.dump, "--by=tensor"], [self.folder / "run", "--by=step"]):
            for output in ("json", "text", "csv", "markdown", "svg"):
                wanted = self.answered(run(*words, "--output", output, "--threads=1"))
                for other in (["--threads=2"], ["--threads=7"], ["--threads=7", "--chunk-bytes=64"]):
                    with self.subTest(output=output, other=other):
                        self.assertEqual(self.answered(run(*words, "--output", output, *other)), wanted)

    def test_wide_dumps_and_wide_formats(self):
        dump = write(self.folder, "wide.safetensors", safetensors({"a": f64(1e300, -5e-324, 1.0, 0.1)}))
        rows = json.loads(self.answered(run(dump, "--formats=fp32,e8m15,fp64", "--output=json")))["outcomes"]
        exact = {(row["format"], row["counts"]["exact"]) for row in rows if row["scale_log2"] == 0}
        self.assertEqual(exact, {("fp32", 1), ("e8m15", 1), ("fp64", 4)})
        self.answered(run(dump, "--formats=fp32,e8m15,fp64"))


if __name__ == "__main__":
    unittest.main()
