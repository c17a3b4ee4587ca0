"""What is there on the server, apart from what no two runs have alike."""

import json
from typing import Any

import httpx

_MADE_BY_THE_SERVER = frozenset(
    {
        "createTime",
        "creationTime",
        "etag",
        "generation",
        "lastModifiedTime",
        "metageneration",
        "oauth2ClientId",
        "revision",
        "serviceAccountId",
        "timeCreated",
        "uniqueId",
        "updateTime",
        "updated",
    }
)


def resources(url: str, project: str, location: str) -> dict[str, Any]:
    """Every resource of the project that a plugin can make, by its address."""
    found: dict[str, Any] = {}
    with httpx.Client(base_url=url, timeout=60) as client:

        def get(path: str) -> dict[str, Any]:
            reply = client.get(path)
            reply.raise_for_status()
            return reply.json()

        def policy(path: str) -> dict[str, Any]:
            reply = client.post(
                f"{path}:getIamPolicy", json={"options": {"requestedPolicyVersion": 3}}
            )
            reply.raise_for_status()
            return reply.json()

        datasets = f"/bigquery/v2/projects/{project}/datasets"
        for each in get(datasets).get("datasets", []):
            path = f"{datasets}/{each['datasetReference']['datasetId']}"
            found[path] = get(f"{path}?accessPolicyVersion=3")
            for table in get(f"{path}/tables").get("tables", []):
                name = f"{path}/tables/{table['tableReference']['tableId']}"
                found[name] = get(name)
        parent = f"/v1/projects/{project}/locations/{location}"
        for each in get(f"{parent}/connections?pageSize=100").get("connections", []):
            path = f"{parent}/connections/{each['name'].rpartition('/')[2]}"
            found[path] = each
            found[f"{path} policy"] = policy(path)
        for each in get(f"{parent}/endpoints").get("endpoints", []):
            found[f"{parent}/endpoints/{each['name'].rpartition('/')[2]}"] = each
        for each in get(f"/v1/projects/{project}/serviceAccounts").get("accounts", []):
            found[each["name"]] = each
        for each in get(f"/storage/v1/b?project={project}").get("items", []):
            found[f"/b/{each['name']}"] = each
        found["policy"] = policy(f"/v1/projects/{project}")
        services = get(f"/v1/projects/{project}/services?filter=state:ENABLED").get("services", [])
        found["services"] = sorted(each["name"].rpartition("/")[2] for each in services)
    return _comparable(found)


def _comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _in_any_order(item) if key in ("access", "bindings") else _comparable(item)
            for key, item in value.items()
            if key not in _MADE_BY_THE_SERVER
        }
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    if isinstance(value, str) and "bqcx-" in value:
        # The connection's service account has a random part.
        return "serviceAccount:bqcx"
    return value


def _in_any_order(items: list[Any]) -> list[Any]:
    # Who came first into a policy does not matter to anybody.
    return sorted(_comparable(items), key=lambda item: json.dumps(item, sort_keys=True))
