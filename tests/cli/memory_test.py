# SPDX-License-Identifier: Apache-2.0
"""Peak memory does not grow with the dump. By hand, for another size: memory_test.py 4096 (MiB) tells time and peak."""

import os
import random
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from program import program

# Real gradients touch some fifty binades; random bits touch all 508 of FP32, each 64 KiB of table, and two threads
# have three tables.
usual_megabytes, random_megabytes = 80, 150
block = 1 << 20


def gradients(generator):
    """Both signs, log-normal magnitudes over some forty binades, a few zeros."""
    values = [generator.choice((-1, 1)) * 2 ** generator.gauss(-22, 6) for _ in range(block // 4)]
    return struct.pack(f"<{block // 4}f", *(0.0 if i % 20 == 0 else value for i, value in enumerate(values)))


def write_dump(path, content, mebibytes, tensors):
    """`tensors` F32 tensors of equal size, the block over and over."""
    share = mebibytes // tensors * block
    entries = (
        f'"grad/{i}":{{"dtype":"F32","shape":[{share // 4}],"data_offsets":[{i * share},{(i + 1) * share}]}}'
        for i in range(tensors)
    )
    header = ("{" + ",".join(entries) + "}").encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for _ in range(share // block * tensors):
            file.write(content)


def measured(*words):
    """Exit code, seconds and peak megabytes of one run."""
    start = time.monotonic()
    process = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, time.monotonic() - start, usage.ru_maxrss / 1024


class Memory(unittest.TestCase):
    def test_peak(self):
        generator = random.Random(1)
        cases = (
            ("gradients, one tensor", gradients(generator), 1, [], usual_megabytes),
            ("gradients, 64 tensors", gradients(generator), 64, ["--by=tensor", "--output=json"], usual_megabytes),
            ("random bits", generator.randbytes(block), 1, [], random_megabytes),
            ("random bits, wide format", generator.randbytes(block), 2, ["--formats=fp16,e8m15"], random_megabytes),
        )
        for name, content, tensors, words, limit in cases:
            with self.subTest(name=name), tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "dump.safetensors")
                write_dump(path, content, mebibytes, tensors)
                code, seconds, peak = measured(path, "--threads=2", *words)
                print(f"{name}: {mebibytes} MiB in {seconds:.2f} s, peak {peak:.0f} MB", file=sys.stderr)
                self.assertEqual(code, 0)
                self.assertLess(peak, limit)


if __name__ == "__main__":
    mebibytes = int(sys.argv.pop()) if len(sys.argv) > 1 and sys.argv[-1].isdigit() else 256
    unittest.main()
