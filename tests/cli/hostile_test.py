# SPDX-License-Identifier: Apache-2.0
"""Files that are broken, odd or meant to harm: one clear line and exit 3, or a sane answer; never a crash or a hang."""

import csv
import io
import json
import os
import re
import shutil
import struct
import tempfile
import unittest
import warnings
import xml.etree.ElementTree as xml
from pathlib import Path

from dumps import (entry, f32, f64, floats, npy, packed, raw_safetensors, safetensors, text_op, torch_tensor,
                   torch_zip, write, zipped)
from program import Case, nobody, run

two = packed("f", [1, 2])
zeros = b"\0" * (64 << 20)


def header(entries, data=b"\0" * 8, length=None):
    return raw_safetensors(json.dumps(entries), data, length)


def header_text(shape="[2]", offsets="[0,8]", name='"a"', data=b"\0" * 8):
    return raw_safetensors(f'{{{name}:{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}', data)


def torch_of(pickled, key="0", data=two, order=b"little"):
    return torch_zip(pickled, {key: data}, order)


def list_of_lists(levels):
    """A pickle whose value doubles at each level."""
    code = b"\x80\x02]q\0"
    for i in range(levels):
        code += b"](" + (b"h" + bytes([i])) * 2 + b"eq" + bytes([i + 1])
    return code


