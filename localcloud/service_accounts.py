"""IAM v1 service accounts (https://cloud.google.com/iam/docs/reference/rest)."""

import base64
import re
import secrets

from localcloud.cloud import Cloud
from localcloud.discovery import mask
from localcloud.discovery.call import Call, Handler
from localcloud.discovery.control_plane import ControlPlane
from localcloud.discovery.page import page
from localcloud.errors import ApiError, Json, Violation, invalid
from localcloud.store import Store, now

ACCOUNT_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")


def plane(cloud: Cloud) -> ControlPlane:
    """The service: accounts and their policies; keys and roles answer 501."""
    accounts = _ServiceAccounts(cloud)
    return ControlPlane(
        "iam.v1",
        cloud,
        package="google.iam.admin.v1",
        handlers=accounts.handlers(),
        numbers=False,
    )


class _ServiceAccounts:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.store: Store = cloud.store

    def handlers(self) -> dict[str, Handler]:
        return {
            "serviceAccounts.create": self.create,
            "serviceAccounts.get": lambda call: _shown(self.find(call)[1]),
            "serviceAccounts.list": self.list,
            "serviceAccounts.patch": self.patch,
            "serviceAccounts.update": self.replace,
            "serviceAccounts.delete": self.delete,
            "serviceAccounts.enable": lambda call: self.set_disabled(call, False),
            "serviceAccounts.disable": lambda call: self.set_disabled(call, True),
            "serviceAccounts.getIamPolicy": lambda c: self.cloud.policies.get(self.find(c)[0]),
            "serviceAccounts.setIamPolicy": self.set_policy,
            "serviceAccounts.testIamPermissions": self.test_permissions,
        }

    def find(self, call: Call) -> tuple[str, Json]:
        """Name and account; by e-mail address or unique id, under `-` in any project."""
        _, project, _, wanted = call.name.split("/")
        for account in self.store.every("serviceAccounts"):
            if wanted in (account["email"], account["uniqueId"]) and project in (
                "-",
                account["projectId"],
            ):
                return account["name"], account
        raise ApiError("NOT_FOUND", f"Service account {call.name} does not exist.")

    def create(self, call: Call) -> Json:
        identifier = str(call.body.get("accountId", ""))
        if not ACCOUNT_ID.fullmatch(identifier):
            raise invalid(
                [
                    Violation(
                        "account_id",
                        f"Invalid account_id {identifier!r}: 6 to 30 lower-case letters, digits "
                        "and hyphens, starting with a letter, not ending with a hyphen.",
                    )
                ]
            )
        email = f"{identifier}@{call.project}.iam.gserviceaccount.com"
        name = f"projects/{call.project}/serviceAccounts/{email}"
        if self.store.get(name):
            raise ApiError(
                "ALREADY_EXISTS",
                f"Service account {identifier} already exists within project "
                f"projects/{call.project}.",
            )
        unique = str(10**20 + secrets.randbelow(10**20))
        given = call.body.get("serviceAccount", {})
        account = {
            **{k: v for k, v in given.items() if k in ("displayName", "description")},
            "name": name,
            "projectId": call.project,
            "email": email,
            "uniqueId": unique,
            "oauth2ClientId": unique,
        }
        return self._put(account)

    def list(self, call: Call) -> Json:
        found = self.store.under(f"projects/{call.project}", "serviceAccounts")
        shown, token = page(found, call.query, asked=call.name)
        return {
            **({"accounts": [_shown(account) for account in shown]} if shown else {}),
            **({"nextPageToken": token} if token else {}),
        }

    def patch(self, call: Call) -> Json:
        _, account = self.find(call)
        body = call.body.get("serviceAccount", {})
        schema = call.plane.document.schema
        text = str(call.body.get("updateMask") or ",".join(body))
        for keys in mask.paths(text, schema, "ServiceAccount"):
            if keys[0] not in ("displayName", "description", "etag", "name"):
                raise ApiError(
                    "INVALID_ARGUMENT", f"{keys[0]} of a service account cannot be updated."
                )
            if keys[0] in ("displayName", "description"):
                mask.write(account, keys, mask.read(body, keys))
        return self._put(account)

    def replace(self, call: Call) -> Json:
        _, account = self.find(call)
        kept = {k: v for k, v in account.items() if k not in ("displayName", "description")}
        given = {k: v for k, v in call.body.items() if k in ("displayName", "description")}
        return self._put({**kept, **given})

    def delete(self, call: Call) -> Json:
        self.store.delete(self.find(call)[0])
        return {}

    def set_disabled(self, call: Call, disabled: bool) -> Json:
        _, account = self.find(call)
        account.pop("disabled", None)
        self._put({**account, **({"disabled": True} if disabled else {})})
        return {}

    def set_policy(self, call: Call) -> Json:
        name, _ = self.find(call)
        return self.cloud.policies.set(
            name, call.body.get("policy", {}), str(call.body.get("updateMask") or "")
        )

    def test_permissions(self, call: Call) -> Json:
        self.find(call)
        return self.cloud.policies.test(list(call.body.get("permissions", [])))

    def _put(self, account: Json) -> Json:
        # This service's etag is bytes, hence base64; it changes with every write.
        account["revision"] = base64.b64encode(now().encode()).decode()
        stored = self.store.put(account["name"], account)
        return _shown(stored)


def _shown(account: Json) -> Json:
    told = {key: value for key, value in account.items() if key != "revision"}
    return {**told, "etag": account["revision"]}
