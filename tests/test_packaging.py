"""The package's outside: its one version, its dependencies, the kernels' link. ci/wheel checks what gets built."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import tensorgrad
import tensorgrad.kernels

ROOT = Path(__file__).resolve().parents[1]
KERNELS = ROOT / "kernels"
from_a_checkout = pytest.mark.skipif(not KERNELS.is_dir(), reason="an sdist holds tensorgrad/kernels as real files")


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def names(requirements: list[str]) -> set[str]:
    """Distribution names, without extras and versions."""
    return {requirement.split("[")[0].split(">")[0].split("=")[0].strip() for requirement in requirements}


def test_version_is_written_once(pyproject: dict[str, Any]) -> None:
    assert "version" not in pyproject["project"]
    assert pyproject["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "tensorgrad._version.__version__"}
    written = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tensorgrad").rglob("*.py")
        if f'"{tensorgrad.__version__}"' in path.read_text(encoding="utf-8")
    ]
    assert written == ["tensorgrad/_version.py"]


def test_core_dependencies_stay_three(pyproject: dict[str, Any]) -> None:
    assert names(pyproject["project"]["dependencies"]) == {"numpy", "scipy", "numba"}


def test_documented_extras_exist(pyproject: dict[str, Any]) -> None:
    extras = pyproject["project"]["optional-dependencies"]
    assert set(extras) == {"cuda12", "cuda13", "train", "test", "peers", "lint", "dev"}
    assert names(extras["cuda12"]) == {"cupy-cuda12x"}
    assert names(extras["cuda13"]) == {"cupy-cuda13x"}


def test_entry_point_leads_to_a_function(pyproject: dict[str, Any]) -> None:
    module, function = pyproject["project"]["scripts"]["tensorgrad"].split(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_every_public_name_exists() -> None:
    assert len(set(tensorgrad.__all__)) == len(tensorgrad.__all__)
    assert [name for name in tensorgrad.__all__ if not hasattr(tensorgrad, name)] == []


def test_types_are_announced() -> None:
    assert (Path(tensorgrad.__file__).parent / "py.typed").is_file()


@from_a_checkout
def test_kernels_are_one_folder_behind_a_link() -> None:
    link = ROOT / "tensorgrad" / "kernels"
    assert link.is_symlink()
    assert str(link.readlink()) == "../kernels"
    assert not (ROOT / "tests" / "kernels").exists()  # would shadow the real one in pytest's eyes


@from_a_checkout
@pytest.mark.parametrize("name", ["kernels", "kernels.registry"])
def test_kernels_refuse_another_name(name: str) -> None:
    command = [sys.executable, "-c", f"import {name}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "ImportError" in done.stderr
    assert "this package is tensorgrad.kernels, but it was imported as 'kernels'" in done.stderr


def absolute_imports(source: str) -> set[str]:
    """Top-level packages that a module imports by absolute name, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def escapes(source: str, depth: int) -> bool:
    """Whether a relative import leaves tensorgrad.kernels, for a module `depth` packages below it."""
    return any(isinstance(node, ast.ImportFrom) and node.level > depth + 1 for node in ast.walk(ast.parse(source)))


def test_kernels_import_nothing_of_tensorgrad() -> None:
    folder = Path(str(tensorgrad.kernels.__file__)).parent
    modules = sorted(folder.rglob("*.py"))
    assert modules
    for path in modules:
        source = path.read_text(encoding="utf-8")
        assert not absolute_imports(source) & {"tensorgrad", "kernels"}, path
        assert not escapes(source, len(path.relative_to(folder).parts) - 1), path


def test_the_import_check_sees_what_it_looks_for() -> None:
    assert absolute_imports("def f():\n    from tensorgrad.core import node\n    import kernels.cpu") == {
        "tensorgrad",
        "kernels",
    }
    assert escapes("from ..core import node", depth=0)
    assert not escapes("from ..registry import kernel", depth=1)


@pytest.mark.parametrize("page", ["README.md", "ci/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    file = ROOT / page
    links = re.findall(r"\]\(([^)#]+)\)", file.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (file.parent / link).exists()] == []
