"""The page: nothing from elsewhere, nothing that a strict content policy would stop, nothing parsed as HTML."""

import re
from pathlib import Path

import pytest

from tests.sandbox.people import People

PAGE = Path(__file__).parents[2] / "sandbox" / "page"
MODULES = sorted(PAGE.glob("*.js"))
# Places that text can be parsed as HTML or as a program; the page builds its elements one by one instead.
PARSERS = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|srcdoc")


async def get(people: People, path: str) -> tuple[int, str, dict[str, str]]:
    async with people.http.get(path) as response:
        return response.status, await response.text(), dict(response.headers)


async def test_the_page_and_all_that_it_asks_for_is_served_under_a_strict_policy(people: People):
    for path in ["/", *(f"/{file.name}" for file in PAGE.iterdir())]:
        status, _, headers = await get(people, path)
        assert status == 200, path
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]


def test_the_page_has_no_inline_script_style_or_handler():
    html = (PAGE / "index.html").read_text()
    assert re.findall(r"<script[^>]*>([^<]*)</script>", html) == [""]
    assert "<style" not in html
    assert not re.search(r"\s(?:style|on\w+)=", html)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_module_imports_only_its_neighbours(module: Path):
    for imported in re.findall(r"(?:from|import\() ?\"([^\"]+)\"", module.read_text()):
        assert (PAGE / imported).is_file(), imported


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_nothing_is_parsed_as_html_or_as_a_program(module: Path):
    assert not PARSERS.search(module.read_text())
