# SPDX-License-Identifier: Apache-2.0
"""Files that change, machines that are short of threads or memory, and files that are one dump."""

import json
import os
import resource
import struct
import subprocess
import sys
import threading
import time
import unittest
import zlib

from dumps import f32, floats, npy, packed, safetensors, text_op, torch_tensor, torch_zip, write, zipped
from program import Case, faults_of_line, megabytes, nobody, program, run


def limited(words, user=None, **limits):
    """Exit code, stdout and stderr of the program under limits such as RLIMIT_AS."""

    def prepare():
        if user:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
        for name, most in limits.items():
            resource.setrlimit(getattr(resource, name), (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    done = subprocess.run([program, *map(str, words)], capture_output=True, stdin=subprocess.DEVNULL, timeout=60,
                          preexec_fn=prepare)
    return done.returncode, done.stdout, done.stderr


class Changing(Case):
    def test_a_file_that_changes_while_it_is_read(self):
        path = write(self.folder, "big.raw", packed("f", floats(1000)) * (96 << 8))
        stop = threading.Event()

        def touch():
            while not stop.is_set():
                os.utime(path)
                time.sleep(0.001)

        thread = threading.Thread(target=touch)
        thread.start()
        try:
            for words in ((), ("--output=json",)):
                self.refused(3, run(path, "--dtype=f32", *words), "big.raw", "changed while it was read")
        finally:
            stop.set()
            thread.join()
        self.answered(run(path, "--dtype=f32"))

    def test_accumulate_too(self):
        path = write(self.folder, "step1.safetensors", safetensors({"grad/a": f32(*[0.5] * (4 << 20))}))
        stop = threading.Event()

        def touch():
            while not stop.is_set():
                os.utime(path)
                time.sleep(0.001)

        thread = threading.Thread(target=touch)
        thread.start()
        try:
            self.refused(3, run("accumulate", "--norm", "--formats=fp16", path), "changed while it was read")
        finally:
            stop.set()
            thread.join()

    def test_a_wrong_checksum_is_in_the_document(self):
        data = packed("f", floats(500))
        content = torch_zip({"w": torch_tensor(shape=(500,), elements=500)}, {"0": data})
        at = content.index(data) + 9
        path = write(self.folder, "a.pt", content[:at] + bytes([content[at] ^ 1]) + content[at + 1:])
        for words in ((path,), ("accumulate", "--norm", path)):
            ran = run(*words, "--output=json")
            self.assertEqual(ran.code, 0, ran.err)
            self.assertIn("archive/data/0: the CRC does not match", json.loads(ran.out)["inputs"][0]["notes"][0])
            self.assertEqual(faults_of_line(ran.err), "")
        self.assertIn("the CRC does not match", " ".join(run(path).out.decode().split()))
        self.refused(3, run(path, "--strict"), "CRC")


@unittest.skipUnless(megabytes, "sanitizers reserve terabytes of address space")
class Short(Case):
    """Fewer threads, or one line and exit 3; never abort()."""

    def dump(self):
        tensors = {f"grad/{i}": f32(*floats(2000)) for i in range(64)}
        self.folder.chmod(0o755)
        return write(self.folder, "a.safetensors", safetensors(tensors))

    def ends_in_words(self, ended, expected):
        code, out, err = ended
        if code == 0:
            self.assertEqual((out, err), (expected, b""))
        else:
            self.assertEqual((code, out, faults_of_line(err)), (3, b"", ""), err)

    def test_address_space(self):
        path = self.dump()
        words = (path, "--output=json", "--by=tensor", "--scales=0:9")
        expected = run(*words).out
        for mebibytes in (64, 100, 150, 200, 300, 500, 800, 1000):
            for threads in (2, 8, 64, 256):
                with self.subTest(mebibytes=mebibytes, threads=threads):
                    ended = limited((*words, f"--threads={threads}"), RLIMIT_AS=mebibytes << 20)
                    self.ends_in_words(ended, expected)
                    if mebibytes >= 300:
                        self.assertEqual(ended[0], 0, ended[2])

    def test_threads(self):
        if os.geteuid() != 0:
            self.skipTest("limits on processes do not hold for whoever runs other things")
        path = self.dump()
        words = (path, "--output=json")
        expected = run(*words).out
        try:
            limited(words, user=nobody)
        except (PermissionError, subprocess.SubprocessError):
            self.skipTest("another user may not run the program here")
        for processes in (1, 2, 4):
            with self.subTest(processes=processes):
                ended = limited((*words, "--threads=16"), user=nobody, RLIMIT_NPROC=processes)
                self.assertEqual(ended[0], 0, ended[2])
                self.ends_in_words(ended, expected)


def vast_torch_zip(path, pickled, elements, values):
    """A torch zip64 whose one storage is a hole in the file but for `values`, bytes by their element."""
    here = open(path, "wb")
    directory = b""
    size = 4 * elements
    for name, data in (("archive/data.pkl", pickled), ("archive/data/0", None), ("archive/version", b"3\n")):
        begin = here.tell()
        vast = data is None
        sizes = struct.pack("<II", 0xFFFFFFFF, 0xFFFFFFFF) if vast else struct.pack("<II", len(data), len(data))
        common = struct.pack("<HHHHHI", 45, 0, 0, 0, 0x21, 0 if vast else zlib.crc32(data)) + sizes
        extra = struct.pack("<HHQQ", 1, 16, size, size) if vast else b""
        here.write(b"PK\3\4" + common + struct.pack("<HH", len(name), len(extra)) + name.encode() + extra)
        data_begin = here.tell()
        if vast:
            for element, value in values.items():
                here.seek(data_begin + 4 * element)
                here.write(value)
            here.seek(data_begin + size)
        else:
            here.write(data)
        beyond = begin > 0xFFFFFFFF
        if beyond:
            extra += struct.pack("<HHQ", 1, 8, begin)
        directory += b"PK\1\2" + struct.pack("<H", 45) + common + struct.pack(
            "<HHHHHII", len(name), len(extra), 0, 0, 0, 0, 0xFFFFFFFF if beyond else begin) + name.encode() + extra
    begin = here.tell()
    here.write(directory)
    end64 = here.tell()
    here.write(b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 3, 3, len(directory), begin))
    here.write(b"PK\6\7" + struct.pack("<IQI", 0, end64, 1))
    here.write(b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 3, 3, len(directory), 0xFFFFFFFF, 0))
    here.close()
    return path


