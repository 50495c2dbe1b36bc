# SPDX-License-Identifier: Apache-2.0
"""Answers of commands: sentences for people, records for programs, a picture where there is one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any, NamedTuple

from . import _core


class Measure(NamedTuple):
    """A row of the table of measures: what can be said of an outcome."""

    name: str  # "flushed_of_nonzero"
    key: str  # where it stands in a record: "rates.flushed_of_nonzero"; empty: in none
    what: str
    level: str  # of evidence that knows it exactly
    of_input: bool  # the same in every format and at every scale
    is_count: bool


@cache
def measures() -> tuple[Measure, ...]:
    """The table of measures, in the order of the columns. Source: lib/lowp/summary/measures.cpp."""
    return tuple(Measure(**row) for row in _core.measures())


@cache
def _keys() -> dict[str, tuple[str, ...]]:
    return {measure.name: tuple(measure.key.split(".")) for measure in measures() if measure.key}


class Record(Mapping[str, Any]):
    """One JSON object of an answer; its keys are attributes too. A value that is not known is None, and says why in
    `why(key)`. Counts and shares that are known between bounds are records with `least` and `most`."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __getitem__(self, key: str) -> Any:
        return _record(self._values[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"no {name} here, but {', '.join(dir(self))}")
        return self[name]

    def __dir__(self) -> list[str]:
        return [key for key in self._values if key.isidentifier()]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self._values.items())})"

    def why(self, key: str) -> str | None:
        """Why the value of `key` is not known; None where it is, or where nobody says."""
        return self._values.get(f"{key}_reason")

    def to_dict(self) -> dict[str, Any]:
        return self._values


class Outcome(Record):
    """What becomes of all elements, of a tensor or of a step in one format at one scale: every measure of the table is
    an attribute that has a column (`flushed`, `flushed_of_nonzero`, `snr_db`, ...; `precision_audit.measures()` says what they mean)."""

    def _holder(self, name: str) -> tuple[dict[str, Any], str] | None:
        path = _keys().get(name)
        if path is None:
            return None
        held: Any = self._values
        for key in path[:-1]:
            held = held.get(key) or {}
        return held, path[-1]

    def __getattr__(self, name: str) -> Any:
        place = None if name.startswith("_") else self._holder(name)
        return super().__getattr__(name) if place is None else _record(place[0].get(place[1]))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *_keys()]

    def why(self, key: str) -> str | None:
        place = self._holder(key)
        return super().why(key) if place is None else place[0].get(f"{place[1]}_reason")


def _record(value: Any) -> Any:
    if isinstance(value, dict):
        return Record(value)
    return [_record(item) for item in value] if isinstance(value, list) else value