# file name, content, what the line must hold besides the name of the file
refused = [
    ("empty.safetensors", b"", "empty"),
    ("empty.npy", b"", "empty"),
    ("text.bin", b"hello, this is no dump", "recognised"),
    ("text.safetensors", b"hello, this is no dump", "at byte 0", "header"),
    ("short.safetensors", b"\1\2", "at byte 2", "8 bytes", "end of file"),
    ("length.safetensors", raw_safetensors("{}", b"", 1000), "at byte 0", "1000"),
    ("length63.safetensors", raw_safetensors("{}", b"", 2**63), "at byte 0", "9223372036854775808"),
    ("length64.safetensors", raw_safetensors("{}", b"", 2**64 - 1), "at byte 0", "18446744073709551615"),
    ("overlap.safetensors", header({"a": entry(), "b": entry(begin=4, end=12)}, b"\0" * 12), "at byte", "overlap"),
    ("range.safetensors", header({"a": entry(end=16, shape=[4])}), "at byte", "end of file", "'a'"),
    ("hole.safetensors", header({"a": entry(), "b": entry(begin=12, end=20)}, b"\0" * 20), "at byte", "hole"),
    ("trailing.safetensors", header({"a": entry()}, b"\0" * 9), "at byte", "end of file", "1 more"),
    ("product.safetensors", header({"a": entry(shape=[2**40, 2**40])}), "elements", "'a'"),
    ("backwards.safetensors", header({"a": entry(begin=8, end=0)}), "at byte", "8 to 0"),
    ("size.safetensors", header({"a": entry(shape=[3])}), "at byte", "12 bytes", "0 to 8"),
    ("dtype.safetensors", header({"a": entry(dtype="F33")}), "dtype", "'F33'"),
    ("negative.safetensors", header({"a": entry(shape=[-2])}), "unsigned", "negative"),
    ("fraction.safetensors", header_text(shape="[2.0]"), "unsigned", "2.0"),
    ("infinite.safetensors", header_text(shape="[1e999]"), "at byte", "1e999"),
    ("digits.safetensors", header_text(shape="[99999999999999999999999]"), "99999999999999999999999"),
    ("rank.safetensors", header_text(shape="[" + "1," * 64 + "2]"), "64"),
    ("deep.safetensors", raw_safetensors('{"a":' + "[" * 3_000_000), "array"),
    ("deep-shape.safetensors", header_text(shape="[" * 100_000), "array"),
    ("deep-object.safetensors", raw_safetensors('{"a":' * 100_000), "'a'"),
    ("twice.safetensors", raw_safetensors('{"a":' + json.dumps(entry()) + ',"a":' + json.dumps(entry()) + "}", two),
     "'a' again"),
    ("unicode.safetensors", raw_safetensors(b'{"a\xff":{}}'), "at byte 11", "JSON"),
    ("syntax.safetensors", raw_safetensors('{"a":}'), "at byte 13", "JSON"),
    ("list.safetensors", raw_safetensors("[1,2] "), "object", "array"),
    ("metadata.safetensors", header({"__metadata__": {"step": 7}, "a": entry()}), "string", "7"),
    ("nothing.safetensors", raw_safetensors("{}        "), "floating-point", "no tensors"),
    ("integers.safetensors", header({"a": entry(dtype="I32")}), "floating-point", "'a'", "I32"),
    ("integers.npy", npy("'<i4'"), "floating-point", "i4"),
    ("integers.npz", zipped([("a.npy", npy("'<i4'"))]), "floating-point", "i4"),
    ("integers.pt", torch_of({"w": torch_tensor(storage="LongStorage")}, data=two * 2), "floating-point", "'w'"),
    ("object.npy", npy("'|O'"), "floating-point", "'|O'", "Python objects"),
    ("fields.npy", npy("[('a','<f4')]"), "floating-point", "structured"),
    ("negative.npy", npy(shape="(-2,)"), "at byte", "-2"),
    ("digits.npy", npy(shape="(99999999999999999999,)"), "at byte", "unsigned"),
    ("product.npy", npy(shape="(4294967296,4294967296,4294967296)"), "at byte", "elements"),
    ("short.npy", npy()[:-1], "at byte 128", "8 bytes", "7"),
    ("long.npy", npy() + b"x", "at byte 128", "8 bytes", "9"),
    ("nameless.npy", npy("'|V2'", data=b"\0" * 4), "--assume-dtype", "'|V2'"),
    ("quad.npy", npy("'<f16'", data=b"\0" * 32), "'<f16'"),
    ("deep.npy", npy(header="{'descr': " + "(" * 60_000), "at byte"),
    ("code.npy", npy(header="__import__('os').system('id')"), "at byte 10", "'{'"),
    ("empty.npz", zipped([]), "floating-point"),
    ("other.npz", zipped([("a.txt", b"hi")]), "floating-point"),
    ("bomb-header.npz", zipped([("a.npy", b"\x93NUMPY\2\0" + struct.pack("<I", 60 << 20) + zeros[: 60 << 20])], True),
     "header", "65536"),
    ("bomb-tail.npz", zipped([("a.npy", npy() + zeros)], True), "8 bytes", "67108872"),
    ("bomb-pickle.pt", zipped([("x/data.pkl", zeros * 2)], True), "data.pkl"),
    ("unknown.pt", torch_of({"evil": b"cos\nsystem\n(" + text_op("touch PWNED") + b"tR"}), "'evil'", "os.system"),
    ("stride0-vast.pt", torch_of({"w": torch_tensor(shape=(2**31 - 1,) * 2, strides=(0, 0))}), "elements", "'w'"),
    ("stride-1.pt", torch_of({"w": torch_tensor(strides=(-1,), offset=1)}), "negative", "'w'"),
    ("beyond.pt", torch_of({"w": torch_tensor(shape=(3,))}), "storage", "'w'"),
    ("beyond-offset.pt", torch_of({"w": torch_tensor(offset=2**62)}), "storage", "'w'"),
    ("missing.pt", torch_of({"w": torch_tensor(key="7")}), "archive/data/7", "none"),
    ("short-storage.pt", torch_of({"w": torch_tensor()}, data=two[:-1]), "archive/data/0"),
    ("pickle-cut.pt", torch_of(b"\x80\2}(X"), "data.pkl", "at byte 4"),
    ("pickle-open.pt", torch_of(b"\x80\2}"), "data.pkl", "at byte 3"),
    ("pickle-marks.pt", torch_of(b"\x80\2" + b"(" * 1_000_000 + b"."), "data.pkl", "levels"),
    ("pickle-deep.pt", torch_of(b"\x80\2}" + b"\x85" * 1_000_000 + b"."), "deep"),
    ("pickle-memo.pt", torch_of(b"\x80\2]r\xff\xff\xff\x7f."), "data.pkl", "memo"),
    ("pickle-laughs.pt", torch_of(list_of_lists(60) + b"."), "data.pkl"),
    ("pickle-cycle.pt", torch_of(b"\x80\2]q\0h\0a."), "floating-point"),
    ("byteorder.pt", torch_of({"w": torch_tensor()}, order=b"middle"), "byteorder", "'middle'"),
    ("script.pt", zipped([("x/data.pkl", b"\x80\2}."), ("x/constants.pkl", b"")]), "TorchScript"),
    ("old.pt", b"\x80\2\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19." + b"x" * 100, "at byte 0", "1.6"),
    ("twice.npz", zipped([("a.npy", npy()), ("a.npy", npy())]), "zip"),
]

