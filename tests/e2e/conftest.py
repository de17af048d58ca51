"""The whole product, started as an operator starts it, on ports of its own, with a data folder of its own."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from product import People, Product

from core.settings import PROJECT, get_settings

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
START_SECONDS = 900
PORTS = [f"TELLER_{name}" for name in ("PORT", "KB_PORT", "RASA_PORT", "ACTION_PORT", "ASR_PORT", "VOICE_PORT")]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _data_folder() -> Path:
    """A fresh database beside the models that set-up made; the search index is kept from run to run."""
    folder = PROJECT / "var" / "test"
    for old in folder.glob("teller.db*"):
        old.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    source = get_settings().data_dir
    for name in ("models", "setup"):
        link = folder / name
        if link.is_symlink():
            link.unlink()
        link.symlink_to(source / name)
    if not (folder / "kb").exists() and (source / "kb").exists():
        shutil.copytree(source / "kb", folder / "kb")
    return folder


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    folder = _data_folder()
    ports = dict(zip(PORTS, map(str, _free_ports(len(PORTS))), strict=True))
    environment = {**os.environ, **ports, "TELLER_DATA_DIR": str(folder), "TELLER_LOG_FORMAT": "json"}
    up = [sys.executable, "-m", "app.cli", "up", "--detach", "--json"]
    down = [sys.executable, "-m", "app.cli", "down", "--json"]
    started = subprocess.run(
        up, env=environment, cwd=PROJECT, capture_output=True, text=True, timeout=START_SECONDS, check=False
    )
    try:
        assert started.returncode == 0, started.stderr
        body = json.loads(started.stdout)
        yield Product(environment, f"http://127.0.0.1:{ports['TELLER_PORT']}", body["administrator"]["password"])
    finally:
        subprocess.run(down, env=environment, cwd=PROJECT, capture_output=True, timeout=60, check=False)


# Not for the whole session: while it is open its event loop runs, and no other test could start one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def people(browser: Browser, product: Product) -> Iterator[People]:
    people = People(browser, product, [])
    yield people
    for context in people.contexts:
        context.close()
