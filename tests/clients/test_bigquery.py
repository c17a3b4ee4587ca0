"""The real client against a server that answers as scripted, over real HTTP."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

import pytest
from bqvertex.clients import errors
from bqvertex.clients.bigquery import CopyRequest, DryRun, Job, LoadRequest, QueryRequest
from bqvertex.clients.bigquery.google_client import GoogleBigQuery
from bqvertex.clients.bigquery.refusals import failed_job, job_error
from bqvertex.clients.settings import CloudSettings

JOBS = "/bigquery/v2/projects/acme/jobs"
MODEL = "/bigquery/v2/projects/acme/datasets/flights/models/delay"
REQUEST = QueryRequest(
    job_id="bqvertex_train_1",
    project="acme",
    location="us-central1",
    sql="CREATE MODEL `acme.flights.delay` OPTIONS (model_type = 'LINEAR_REG') AS SELECT 1",
)


@dataclass
class Answers:
    """A server's script: what it answers to the next requests, and what it was asked."""

    script: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def client(self) -> GoogleBigQuery:
        return GoogleBigQuery(CloudSettings(self.url), sleep=lambda _: None)

    @property
    def paths(self) -> list[str]:
        return [f"{verb} {path}" for verb, path, _ in self.asked]


@pytest.fixture
def server(monkeypatch) -> Iterator[Answers]:
    # Google's retries wait by `time.sleep`; the waits are its own and not under test here.
    monkeypatch.setattr("google.api_core.retry.retry_unary.time.sleep", lambda _: None)
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            path = self.path.partition("?")[0]
            answers.asked.append((self.command, path, json.loads(body) if body else None))
            answers.headers.append(dict(self.headers))
            status, reply = answers.script.pop(0)
            if status == 0:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            payload = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with _serving(Handler) as url:
        answers.url = url
        yield answers


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def refusal(status: int, reason: str, message: str = "No.") -> tuple[int, Any]:
    entry = {"reason": reason, "message": message, "domain": "global"}
    return status, {"error": {"code": status, "message": message, "errors": [entry]}}


def job(state: str, **more: Any) -> tuple[int, Any]:
    return 200, {
        "jobReference": {"projectId": "acme", "jobId": REQUEST.job_id, "location": "us-central1"},
        "configuration": {"query": {"query": REQUEST.sql, "useLegacySql": False}},
        "status": {"state": state, **more.pop("status", {})},
        "statistics": {"creationTime": "1767225600000", **more},
    }


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(refusal(404, "notFound"), errors.NotFound, id="404"),
        pytest.param(refusal(403, "accessDenied"), errors.PermissionDenied, id="403"),
        pytest.param(refusal(403, "quotaExceeded"), errors.QuotaExceeded, id="403-quota"),
        pytest.param(refusal(400, "quotaExceeded"), errors.QuotaExceeded, id="400-quota"),
        pytest.param(refusal(400, "invalidQuery"), errors.InvalidRequest, id="400"),
        pytest.param(refusal(400, "resourceInUse"), errors.FailedPrecondition, id="400-in-use"),
        pytest.param(refusal(412, "conditionNotMet"), errors.FailedPrecondition, id="412"),
        pytest.param(refusal(409, "duplicate"), errors.AlreadyExists, id="409"),
        pytest.param(refusal(501, "notImplemented"), errors.InvalidRequest, id="501"),
        pytest.param(refusal(403, "responseTooLarge"), errors.InvalidRequest, id="403-too-large"),
        pytest.param(refusal(400, "resourcesExceeded"), errors.JobFailed, id="400-resources"),
        pytest.param(
            refusal(400, "bytesBilledLimitExceeded"), errors.FailedPrecondition, id="400-limit"
        ),
        pytest.param(refusal(418, "teapot"), errors.CloudError, id="unheard-of"),
    ],
)
def test_the_reason_decides_and_then_the_status(server, answer, kind):
    server.script = [answer]

    with pytest.raises(errors.CloudError) as caught:
        server.client().model("acme.flights.delay")

    assert type(caught.value) is kind
    assert str(caught.value).startswith("read model acme.flights.delay: No. [")


