"""An endpoint: what is deployed, how traffic is split, and a form that asks for predictions."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp

from localcloud.errors import Json
from localcloud.page import registered_model
from localcloud.page.missing import Missing
from localcloud.page.sources import Sources

LONGEST_S = 700.0
"""A fault may delay a prediction by 600 s."""


def values(sources: Sources, body: Json) -> Mapping[str, Any]:
    """What the template of an endpoint is given."""
    split = body.get("trafficSplit") or {}
    deployed = [
        {
            "body": one,
            "percent": int(split.get(one["id"], 0)),
            "source": registered_model.source(one),
        }
        for one in body.get("deployedModels") or []
    ]
    return {
        "deployed": deployed,
        "traffic": [one for one in deployed if one["percent"]],
        "instances": _instances(sources, body),
    }


def _instances(sources: Sources, body: Json) -> str:
    """Instances that the first deployed model of BigQuery ML takes, as JSON."""
    reader = sources.bigquery()
    for one in body.get("deployedModels") or []:
        if one.get("localArtifactUri") and reader is not None:
            return json.dumps([reader.example(str(one["localArtifactUri"]))], indent=2)
    return "[]"


async def predicted(cloud: ASGIApp, path: str, text: str) -> Mapping[str, Any]:
    """Ask an endpoint as a client would, so that the request is seen and faults hit it.

    Args:
        cloud: The local cloud.
        path: The endpoint's name.
        text: What was written in the form.

    Returns:
        `instances`: that text; `status` of the answer, 0 for a text that is no JSON; `answer`.

    Raises:
        Missing: The path is no endpoint's.
    """
    if path.split("/")[-2:-1] != ["endpoints"]:
        raise Missing(f"A form at /web/{path}", "Endpoints have one.")
    try:
        instances = json.loads(text)
    except ValueError as error:
        told = f"The instances are no JSON: {error}."
        return {"instances": text, "status": 0, "answer": told}
    import httpx

    transport = httpx.ASGITransport(app=cloud)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://page", timeout=LONGEST_S
    ) as client:
        reply = await client.post(f"/v1/{path}:predict", json={"instances": instances})
    return {
        "instances": text,
        "status": reply.status_code,
        "answer": json.dumps(reply.json(), indent=2),
    }
