"""The box leaves what holds every word, on the review page as it is written."""

import shutil

import pytest
from jinja2 import Environment

from components.validation.review import TEMPLATE
from components.validation.search_box import search_box


def page() -> str:
    records = [
        {
            "id": f"clinic/{n}",
            "file": f"{n}.png",
            "locator": "",
            "detail": what,
            "decision": "",
            "choice": "",
            "thumbnail": "",
        }
        for n, what in enumerate(("too dark", "too small", "Dark and small"))
    ]
    groups = [{"bin": "quarantined", "reason": "look", "count": 3, "shown": records}]
    return (
        Environment(autoescape=True)
        .from_string(TEMPLATE.read_text())
        .render(source="clinic", groups=groups, decisions={}, find=search_box())
    )


@pytest.mark.slow
def test_the_box_leaves_the_records_that_hold_every_word() -> None:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing; `apt-get install chromium`, as .ci/run does"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shown = browser.new_page()
        shown.set_content(page() + "<details><summary>folded</summary><ul><li>dark row</li></ul></details>")

        def left(words: str) -> list[str]:
            shown.fill("#find", words)
            return [caption.split()[0] for caption in shown.locator("figure:visible figcaption").all_inner_texts()]

        assert left("") == ["clinic/0", "clinic/1", "clinic/2"]
        assert left("DARK") == ["clinic/0", "clinic/2"] and shown.locator("details[open]").count() == 1
        assert left("small dark") == ["clinic/2"] and shown.locator("details[open]").count() == 0
        assert shown.inner_text("#found") == "1 of 4"
        assert left("1.png") == ["clinic/1"]
        browser.close()
