"""What `make up` ends with: the model's evaluation, drift, one online prediction, the addresses.

Run as `python -m stacks.summary STACK` where `pulumi stack output` works.
"""

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import click
from bqvertex.clients.errors import CloudError
from bqvertex.clients.online_prediction import predict
from bqvertex.clients.settings import CloudSettings

REQUEST_FILE = "sql/arrival_delay/request.json"
SHOWN = ("evaluation", "drift", "anomalies", "predict_url")
"""Outputs of the stack; those of what failed are missing."""


@click.command()
@click.argument("stack")
def main(stack: str) -> None:
    """Print the summary of STACK; fails when it is not up or its endpoint does not answer."""
    outputs = stack_outputs(stack)
    if any(name not in outputs for name in SHOWN):
        raise click.ClickException(f"stack {stack} is not up: run `make up STACK={stack}`")
    local = outputs.get("local_cloud") or None
    click.echo(evaluation_table(outputs["evaluation"]))
    click.echo(drift_table(outputs["drift"], outputs["anomalies"]))
    click.echo("Online prediction")
    click.echo(f"  {curl(outputs['predict_url'], local=local is not None)}")
    request = json.loads(Path(REQUEST_FILE).read_text())
    try:
        answer = predict(CloudSettings(local), outputs["predict_url"], request)
    except CloudError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(answer, indent=2))
    if local:
        click.echo(f"\nLocal cloud\n  {local}  (`bqvertex local status`, `make down` to end it)")


def stack_outputs(stack: str) -> dict[str, Any]:
    """Read the outputs of a stack through the Pulumi command line."""
    command = ["pulumi", "stack", "output", "--json", "--stack", stack]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        raise click.ClickException(run.stderr.strip().removeprefix("error: "))
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
    main()
