"""A plugin of pytest: the fixture `bqvertex_local`, a local cloud for tests.

One local cloud a process is started with the first test that asks for it, and leaves nothing. Each
test has a project of its own, so nothing of one test is seen by another, whatever runs beside it;
pytest-xdist's workers have a local cloud each.
"""

import functools
import json
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.cloud import bigquery

LONGEST_S = 300
"""The first start on a machine compiles ZetaSQL."""


@dataclass(frozen=True)
class LocalServer:
    """A running local cloud.

    Attributes:
        url: Its address, such as `http://127.0.0.1:41234`.
        grpc_address: The address of gRPC without TLS.
        state: Its state directory, which is deleted in the end.
    """

    url: str
    grpc_address: str
    state: str


@dataclass
class LocalTestCloud:
    """What a test has of the local cloud.

    Attributes:
        server: The local cloud.
        project: The test's own project.
        location: Where Vertex AI is asked for; data sets are in `US` unless a test says otherwise.
    """

    server: LocalServer
    project: str
    location: str = "us-central1"

    @property
    def url(self) -> str:
        """The address of REST."""
        return self.server.url

    @functools.cached_property
    def credentials(self) -> "Credentials":
        """Credentials that clients of Google's take; nothing checks them."""
        from google.auth.credentials import AnonymousCredentials

        return AnonymousCredentials()

    @functools.cached_property
    def bigquery(self) -> "bigquery.Client":
        """A client of BigQuery."""
        from google.cloud import bigquery

        return bigquery.Client(
            project=self.project,
            credentials=self.credentials,
            client_options={"api_endpoint": self.url},
        )

    def init_aiplatform(self) -> Any:
        """Points the Vertex AI SDK at the test's project, and returns `google.cloud.aiplatform`."""
        from google.cloud import aiplatform

        aiplatform.init(
            project=self.project,
            location=self.location,
            credentials=self.credentials,
            api_endpoint=self.url,
            api_transport="rest",
        )
        return aiplatform

    def fault(self, **fault: Any) -> None:
        """Lets requests go wrong, until the end of the test.

        Args:
            **fault: See `localcloud.admin.fault.Fault`, such as
                `path=":predict$", status="UNAVAILABLE", times=2`.

        Raises:
            ValueError: It is no fault, or `exit`; the message says why.
        """
        if "exit" in fault:
            raise ValueError(
                "exit ends the local cloud that other tests of this process use: start one of its "
                "own with `bqvertex local start --ephemeral` and POST the fault to /admin/faults"
            )
        self._admin("POST", "faults", fault)

    def clear_faults(self) -> None:
        """Lets all go well again."""
        self._admin("DELETE", "faults")

    def requests(self) -> Sequence[dict[str, Any]]:
        """The requests of this test: `method`, `path`, `status`, `milliseconds`.

        Those that name its project; the last 1,000 of the process are remembered.
        """
        seen = self._admin("GET", "requests")["requests"]
        return [one for one in seen if self.project in one["path"]]

    def _admin(self, method: str, what: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/admin/{what}", data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=LONGEST_S) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            told = json.load(error)["error"]
            raise ValueError(f"{told['message']} {json.dumps(told.get('details', []))}") from error


@pytest.fixture(scope="session")
def bqvertex_local_server() -> Iterator[LocalServer]:
    """The process's local cloud, without a project of its own."""
    command = [sys.executable, "-m", "localcloud"]
    started = subprocess.run(
        [*command, "start", "--ephemeral", "--json"],
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    if started.returncode:
        pytest.fail(f"the local cloud did not start:\n{started.stderr}", pytrace=False)
    told = json.loads(started.stdout)
    yield LocalServer(told["url"], (told.get("grpc") or {}).get("address", ""), told["state"])
    subprocess.run(
        [*command, "stop", "--state", told["state"]],
        capture_output=True,
        timeout=LONGEST_S,
        check=True,
    )


@pytest.fixture
def bqvertex_local(bqvertex_local_server: LocalServer) -> Iterator[LocalTestCloud]:
    """A local cloud with nothing in it: a project of this test's own."""
    cloud = LocalTestCloud(bqvertex_local_server, f"test-{uuid.uuid4().hex[:20]}")
    yield cloud
    cloud.clear_faults()
    if "bigquery" in cloud.__dict__:
        cloud.bigquery.close()  # type: ignore[no-untyped-call]