def test_who_is_not_known_is_told_to_sign_in(server):
    server.script = [refusal(401, "authError")]

    with pytest.raises(errors.Unauthenticated, match="gcloud auth application-default login"):
        server.client().model("acme.flights.delay")


@pytest.mark.parametrize(
    "passing",
    [
        pytest.param(refusal(503, "backendError"), id="backend-error"),
        pytest.param(refusal(403, "rateLimitExceeded"), id="rate-limit"),
        pytest.param(refusal(403, "userRateLimitExceeded"), id="rate-limit-of-a-user"),
        pytest.param(refusal(500, "internalError"), id="internal-error"),
        pytest.param((429, {}), id="too-many-requests"),
        pytest.param((502, {}), id="bad-gateway"),
        pytest.param((0, None), id="connection-lost"),
    ],
)
def test_a_passing_failure_is_tried_again(server, passing):
    server.script = [passing, passing, (200, {"modelType": "KMEANS", "location": "US"})]

    model = server.client().model("acme.flights.delay")

    assert model.model_type == "KMEANS"
    assert server.paths == [f"GET {MODEL}"] * 3


@pytest.mark.parametrize(
    "lasting",
    [
        pytest.param(refusal(403, "quotaExceeded"), id="quota"),
        pytest.param(refusal(429, "quotaExceeded"), id="quota-as-429"),
        pytest.param(refusal(400, "invalidQuery"), id="sql"),
        pytest.param(refusal(403, "billingNotEnabled"), id="billing"),
    ],
)
def test_a_lasting_failure_is_not_tried_again(server, lasting):
    server.script = [lasting]

    with pytest.raises(errors.CloudError):
        server.client().model("acme.flights.delay")

    assert server.paths == [f"GET {MODEL}"]


