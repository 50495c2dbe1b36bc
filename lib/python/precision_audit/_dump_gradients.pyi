# SPDX-License-Identifier: Apache-2.0
# tools/dump_gradients.py, which is installed as it is.
from collections.abc import Callable, Container
from contextlib import AbstractContextManager
from os import PathLike
from typing import Any

def unused(name: str, taken: Container[str]) -> str: ...

class OutputWatch:
    calls: dict[str, int]
    known: set[Any]
    is_on: bool
    def __init__(self, model: Any, keep: Callable[[str, Any], None]) -> None: ...
    def remove(self) -> None: ...

def dump_gradients(model: Any, path: str | PathLike[str], **metadata: object) -> AbstractContextManager[None]: ...
