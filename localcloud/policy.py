"""IAM policies on any resource: get, set, test (https://cloud.google.com/iam/docs/reference/rest)."""

import base64
import hashlib
import json
import re
from typing import Any

from localcloud.errors import ApiError, Json, Violation
from localcloud.store import Store

# What Google answers for a resource on which no policy was ever set.
BLANK_ETAG = "ACAB"

_MEMBER = re.compile(
    r"allUsers|allAuthenticatedUsers"
    r"|(user|serviceAccount|group):[^\s:@]+@[^\s:@]+\.[^\s@]+"
    r"|domain:[^\s@]+\.[^\s@]+"
    r"|(projectOwner|projectEditor|projectViewer):[^\s]+"
    r"|(principal|principalSet)://.+"
    r"|deleted:.+\?uid=\d+"
)
_ROLE = re.compile(r"roles/[A-Za-z0-9_.]+|(projects|organizations)/[^/\s]+/roles/[A-Za-z0-9_.]+")


class Policies:
    """The policies of every resource, by resource name.

    Nothing is checked against them: the local cloud has no principals, so every caller may do
    everything. They are kept, compared and conflict-checked as Google does.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def get(self, resource: str) -> Json:
        """The policy of a resource; blank when none was set."""
        kept = self.store.get(f"{resource}/iamPolicies/policy")
        if kept is None:
            return {"version": 1, "etag": BLANK_ETAG}
        policy: Json = kept["policy"]
        return policy

    def set(self, resource: str, policy: Json, update_mask: str = "") -> Json:
        """Replace the policy of a resource and return it.

        Args:
            resource: Full name of the resource, which exists.
            policy: A parsed Policy. Its `etag`, when given, must be the current one.
            update_mask: Which of `bindings`, `etag`, `auditConfigs` to write; empty: the first two.

        Raises:
            ApiError: ABORTED, the etag is not the current one; INVALID_ARGUMENT, a member or role
                is malformed, or a condition comes without version 3.
        """
        with self.store.transaction():
            current = self.get(resource)
            if policy.get("etag") and policy["etag"] != current["etag"]:
                raise ApiError(
                    "ABORTED",
                    "There were concurrent policy changes. Please retry the whole "
                    "read-modify-write with exponential backoff. The request's ETag "
                    f"'{policy['etag']}' did not match the current policy's ETag "
                    f"'{current['etag']}'.",
                )
            fields = {f.strip() for f in update_mask.split(",") if f.strip()} or {
                "bindings",
                "etag",
            }
            kept = {k: v for k, v in current.items() if k in ("bindings", "auditConfigs")}
            for field, name in (
                ("bindings", "bindings"),
                ("auditConfigs", "auditConfigs"),
                ("audit_configs", "auditConfigs"),
            ):
                if field in fields:
                    kept.pop(name, None)
                    if policy.get(name):
                        kept[name] = policy[name]
            bindings = _merged(kept.get("bindings", []), int(policy.get("version") or 0))
            stored: Json = {"version": 3 if any("condition" in b for b in bindings) else 1}
            if kept.get("auditConfigs"):
                stored["auditConfigs"] = kept["auditConfigs"]
            if bindings:
                stored["bindings"] = bindings
            stored["etag"] = _etag(stored, current["etag"])
            self.store.put(f"{resource}/iamPolicies/policy", {"policy": stored})
        return stored

    def test(self, permissions: list[str]) -> Json:
        """The caller may do all it asks about."""
        bad = [p for p in permissions if not re.fullmatch(r"[a-z0-9]+(\.[A-Za-z0-9]+)+", p)]
        if bad:
            raise ApiError("INVALID_ARGUMENT", f"Permission {bad[0]} is not valid.")
        return {"permissions": permissions} if permissions else {}


def _merged(bindings: list[Json], version: int) -> list[Json]:
    # Google keeps one binding a role and condition, members sorted and without repeats.
    groups: dict[str, Json] = {}
    for index, binding in enumerate(bindings):
        role, members = binding.get("role", ""), binding.get("members", [])
        if not _ROLE.fullmatch(role):
            raise _wrong(
                f"policy.bindings[{index}].role",
                f"Role {role!r} is not valid: write roles/<name> or projects/<id>/roles/<name>.",
            )
        for member in members:
            if not _MEMBER.fullmatch(member):
                raise _wrong(
                    f"policy.bindings[{index}].members",
                    f"Invalid member {member!r}: write user:, serviceAccount: or group: with an "
                    "e-mail address, domain:, principal://, allUsers or allAuthenticatedUsers.",
                )
        if "condition" in binding and version != 3:
            raise _wrong(
                "policy.version",
                "A binding with a condition needs policy version 3; "
                f"the request says version {version}.",
            )
        key = json.dumps([role, binding.get("condition")], sort_keys=True)
        group = groups.setdefault(key, {**binding, "members": []})
        group["members"] = sorted({*group["members"], *members})
    return sorted((g for g in groups.values() if g["members"]), key=lambda g: str(g["role"]))


def _wrong(field: str, description: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", description, [Violation(field, description)])


def _etag(policy: Any, before: str) -> str:
    # The former etag goes in, so that setting A, then B, then A never repeats an etag.
    text = json.dumps([before, policy], sort_keys=True)
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()
