"""The program of docs/sql_resources.md on the real engine and the local cloud."""

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.components.plan import planned
from tests.engine.model_program import LOCATION, ModelProgram, prepared

PAGE = (Path(__file__).parents[2] / "docs" / "sql_resources.md").read_text()
FENCE = re.compile(r"^```(\w+)(?: (\w+)=(\S+))?\n(.*?)^```", re.M | re.S)
BLOCKS = [match.groups() for match in FENCE.finditer(PAGE)]
FILES = {name: body for _, attribute, name, body in BLOCKS if attribute == "file"}
(SAID,) = [body.strip() for _, attribute, _, body in BLOCKS if attribute == "output"]
(DECLARED_TABLES,) = [body for tag, _, name, body in BLOCKS if tag == "python" and not name]


class Stack:
    """The page's program, and a look at what it made."""

    def __init__(self, program: ModelProgram, client: bigquery.Client) -> None:
        self.program = program
        self.client = client
        for name, body in FILES.items():
            path = program.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body.replace("your-project", program.project))

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.program.directory / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def unchanged(self) -> None:
        self.program.run("preview", "--expect-no-changes")

    def refresh(self, *options: str) -> str:
        return self.program.run("refresh", "--yes", "--skip-preview", *options)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return [dict(row.items()) for row in self.client.query(sql).result()]

    def live(self) -> dict[str, Any]:
        schema = "shop.INFORMATION_SCHEMA"
        options = self.rows(f"SELECT option_name, option_value FROM {schema}.VECTOR_INDEX_OPTIONS")
        words = self.rows(f"SELECT index_name FROM {schema}.SEARCH_INDEXES")
        default = self.rows(
            f"SELECT option_value FROM `region-{LOCATION}`.INFORMATION_SCHEMA.PROJECT_OPTIONS"
        )
        return {
            "tables": [table.table_id for table in self.client.list_tables("shop")],
            "distance": [o["option_value"] for o in options if o["option_name"] == "distance_type"],
            "search_indexes": [row["index_name"] for row in words],
            "default_connections": [row["option_value"] for row in default],
        }


@pytest.fixture
def stack(tmp_path, local_cloud) -> Stack:
    project = f"sql-{uuid.uuid4().hex[:12]}"
    program = prepared(tmp_path / "program", project)
    program.run("config", "set", "bqvertex:api_endpoint", local_cloud.url)
    client = bigquery.Client(
        project=project,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": local_cloud.url},
        location=LOCATION,
    )
    dataset = bigquery.Dataset(f"{project}.shop")
    dataset.location = LOCATION
    client.create_dataset(dataset)
    return Stack(program, client)


ALL = {
    "tables": ["products"],
    "distance": ["COSINE"],
    "search_indexes": ["products_words"],
    "default_connections": ["remote"],
}


def test_the_program_of_the_page_lives_from_up_to_destroy(stack):
    stack.program.up()
    assert stack.live() == ALL
    outputs = json.loads(stack.program.run("stack", "output", "--json"))
    assert outputs == {"products": {"products": 6000}, "indexed_percentage": 100}
    stack.unchanged()
    stack.refresh("--expect-no-changes")
    stack.edit("sql/products/create.sql", "-- Products with", "-- Wares\n-- with")
    stack.unchanged()

    stack.edit("__main__.py", '"COSINE"', '"EUCLIDEAN"')
    assert SAID in stack.program.run("preview")
    stack.program.up()
    assert stack.live() == {**ALL, "distance": ["EUCLIDEAN"]}
    stack.unchanged()

    stack.edit("sql/products/create.sql", "6000", "7000")
    assert "replaced" in stack.program.up()
    assert stack.live() == {**ALL, "distance": ["EUCLIDEAN"]}
    stack.unchanged()
    stack.refresh("--expect-no-changes")

    stack.rows("DROP VECTOR INDEX products_near ON shop.products")
    assert "1 deleted" in stack.refresh()
    assert "1 created" in stack.program.up()
    assert stack.live() == {**ALL, "distance": ["EUCLIDEAN"]}

    stack.program.run("destroy", "--yes", "--skip-preview")
    assert stack.live() == {key: [] for key in ALL}


def test_a_mistake_in_a_file_is_said_at_preview_with_its_place(stack):
    stack.edit("sql/products/read.sql", "SELECT COUNT(*)", "SELECT COUNT(*")

    preview = stack.program.start("preview")
    printed, _ = preview.communicate(timeout=120)

    assert preview.returncode != 0
    assert "sql/products/read.sql:2:" in printed
    assert stack.live() == {key: [] for key in ALL}


def test_the_page_declares_tables_and_connections_too():
    plan = planned(lambda: exec(compile(DECLARED_TABLES, "docs/sql_resources.md", "exec"), {}))

    kinds = {typ.rpartition(":")[2] for typ, _, _ in plan.registered}
    assert kinds >= {"Dataset", "SeedTable", "VectorIndex", "Connection", "DefaultConnection"}
