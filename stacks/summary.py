"""What `make up` ends with: the model's evaluation, drift, one online prediction, the addresses.

Run as `python -m stacks.summary` where `pulumi stack output` works.
"""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from bqvertex.clients.errors import CloudError
from bqvertex.clients.online_prediction import predict
from bqvertex.clients.settings import CloudSettings

REQUEST_FILE = "sql/arrival_delay/request.json"


def main() -> int:
    """Print the summary of the selected stack.

    Returns:
        0, or 1 when the stack has no outputs or the endpoint does not answer.
    """
    outputs = stack_outputs()
    if "predict_url" not in outputs:
        click.echo("the stack is not up: run `make up`", err=True)
        return 1
    local = outputs.get("local_cloud") or None
    click.echo(evaluation_table(outputs["evaluation"]))
    click.echo(drift_table(outputs["drift"], outputs["anomalies"]))
    click.echo("Online prediction")
    click.echo(f"  {curl(outputs['predict_url'], local=local is not None)}")
    request = json.loads(Path(REQUEST_FILE).read_text())
    try:
        answer = predict(CloudSettings(local), outputs["predict_url"], request)
    except CloudError as error:
        click.echo(str(error), err=True)
        return 1
    click.echo(json.dumps(answer, indent=2))
    if local:
        click.echo(f"\nLocal cloud\n  {local}  (`bqvertex local status`, `make down` to end it)")
    return 0


def stack_outputs() -> dict[str, Any]:
    """Read the outputs of the selected stack through the Pulumi command line."""
    run = subprocess.run(["pulumi", "stack", "output", "--json"], capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(run.stderr.strip())
    outputs: dict[str, Any] = json.loads(run.stdout)
    return outputs


def evaluation_table(evaluation: dict[str, float]) -> str:
    """Render metrics of ML.EVALUATE, one a line."""
    rows = [f"  {metric:<12} {value:.4f}" for metric, value in sorted(evaluation.items())]
    return "\n".join(["Evaluation of the model", *rows, ""])


def drift_table(drift: dict[str, float], anomalies: list[str]) -> str:
    """Render the drift of each feature, those above their threshold marked."""
    rows = [
        f"  {feature:<22} {value:.4f}{'  above its threshold' if feature in anomalies else ''}"
        for feature, value in sorted(drift.items(), key=lambda item: -item[1])
    ]
    return "\n".join(["Drift, July to December against January to June", *rows, ""])


def curl(predict_url: str, *, local: bool) -> str:
    """Render the command that repeats the online prediction."""
    words = ["curl", "-s", "-H", "Content-Type: application/json", "-d", f"@{REQUEST_FILE}"]
    command = shlex.join([*words, predict_url])
    if local:
        return command
    return f'{command} -H "Authorization: Bearer $(gcloud auth print-access-token)"'


if __name__ == "__main__":
    sys.exit(main())