class Odd(Case):
    def test_small_views_of_a_vast_storage(self):
        elements = (9 << 29) // 4  # 4.5 GiB
        views = {"a": torch_tensor(shape=(4,), offset=elements - 4, elements=elements),
                 "b": torch_tensor(shape=(2,), offset=elements // 2, elements=elements)}
        pickled = b"\x80\2}(" + b"".join(text_op(name) + view for name, view in views.items()) + b"u."
        path = vast_torch_zip(self.folder / "vast.pt", pickled, elements,
                              {elements - 4: packed("f", [1, 2, 0, 3]), elements // 2: packed("f", [7, 0.5])})
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        document = json.loads(self.answered(run(path, "--output=json", "--by=tensor", "--scales=0")))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertEqual([(row["name"], row["zero_in"], row["max_abs"]) for row in document["tensors"]],
                         [("a", 1, 3), ("b", 0, 7)])
        self.assertLess(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1)

    def test_more_parts_than_terms(self):
        paths = [write(self.folder, f"step{i}.safetensors", safetensors({"g": f32(*floats(9))})) for i in (1, 2, 3)]
        words = ("accumulate", *paths, "--over=steps", "--models=split", "--formats=bf16", "--output=json")
        answers = {run(*words, f"--block={block}").out for block in (3, 4, 2**63, 2**64 - 2, 2**64 - 1)}
        self.assertEqual(len(answers), 1)
        self.assertNotEqual(answers, {b""})

    def test_leading_zeros_are_no_safetensors(self):
        path = write(self.folder, "r.bin", b"\0" * 8 + bytes([123, 16, 32, 51]) + b"\0" * 24)
        document = json.loads(self.answered(run(path, "--dtype=f32", "--output=json")))
        self.assertEqual(document["inputs"][0]["format"], "raw")
        self.assertEqual(document["outcomes"][0]["elements"], 9)
        named = write(self.folder, "w.npy", packed("f", floats(3)))
        self.assertEqual(json.loads(run(named, "--dtype=f32", "--output=json").out)["inputs"][0]["format"], "raw")
        real = write(self.folder, "real.npy", npy())
        self.assertEqual(json.loads(run(real, "--dtype=f16", "--output=json").out)["inputs"][0]["format"], "npy")

    def test_arrays_that_are_not_read_leave_the_others(self):
        path = write(self.folder, "o.npz", zipped([("a.npy", npy()), ("cfg.npy", npy("'|O'", data=b"x")),
                                                   ("f.npy", npy("[('a','<f4')]"))]))
        document = json.loads(self.answered(run(path, "--output=json")))
        self.assertEqual(document["inputs"][0]["tensors"], 1)
        self.assertEqual(len(document["inputs"][0]["notes"]), 2)
        self.answered(run(path, "--select=a"))

    def test_fortran_order(self):
        values = floats(6)
        for name, order, listed in (("c", "False", values), ("f", "True", [values[i] for i in (0, 3, 1, 4, 2, 5)])):
            header = f"{{'descr': '<f4', 'fortran_order': {order}, 'shape': (2, 3)}}"
            write(self.folder, f"{name}.npy", npy(header=header, data=packed("f", listed)))
        other = write(self.folder, "o/c.npy", npy(shape="(6,)", data=packed("f", [-x for x in values])))
        answers = []
        for name in ("c", "f"):
            source = self.folder / f"{name}.npy"
            place = write(self.folder, f"{name}/w.npy", source.read_bytes())
            minus = write(self.folder, f"{name}/minus/w.npy", npy(shape="(2, 3)", data=packed("f", [-x for x in values])))
            ran = run("accumulate", place, minus, "--over=files", "--formats=fp32", "--models=sequential", "--output=json")
            answers.append(json.loads(self.answered(ran))["sums"] if b'"sums"' in ran.out else ran.out)
            self.assertIn(b"no sum that is not zero", ran.out)
        self.assertTrue(other)

    def test_ranks_are_no_steps(self):
        for step in (1, 2):
            for rank in (0, 1):
                write(self.folder, f"step_{step}/rank{rank}.safetensors",
                      safetensors({"grad/a": f32(*[x * (1 + 9 * rank) for x in floats(9)])}))
        paths = [self.folder / f"step_{step}/rank{rank}.safetensors" for step in (1, 2) for rank in (0, 1)]
        document = json.loads(self.answered(run(*paths, "--output=json")))
        self.assertEqual([row["steps"] for row in document["inputs"]], [[1], [1], [2], [2]])
        self.assertIn("2 inputs are of step 1", document["inputs"][1]["notes"][0])
        text = " ".join(self.answered(run(*paths)).decode().split())
        self.assertIn("steps 1 to 2", text)
        self.assertIn("2 steps: over them the largest gradient did not rise", text)
        one = " ".join(self.answered(run(*paths[:2])).decode().split())
        self.assertIn("Only one step", one)

    def test_shards_without_an_index_are_one_step(self):
        for i in (1, 2, 3):
            write(self.folder, f"model-0000{i}-of-00003.safetensors", safetensors({f"layer{i}": f32(*floats(9))}))
        document = json.loads(self.answered(run(self.folder, "--output=json")))
        self.assertEqual(len(document["inputs"]), 1)
        self.assertEqual((document["inputs"][0]["steps"], document["inputs"][0]["tensors"]), ([], 3))
        self.assertIn("Only one step", " ".join(run(self.folder).out.decode().split()))

    def test_what_files_are_that_are_no_dumps(self):
        for name, content, part in (
            ("a.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
            ("a.safetensors", b"<!DOCTYPE html><html></html>", "web page"),
            ("a.safetensors", b"\x1f\x8b\x08\0\0\0\0\0rest", "gzip data"),
            ("a.safetensors", b"plain text, whatever", "text ('plain te...')"),
            ("pytorch_model.bin.index.json", b'{"weight_map":{"w":"gone.bin"}}', "gone.bin: No such file"),
            ("__0_0.distcp", b"PK\3\4", "torch.distributed.checkpoint"),
        ):
            with self.subTest(part=part):
                self.refused(3, run(write(self.folder, name, content)), part)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