def test_waits_between_attempts_grow_and_differ(server, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr("google.api_core.retry.retry_unary.time.sleep", waits.append)
    busy = refusal(403, "rateLimitExceeded")
    server.script = [*[busy] * 8, (200, {"modelType": "KMEANS", "location": "US"})]

    server.client().model("acme.flights.delay")

    # Jittered: each wait is drawn from below a bound that doubles.
    assert len(waits) == 8
    assert all(0 <= wait <= 0.25 * 2**number for number, wait in enumerate(waits))
    assert len(set(waits)) == 8


@pytest.mark.parametrize(
    ("reason", "message", "says"),
    [
        ("quotaExceeded", "Quota exceeded: CREATE MODEL", "ask for more at https://console"),
        ("rateLimitExceeded", "Exceeded rate limits", "lower --parallel"),
        ("jobRateLimitExceeded", "Exceeded rate limits", "lower --parallel"),
        ("resourcesExceeded", "Resources exceeded", "fewer rows or columns"),
        ("bytesBilledLimitExceeded", "Query exceeded limit", "raise max_bytes_billed"),
        ("billingNotEnabled", "Billing has not been enabled", "link one"),
        ("billingTierLimitExceeded", "Query exceeded resource limits", "a reservation"),
        ("responseTooLarge", "Response too large", "ORDER BY"),
        ("timeout", "The job timed out", "job_timeout_s"),
        ("stopped", "Job execution was cancelled", "run it again"),
        (
            "invalidQuery",
            "Training Matrix Factorization models is not available for on-demand usage. "
            "Set up a reservation.",
            "Enterprise",
        ),
    ],
)
def test_a_refusal_of_quota_or_slots_says_what_it_means(reason, message, says):
    failure = failed_job(job_error(reason, message), "train", "model a.b.c", "job1")

    assert str(failure).startswith(f"train model a.b.c: {message} [{reason}, job job1]; ")
    assert says in str(failure)
    assert failure.reason == reason


def test_no_credentials_go_to_a_local_cloud(server):
    server.script = [(200, {})]

    server.client().model("acme.flights.delay")

    assert "Authorization" not in server.headers[0]


def test_a_job_that_is_there_already_is_attached_to(server):
    server.script = [refusal(409, "duplicate"), job("RUNNING")]

    started = server.client().start_query(REQUEST)

    assert (started.attached, started.done) == (True, False)
    assert server.paths == [f"POST {JOBS}", f"GET {JOBS}/{REQUEST.job_id}"]


def test_a_lost_answer_to_the_insertion_does_not_run_it_twice(server):
    server.script = [(0, None), refusal(409, "duplicate"), job("RUNNING")]

    started = server.client().start_query(REQUEST)

    assert started.attached
    assert {sent["jobReference"]["jobId"] for verb, _, sent in server.asked if verb == "POST"} == {
        REQUEST.job_id
    }


def test_the_job_is_asked_for_in_its_own_location(server):
    server.script = [job("PENDING")]

    server.client().start_query(REQUEST)

    sent = server.asked[0][2]
    assert sent["jobReference"] == {
        "jobId": "bqvertex_train_1",
        "projectId": "acme",
        "location": "us-central1",
    }
    assert sent["configuration"]["query"]["query"] == REQUEST.sql


def test_watching_tells_of_each_look_until_the_end(server):
    iterations = {"mlStatistics": {"maxIterations": "20", "iterationResults": [
        {"index": 1, "trainingLoss": 0.5}]}}  # fmt: skip
    ended = {"endTime": "1767225612000", "query": {"totalBytesProcessed": "77"}}
    server.script = [job("RUNNING", query=iterations), job("DONE", **ended)]

    looks = list(server.client().watch(Job(REQUEST.job_id, "acme", "us-central1"), 60.0))

    assert [(look.done, look.iterations, look.loss) for look in looks] == [
        (False, 1, 0.5),
        (True, 0, None),
    ]
    assert (looks[-1].seconds, looks[-1].bytes_processed) == (12.0, 77)


def test_a_failed_job_comes_back_with_googles_reason(server):
    failure = {"errorResult": {"reason": "invalidQuery", "message": "Unrecognized name: x"}}
    server.script = [job("DONE", status=failure)]

    (last,) = server.client().watch(Job(REQUEST.job_id, "acme", "us-central1"), 60.0)

    assert last.error == job_error("invalidQuery", "Unrecognized name: x")


def test_a_deadline_that_passes_says_that_the_job_goes_on(server):
    server.script = [job("RUNNING")] * 3

    with pytest.raises(errors.DeadlineExceeded, match="it goes on at BigQuery"):
        list(server.client().watch(Job(REQUEST.job_id, "acme", "us-central1"), 0.0))


def test_a_file_is_not_sent_again_when_its_job_is_there(server):
    server.script = [job("DONE")]
    opened = []
    request = LoadRequest(
        job_id=REQUEST.job_id,
        project="acme",
        location="us-central1",
        table="acme.flights.airlines",
        open=lambda: opened.append(1) or BytesIO(b""),
        source_format="CSV",
        schema=[{"name": "carrier", "type": "STRING"}],
        truncate=False,
    )

    assert server.client().start_load(request).attached
    assert opened == []


def test_a_limit_of_billed_bytes_goes_with_the_job(server):
    server.script = [job("PENDING")]

    server.client().start_query(replace(REQUEST, maximum_bytes_billed=10_000_000))

    assert server.asked[0][2]["configuration"]["query"]["maximumBytesBilled"] == "10000000"


COPY = CopyRequest(
    job_id="bqvertex_copy_1",
    project="acme",
    location="us-central1",
    source="acme.flights.delay__candidate",
    destination="acme.flights.delay",
    replace=True,
)


@pytest.mark.parametrize(
    ("replaces", "disposition"), [(True, "WRITE_TRUNCATE"), (False, "WRITE_EMPTY")]
)
def test_a_model_is_copied_as_the_api_copies_tables(server, replaces, disposition):
    server.script = [job("PENDING")]

    server.client().start_model_copy(replace(COPY, replace=replaces))

    place = {"projectId": "acme", "datasetId": "flights"}
    sent = server.asked[0][2]
    assert sent["jobReference"]["jobId"] == "bqvertex_copy_1"
    assert sent["configuration"]["copy"] == {
        "sourceTables": [{**place, "tableId": "delay__candidate"}],
        "destinationTable": {**place, "tableId": "delay"},
        "createDisposition": "CREATE_IF_NEEDED",
        "writeDisposition": disposition,
    }


def test_a_copy_that_is_there_already_is_attached_to(server):
    server.script = [refusal(409, "duplicate"), job("DONE")]

    assert server.client().start_model_copy(COPY).attached


def dry(**more: Any) -> tuple[int, Any]:
    status, answer = job("DONE", query={"totalBytesProcessed": "4096", **more})
    return status, {
        **answer,
        "configuration": {**answer["configuration"], "dryRun": True},
        "statistics": {**answer["statistics"], "totalBytesProcessed": "4096"},
    }


def test_a_dry_run_tells_bytes_type_and_columns(server):
    schema = {"fields": [{"name": "origin", "type": "STRING", "mode": "NULLABLE"}]}
    server.script = [dry(statementType="SELECT", schema=schema)]

    found = server.client().dry_run("acme", "us-central1", "SELECT origin", attempts_s=5.0)

    assert found == DryRun(
        4096, "SELECT", [{"name": "origin", "type": "STRING", "mode": "NULLABLE"}]
    )
    sent = server.asked[0][2]["configuration"]
    assert (sent["dryRun"], sent["query"]["useQueryCache"]) == (True, False)


def test_a_dry_run_of_a_statement_without_a_result_has_no_columns(server):
    server.script = [dry(statementType="CREATE_MODEL")]

    found = server.client().dry_run("acme", "us-central1", REQUEST.sql, attempts_s=5.0)

    assert found == DryRun(4096, "CREATE_MODEL", [])


def test_a_dry_run_that_is_refused_has_googles_sentence(server):
    server.script = [refusal(400, "invalidQuery", "Unrecognized name: x at [1:8]")]

    with pytest.raises(errors.InvalidRequest, match=r"Unrecognized name: x at \[1:8\]"):
        server.client().dry_run("acme", "us-central1", "SELECT x", attempts_s=5.0)


def test_a_dry_run_gives_up_soon(server):
    server.script = [refusal(503, "backendError")] * 30

    with pytest.raises(errors.Unavailable):
        server.client().dry_run("acme", "us-central1", "SELECT 1", attempts_s=0.2)

    # Each wait is drawn from below a bound that doubles: soon one is longer than the time left.
    assert len(server.asked) < 30


def test_a_model_tells_all_that_a_lifecycle_asks_of_it(server):
    server.script = [
        (
            200,
            {
                "modelType": "LINEAR_REGRESSION",
                "location": "US",
                "creationTime": "1767225600000",
                "transformColumns": [{"name": "late", "transformSql": "delay > 15"}],
                "remoteModelInfo": {"endpoint": "gemini"},
                "trainingRuns": [
                    {"vertexAiModelId": "delay", "vertexAiModelVersion": "3"},
                    {"startTime": "2026-01-01T00:00:01Z"},
                ],
            },
        )
    ]

    live = server.client().model("acme.flights.delay")

    assert live.creation_time == datetime(2026, 1, 1, tzinfo=UTC)
    assert live.transform_columns == [{"name": "late", "transformSql": "delay > 15"}]
    assert live.remote_model_info == {"endpoint": "gemini"}
    assert (live.vertex_ai_model_id, live.vertex_ai_model_version) == ("delay", "3")


def live_model(etag: str) -> tuple[int, Any]:
    reference = {"projectId": "acme", "datasetId": "flights", "modelId": "delay"}
    return 200, {"etag": etag, "modelReference": reference, "location": "US"}


def test_metadata_that_somebody_changed_meanwhile_are_patched_anew(server):
    stale = refusal(412, "conditionNotMet")
    server.script = [live_model("e1"), stale, live_model("e2"), live_model("e3")]

    server.client().patch_model(
        "acme.flights.delay", description="Late?", labels={}, expiration=None
    )

    patches = [headers["If-Match"] for headers in server.headers if "If-Match" in headers]
    assert patches == ["e1", "e2"]


def test_metadata_that_somebody_keeps_changing_are_left(server):
    server.script = [live_model("e1"), refusal(412, "conditionNotMet")] * 3

    with pytest.raises(errors.FailedPrecondition):
        server.client().patch_model(
            "acme.flights.delay", description="Late?", labels={}, expiration=None
        )

    assert server.script == []


def test_as_many_threads_as_a_host_has_share_the_connections(server, caplog):
    threads = 24
    client = server.client()
    server.script = [(200, {"modelType": "KMEANS", "location": "US"})] * threads
    together = threading.Barrier(threads)
    found = []

    def look() -> None:
        together.wait(timeout=30)
        found.append(client.model("acme.flights.delay").model_type)

    workers = [threading.Thread(target=look) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)

    assert found == ["KMEANS"] * threads
    # urllib3 warns of each connection that its pool has no room for.
    assert [record.message for record in caplog.records if "pool" in record.message] == []


def test_labels_that_are_taken_away_are_sent_as_null(server):
    live = {"labels": {"team": "data"}, "etag": "e1", "modelReference": {
        "projectId": "acme", "datasetId": "flights", "modelId": "delay"}}  # fmt: skip
    server.script = [(200, live), (200, live)]

    server.client().patch_model(
        "acme.flights.delay", description="", labels={"team": None}, expiration=None
    )

    assert server.asked[1] == (
        "PATCH",
        MODEL,
        {"description": None, "labels": {"team": None}, "expirationTime": None},
    )
    assert server.headers[1]["If-Match"] == "e1"


def test_delete_of_a_deployed_model_says_what_to_do(server):
    server.script = [refusal(400, "invalid", "Model is deployed to endpoint 123.")]

    with pytest.raises(errors.FailedPrecondition, match="undeploy it from its endpoint first"):
        server.client().delete_model("acme.flights.delay")


def test_a_local_cloud_that_is_not_there_is_one_sentence():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

    with pytest.raises(errors.Unavailable) as caught:
        GoogleBigQuery(CloudSettings(url)).model("acme.flights.delay")

    assert str(caught.value) == (
        f"read model acme.flights.delay: the local cloud at {url} does not answer; "
        "start it with `bqvertex local start`"
    )


@pytest.mark.parametrize(
    ("reason", "message", "transient", "awaits_grant"),
    [
        ("jobBackendError", "Try again", True, False),
        ("invalidQuery", "Unrecognized name", False, False),
        (
            "accessDenied",
            "bqcx-1-ab@gcp-sa-bigquery-condel.iam.gserviceaccount.com does not have the permission"
            " to access or use the endpoint",
            False,
            True,
        ),
        ("accessDenied", "User does not have permission bigquery.models.create", False, False),
    ],
)
def test_a_failed_job_is_recognised(reason, message, transient, awaits_grant):
    error = job_error(reason, message)

    assert (error.transient, error.awaits_grant) == (transient, awaits_grant)


def test_a_missing_grant_says_whose():
    account = "bqcx-1-ab@gcp-sa-bigquery-condel.iam.gserviceaccount.com"
    error = job_error("invalidQuery", f"{account} does not have permission to use the endpoint")

    failure = failed_job(error, "train", "model a.b.c", "job1")

    assert type(failure) is errors.PermissionDenied
    assert account in str(failure)


def test_importing_the_client_imports_nothing_of_google():
    import subprocess
    import sys

    code = (
        "import sys; import bqvertex.clients.bigquery.google_client; "
        "print([m for m in sys.modules if m.startswith(('google.cloud.', 'google.api_core'))])"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
