# SPDX-License-Identifier: Apache-2.0
"""Manners at a terminal: colour, width, characters and the progress bar, seen through a pseudo-terminal."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unicodedata
import unittest

from dumps import f32, floats, safetensors, write
from program import Case, limit, program, run

escape = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def columns_of(line):
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in line)
    return len(line) + wide - sum(unicodedata.combining(c) != 0 for c in line)


def at_terminal(*words, columns=120, terminals=("stdout", "stderr"), **environment):
    """Exit code and what a terminal of so many columns received, from the streams in `terminals` only."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    base = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm"}
    streams = {name: slave if name in terminals else subprocess.DEVNULL for name in ("stdout", "stderr")}
    process = subprocess.Popen(
        [program, *map(os.fspath, words)], stdin=slave, env={**base, **environment}, preexec_fn=limit, **streams
    )
    os.close(slave)
    received, end = b"", time.monotonic() + 20
    while time.monotonic() < end:
        if not select.select([master], [], [], 0.1)[0]:
            continue
        try:
            data = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        received += data
    else:
        process.kill()
        raise TimeoutError(received[-200:])
    os.close(master)
    return process.wait(), received.decode("utf-8").replace("\r\n", "\n")


class Terminal(Case):
    def setUp(self):
        super().setUp()
        tensors = {f"act_grad/block.{i}.attention": f32(*floats(200, -20 - i)) for i in range(8)}
        self.dump = write(self.folder, "grads.safetensors", safetensors(tensors))

    def test_colour_only_on_a_terminal(self):
        code, text = at_terminal(self.dump)
        self.assertEqual(code, 0)
        self.assertIn("\x1b[1m", text)
        plain = self.answered(run(self.dump, COLUMNS="120")).decode()
        self.assertNotIn("\x1b", plain)
        self.assertEqual(escape.sub("", text), plain)  # colour is never the only signal

    def test_no_colour_when_asked(self):
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            with self.subTest(environment=environment):
                self.assertNotIn("\x1b", at_terminal(self.dump, **environment)[1])
        self.assertNotIn("\x1b", at_terminal(self.dump, "--output=json")[1])
        self.assertNotIn("\x1b", at_terminal(self.dump, "--output=csv")[1])
        self.assertNotIn("\x1b", at_terminal(self.dump, "--help")[1])

    def test_empty_no_color_counts_as_unset(self):
        self.assertIn("\x1b[1m", at_terminal(self.dump, NO_COLOR="")[1])

    def test_width_of_the_terminal(self):
        for columns in (60, 80, 100, 250):
            text = escape.sub("", at_terminal(self.dump, columns=columns)[1])
            widest = max(map(columns_of, text.split("\n")))
            self.assertLessEqual(widest, columns)
            self.assertGreater(widest, min(columns, 100) * 0.7)
            piped = self.answered(run(self.dump, COLUMNS=str(columns))).decode()
            self.assertEqual(piped, text)

    def test_ascii_where_the_locale_is_not_utf8(self):
        text = at_terminal(self.dump, LANG="C")[1]
        self.assertTrue(text.isascii())
        self.assertIn("Not covered", text)

    def test_progress_is_drawn_and_wiped(self):
        big = write(self.folder, "big.bin", b"")
        with open(big, "r+b") as file:
            file.write(b"\1\2\3\4" * 4096)
            file.truncate(1 << 30)  # sparse: the rest is zeros
        # Millions of small reads take seconds, however fast the pass is.
        words = [big, "--dtype=f32", "--threads=1", "--formats=fp16", "--scales=0", "--chunk-bytes=700"]
        code, text = at_terminal(*words, terminals=("stderr",))
        self.assertEqual(code, 0)
        self.assertRegex(text, r"\A(\rreading \[#*\.*\] +\d+ %  \d\.\d of 1\.1 GB)+\r\x1b\[K\Z")
        self.assertEqual(at_terminal(*words, "--progress=never", terminals=("stderr",)), (0, ""))
        self.assertEqual(run(*words, threads=0).err, b"")
        self.assertIn(b"\rreading [", run(*words, "--progress=always", threads=0).err)

    def test_no_bar_for_what_is_quick(self):
        self.assertEqual(at_terminal(self.dump, terminals=("stderr",)), (0, ""))
        self.assertEqual(run(self.dump, "--progress=always").err, b"")

    def test_errors_are_never_coloured(self):
        code, text = at_terminal(self.folder / "missing")
        self.assertEqual((code, text.count("\n")), (3, 1))
        self.assertNotIn("\x1b", text)


if __name__ == "__main__":
    unittest.main()
