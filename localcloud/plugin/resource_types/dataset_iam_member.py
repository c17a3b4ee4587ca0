"""A member of a role on a BigQuery dataset, kept in the dataset's access list.

Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets
"""

from typing import Any

from localcloud.plugin.configuration import BIGQUERY
from localcloud.plugin.lifecycle import Operation
from localcloud.plugin.policy_member import PROPERTIES, Policy, PolicyMember
from localcloud.plugin.property import Property
from localcloud.plugin.property_bag import Bag
from localcloud.plugin.resource_type import PROJECT, ResourceType, expand

_ROLES = {
    "OWNER": "roles/bigquery.dataOwner",
    "WRITER": "roles/bigquery.dataEditor",
    "READER": "roles/bigquery.dataViewer",
}
_QUERY = {"accessPolicyVersion": "3"}


class DatasetMember(PolicyMember):
    """The lifecycle of a member of a dataset's role: the access list taken as a policy."""

    def get_policy(self, operation: Operation, bag: Bag) -> Policy:
        """The access list as a policy; entries without a role are kept aside."""
        dataset = operation.rest.call(
            operation, "GET", self.kind.service, expand(self.kind.id, bag), query=_QUERY
        )
        access = dataset.get("access", [])
        bindings = [
            {
                "role": _ROLES.get(entry["role"], entry["role"]),
                "members": [_member(entry)],
                **({"condition": entry["condition"]} if "condition" in entry else {}),
            }
            for entry in access
            if "role" in entry
        ]
        others = [entry for entry in access if "role" not in entry]
        return {"bindings": bindings, "others": others, "etag": dataset.get("etag", "")}

    def set_policy(self, operation: Operation, bag: Bag, policy: Policy) -> Policy:
        """Write the policy as the access list, unless somebody changed the dataset meanwhile."""
        entries = [
            {
                "role": binding["role"],
                **_entry(member),
                **({"condition": binding["condition"]} if "condition" in binding else {}),
            }
            for binding in policy["bindings"]
            for member in binding["members"]
        ]
        operation.rest.call(
            operation,
            "PATCH",
            self.kind.service,
            expand(self.kind.id, bag),
            query=_QUERY,
            body={"access": [*sorted(entries, key=_order), *policy["others"]]},
            headers={"If-Match": policy["etag"]} if policy["etag"] else None,
        )
        return self.get_policy(operation, bag)

    def complete(self, bag: Bag) -> Bag:
        """A dataset's policy has no etag of its own."""
        return {**bag, "etag": ""}


def _member(entry: dict[str, Any]) -> str:
    if "userByEmail" in entry:
        email = str(entry["userByEmail"])
        machine = email.endswith("gserviceaccount.com")
        return f"{'serviceAccount' if machine else 'user'}:{email}"
    if "groupByEmail" in entry:
        return f"group:{entry['groupByEmail']}"
    if "domain" in entry:
        return f"domain:{entry['domain']}"
    return str(entry.get("iamMember") or f"specialGroup:{entry.get('specialGroup')}")


def _entry(member: str) -> dict[str, Any]:
    kind, _, name = member.partition(":")
    match kind:
        case "user" | "serviceAccount":
            return {"userByEmail": name}
        case "group":
            return {"groupByEmail": name}
        case "domain":
            return {"domain": name}
        case "specialGroup":
            return {"specialGroup": name}
        case _:
            return {"iamMember": member}


def _order(entry: dict[str, Any]) -> tuple[str, str]:
    return entry["role"], str(sorted(entry.items(), key=str))


TYPE = ResourceType(
    token="gcp:bigquery/datasetIamMember:DatasetIamMember",
    service=BIGQUERY,
    id="projects/{project}/datasets/{datasetId}",
    imports=("{project}/{datasetId}",),
    lifecycle=DatasetMember,
    properties=(
        Property("datasetId", field=None, required=True, replaces=True),
        PROJECT,
        *PROPERTIES,
    ),
)
