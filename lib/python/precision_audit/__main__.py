# SPDX-License-Identifier: Apache-2.0
"""python -m precision_audit: the program that was installed beside this package."""

import os
import shutil
import sys
import sysconfig


def main() -> None:
    name = "precision-audit"
    folders = [sysconfig.get_path("scripts"), os.path.dirname(sys.executable), os.path.expanduser("~/.local/bin")]
    program = shutil.which(name, path=os.pathsep.join(folders)) or shutil.which(name)
    if program is None:
        sys.exit(f"precision_audit: the program {name} is not beside {sys.executable}; pip install precision-audit puts it there")
    os.execv(program, [name, *sys.argv[1:]])


if __name__ == "__main__":
    main()
