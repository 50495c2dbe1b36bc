# SPDX-License-Identifier: Apache-2.0
"""The program `precision-audit`, and `python -m precision_audit`: the same code, in Python's process."""

import os
import sys

from ._core import run_program


def main() -> None:
    sys.exit(run_program([os.fsencode(word) for word in sys.argv[1:]]))


if __name__ == "__main__":
    main()
