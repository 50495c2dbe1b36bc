# SPDX-License-Identifier: Apache-2.0
"""Where the command and the dumps are: PRECISION_AUDIT, and LOWP_GRADIENTS (default data/samples)."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from make_dumps import make_dumps

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = (".safetensors", ".npz", ".npy")


def find_command():
    named = os.environ.get("PRECISION_AUDIT")
    built = [ROOT / "build/release/bin/precision-audit", *sorted(ROOT.glob("build/*/bin/precision-audit"))]
    found = [Path(named)] if named else [path for path in built if path.exists()]
    return found[0] if found else None


class Command:
    def __init__(self, path):
        self.path = str(path)

    def run(self, file, *options, chunk_bytes=None):
        environment = dict(os.environ)
        environment.pop("LOWP_CHUNK_BYTES", None)
        if chunk_bytes is not None:
            environment["LOWP_CHUNK_BYTES"] = str(chunk_bytes)
        arguments = [self.path, str(file), "--output", "json", *options]
        done = subprocess.run(arguments, capture_output=True, env=environment, check=False)
        assert done.returncode == 0, f"{' '.join(arguments)}: exit {done.returncode}: {done.stderr.decode()}"
        return done.stdout

    def json(self, file, *options):
        return json.loads(self.run(file, *options))


@pytest.fixture(scope="session")
def command():
    path = find_command()
    if path is None:
        pytest.skip("no precision-audit found: build it, or name it in PRECISION_AUDIT")
    return Command(path)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    return make_dumps(tmp_path_factory.mktemp("dumps"))


def gradients_directory():
    return Path(os.environ.get("LOWP_GRADIENTS", ROOT / "data/samples"))


def gradient_dumps():
    return sorted(path for path in gradients_directory().rglob("*") if path.suffix in SUFFIXES)


def pytest_generate_tests(metafunc):
    if "dump" in metafunc.fixturenames:
        dumps = gradient_dumps()
        metafunc.parametrize("dump", dumps, ids=[path.name for path in dumps])
