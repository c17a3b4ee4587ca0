"""A program of nothing but models, on an engine of its own: no plugin but Python's."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

LOCATION = "us-central1"
PULUMI_YAML = """\
name: models
runtime:
  name: python
  options: {virtualenv: .venv}
"""
MAIN = """\
from bqvertex.resources.model import Model

for number in range(%(count)d):
    Model(
        f"late-{number}",
        {
            "project": "%(project)s",
            "location": "us-central1",
            "dataset_id": "flights",
            "model_id": f"late_{number}",
            "statement": f'''
                CREATE MODEL late_{number} OPTIONS (%(options)s, input_label_cols = ['delay'])
                AS SELECT distance, delay FROM departures
            ''',
            "schemas": {
                "departures": [
                    {"name": "distance", "type": "INT64"},
                    {"name": "delay", "type": "INT64"},
                ]
            },
        },
    )
"""


@dataclass
class ModelProgram:
    """A stack `dev` of models, in a directory of its own.

    Attributes:
        directory: Where the program is.
        project: Project of its models.
        environment: Of the engine's commands.
    """

    directory: Path
    project: str
    environment: dict[str, str]

    def declare(self, count: int, options: str = "model_type = 'LINEAR_REG'") -> None:
        """Write the program: so many models, trained with these options."""
        values = {"count": count, "project": self.project, "options": options}
        (self.directory / "__main__.py").write_text(MAIN % values)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command of the engine, in a process group of its own as a shell does."""
        return subprocess.Popen(
            ["pulumi", "--non-interactive", "--color", "never", *arguments],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> str:
        """Run a command of the engine to a good end, and return what it printed."""
        command = self.start(*arguments)
        printed, _ = command.communicate(timeout=120)
        assert command.returncode == 0, printed
        return printed

    def up(self, *options: str) -> str:
        return self.run("up", "--yes", "--skip-preview", *options)


def prepared(directory: Path, project: str = "") -> ModelProgram:
    """Make the directory and its stack; the program itself is not written yet."""
    directory.mkdir()
    (directory / "backend").mkdir()
    (directory / ".venv").symlink_to(sys.prefix)
    (directory / "Pulumi.yaml").write_text(PULUMI_YAML)
    program = ModelProgram(
        directory,
        project,
        {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{directory / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "local",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": sys.prefix,
        },
    )
    program.run("stack", "init", "dev")
    return program


def made(directory: Path, api_endpoint: str, cloud_url: str, project: str) -> ModelProgram:
    """Make the stack, and at the local cloud the table that the models learn from."""
    program = prepared(directory, project)
    program.run("config", "set", "bqvertex:api_endpoint", api_endpoint)
    client = bigquery.Client(
        project=project,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": cloud_url},
        location=LOCATION,
    )
    dataset = bigquery.Dataset(f"{project}.flights")
    dataset.location = LOCATION
    client.create_dataset(dataset)
    # The model and its evaluation: what a local cloud loads at the first of them takes seconds.
    for sql in (
        "CREATE TABLE flights.departures AS SELECT n AS distance, MOD(n, 60) AS delay "
        "FROM UNNEST(GENERATE_ARRAY(1, 200)) AS n",
        "CREATE MODEL flights.first OPTIONS (model_type = 'LINEAR_REG', "
        "input_label_cols = ['delay']) AS SELECT distance, delay FROM flights.departures",
        "SELECT * FROM ML.EVALUATE(MODEL flights.first)",
        "DROP MODEL flights.first",
    ):
        client.query(sql).result()
    return program
