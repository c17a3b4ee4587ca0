"""A headless Chromium, and how it must be there."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

LONGEST_S = 60
PROGRAMS = (("chromium", "chromium-browser", "google-chrome"), ("chromedriver",))
ADVICE = (
    "install them with `apt-get install chromium chromium-driver` (CI: .ci/run does it as root)"
)


class NoChromium(RuntimeError):
    """A test of the page needs a browser that this machine does not have."""


def _found(names: tuple[str, ...]) -> str:
    for name in names:
        if path := shutil.which(name):
            return path
    raise NoChromium(f"the web page is tested in Chromium, and {names[0]} is not on PATH: {ADVICE}")


@contextmanager
def chromium(*, dark: bool = False, width: int = 1200, height: int = 1000) -> Iterator[WebDriver]:
    """Opens a browser with an empty profile.

    Args:
        dark: Whether pages are asked for in dark colours.
        width: Of the window, in pixels.
        height: Of the window, in pixels.
    """
    program, driver = (_found(names) for names in PROGRAMS)
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        # Chromium's sandbox refuses root, which is who containers run as.
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]},
        )
        resize(browser, width, height)
        yield browser
    finally:
        browser.quit()


def resize(browser: WebDriver, width: int, height: int) -> None:
    """Give pages another width; a window cannot be as narrow as a telephone."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def drawn(browser: WebDriver) -> None:
    """Wait until the page's charts are drawn."""
    script = "return document.documentElement.dataset.charts"
    WebDriverWait(browser, LONGEST_S).until(lambda b: b.execute_script(script) == "drawn")


def photographed(browser: WebDriver, file: Path) -> None:
    """Write a picture of the whole page."""
    size = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
    width = browser.execute_script("return window.innerWidth")
    resize(browser, width, int(size["height"]))
    assert browser.save_screenshot(str(file))


def told(browser: WebDriver) -> list[Any]:
    """Errors and warnings of the console since it was last asked."""
    return [entry for entry in browser.get_log("browser") if entry["level"] != "INFO"]
