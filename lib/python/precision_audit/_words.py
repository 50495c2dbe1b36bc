# SPDX-License-Identifier: Apache-2.0
"""Arguments as the words of the command line, which alone knows what they mean."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

REPEATED = {"select", "fail_on", "param"}  # options that are given once for each value; of others, lists have commas


def word(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return str(int(value))
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def words(**options: Any) -> list[str]:
    """--name=value of each that is not None; True is a flag; (low, high) of `scales` is a range."""
    found: list[str] = []
    for key, value in options.items():
        name = "--" + key.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            found.append(name)
        elif key == "scales" and isinstance(value, (tuple, list)):
            low, high = value
            found.append(f"{name}={word(low)}:{word(high)}")
        elif isinstance(value, Iterable) and not isinstance(value, (str, os.PathLike)):
            each = [word(item) for item in value]
            found += [f"{name}={item}" for item in each] if key in REPEATED else [f"{name}={','.join(each)}"]
        else:
            found.append(f"{name}={word(value)}")
    return found