nan, inf = float("nan"), float("inf")
# file name, content, elements, zeros, NaN, Inf
odd = [
    ("no-elements.safetensors", safetensors({"a": ("F32", [0], b""), "b": ("F32", [2**40, 2**40, 0], b"")}), 0, 0, 0, 0),
    ("scalar.safetensors", safetensors({"a": ("F32", [], packed("f", [0.5]))}), 1, 0, 0, 0),
    ("zeros.safetensors", safetensors({"a": f32(0.0, -0.0, 0.0)}), 3, 3, 0, 0),
    ("nans.safetensors", safetensors({"a": f32(nan, nan)}), 2, 0, 2, 0),
    ("infs.safetensors", safetensors({"a": f32(inf, -inf)}), 2, 0, 0, 2),
    ("one.safetensors", safetensors({"a": f32(1e-7)}), 1, 0, 0, 0),
    ("vast.safetensors", safetensors({"a": f64(*[1.7e308, -1.7e308] * 50)}), 100, 0, 0, 0),
    ("tiny.safetensors", safetensors({"a": f64(5e-324, -5e-324)}), 2, 0, 0, 0),
    ("both.safetensors", safetensors({"a": f64(1e300, 5e-324, 1.0, nan)}), 4, 0, 1, 0),
    ("bf16.safetensors", safetensors({"a": ("BF16", [3], packed("H", [0x3F80, 1, 0x7F80]))}), 3, 0, 0, 1),
    ("e4m3.safetensors", safetensors({"a": ("F8_E4M3", [4], b"\x00\x7f\x01\x80")}), 4, 2, 1, 0),
    ("some.safetensors", header({"a": entry(dtype="I32"), "b": entry(begin=8, end=16)}, two * 2), 2, 0, 0, 0),
    ("scalar.npy", npy(shape="()", data=packed("f", [1])), 1, 0, 0, 0),
    ("none.npy", npy(shape="(0, 3)", data=b""), 0, 0, 0, 0),
    ("stride0.pt", torch_of({"w": torch_tensor(shape=(1_000_000,), strides=(0,))}), 1_000_000, 0, 0, 0),
    ("overlapping.pt", torch_of({"w": torch_tensor(shape=(2, 2), strides=(1, 0))}), 4, 0, 0, 0),
    ("skipped.pt", torch_of({"w": torch_tensor(), "evil": b"cos\nsystem\n(" + text_op("touch PWNED") + b"tR"}), 2, 0, 0, 0),
    ("bomb.npz", zipped([("a.npy", npy(shape=f"({len(zeros) // 4},)", data=zeros))], True), len(zeros) // 4,
     len(zeros) // 4, 0, 0),
    ("outside.npz", zipped([("../../a.npy", npy())]), 2, 0, 0, 0),
    ("thousand.safetensors", safetensors({f"layer.{i}": f32(i * 1e-9) for i in range(1000)}), 1000, 1, 0, 0),
]

hostile_names = [
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "two\nlines", "carriage\rreturn", 'quote"and\'', "bar|bar",
    "<script>alert(1)</script>", "a&b]]>", "=HYPERLINK(1)", "+1", "-1", "@x", "comma,semi;", "tab\there", "back`tick`",
    "\u202egnp", "\u2028line", "\x9bcsi", "\x00nul", "del\x7f", "..", "a/../../b", "% %s {} {0}", "*bold*[x](y)", " ",
    "日本語" * 30, "e\u0301" * 60, "x" * 10_000, "word " * 500, "\U0001f600" * 50, "\ud800",
]


class Refused(Case):
    def test_files(self):
        for name, content, *parts in refused:
            with self.subTest(name=name):
                path = write(self.folder, name, content)
                self.refused(3, run(path), name, *parts)
                self.refused(3, run(path, "--output=json"), name)
                path.unlink()
        self.assertEqual(list(Path().glob("PWNED")), [])

    def test_places(self):
        good = safetensors({"a": f32(*floats(50))})
        for name in ("empty/", "other/", "broken/", "below/x/"):
            (self.folder / name).mkdir(parents=True)
        write(self.folder, "other/notes.txt", b"no dump")
        write(self.folder, "below/x/step1.safetensors", good)
        write(self.folder, "broken/step1.safetensors", good)
        write(self.folder, "broken/step2.safetensors", good[:-3])
        for name, *parts in (
            ("missing", "No such file"), ("mis\nsing\x1b[31m", "No such file"), ("empty", "no files"),
            ("other", "1 other file"), ("below", "no files"),
        ):
            with self.subTest(name=name):
                self.refused(3, run(self.folder / name), *parts)
        self.refused(3, run(self.folder / "broken", "--strict"), "step2.safetensors", "at byte")
        document = json.loads(self.answered(run(self.folder / "broken", "--output=json")))
        self.assertIn("step2.safetensors: at byte", document["inputs"][0]["notes"][0])
        for name in ("/dev/zero", "/dev/null", "/dev/stdin"):
            with self.subTest(name=name):
                self.refused(3, run(name), name, "not a regular file")

    def test_unreadable(self):
        path = write(self.folder, "locked.safetensors", safetensors({"a": f32(1)}))
        path.chmod(0)
        self.folder.chmod(0o755)
        user = nobody if os.geteuid() == 0 else None  # root reads everything
        try:
            ran = run(path, user=user)
        except PermissionError:
            self.skipTest("another user may not run the program here")
        self.refused(3, ran, "locked.safetensors", "Permission denied")

    def test_cut_anywhere(self):
        whole = {
            "cut.safetensors": safetensors({"a": f32(*floats(9)), "b": f32(1)}, {"step": "3"}),
            "cut.npy": npy(),
            "cut.npz": zipped([("a.npy", npy()), ("b.npy", npy())]),
            "packed.npz": zipped([("a.npy", npy()), ("b.npy", npy())], True),
            "cut.pt": torch_of({"w": torch_tensor()}),
        }
        for name, content in whole.items():
            self.answered(run(write(self.folder, name, content)))
            step = max(1, len(content) // 60)
            for size in {*range(0, len(content), step), *range(len(content) - 4, len(content))}:
                with self.subTest(name=name, size=size):
                    self.refused(3, run(write(self.folder, name, content[:size])), name)


class Odd(Case):
    def test_files(self):
        for name, content, elements, zero_in, nan_in, inf_in in odd:
            with self.subTest(name=name):
                path = write(self.folder, name, content)
                text = self.answered(run(path)).decode()
                self.assertIsNone(re.search(r"\b1 (values|tensors)\b|\b-?(nan|inf)\b", text), text)
                document = json.loads(self.answered(run(path, "--output=json", "--by=tensor", "--scales=0:9")), parse_constant=self.fail)
                row = document["outcomes"][0]
                counts = (row["elements"], row["zero_in"], row["nan_in"], row["inf_in"])
                self.assertEqual(counts, (elements, zero_in, nan_in, inf_in))
                picture = self.answered(run(path, "--output=svg")).decode()
                numbers = re.findall(r'="([^"]*)"', picture)
                self.assertFalse([n for n in numbers if re.search(r"\b-?(nan|inf)\b", n)], picture)
                xml.fromstring(picture)
                for output in ("csv", "markdown"):
                    self.answered(run(path, "--output", output))
                path.unlink()
        self.assertEqual(list(Path().glob("PWNED")), [])

    def test_what_was_skipped_is_said(self):
        cases = {name: content for name, content, *_ in odd}
        for name, part in (("skipped.pt", "skipped 'evil': object of os.system"), ("some.safetensors", "skipped 'a'")):
            path = write(self.folder, name, cases[name])
            self.assertIn(part, self.answered(run(path)).decode())
            self.assertIn(part, json.loads(run(path, "--output=json").out)["inputs"][0]["notes"][0])

    def test_nothing_to_scale(self):
        for values in ((0.0,), (nan,), (inf, -inf)):
            path = write(self.folder, "x.safetensors", safetensors({"a": f32(*values)}))
            text = self.answered(run(path)).decode()
            self.assertIn("there is no finite gradient that is not zero", text)
            self.assertNotIn("exact ", text.replace("exact zeros", ""))
            rows = json.loads(run(path, "--output=json").out)["recommendations"]
            self.assertEqual({row["init_scale_log2"] for row in rows}, {None})
            self.assertEqual({row["init_scale_log2_reason"] for row in rows}, {"nothing to scale"})
            self.answered(run(path, "--fail-on=flushed_of_nonzero>=0@fp16"))

    def test_what_overflowed_is_not_called_exact(self):
        path = write(self.folder, "x.safetensors", safetensors({"a": f32(1e30)}))
        rows = json.loads(run(path, "--formats=fp16", "--scales=0", "--output=json").out)["outcomes"]
        self.assertEqual((rows[0]["error"]["snr_db"], rows[0]["error"]["snr_db_reason"]), (None, "1 overflowed"))
        self.assertNotIn("exact", run(path, "--formats=fp16", "--scales=0").out.decode().replace("exact zeros", ""))

    def test_no_overflow_is_claimed_beyond_the_scales_tried(self):
        path = write(self.folder, "x.safetensors", safetensors({"a": f32(1e-12, 2e-20)}))
        text = " ".join(self.answered(run(path, "--formats=fp16", "--scales=0:10")).decode().split())
        self.assertIn("Above 2^55 a overflows", text)  # where it does, not where the scales tried end
        self.assertNotIn("overflows first", text)

    def test_same_step_and_same_file_twice(self):
        one = write(self.folder, "step1-a.safetensors", safetensors({"a": f32(1, 2)}))
        two_ = write(self.folder, "step1-b.safetensors", safetensors({"a": f32(3, 4)}))
        for words in ((one, two_), (one, one), (self.folder,)):
            document = json.loads(self.answered(run(*words, "--output=json", "--by=step")))
            self.assertEqual(document["outcomes"][0]["elements"], 4)
            self.assertEqual([row["steps"] for row in document["inputs"]], [[1], [1]])


class HostileNames(Case):
    """Names of tensors and files: exact in JSON, harmless everywhere else, and never wider than the terminal."""

    def setUp(self):
        super().setUp()
        tensors = {"grad/" + name: f32(*floats(9 + i)) for i, name in enumerate(hostile_names)}
        self.names = [name for name in tensors if "\ud800" not in name]
        folder = "evil\x1b[31m\n<b>|=\u202e"
        self.dump = write(self.folder, f"{folder}/step1.safetensors", safetensors({n: tensors[n] for n in self.names}))

    def harmless(self, text, newline=True):
        bad = [c for c in text if (ord(c) < 32 and not (newline and c == "\n")) or 0x7F <= ord(c) < 0xA0]
        bad += [c for c in text if c in "\u2028\u2029" or "\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069"]
        self.assertEqual(bad, [])

    def test_json_keeps_names(self):
        ran = run(self.dump, "--output=json", "--by=tensor", "--scales=0")
        document = json.loads(self.answered(ran).decode("utf-8"), parse_constant=self.fail)
        self.assertEqual([row["name"] for row in document["tensors"]], self.names)
        self.assertEqual(document["inputs"][0]["path"], str(self.dump))
        self.harmless(ran.out.decode())

    def test_text(self):
        for columns in ("100", "80", "60"):
            for select in ("*", "grad/x*", "grad/w*", "grad/日*", "grad/e*"):
                with self.subTest(columns=columns, select=select):
                    words = [self.dump, "--by=tensor", "--select", select, "--fail-on=flushed>=0@fp16"]
                    ran = run(*words, COLUMNS=columns)
                    self.harmless(ran.out.decode())
                    widest = max(ran.out.decode().split("\n"), key=columns_of)
                    self.assertLessEqual(columns_of(widest), int(columns), widest[:200])

    def test_csv(self):
        text = self.answered(run(self.dump, "--output=csv", "--by=tensor", "--scales=0", "--formats=fp16")).decode()
        for row in csv.reader(io.StringIO(text)):
            for cell in row:
                number = re.fullmatch(r"-?[0-9.]+(e[-+]?[0-9]+)?", cell)
                self.assertTrue(number or not cell.startswith(("=", "+", "-", "@")), cell[:80])

    def test_markdown(self):
        ran = run(self.dump, "--output=markdown", "--by=tensor", "--scales=0", "--formats=fp16")
        text = self.answered(ran).decode()
        self.harmless(text)
        self.assertNotIn("<script>", text)

    def test_svg(self):
        picture = self.answered(run(self.dump, "--output=svg")).decode()
        root = xml.fromstring(picture)
        self.assertEqual([node for node in root.iter() if node.tag.endswith(("script", "}b"))], [])
        self.harmless(picture)

    def test_errors(self):
        folder = self.dump.parent
        for name in hostile_names:
            broken = safetensors({name: ("F32", [2], two)})[:-1]
            path = write(folder, "x.safetensors", broken)
            self.refused(3, run(path), "at byte")
            path.unlink()
        for name in ("bad\n\x1b[31m.safetensors", os.fsdecode(b"bad\xff\xfe.safetensors")):
            path = write(folder, name, b"")
            self.refused(3, run(path), "empty")
            path.unlink()
        self.refused(3, run(folder, "--select=\x1b[31m\n"), "matching")
        self.refused(2, run(folder, "--by=\x1b[31m\n"), "--by")

    def test_names_of_files_that_are_not_utf8(self):
        path = write(self.folder, os.fsdecode(b"grads\xff\xfe.safetensors"), safetensors({"a": f32(1)}))
        for output in ("text", "json", "csv", "markdown", "svg"):
            with self.subTest(output=output):
                self.answered(run(path, "--output", output)).decode("utf-8")

    def test_torch_and_zip_names(self):
        name = "w\x1b]0;x\x07\n<script>|="
        for file, content in (
            ("x.pt", torch_of({name: torch_tensor(), name + "2": b"cos\nsystem\n(tR"})),
            ("x.npz", zipped([(name + ".npy", npy()), (name + "2.npy", npy("'<i4'"))])),
        ):
            path = write(self.folder, file, content)
            self.harmless(self.answered(run(path)).decode())
            tensors = json.loads(self.answered(run(path, "--output=json")))["tensors"]
            self.assertEqual([row["name"] for row in tensors], [name])


def columns_of(line):
    """Columns of a terminal, as Unicode's East Asian width and combining classes say."""
    import unicodedata

    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in line)
    return len(line) + wide - sum(unicodedata.combining(c) != 0 for c in line)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # zipfile: Duplicate name
    here = tempfile.mkdtemp()
    os.chdir(here)
    try:
        unittest.main(warnings="ignore")
    finally:
        shutil.rmtree(here)
