# SPDX-License-Identifier: Apache-2.0
"""What the pages show is so: every ```console block holds what the program prints, run from the repository's root, and
every quoted file is that file.

In a console block a line that starts with "$ " is a command, the lines after it are its whole stdout; a last line "..."
stands for the rest of it. A block with <!-- not run --> on the line before it is skipped. A block of code with
<!-- PATH --> on the line before it is that file. PRECISION_AUDIT is what `precision-audit` means.

readme_test.py --write puts into the pages what the program prints now, and what the files hold.
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

root = Path(__file__).resolve().parents[2]
pages = ["README.md", "docs/answer.md"]
program = Path(os.environ.get("PRECISION_AUDIT", root / "build/release/bin/precision-audit")).resolve()
rest = "..."


def blocks_of(lines):
    """(line before, language, number of the first line inside, number of the closing line) of each block."""
    number = 0
    while number < len(lines):
        if re.fullmatch(r"```\w+", lines[number]):
            end = lines.index("```", number + 1)
            yield lines[number - 1].strip(), lines[number][3:], number + 1, end
            number = end
        number += 1


def printed(command):
    """All that the command prints on stdout, as lines; the program has no terminal."""
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": os.environ.get("HOME", "/")}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "precision-audit").symlink_to(program)
        environment["PATH"] = f"{folder}:{environment['PATH']}"
        ran = subprocess.run(["bash", "-c", command], cwd=root, env=environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, timeout=120)
    return ran.stdout.decode("utf-8").split("\n")[:-1]


def shown(block):
    """The block as the program would have it: its commands with their output, cut where the block says "..."."""
    wanted, at = [], [n for n, line in enumerate(block) if line.startswith("$ ")]
    if not at or at[0] != 0:
        raise ValueError(f"no command before {block[:1]}")
    for begin, end in zip(at, at[1:] + [len(block)]):
        output = printed(block[begin][2:])
        if block[end - 1] == rest:
            output = output[: end - begin - 2] + [rest]
        wanted += [block[begin], *output]
    return wanted


def true_block(before, language, block):
    """What should stand there; None for a block that nothing is known about."""
    quoted = re.fullmatch(r"<!-- (\S+/\S+) -->", before)
    if quoted:
        return (root / quoted.group(1)).read_text("utf-8").rstrip("\n").split("\n")
    return shown(block) if language == "console" and before != "<!-- not run -->" else None


class Pages(unittest.TestCase):
    maxDiff = None

    def test_blocks(self):
        for page in pages:
            lines, tried = (root / page).read_text("utf-8").split("\n"), 0
            for before, language, begin, end in blocks_of(lines):
                with self.subTest(page=page, line=begin + 1):
                    wanted = true_block(before, language, lines[begin:end])
                    if wanted is not None:
                        tried += 1
                        self.assertEqual(lines[begin:end], wanted)
            self.assertGreater(tried, 0, f"{page} shows nothing that the program prints")

    def test_links(self):
        for page in pages:
            text = (root / page).read_text("utf-8")
            for target in re.findall(r"\]\(([^)#:]+)\)", text):
                self.assertTrue((root / page).parent.joinpath(target).exists(), f"{page}: no {target}")


def write():
    for page in pages:
        lines = (root / page).read_text("utf-8").split("\n")
        for before, language, begin, end in reversed(list(blocks_of(lines))):
            lines[begin:end] = true_block(before, language, lines[begin:end]) or lines[begin:end]
        (root / page).write_text("\n".join(lines), "utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        unittest.main()
