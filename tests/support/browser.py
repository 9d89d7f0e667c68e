"""A real browser for tests, which may load nothing: one for all tests of a process."""

from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define, field

CHROMIUM = Path("/usr/bin/chromium")


@define
class Opened:
    """A page in the browser, and what it said and asked for.

    Attributes:
        said: what is on the console, and errors.
        asked: addresses that it wanted from elsewhere.
    """

    page: object
    said: list[str] = field(factory=list)
    asked: list[str] = field(factory=list)

    def __getattr__(self, name):
        return getattr(self.page, name)


@pytest.fixture(scope="session")
def chromium():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM} to show pages in")
    with api.sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--force-color-profile=srgb"]
        )
        yield browser
        browser.close()


@pytest.fixture
def shown(chromium, tmp_path):
    """Show the text of a page, and fail if it said or asked for anything."""
    opened = []

    @contextmanager
    def show(text, where="", **settings):
        path = tmp_path / "page.html"
        path.write_text(text, encoding="ascii")
        context = chromium.new_context(accept_downloads=True, **settings)
        found = Opened(context.new_page())
        found.page.on("console", lambda message: found.said.append(message.text))
        found.page.on("pageerror", lambda error: found.said.append(str(error)))
        found.page.route("**/*", lambda route: _answer(route, found))
        found.page.goto(f"{path.as_uri()}{where}")
        opened.append(found)
        try:
            yield found
        finally:
            context.close()
        assert (found.said, found.asked) == ([], [])

    return show


def _answer(route, found):
    if route.request.url.startswith("file:"):
        route.continue_()
    else:
        found.asked.append(route.request.url)
        route.abort()
