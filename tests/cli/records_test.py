# SPDX-License-Identifier: Apache-2.0
"""docs/records.md lists every table and key that the commands print, and no other."""

import json
import re
import unittest
from pathlib import Path

from dumps import f32, packed, safetensors, write
from program import Case, run

root = Path(__file__).resolve().parents[2]
untried = {"verify gpu", "verify scalers", "verify recipes"}  # want a GPU, recorded results
rare = {("verify gemm", "first_mismatches")}  # nothing differs


def documented():
    """(command, table, key) of the page."""
    found, command, table = set(), None, None
    for line in (root / "docs/records.md").read_text("utf-8").split("\n"):
        if line.startswith("## "):
            command = line[3:]
        elif line.startswith("### "):
            table = line[4:]
        elif key := re.match(r"\| `([^`]+)` \| .", line):
            found.add((command, table, key[1]))
    return found


def keys_of(value, before=""):
    for key, inside in value.items():
        if isinstance(inside, dict):
            yield from keys_of(inside, f"{before}{key}.")
        elif isinstance(inside, list) and inside and all(isinstance(one, dict) for one in inside):
            for one in inside:
                yield from keys_of(one, f"{before}{key}[].")
        elif not (key.endswith("_reason") and value.get(key[: -len("_reason")], 0) is None):
            yield before + key, inside


def printed(command, document):
    for table, records in document.items():
        if table == "schema_version":
            continue
        name = "every command" if table in ("tool", "inputs") else command
        for record in [records] if isinstance(records, dict) else records:
            yield from ((name, table, key, value) for key, value in keys_of(record))


def rows_for(page, command, table, key, value):
    """Rows of the page that speak of this key; of an object or list that does not exist, those of what is in it."""
    names = [key, re.sub(r"[^.]+$", "*", key)]
    rows = {(command, table, name) for name in names} & page
    if not rows and (value is None or value == []):
        rows = {row for row in page if row[:2] == (command, table) and row[2].startswith((key + ".", key + "[]."))}
    return rows


class Records(Case):
    def commands(self):
        """Each command, asked so that every table has a record."""
        ones = packed("f", [1.0 + 0.01 * i for i in range(128)])
        matrices = {"a": ("F32", [64, 2], ones), "b": ("F32", [64, 2], ones), "grad/w": f32(3, 1e-9)}
        path = write(self.folder, "m-step3.safetensors", safetensors(matrices))
        moments = {"param/w": f32(1, 2), "exp_avg/w": f32(1, 1), "exp_avg_sq/w": f32(1, 1e-9)}
        state = write(self.folder, "state.safetensors", safetensors(moments, {"step": "9"}))
        for step in range(1, 4):
            write(self.folder, f"dumps/step{step}.safetensors", safetensors({"grad/w": f32(256, step, 1e-9)}))
        dumps = self.folder / "dumps"
        bad = bytearray((root / "data/golden/tensor-core/a100-mma-fp16-f32.safetensors").read_bytes())
        bad[-1] ^= 0x80
        bad = write(self.folder, "bad.safetensors", bytes(bad))
        yield "audit", ["audit", path, "--by", "tensor"], 0
        counts = self.folder / "counts.json"
        counts.write_text('{"counts": [3, 4], "edges": [-1, 0, 2], "_step": 1}')
        summary = self.folder / "s.binades"
        yield "summarize", ["summarize", path, "-o", summary], 0
        yield "merge", ["merge", summary, "-o", self.folder / "t.binades"], 0
        yield "info", ["info", summary], 0
        yield "monitor", ["monitor", root / "data/samples/spike.log"], 0
        yield "histograms", ["histograms", counts], 0
        later = write(self.folder, "later.safetensors", safetensors({"a": ("F32", [64, 2], ones[::-1]), "z": f32(1)}))
        yield "compare", ["compare", path, later], 0
        yield "cast", ["cast", "1.2e-7"], 0
        yield "formats", ["formats"], 0
        yield "formats", ["formats", "--profiles"], 0
        yield "formats", ["formats", "--diff", "ocp_sat", "ocp_nonsat", "--format", "e4m3"], 0
        yield "accumulate over", ["accumulate", "over", "steps", dumps], 0
        yield "accumulate update", ["accumulate", "update", dumps], 0
        yield "accumulate update", ["accumulate", "update", state], 0
        yield "accumulate gemm", ["accumulate", "gemm", "a", "b", path], 0
        yield "accumulate norm", ["accumulate", "norm", path], 0
        yield "accumulate ops", ["accumulate", "ops", path], 0
        kept = self.folder / "kept.binades"
        yield "summarize", ["summarize", path, "-o", kept], 0
        yield "merge", ["merge", kept, "-o", self.folder / "merged.binades"], 0
        yield "info", ["info", kept], 0
        yield "recipes", ["recipes", path], 0
        yield "recipes", ["recipes", path, "--by", "tensor", "--recipes", "nvfp4"], 0
        yield "recipes", ["recipes", "--list"], 0
        yield "recipes", ["recipes", path, "--diff", "mx-floor-e4m3", "mx-ceil-e4m3"], 0
        yield "recipes", ["recipes", dumps, "--delayed", "te-fused"], 0
        yield "plan", ["plan", path], 0
        yield "memory", ["memory", "--params", "7e9"], 0
        yield "replay", ["replay", dumps, "--scaler", "torch,apex-amp", "--diff", "--advise"], 0
        yield "scalers", ["scalers"], 0
        yield "scalers", ["scalers", "--diff", "torch", "apex-amp"], 0
        yield "verify conversions", ["verify", "--source", "fp16", "--formats", "e4m3", "--modes", "to_odd"], 0
        yield "verify tensor-core", ["verify", "tensor-core", bad], 1
        yield "verify gemm", ["verify", "gemm", root / "data/golden/gemm"], 0

    def test_page(self):
        page, seen, missing = documented(), set(), set()
        for command, words, code in self.commands():
            ran = run(*words, "--output", "json", threads=0)
            self.assertEqual(ran.code, code, (words, ran.err))
            for key in printed(command, json.loads(ran.out)):
                rows = rows_for(page, *key)
                seen |= rows
                missing |= set() if rows else {key[:3]}
        self.assertEqual(sorted(missing), [], "printed, but not on the page")
        not_seen = {row for row in page - seen if row[0] not in untried and row[:2] not in rare}
        self.assertEqual(sorted(not_seen), [], "on the page, but never printed")

    def test_every_command_is_on_the_page(self):
        listed = run("--help", threads=0).out.decode().partition("Commands:\n")[2].partition("\n\n")[0]
        names = re.findall(r"^  ([a-z-]+) +\S", listed, re.M)
        on_page = {command.split()[0] for command, _, _ in documented()} - {"every"}
        self.assertEqual(sorted(set(names) - on_page), [])


if __name__ == "__main__":
    unittest.main()
