"""Pages in a headless Chromium, of a local cloud that really trained, serves and monitors."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from axe_core_python.selenium import Axe
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

from tests.conftest import LocalCloud
from tests.localcloud.page import demo
from tests.localcloud.page.browser import (
    LONGEST_S,
    chromium,
    drawn,
    photographed,
    resize,
    told,
)

PROJECT = f"web/projects/{demo.PROJECT}"
LATE = f"{PROJECT}/datasets/flights/models/late"
TREES = f"{PROJECT}/datasets/flights/models/late_trees"
ENDPOINT = f"web/{demo.LOCATION}/endpoints/late"
MONITOR = f"web/{demo.LOCATION}/modelMonitors/drift"
CHARTS = {LATE: 3, TREES: 4, MONITOR: 2}
PAGES = (
    "",
    "web/requests",
    PROJECT,
    f"{PROJECT}/datasets/flights",
    LATE,
    ENDPOINT,
    f"web/{demo.LOCATION}/models/late",
    MONITOR,
    "web/nothing",
)

pytestmark = pytest.mark.covers("local cloud: web page")


@pytest.fixture(scope="module")
def url(local_cloud: LocalCloud) -> str:
    if demo.PROJECT not in requests.get(f"{local_cloud.url}/web/", timeout=60).text:
        demo.make(local_cloud.url)
    return local_cloud.url


@pytest.fixture(scope="module")
def shared_browser() -> Iterator[WebDriver]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def browser(shared_browser: WebDriver) -> WebDriver:
    resize(shared_browser, 1200, 1000)
    told(shared_browser)
    shared_browser.get_log("performance")
    return shared_browser


def opened(browser: WebDriver, url: str, path: str) -> None:
    browser.get(f"{url}/{path}")
    if path in CHARTS:
        drawn(browser)


def addresses(browser: WebDriver) -> set[str]:
    """Everything that the browser asked for since this was last called."""
    events = [json.loads(one["message"])["message"] for one in browser.get_log("performance")]
    return {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }


def violations(browser: WebDriver) -> list[Any]:
    found = Axe().run(browser)["violations"]
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]


@pytest.mark.parametrize(("path", "count"), CHARTS.items())
def test_charts_are_drawn_with_nothing_from_elsewhere(
    browser: WebDriver, url: str, path: str, count: int
) -> None:
    opened(browser, url, path)

    plots = browser.find_elements(By.CSS_SELECTOR, "figure.chart .main-svg:first-child")
    assert len(plots) == count
    assert told(browser) == []
    asked = addresses(browser)
    assert f"{url}/web/static/plotly.min.js" in asked
    assert {one for one in asked if not one.startswith((url, "data:", "blob:"))} == set()


def test_a_loss_curve_has_a_point_an_iteration(browser: WebDriver, url: str) -> None:
    opened(browser, url, LATE)

    section = browser.find_element(By.CSS_SELECTOR, "[aria-labelledby=run-1]")
    curves = section.find_elements(By.CSS_SELECTOR, ".scatterlayer .trace")

    points = [len(one.find_elements(By.CSS_SELECTOR, ".points path")) for one in curves]
    assert points == [12, 12]


def test_a_drifted_feature_stands_out(browser: WebDriver, url: str) -> None:
    opened(browser, url, MONITOR)

    rows = browser.find_elements(By.CSS_SELECTOR, "[aria-labelledby=drift] tbody tr")

    found = {row.text.split()[0]: row.text.split()[-1] for row in rows}
    assert found == {"minutes": "drifted", "carrier": "within", "night": "within"}


def test_the_form_predicts(browser: WebDriver, url: str) -> None:
    opened(browser, url, ENDPOINT)
    instances = browser.find_element(By.ID, "instances")
    given = json.loads(instances.get_attribute("value") or "")

    instances.clear()
    instances.send_keys(json.dumps([{"minutes": 999, "carrier": "AA", "night": True}] * 2))
    instances.send_keys(Keys.TAB, Keys.ENTER)
    WebDriverWait(browser, LONGEST_S).until(lambda b: b.find_elements(By.ID, "answer"))

    answer = json.loads(browser.find_element(By.ID, "answer").text)
    assert given == [{"minutes": pytest.approx(499.5, abs=5), "carrier": "a", "night": True}]
    assert [one["predicted_late"] for one in answer["predictions"]] == ["true", "true"]
    assert told(browser) == []


def test_without_javascript_all_but_the_charts_works(url: str) -> None:
    with chromium() as browser:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        browser.get(f"{url}/{LATE}")
        text = browser.find_element(By.TAG_NAME, "main").text
        browser.get(f"{url}/{ENDPOINT}")
        browser.find_element(By.CSS_SELECTOR, "form button").click()
        WebDriverWait(browser, LONGEST_S).until(lambda b: b.find_elements(By.ID, "answer"))
        answer = browser.find_element(By.ID, "answer").text

    assert "roc_auc" in text
    assert "Charts need JavaScript" in text
    assert "predicted_late" in answer


def test_a_description_is_text_and_runs_nowhere(browser: WebDriver, url: str) -> None:
    opened(browser, url, f"{PROJECT}/datasets/flights")

    assert browser.title == "flights · local cloud"
    assert demo.HOSTILE in browser.find_element(By.TAG_NAME, "main").text
    assert told(browser) == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_readable_at_400_pixels(browser: WebDriver, url: str, path: str) -> None:
    resize(browser, 400, 800)
    opened(browser, url, path)

    wider = browser.execute_script("return document.documentElement.scrollWidth - innerWidth")
    assert wider == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_are_accessible(url: str, dark: bool) -> None:
    with chromium(dark=dark) as browser:
        for path in PAGES:
            opened(browser, url, path)
            assert (path, violations(browser)) == (path, [])


def test_the_keyboard_begins_at_the_content(browser: WebDriver, url: str) -> None:
    opened(browser, url, PROJECT)

    browser.switch_to.active_element.send_keys(Keys.TAB)

    assert browser.switch_to.active_element.text == "Skip to the content"


def test_looking_trains_nothing_and_leaves_nothing(
    browser: WebDriver, url: str, local_cloud: LocalCloud
) -> None:
    def kept() -> Any:
        jobs = requests.get(f"{url}/bigquery/v2/projects/{demo.PROJECT}/jobs", timeout=60).json()
        models = sorted(local_cloud.state.glob("bigquery/models/*/*/*/*/*"))
        return len(jobs["jobs"]), [(file, file.stat().st_mtime_ns) for file in models]

    before = kept()
    for path in PAGES:
        opened(browser, url, path)

    assert kept() == before
    assert before[1] != []


def test_a_picture_of_a_model(browser: WebDriver, url: str, tmp_path: Path) -> None:
    file = tmp_path / "model.png"
    opened(browser, url, LATE)

    photographed(browser, file)

    assert file.read_bytes().startswith(b"\x89PNG")
    assert file.stat().st_size > 20_000
