"""Embeddings of a remote model, made and searched in SQL over the running local cloud."""

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.conftest import LocalCloud


@pytest.mark.covers("remote model over an embedding model", "VECTOR_SEARCH")
def test_the_nearest_text_is_found_by_its_embedding(local_cloud: LocalCloud) -> None:
    with bigquery.Client(
        project="embedding-project",
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=local_cloud.url),
    ) as client:
        client.create_dataset("notices", exists_ok=True)
        client.query(
            "CREATE OR REPLACE MODEL notices.embedding REMOTE WITH CONNECTION DEFAULT "
            "OPTIONS (ENDPOINT = 'text-embedding-005')"
        ).result()

        rows = client.query(
            "WITH texts AS (SELECT content FROM UNNEST(["
            "'a late flight to Boston', 'quarterly revenue of bakeries']) AS content) "
            "SELECT base.content, base.status, ARRAY_LENGTH(base.embedding) AS dimensions "
            "FROM VECTOR_SEARCH("
            "(SELECT * FROM AI.GENERATE_EMBEDDING(MODEL notices.embedding, "
            "(SELECT content FROM texts))), 'embedding', "
            "(SELECT * FROM AI.GENERATE_EMBEDDING(MODEL notices.embedding, "
            "(SELECT 'late flights to Boston' AS content))), top_k => 1)"
        ).result()

        assert [dict(row) for row in rows] == [
            {"content": "a late flight to Boston", "status": "", "dimensions": 768}
        ]
