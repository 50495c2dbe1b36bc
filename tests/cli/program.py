# SPDX-License-Identifier: Apache-2.0
"""Runs the program under test: PRECISION_AUDIT names it; address space, CPU and wall time are limited."""

import os
import resource
import subprocess
import tempfile
import unittest
from collections import namedtuple
from pathlib import Path

program = os.environ.get("PRECISION_AUDIT", "precision-audit")
# Sanitizers reserve terabytes of address space: no limit under them.
megabytes = int(os.environ.get("PRECISION_AUDIT_MEGABYTES", "400"))
seconds = 60

Ran = namedtuple("Ran", "code out err")


nobody = 65534


def limit(user=None):
    if user:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    if megabytes:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(*arguments, stdout=subprocess.PIPE, threads=2, user=None, piped=None, **environment):
    """Exit code, stdout and stderr as bytes; a run that takes too long is an exception. `user`: another to run as;
    `piped`: bytes on standard input, which has none otherwise."""
    plain = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG")}
    words = [program, *map(os.fspath, arguments)]
    if threads and not any(str(word).startswith("--threads") for word in arguments):
        words += ["--threads", str(threads)]
    done = subprocess.run(
        words,
        stdout=stdout,
        stderr=subprocess.PIPE,
        **({"stdin": subprocess.DEVNULL} if piped is None else {"input": piped}),
        env={**plain, **environment},
        timeout=seconds,
        preexec_fn=lambda: limit(user),
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def faults_of_line(data):
    """What keeps these bytes from being one line that a terminal can show."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return "not UTF-8"
    if not text.startswith("precision-audit: ") or text.count("\n") != 1 or not text.endswith("\n"):
        return f"not one line of precision-audit: {text!r}"
    harmless = all(c.isprintable() or c in "\u3000\u00a0" for c in text[:-1])
    return "" if harmless else f"control characters: {text!r}"


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name)
        self.addCleanup(self._temporary.cleanup)

    def refused(self, code, ran, *parts):
        """One printable line on stderr that holds every part; nothing on stdout; the exit code."""
        self.assertEqual((ran.code, ran.out), (code, b""), ran.err)
        self.assertEqual(faults_of_line(ran.err), "")
        for part in parts:
            self.assertIn(part, ran.err.decode())

    def answered(self, ran, code=0):
        self.assertEqual((ran.code, ran.err), (code, b""), ran)
        return ran.out
