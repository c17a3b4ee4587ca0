"""A service account.

Source: https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts
"""

import re
from typing import Any

from localcloud.plugin.configuration import IAM
from localcloud.plugin.lifecycle import Operation
from localcloud.plugin.property import Kind, Property
from localcloud.plugin.property_bag import Bag
from localcloud.plugin.resource_type import DELETION_POLICY, PROJECT, ResourceType
from localcloud.plugin.rest_resource import RestResource
from localcloud.plugin.unknown import has_unknown

_DISABLED = "disabled"


class ServiceAccount(RestResource):
    """A service account's lifecycle: disabling and enabling it are verbs of their own."""

    def creation(self, planned: Bag) -> dict[str, Any]:
        """The body of the create."""
        return {"accountId": planned["accountId"], "serviceAccount": super().creation(planned)}

    def finish(self, operation: Operation, reply: dict[str, Any], values: Bag) -> None:
        """Disable it when it is made so."""
        if "email" in reply and values.get(_DISABLED):
            self.call(operation, "POST", f"{reply['name']}:disable", values, body={})

    def change(
        self, operation: Operation, id_: str, state: Bag, planned: Bag, fields: list[Property]
    ) -> None:
        """Send the update."""
        described = [each for each in fields if each.name != _DISABLED]
        if len(described) < len(fields):
            verb = "disable" if planned.get(_DISABLED) else "enable"
            self.call(operation, "POST", f"{self.path(id_, state)}:{verb}", planned, body={})
        if described:
            mask = ",".join(_snake_case(each.name) for each in described)
            account = super().body(planned, state, {each.name for each in described})
            account.pop(_DISABLED, None)
            body = {"serviceAccount": account, "updateMask": mask}
            self.call(operation, "PATCH", self.path(id_, state), planned, body=body)

    def body(self, planned: Bag, state: Bag | None, changed: Any) -> dict[str, Any]:
        """The REST resource without what is set by verbs."""
        body = super().body(planned, state, changed)
        body.pop(_DISABLED, None)
        return body

    def id_of(self, reply: dict[str, Any], planned: Bag) -> str:
        """The server makes the e-mail address, and the id from it."""
        return str(reply["name"])


def _snake_case(name: str) -> str:
    return re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", name)


def _address(bag: Bag) -> Bag:
    """The e-mail address, known before the account is there; of an import, the account's id."""
    if "accountId" not in bag:
        return {"accountId": bag["email"].partition("@")[0]} if "email" in bag else {}
    if has_unknown([bag["accountId"], bag.get("project")]) or not bag.get("project"):
        return {}
    # Projects of a domain, `example.com:name`, have their parts the other way round.
    host = ".".join(reversed(bag["project"].split(":")))
    email = f"{bag['accountId']}@{host}.iam.gserviceaccount.com"
    return {"email": email, "member": f"serviceAccount:{email}"}


TYPE = ResourceType(
    token="gcp:serviceaccount/account:Account",
    service=IAM,
    id="projects/{project}/serviceAccounts/{email}",
    imports=("{project}/{email}",),
    collection="projects/{project}/serviceAccounts",
    deletes_first=True,
    lifecycle=ServiceAccount,
    derives=_address,
    properties=(
        Property(
            "accountId",
            field=None,
            required=True,
            replaces=True,
            pattern=r"[a-z]([-a-z0-9]{4,28}[a-z0-9])",
            pattern_says="6 to 30 lower-case letters, digits and hyphens, a letter first",
        ),
        PROJECT,
        Property("displayName", absent=""),
        Property("description", absent=""),
        Property("disabled", Kind.BOOLEAN, implied=False, absent=False),
        Property("createIgnoreAlreadyExists", Kind.BOOLEAN, field=None),
        DELETION_POLICY,
        Property("email", output=True),
        Property(
            "member", field="email", output=True, decode=lambda email: f"serviceAccount:{email}"
        ),
        Property("name", output=True),
        Property("uniqueId", output=True),
    ),
)
