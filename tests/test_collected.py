"""All tests run: pytest passes over folders of some names without a word."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest


def test_no_folder_of_tests_is_passed_over(pytestconfig: pytest.Config) -> None:
    here = Path(__file__).parent
    passed_over = pytestconfig.getini("norecursedirs")
    files = [path.relative_to(here) for path in here.rglob("test_*.py")]
    assert len(files) > 100
    assert not [path for path in files if any(fnmatch(part, one) for part in path.parts[:-1] for one in passed_over)]
    assert all((here / path.parent / "__init__.py").exists() for path in files)
