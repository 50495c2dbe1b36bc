# SPDX-License-Identifier: Apache-2.0
"""What README.md shows as output is what the program prints: every ```console block, run from the repository's root.

A line that starts with "$ " is a command, the lines after it are its whole stdout. A block with <!-- not run --> on the
line before it is skipped. PRECISION_AUDIT is what `precision-audit` means.
"""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

root = Path(__file__).resolve().parents[2]
program = Path(os.environ.get("PRECISION_AUDIT", "build/release/bin/precision-audit")).resolve()


def console_blocks(text):
    """(number of the first line inside, lines) of the blocks to run."""
    blocks, lines = [], text.split("\n")
    for number, line in enumerate(lines):
        if line.strip() == "```console" and lines[number - 1].strip() != "<!-- not run -->":
            end = lines.index("```", number + 1)
            blocks.append((number + 2, lines[number + 1 : end]))
    return blocks


def commands(block):
    """[command, wanted stdout] pairs of one block."""
    pairs = []
    for line in block:
        if line.startswith("$ "):
            pairs.append([line[2:], ""])
        elif pairs:
            pairs[-1][1] += line + "\n"
        else:
            raise ValueError(f"output before any command: {line!r}")
    return pairs


class Readme(unittest.TestCase):
    maxDiff = None

    def test_blocks(self):
        blocks = console_blocks((root / "README.md").read_text("utf-8"))
        self.assertTrue(blocks, "README.md shows no ```console block")
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": os.environ.get("HOME", "/")}
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "precision-audit").symlink_to(program)
            environment["PATH"] = f"{folder}:{environment['PATH']}"
            for line, block in blocks:
                self.assertTrue(commands(block), f"README.md:{line}: no command")
                for command, wanted in commands(block):
                    with self.subTest(command=command, line=line):
                        ran = subprocess.run(
                            ["bash", "-c", command], cwd=root, env=environment, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, timeout=120,
                        )
                        self.assertEqual(ran.stdout.decode("utf-8"), wanted)


if __name__ == "__main__":
    unittest.main()
