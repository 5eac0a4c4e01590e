"""compare_wheels.py TREE WHEEL WHEEL...: every wheel holds the same files, and the package files that TREE holds."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

MUST_BE_THERE = ("tensorgrad/py.typed", "tensorgrad/kernels/__init__.py")


def files_of_wheel(wheel: str) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    return {name: data for name, data in files.items() if not name.endswith(".dist-info/RECORD")}


def files_of_tree(tree: Path) -> dict[str, bytes]:
    """The package's files, seen through its symbolic links."""
    found: dict[str, bytes] = {}
    folders = [tree / "tensorgrad"]
    while folders:
        for path in folders.pop().iterdir():
            if path.name == "__pycache__":
                continue
            if path.is_dir():
                folders.append(path)
            else:
                found[path.relative_to(tree).as_posix()] = path.read_bytes()
    return found


def differences(name: str, found: dict[str, bytes], expected: dict[str, bytes]) -> list[str]:
    missing = [f"{name}: {file} is missing" for file in expected.keys() - found.keys()]
    extra = [f"{name}: {file} should not be there" for file in found.keys() - expected.keys()]
    other = [f"{name}: {file} has other contents" for file in found.keys() & expected.keys()
             if found[file] != expected[file]]
    return sorted(missing + extra + other)


def main(tree: str, *wheels: str) -> int:
    expected = files_of_tree(Path(tree))
    problems = [f"{tree}: {file} is missing" for file in MUST_BE_THERE if file not in expected]
    contents = [files_of_wheel(wheel) for wheel in wheels]
    for wheel, files in zip(wheels, contents, strict=True):
        package = {file: data for file, data in files.items() if ".dist-info/" not in file}
        problems += differences(wheel, package, expected)
        problems += differences(wheel, files, contents[0])
        if not any(file.endswith(".dist-info/licenses/LICENSE") for file in files):
            problems.append(f"{wheel}: no licence")
    print("\n".join(problems) or f"{len(wheels)} wheels hold the same {len(expected)} package files as the repository")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
