# SPDX-License-Identifier: Apache-2.0
"""tools/dev on machines where something is missing: a copy of it in a folder of its own, with stand-ins for CMake,
apt-get, sudo and the program. The program's stand-in prints its working directory and its words; it exits with STATUS."""

import os
import shutil
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

root = Path(__file__).resolve().parents[2]
# All of the system that tools/dev may use; what a case wants besides is a stand-in.
system = ("bash env readlink dirname basename mktemp tail grep rm mkdir id cat").split()
program = '#!/bin/bash\npwd\nprintf "%s\\n" "$@"\nexit ${STATUS:-0}\n'
# Says every step that apt-get would, and 300 lines that nobody wants to read.
apt_get = r'''#!/bin/bash
[[ " $* " == *" install "* ]] || exit 0
[ -z "${APT_FAILS:-}" ] || { echo "E: Unable to locate package"; exit 100; }
for i in {1..300}; do echo "Setting up package $i ..."; done
for i in {0..100}; do echo "dlstatus:$i:$i.0000:Retrieving"; done
for i in {0..100}; do echo "pmstatus:libfmt-dev:amd64:$i.0000:Installing"; done
'''


class Dev(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        base = Path(self.folder.name).resolve()
        self.clone, self.bin, self.user = base / "clone", base / "bin", base / "user"
        (self.clone / "tools").mkdir(parents=True)
        (self.clone / "data/samples").mkdir(parents=True)
        self.sample = self.clone / "data/samples/unet-step0200.safetensors"
        self.sample.touch()
        shutil.copy(root / "tools/dev", self.clone / "tools/dev")
        self.bin.mkdir()
        (self.user / "grads").mkdir(parents=True)
        (self.user / "grads/step1.npy").touch()
        (self.user / "fp16").touch()  # a file that bears the name of an option's value
        for name in system:
            (self.bin / name).symlink_to(shutil.which(name))
        self.stand_in(self.clone / "build/program/bin/precision-audit", program)
        self.stand_in(self.bin / "cmake", "#!/bin/bash\n")
        self.stand_in(self.bin / "apt-get", apt_get)
        self.stand_in(self.bin / "dpkg-query", "#!/bin/bash\necho -n 'install ok installed'\n")

    def tearDown(self):
        self.folder.cleanup()

    def stand_in(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def run_dev(self, *words, **environment):
        ran = subprocess.run(
            [self.clone / "tools/dev", *words], cwd=self.user, env={"PATH": str(self.bin), **environment},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )
        return ran.returncode, ran.stdout.splitlines(), ran.stderr

    def audit(self, *words, picture):
        """The program ran in the user's folder with `words`, and with `picture` as its last word where there is one."""
        status, told, stderr = self.run_dev("audit", *words)
        self.assertEqual(status, 0, stderr)
        wanted = [str(self.user), "audit", *words] + (["--plot", str(picture)] if picture else [])
        self.assertEqual(told, wanted)

    def test_paths_are_the_users(self):
        beside = self.user / "grads/step1.npy.audit.svg"
        self.audit("grads/step1.npy", picture=beside)
        self.audit("--formats", "fp16", "grads/step1.npy", picture=beside)
        self.audit("--counts-only", "grads/step1.npy", picture=beside)
        self.audit("--formats=fp16", "grads/step1.npy", "--by", "step", picture=beside)
        self.audit(str(beside.parent / "step1.npy"), picture=beside)
        self.audit("grads/", picture=self.user / "grads.audit.svg")
        self.audit(".", picture=self.user.parent / "user.audit.svg")
        self.audit("-", picture=self.user / "stdin.audit.svg")

    def test_no_picture_where_none_is_due(self):
        self.audit("grads", "--plot", "own.svg", picture=None)
        self.audit("--plot=own.svg", "grads", picture=None)
        self.audit("no/such/file.npy", picture=None)

    def test_sample_without_a_path(self):
        picture = f"{self.sample}.audit.svg"
        for words in ([], ["--formats", "bf16"]):
            status, told, _ = self.run_dev("audit", *words)
            self.assertEqual(told, [str(self.user), "audit", *words, str(self.sample), "--plot", picture])
            self.assertEqual(status, 0)

    def test_exit_status_is_the_programs(self):
        for status in (1, 3):
            self.assertEqual(self.run_dev("audit", "grads", STATUS=str(status))[0], status)

    def test_what_is_missing_is_installed_quietly(self):
        self.stand_in(self.bin / "dpkg-query", "#!/bin/bash\nexit 1\n")
        self.stand_in(self.bin / "id", "#!/bin/bash\necho 0\n")
        status, _, stderr = self.run_dev("build")
        self.assertEqual(status, 0, stderr)
        self.assertLess(len(stderr.splitlines()), 12, stderr)
        self.assertIn("100 %", stderr)
        self.assertNotIn("python3", stderr)  # the program needs none

    def refused(self, *wanted):
        """`audit` and `build` fail, and the last line, the only one of tools/dev, names all of `wanted`."""
        for command in ("audit", "build"):
            status, told, stderr = self.run_dev(command, **self.environment)
            self.assertEqual((status, told), (2, []))
            for words in wanted:
                self.assertIn(words, stderr.splitlines()[-1])

    environment: dict = {}

    def test_without_root_and_sudo(self):
        self.stand_in(self.bin / "dpkg-query", "#!/bin/bash\nexit 1\n")
        self.stand_in(self.bin / "id", "#!/bin/bash\necho 1000\n")
        self.refused("administrator", "apt-get install --no-install-recommends build-essential cmake ninja-build")

    def test_apt_get_fails(self):
        self.stand_in(self.bin / "dpkg-query", "#!/bin/bash\nexit 1\n")
        self.stand_in(self.bin / "id", "#!/bin/bash\necho 1000\n")
        self.stand_in(self.bin / "sudo", '#!/bin/bash\nexec "$@"\n')
        self.environment = {"APT_FAILS": "1"}
        self.refused("by hand: apt-get install")

    def test_without_apt(self):
        (self.bin / "apt-get").unlink()
        (self.bin / "dpkg-query").unlink()
        self.audit("grads", picture=self.user / "grads.audit.svg")  # the libraries came another way
        (self.bin / "cmake").unlink()
        self.refused("cmake --preset program", "cmake --build build/program")

    def test_words_that_are_none(self):
        for words in (["tset"], ["test", "--quik"], []):
            status, told, stderr = self.run_dev(*words)
            self.assertEqual((status, told), (2, []))
            self.assertIn("--quick", stderr)


if __name__ == "__main__":
    unittest.main()
