# SPDX-License-Identifier: Apache-2.0
"""data/bench/README.md and its chart are what bench_table.py makes of the JSON beside them; the scorecard says what its
figures say; merged results are the same results."""
import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import bench_page
import bench_table

folder = Path(__file__).resolve().parents[2] / "data/bench"
source = bench_page.json_in(folder)


def printed(work, *arguments) -> str:
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        work(*arguments)
    return text.getvalue()


class Page(unittest.TestCase):
    maxDiff = None

    def test_page_is_generated(self):
        for name, text in bench_page.files(*bench_table.load(str(source)), source.name):
            self.assertEqual((folder / name).read_text("utf-8"), text, f"run bench_table.py --page data/bench: {name}")

    def test_verdicts(self):
        self.assertIn("| 0.49 | ██████ | **missed** |", bench_page.score("x", ">=", 0.8, 0.49))
        self.assertIn("| 0.80 | ██████████ | met |", bench_page.score("x", ">=", 0.8, 0.8))
        self.assertIn("| at most 2 | 2.01 | ██████████ | **missed** |", bench_page.score("x", "<=", 2, 2.01))
        self.assertIn("| 1.00 | █████ | met |", bench_page.score("x", "<=", 2, 1))

    def test_compare_and_tables(self):
        rows = printed(bench_table.compare, str(source), str(source)).splitlines()[2:]
        self.assertGreater(len(rows), 200)
        self.assertTrue(all(row.endswith("| 1.00 |") for row in rows if "| sum/" not in row))  # two programs have a sum
        self.assertIn("| round | fp16 | nearest_even | A | 2^24 | 1 | 4.36 | 3.13 | 1.39 |",
                      printed(bench_table.tables, [str(source)]))

    def test_merge(self):
        with tempfile.TemporaryDirectory() as scratch:
            out = Path(scratch, source.name)
            bench_table.merge(str(out), [str(source)])
            self.assertEqual(bench_table.load(str(out)), bench_table.load(str(source)))
            new = Path(scratch, "new.json")
            new.write_text('{"context": {"date": "now"}, "benchmarks": [{"name": '
                           '"round/fp16/nearest_even/A/2^24/1/iterations:15/manual_time", "of_memcpy": 2.0}]}')
            bench_table.merge(str(out), [str(new)])
            context, runs = bench_table.load(str(out))
            self.assertEqual(context, {"date": "now"})
            self.assertEqual(runs[0], {"name": "round/fp16/nearest_even/A/2^24/1", "of_memcpy": 2.0})
            self.assertEqual(len(runs), len(bench_table.load(str(source))[1]))


if __name__ == "__main__":
    unittest.main()
