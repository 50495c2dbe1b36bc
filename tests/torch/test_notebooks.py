# SPDX-License-Identifier: Apache-2.0
"""Every notebook runs from its first cell to its last, has three assertions or more, and one of them fails as soon as its
dump, its format or its rounding is another. NOTEBOOKS_HTML names a folder for the rendered pages."""

import os
import re
from pathlib import Path

import pytest

jupytext = pytest.importorskip("jupytext")
nbclient = pytest.importorskip("nbclient")

root = Path(__file__).resolve().parents[2]
lessons = sorted((root / "notebooks").glob("[0-9]*.py"))
# What a lesson is about, and what it is changed to.
mutations = {
    "01_small_numbers": ('FORMAT = "fp16"', 'FORMAT = "bf16"'),
    "02_a_real_distribution": ('ROUNDING = "nearest_even"', 'ROUNDING = "toward_zero"'),
    "04_the_scaler": ("START = 2.0**16", "START = 2.0**20"),
    "03_choosing_init_scale": ("TARGET_SIZE = 300.0", "TARGET_SIZE = 0.01"),
}


def run(lesson, source):
    notebook = jupytext.reads(source, fmt="py:percent")
    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(lesson.parent)}})
    client.execute()
    return notebook


@pytest.mark.parametrize("lesson", lessons, ids=lambda lesson: lesson.stem)
def test_lesson(lesson):
    source = lesson.read_text()
    assert len(re.findall(r"^assert ", source, re.M)) >= 3
    assert "| claim | what comes out | verdict |" in source
    notebook = run(lesson, source)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    pictures = [o for o in outputs if {"image/svg+xml", "image/png"} & set(o.get("data", ()))]
    assert pictures and "verdict" in outputs[-1]["data"]["text/markdown"]
    if folder := os.environ.get("NOTEBOOKS_HTML"):
        from nbconvert import HTMLExporter

        Path(folder, f"{lesson.stem}.html").write_text(HTMLExporter().from_notebook_node(notebook)[0])


@pytest.mark.parametrize("lesson", lessons, ids=lambda lesson: lesson.stem)
def test_lesson_notices_another_subject(lesson):
    old, new = mutations[lesson.stem]
    source = lesson.read_text()
    assert source.count(old) == 1
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="AssertionError"):
        run(lesson, source.replace(old, new))
