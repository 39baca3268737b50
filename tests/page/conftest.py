"""One browser for all tests of the page; a test that needs it fails where it does not start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.page.browser import Browser, Page, running_browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Open:
    """Opens a file in a page of its own, in light colours, and waits until its picture is laid out."""

    def opening(place: Path, *, laid_out: bool = True, **size: int) -> Page:
        browser.events.clear()
        page = browser.open(place, **size)
        page.media(prefers_color_scheme="light")
        if laid_out:
            page.until("document.documentElement.dataset.ready")
        return page

    return opening
