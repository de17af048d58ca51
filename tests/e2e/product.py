"""The whole product as tests use it, and the people who meet it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from core.settings import PROJECT

PICTURES = PROJECT / "test-results"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


@dataclass
class Product:
    """The running product and its command line."""

    environment: dict[str, str]
    url: str
    administrator_password: str

    def teller(self, *arguments: str, ok: bool = True) -> Any:
        """The JSON that a `teller` command prints."""
        command = [sys.executable, "-m", "app.cli", *arguments, "--json"]
        result = subprocess.run(
            command, env=self.environment, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False
        )
        assert (result.returncode == 0) == ok, result.stderr
        return json.loads(result.stdout) if ok else json.loads(result.stderr)

    def pid_of(self, process: str) -> int:
        status = self.teller("status")
        return int(next(row["pid"] for row in status["processes"] if row["name"] == process))


@dataclass
class People:
    """Opens a browser of its own for every person of a test."""

    browser: Browser
    product: Product
    contexts: list[BrowserContext]

    def _page(self, viewport: dict[str, int]) -> Page:
        context = self.browser.new_context(viewport=viewport, locale="zh-CN")  # type: ignore[arg-type]
        context.set_default_timeout(20_000)
        self.contexts.append(context)
        return context.new_page()

    def customer(self, viewport: dict[str, int] = DESKTOP) -> Page:
        page = self._page(viewport)
        page.goto(self.product.url)
        page.get_by_role("button", name="转人工").first.wait_for()
        return page

    def agent(self, name: str, viewport: dict[str, int] = DESKTOP) -> Page:
        account = self.product.teller("user", "add", name, "--role", "agent", "--display-name", "李晓雯")
        page = self._page(viewport)
        page.goto(f"{self.product.url}/console/")
        page.fill("#username", name)
        page.fill("#password", account["password"])
        page.get_by_role("button", name="登录").click()
        page.get_by_role("switch", name="工作状态").click()
        return page


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like; the pictures are artefacts of the run."""
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")
