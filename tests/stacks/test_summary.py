"""The end of `make up`: what a user sees, and can copy."""

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stacks import summary

ENDPOINT = "/v1/projects/local-project/locations/us-central1/endpoints/1234567890:predict"
ANSWER = {"predictions": [{"predicted_is_late": "true"}]}
OUTPUTS = {
    "evaluation": {"roc_auc": 0.71234, "accuracy": 0.8},
    "drift": {"carrier": 0.012, "temperature_f": 0.31415},
    "anomalies": ["temperature_f"],
}


class Endpoint(BaseHTTPRequestHandler):
    """Answers every prediction, and keeps what it was asked in `server.asked`."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, json.loads(body)))
        data = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as running:
        running.asked = []
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def pulumi(tmp_path, monkeypatch):
    """Puts a command `pulumi` on PATH that answers what a test tells it to."""

    def answers(outputs: object = None, error: str = "") -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "outputs.json").write_text(json.dumps(outputs))
        asked = folder / "asked"
        script = folder / "pulumi"
        script.write_text(
            f"#!{sys.executable}\n"
            "import pathlib, sys\n"
            f"pathlib.Path({str(asked)!r}).write_text(' '.join(sys.argv[1:]))\n"
            f"error = {error!r}\n"
            "if error: sys.exit(error)\n"
            f"print(pathlib.Path({str(folder / 'outputs.json')!r}).read_text())\n"
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return asked

    return answers


def summarised(stack: str = "local") -> Result:
    return CliRunner().invoke(summary.main, [stack])


def outputs_at(endpoint: ThreadingHTTPServer) -> dict[str, object]:
    url = f"http://127.0.0.1:{endpoint.server_port}"
    return {**OUTPUTS, "predict_url": f"{url}{ENDPOINT}", "local_cloud": url}


def test_it_shows_evaluation_drift_a_prediction_and_the_local_cloud(pulumi, endpoint):
    outputs = outputs_at(endpoint)
    asked = pulumi(outputs)

    shown = summarised("demo")

    assert shown.exit_code == 0, shown.output
    assert shown.output == (
        "Evaluation of the model\n"
        "  accuracy     0.8000\n"
        "  roc_auc      0.7123\n"
        "\n"
        "Drift, July to December against January to June\n"
        "  temperature_f          0.3141  above its threshold\n"
        "  carrier                0.0120\n"
        "\n"
        "Online prediction\n"
        f"  {summary.curl(outputs['predict_url'], local=True)}\n"
        f"{json.dumps(ANSWER, indent=2)}\n"
        "\n"
        "Local cloud\n"
        f"  {outputs['local_cloud']}  (`bqvertex local status`, `make down` to end it)\n"
    )
    assert asked.read_text() == "stack output --json --stack demo"


def test_the_prediction_is_asked_of_the_stacks_endpoint_with_the_request_in_the_file(
    pulumi, endpoint
):
    pulumi(outputs_at(endpoint))

    summarised()

    request = json.loads(Path("sql/arrival_delay/request.json").read_text())
    assert endpoint.asked == [(ENDPOINT, request)]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_line_asks_the_same_as_the_summary_did(pulumi, endpoint):
    pulumi(outputs_at(endpoint))
    shown = summarised()
    (line,) = (line for line in shown.output.splitlines() if line.startswith("  curl "))

    ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)

    assert json.loads(ran.stdout) == ANSWER
    assert endpoint.asked[1] == endpoint.asked[0]


def test_the_curl_line_is_safe_to_paste_whatever_the_url_holds():
    url = "http://127.0.0.1:1/v1/a b?x=1&y='2';touch z"

    words = shlex.split(summary.curl(url, local=True))

    assert words[0] == "curl"
    assert words[-1] == url


def test_the_curl_line_for_google_has_a_token_taken_when_it_runs():
    line = summary.curl(f"https://us-central1-aiplatform.googleapis.com{ENDPOINT}", local=False)

    assert line.endswith('-H "Authorization: Bearer $(gcloud auth print-access-token)"')


@pytest.mark.parametrize("missing", ["predict_url", "evaluation", "drift", "anomalies"])
def test_a_stack_that_is_not_wholly_up_is_told_how_to_come_up(pulumi, endpoint, missing):
    outputs = outputs_at(endpoint)
    del outputs[missing]
    pulumi(outputs)

    refused = summarised("dev")

    assert refused.exit_code == 1
    assert refused.output == "Error: stack dev is not up: run `make up STACK=dev`\n"


def test_pulumis_own_error_is_shown(pulumi):
    pulumi(error="error: no stack named 'staging' found")

    refused = summarised("staging")

    assert refused.exit_code == 1
    assert refused.output == "Error: no stack named 'staging' found\n"


def test_an_endpoint_that_does_not_answer_is_one_sentence(pulumi, endpoint):
    outputs = outputs_at(endpoint)
    endpoint.shutdown()
    endpoint.server_close()
    pulumi(outputs)

    refused = summarised()

    assert refused.exit_code == 1
    last = refused.output.splitlines()[-1]
    assert last.startswith("Error: could not get a prediction from")
    assert "does not answer; start it with `bqvertex local start`" in last


def test_a_model_without_metrics_has_an_empty_table():
    assert summary.evaluation_table({}) == "Evaluation of the model\n"
    assert summary.drift_table({}, []).count("\n") == 1


def test_the_request_file_asks_for_every_feature_of_the_model():
    from stacks import features

    (instance,) = json.loads(Path(summary.REQUEST_FILE).read_text())["instances"]

    assert set(instance) == set(features.INPUTS)
