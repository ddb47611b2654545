"""Write MAP.md: one line for every folder, and for every file of the base and the kernel.

The line is the first sentence of what the folder or file says of itself: the docstring of a module or of
``__init__.py``, or else the first plain line of the folder's README.md. Nothing is written by hand.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHELVES = ("src", "tests", "scripts", "bench", "docs")
SKIPPED = {"__pycache__", "node_modules", "results"}
# Folders whose insides are told file by file.
OPEN = ("src/yucun/base", "src/yucun/kernel")
# Folders whose meaning is fixed by the shape of a service or of a page, so that none needs to repeat it.
FIXED = {
    "cockpits": "Screens: tiles that name indicators, queues that name cases.",
    "figures": "Dated tables of a place, each cell with its source.",
    "pictures": "Drawings and icons of our own.",
    "pages": "What tiles cannot express: forms, desks, boards.",
    "templates": "Jinja templates.",
    "styles": "Style sheets.",
    "modules": "ES modules.",
}
HEAD = """# Map

One line for every folder, and for every file of the base and the kernel. Written by `make docs` from what each
says of itself; a test keeps it true.
"""


class Untold(Exception):
    """A folder or file that says nothing of itself."""


def list_files(root: Path = ROOT) -> list[str]:
    """Return every file that is ours, as paths from the root, sorted; what tools leave behind is not ours."""
    found = [path.name for path in root.iterdir() if path.is_file() and path.name != ".git"]
    for shelf in (*SHELVES, ".ci"):
        for folder, folders, files in os.walk(root / shelf):
            folders[:] = [name for name in folders if name not in SKIPPED and not name.startswith(".")]
            found += [(Path(folder) / file).relative_to(root).as_posix() for file in files]
    return sorted(found)


def first_sentence(text: str) -> str:
    """Return the first plain line of a docstring or README, without marks."""
    for line in text.splitlines():
        plain = line.strip().replace("``", "`")
        if plain and not plain.startswith(("#", "!", "<", "[")):
            return plain
    return ""


def tell_module(path: Path) -> str:
    """Return the first line of a module's docstring, or nothing."""
    return first_sentence(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")


def tell_folder(folder: Path) -> str:
    """Return what a folder says of itself."""
    init, readme = folder / "__init__.py", folder / "README.md"
    told = tell_module(init) if init.exists() else ""
    if not told and readme.exists():
        told = first_sentence(readme.read_text(encoding="utf-8"))
    told = told or FIXED.get(folder.name, "")
    if not told:
        raise Untold(f"{folder}: says nothing of itself; give it a README.md or an __init__.py with a docstring")
    return told


def list_lines(root: Path) -> Iterator[str]:
    """Yield the map's lines, folders and files in the order of their names."""
    files = [path for path in list_files(root) if "/" in path and not path.startswith(".")]
    folders = {str(parent) for path in files for parent in Path(path).parents if str(parent) != "."}
    folders -= {folder for folder in folders if "/vendor/" in folder or folder == "src"}
    modules = [path for path in files if path.startswith(OPEN) and path.endswith(".py")]
    for path in sorted(folders | {path for path in modules if not path.endswith("__init__.py")}):
        if "/" not in path or path == "src/yucun":
            yield f"\n## {path}/\n\n{tell_folder(root / path)}\n"
            continue
        indent = "  " * (path.count("/") - (2 if path.startswith("src/") else 1))
        if path in folders:
            yield f"{indent}- **{Path(path).name}/** {tell_folder(root / path)}"
        elif told := tell_module(root / path):
            yield f"{indent}- [{Path(path).name}]({path}) {told}"
        else:
            raise Untold(f"{path}: says nothing of itself; give it a docstring")


def build_map(root: Path = ROOT) -> str:
    """Return the whole of MAP.md."""
    return re.sub(r"\n{3,}", "\n\n", HEAD + "\n".join(list_lines(root)) + "\n").rstrip() + "\n"


if __name__ == "__main__":
    try:
        (ROOT / "MAP.md").write_text(build_map(), encoding="utf-8")
    except Untold as error:
        sys.exit(str(error))
    print("MAP.md")
