"""A visitor in a real browser."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page
from portal_bench import PASSWORD

PICTURES = os.environ.get("WATTSEAL_PICTURES")


class Desk:
    """One browser's page; every complaint of the browser and every request is kept."""

    def __init__(self, browser: Any, url: str, width_px: int = 420) -> None:
        self.context = browser.new_context(
            base_url=url, viewport={"width": width_px, "height": 800}, accept_downloads=False
        )
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[Any] = []
        self.page.on("console", lambda m: self.complaints.append(f"{m.type}: {m.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def sign_up(self, name: str, meter: bytes) -> None:
        self.page.goto("/sign-up")
        self.page.get_by_label("Meter id").fill(meter.hex())
        self.page.get_by_label("User name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.look("sign-up")
        self.page.get_by_role("button", name="Sign up").click()
        self.page.get_by_text("logged on as").wait_for()

    def hand_over(self, file: Path) -> None:
        self.page.goto("/hand-over")
        self.page.get_by_label("File").set_input_files(file)
        self.page.get_by_label("This website may read it").check()
        self.look("hand-over")
        self.page.get_by_role("button", name="Hand over").click()

    def reload(self) -> None:
        """A page that follows an export may load itself anew just then: that is a load, too."""
        with suppress(Error):
            self.page.reload()
        self.page.wait_for_load_state()

    def see_results(self) -> None:
        """Of an export that the website opens. A page that is loaded when it is over stays, and
        has a link."""
        self.page.locator("a.button[href='/results'], h2:has-text('Load curve')").first.wait_for()
        self.page.goto("/results")

    def look(self, name: str) -> None:
        """Nothing may scroll sideways on a telephone, and every field has a label."""
        sideways = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert sideways <= 0, name
        unnamed = self.page.evaluate(
            "[...document.querySelectorAll('input:not([type=hidden]),select')]"
            ".filter(e => !e.labels.length && !e.ariaLabel).length"
        )
        assert not unnamed, name
        assert self.page.evaluate("document.documentElement.lang") == "en"
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
