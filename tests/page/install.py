"""Sets up the browser of the page's tests: `python -m tests.page.install`, with the standard library only."""

from __future__ import annotations

from tests.engine.install import install_packages
from tests.page.browser import program

if __name__ == "__main__" and program() is None:
    install_packages(["chromium"], "the test of the page")