def _flat(record: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Nested objects as columns with dots, as in CSV."""
    row: dict[str, Any] = {}
    for key, value in record.items():
        row |= _flat(value, f"{before}{key}.") if isinstance(value, dict) else {before + key: value}
    return row


class Answer:
    """What a command has to say. `print(answer)` gives its text, `answer.to_dict()` its records, a notebook its picture
    and its sentences. Everything comes from the writers of the program."""

    def __init__(self, core: _core.Answer, command: str, has_page: bool = False) -> None:
        self._core = core
        self._command = command
        self._has_page = has_page

    def _written(self, writer: str, width: int = 100) -> str:
        return self._core.write(writer, width, True).decode()

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        first = self.to_text(10_000).split("\n", 1)[0]
        return f"<{type(self).__name__}: {first}>"

    def to_text(self, width: int = 100) -> str:
        """The text of `--output text`, as wide as said."""
        return self._written("text", width)

    def to_json(self) -> str:
        """The document of `--output json`, byte for byte."""
        return self._written("json")

    def to_csv(self) -> str:
        return self._written("csv")

    def to_markdown(self) -> str:
        return self._written("markdown")

    def to_svg(self) -> str:
        """The picture of `--output svg`. ValueError where the answer has none."""
        if not self._core.has_picture:
            raise ValueError("this answer has no picture")
        return self._written("svg")

    @cached_property
    def _document(self) -> dict[str, Any]:
        return self.to_dict()

    def to_dict(self) -> dict[str, Any]:
        """The parsed document of `--output json`: its keys are the names of the records ("tool", "inputs", ...)."""
        import json  # here and below: what the program does not need is not imported when it starts

        document: dict[str, Any] = json.loads(self.to_json())
        return document

    def records(self, name: str) -> list[Record]:
        """The records called `name`. KeyError, with the names there are, for another."""
        held = self._document.get(name)
        if not isinstance(held, (list, dict)):
            known = [key for key, value in self._document.items() if isinstance(value, (list, dict))]
            raise KeyError(f"no records {name!r}, but {', '.join(known)}")
        return [Record(row) for row in ([held] if isinstance(held, dict) else held)]

    def to_frame(self, name: str | None = None, library: str | None = None) -> Any:
        """The records called `name` (the largest table where it is None) as a data frame of pandas, or of polars where
        pandas is not installed; `library` chooses. Nested keys are columns with dots. ImportError where neither is."""
        import importlib

        document = self._document
        if name is None:
            name = max((key for key, value in document.items() if isinstance(value, list)), key=lambda key: len(document[key]))
        rows = [_flat(record.to_dict()) for record in self.records(name)]
        for wanted in [library] if library else ["pandas", "polars"]:
            try:
                module = importlib.import_module(wanted)
            except ImportError:
                continue
            return module.DataFrame(rows) if wanted == "pandas" else module.DataFrame(rows, infer_schema_length=None)
        raise ImportError("to_frame() wants pandas or polars: pip install pandas")

    @property
    def is_finding(self) -> bool:
        """Whether a condition of `fail_on` holds, or a verification found a difference: exit status 1 of the program."""
        return self._core.is_finding

    @property
    def said(self) -> list[str]:
        """The lines that the program prints on stderr: the conditions that hold, and what reading showed to be doubtful."""
        return [*self._core.doubts, *self._core.said]

    def to_page(self) -> str:
        """The web page of `--report`; that of an audit was asked for with `page=True`, or shows no more than text and
        pictures."""
        return self._core.page(f"precision-audit {self._command}")

    def _repr_html_(self) -> str:
        """What a notebook shows: the page where it was asked for, which runs nothing outside of its frame; else picture
        and text."""
        import html

        if self._has_page:
            page = html.escape(self.to_page())
            return f'<iframe style="width:100%;height:900px;border:0" sandbox="allow-scripts" srcdoc="{page}"></iframe>'
        text = f"<pre style='font-family:monospace'>{html.escape(self.to_text())}</pre>"
        return self.to_svg() + text if self._core.has_picture else text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {"text/plain": self.to_text(), "text/html": self._repr_html_(), "text/markdown": self.to_markdown()}
        if self._core.has_picture:
            bundle["image/svg+xml"] = self.to_svg()
        return {key: value for key, value in bundle.items() if (not include or key in include) and key not in (exclude or ())}


class Audit(Answer):
    """What each format does to the values at each scale, and which scale to start with."""

    @property
    def outcomes(self) -> list[Outcome]:
        return [Outcome(row) for row in self._document["outcomes"]]

    @property
    def tensors(self) -> list[Record]:
        return self.records("tensors")

    @property
    def recommendations(self) -> dict[str, Record]:
        """By format: `init_scale`, `static_scale_log2`, `window_log2`, `verdict` (the sentence), ..."""
        return {row["format"]: row for row in self.records("recommendations")}

    def at(self, format: str, scale: float = 1, *, tensor: str | None = None, step: int | None = None) -> Outcome:
        """The outcome in `format` at `scale`, a power of two, of all elements, of a tensor (with by="tensor") or of a
        step (with by="step"). KeyError where the audit has no such outcome."""
        fraction, exponent = math.frexp(scale)
        scope = "tensor" if tensor is not None else "step" if step is not None else "total"
        for row in self._document["outcomes"]:
            same = (row["scope"], row["format"], row["scale_log2"]) == (scope, format, exponent - 1) and fraction == 0.5
            if same and row["name"] == tensor and (step is None or row["step"] == step):
                return Outcome(row)
        raise KeyError(f"no outcome of scope {scope} in {format} at scale {scale}")


class Cast(Answer):
    """What numbers become in formats: one record for each pair; the attributes are those of the first."""

    @property
    def casts(self) -> list[Record]:
        return self.records("casts")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.casts[0], name)

    def __getitem__(self, key: str) -> Any:
        """A value of the first record, also one whose name is a word of Python: cast["class"]."""
        return self.casts[0][key]

    def __float__(self) -> float:
        """The result of the first cast, to the nearest float64."""
        return float(self.casts[0]["result_decimal"])
