"""Pages as HTML, of control planes in this process."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from localcloud.page import shown
from localcloud.server import LocalCloud
from tests.localcloud.conftest import LOCATION, URL, Cloud, FakeBigQuery, FakeEngine

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ENDPOINT = f"/web/{LOCATION}/endpoints/e"

pytestmark = pytest.mark.covers("local cloud: web page")


def page(cloud: Cloud, path: str, status: int = 200) -> str:
    reply = cloud.send("GET", path, headers=BROWSER)
    assert (reply.status_code, reply.headers["content-type"]) == (
        status,
        "text/html; charset=utf-8",
    ), reply.text
    return reply.text


def served(cloud: Cloud) -> None:
    cloud.register()
    cloud.endpoint()
    cloud.deploy(f"{LOCATION}/endpoints/e", "1", {"0": 100})


def tried(cloud: Cloud, instances: str) -> httpx.Response:
    return cloud.send("POST", ENDPOINT, data={"instances": instances}, headers=BROWSER)


def test_the_root_is_a_page_to_browsers_and_json_to_all_others(cloud: Cloud) -> None:
    html = page(cloud, "/")
    others = [
        cloud.send("GET", "/", headers={"accept": accept}).json()["project"]
        for accept in ("*/*", "application/json")
    ]

    assert '<a href="/web/projects/local-project">local-project</a>' in html
    assert others == ["local-project", "local-project"]


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ("/web/nothing", "Begin at the start page"),
        ("/web/projects/absent-project", "local-project is"),
        ("/web/projects/local-project/datasets/absent", "CREATE SCHEMA"),
        ("/web/projects/local-project/datasets/ds/models/absent", "CREATE MODEL"),
        (f"/web/{LOCATION}/endpoints/absent", "deleted or never made"),
        ("/web/static/absent.js", "Begin at the start page"),
        ("/web/static/../page.py", "Begin at the start page"),
    ],
)
def test_what_is_not_there_is_a_page_that_says_what_to_do(
    cloud: Cloud, path: str, advice: str
) -> None:
    assert advice in page(cloud, path, 404)


def test_looking_at_a_project_makes_none(cloud: Cloud) -> None:
    page(cloud, "/web/projects/absent-project", 404)

    assert "absent-project" not in page(cloud, "/")


def test_texts_of_resources_are_escaped(cloud: Cloud) -> None:
    name = f"{LOCATION}/endpoints?endpointId=e"
    assert cloud.call("POST", name, {"displayName": "<script>alert(1)</script>"}).status == 200

    pages = [
        page(cloud, path)
        for path in (
            "/web/projects/local-project",
            "/web/projects/local-project/datasets/ds",
            ENDPOINT,
        )
    ]

    assert all("&lt;script&gt;alert(1)&lt;/script&gt;" in html for html in pages)
    assert not any("<script>alert" in html for html in pages)


def test_a_browser_is_told_to_load_nothing_from_elsewhere(cloud: Cloud) -> None:
    served(cloud)

    reply = cloud.send("GET", ENDPOINT, headers=BROWSER)

    assert reply.headers["content-security-policy"].startswith("default-src 'none'")
    linked = re.findall(r'(?:src|href|action)="([^"]*)"', reply.text)
    assert {one for one in linked if not one.startswith(("/web/", "#", "data:,"))} == set()


def test_an_endpoint_shows_its_traffic_and_links_to_the_model(cloud: Cloud) -> None:
    served(cloud)

    html = page(cloud, ENDPOINT)

    assert "flex-grow: 100" in html
    assert f'href="/web/{LOCATION}/models/m"' in html
    assert 'href="/web/projects/local-project/datasets/ds/models/m"' in html


def test_a_registered_model_shows_versions_and_aliases(cloud: Cloud) -> None:
    cloud.register(aliases=["champion"])

    html = page(cloud, f"/web/{LOCATION}/models/m")

    assert re.findall(r'<span class="chip">([^<]*)</span>', html) == ["champion", "default"]


def test_a_project_is_found_by_its_number_too(cloud: Cloud) -> None:
    cloud.endpoint()

    assert "<h1>local-project</h1>" in page(cloud, "/web/projects/1234567890")
    assert "<h1>e " in page(cloud, "/web/projects/1234567890/locations/us-central1/endpoints/e")


def test_the_form_predicts_as_a_client_would(cloud: Cloud) -> None:
    served(cloud)

    reply = tried(cloud, '[{"x": 2}]')
    seen = cloud.get("/admin/requests")["requests"][-1]

    assert reply.status_code == 200
    assert "local-bqml://local-project/ds/m/t1" in reply.text
    assert (seen["method"], seen["path"], seen["status"]) == (
        "POST",
        f"/v1/{LOCATION}/endpoints/e:predict",
        200,
    )


def test_the_form_shows_why_there_is_no_prediction(cloud: Cloud) -> None:
    served(cloud)

    assert "The instances are no JSON" in tried(cloud, "[{x: 2}]").text
    assert "column x is missing" in tried(cloud, '[{"y": 2}]').text


def test_a_form_that_is_posted_elsewhere_is_refused(cloud: Cloud) -> None:
    assert cloud.send("POST", f"/web/{LOCATION}/models/m", data={"a": "b"}).status_code == 404
    assert cloud.send("DELETE", ENDPOINT).status_code == 405


def test_faults_hit_the_form_and_no_page(cloud: Cloud) -> None:
    served(cloud)
    cloud.call("POST", "/admin/faults", {"status": "UNAVAILABLE", "message": "out of order"})

    html = page(cloud, "/web/requests")

    assert "status = UNAVAILABLE" in html
    assert "out of order" in tried(cloud, '[{"x": 2}]').text


def test_requests_are_shown_and_looking_is_none(cloud: Cloud) -> None:
    cloud.call("GET", "projects/local-project?key=hush")
    before = len(cloud.get("/admin/requests")["requests"])

    html = page(cloud, "/web/requests")
    page(cloud, "/")

    assert "/v1/projects/local-project?key=(hidden)" in html
    assert "hush" not in html
    assert len(cloud.get("/admin/requests")["requests"]) == before


def test_resources_of_a_kind_without_a_page_of_its_own_are_shown(cloud: Cloud) -> None:
    name = f"{LOCATION}/customJobs/7"
    environment = [{"name": "API_TOKEN_SECRET", "value": "hush"}, {"name": "EPOCHS", "value": "3"}]
    job = {
        "name": name,
        "displayName": "train",
        "state": "JOB_STATE_FAILED",
        "createTime": "2026-01-02T03:04:05.000000Z",
        "error": {"message": "out of memory"},
        "jobSpec": {"env": environment},
        "localArtifactUri": "private",
    }
    cloud.server.store.put(name, job)
    cloud.server.store.put(f"{LOCATION}/novelties/1", {"name": f"{LOCATION}/novelties/1"})

    listed = page(cloud, "/web/projects/local-project")
    html = page(cloud, f"/web/{name}")

    assert "Custom jobs" in listed
    assert "novelties" in listed
    assert "out of memory" in html
    assert "EPOCHS" in html
    assert "hush" not in html
    assert "private" not in html


def test_while_bigquery_opens_pages_say_so(tmp_path: Path) -> None:
    server = LocalCloud(
        tmp_path, base_url=lambda: URL, bigquery=lambda *_: FakeBigQuery(FakeEngine())
    )
    cloud = Cloud(server, FakeEngine())
    project = page(cloud, "/web/projects/local-project")
    dataset = page(cloud, "/web/projects/local-project/datasets/ds", 503)
    server.close()

    assert "BigQuery is still opening" in project
    assert "BigQuery is not open yet" in dataset


def test_a_start_imports_no_library_of_the_pages() -> None:
    code = (
        "import sys, localcloud.serving; "
        "print([n for n in ('jinja2', 'plotly', 'localcloud.page.page') if n in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_secrets_are_hidden_wherever_they_are() -> None:
    given = {"a": [{"password": "x", "plain": "y"}], "accessToken": "z", "pageToken": "t"}

    assert shown.shown(given) == {
        "a": [{"password": shown.HIDDEN, "plain": "y"}],
        "accessToken": shown.HIDDEN,
        "pageToken": "t",
    }
