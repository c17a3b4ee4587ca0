"""A dataset's IAM policy: its access list, seen as bindings. Both are one thing in BigQuery.

https://cloud.google.com/bigquery/docs/control-access-to-resources-iam
"""

import json
from collections.abc import Mapping
from typing import Any

from local_bigquery.catalog import datasets
from local_bigquery.errors import BigQueryError
from local_bigquery.models import Dataset

BASIC = {
    "READER": "roles/bigquery.dataViewer",
    "WRITER": "roles/bigquery.dataEditor",
    "OWNER": "roles/bigquery.dataOwner",
}
SPECIAL = {
    "projectOwners": "projectOwner",
    "projectWriters": "projectEditor",
    "projectReaders": "projectViewer",
}


def get(project_id: str, dataset_id: str) -> dict[str, Any]:
    """The policy, with the dataset's etag.

    Raises:
        BigQueryError: `notFound`.
    """
    dataset = datasets.get(project_id, dataset_id).dump()
    bindings: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in dataset.get("access") or []:
        if (role := entry.get("role")) is not None:
            role, condition = BASIC.get(role, role), entry.get("condition")
            binding = bindings.setdefault(
                (role, json.dumps(condition, sort_keys=True)),
                {"role": role, "members": [], **({"condition": condition} if condition else {})},
            )
            binding["members"].append(_member(project_id, entry))
    return {
        "version": 3 if any("condition" in binding for binding in bindings.values()) else 1,
        "etag": dataset.get("etag"),
        "bindings": list(bindings.values()),
    }


def set_(project_id: str, dataset_id: str, policy: Mapping[str, Any]) -> dict[str, Any]:
    """Make the access list say what a policy says; authorised views and routines stay.

    Raises:
        BigQueryError: `notFound`, `conditionNotMet` for another etag, `invalid` for a member that
            is none or a condition without an expression.
    """
    dataset = datasets.get(project_id, dataset_id)
    kept = [entry for entry in dataset.dump().get("access") or [] if "role" not in entry]
    given = [
        _entry(str(binding.get("role")), str(member)) | _condition(binding)
        for binding in policy.get("bindings") or []
        for member in binding.get("members") or []
    ]
    body = Dataset.model_validate({"access": kept + given})
    datasets.update(project_id, dataset_id, body, policy.get("etag"), replace=False)
    return get(project_id, dataset_id)


def _condition(binding: Mapping[str, Any]) -> dict[str, Any]:
    condition = binding.get("condition")
    if not condition:
        return {}
    if not condition.get("expression"):
        raise BigQueryError("invalid", "A condition in a policy needs an expression.")
    return {"condition": condition}


def _member(project_id: str, entry: Mapping[str, Any]) -> str:
    if email := entry.get("userByEmail"):
        is_account = str(email).endswith("gserviceaccount.com")
        return f"{'serviceAccount' if is_account else 'user'}:{email}"
    if email := entry.get("groupByEmail"):
        return f"group:{email}"
    if domain := entry.get("domain"):
        return f"domain:{domain}"
    if group := entry.get("specialGroup"):
        return f"{SPECIAL[group]}:{project_id}" if group in SPECIAL else str(group)
    return str(entry.get("iamMember"))


def _entry(role: str, member: str) -> dict[str, Any]:
    basic = {full: short for short, full in BASIC.items()}
    kind, _, name = member.partition(":")
    place = {"role": basic.get(role, role)}
    special = {iam: group for group, iam in SPECIAL.items()}
    if member in ("allUsers", "allAuthenticatedUsers"):
        return place | ({"iamMember": member} if member == "allUsers" else {"specialGroup": member})
    if kind in ("user", "serviceAccount") and name:
        return place | {"userByEmail": name}
    if kind == "group" and name:
        return place | {"groupByEmail": name}
    if kind == "domain" and name:
        return place | {"domain": name}
    if kind in special and name:
        return place | {"specialGroup": special[kind]}
    if kind in ("principal", "principalSet", "deleted") and name:
        return place | {"iamMember": member}
    raise BigQueryError("invalid", f"Invalid member {member!r} in the policy.")
