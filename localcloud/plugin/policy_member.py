"""One member of one role: a line of an IAM policy, added and taken away by read-modify-write.

Several of them change one policy, from this process and from others: in here one at a time, and
across processes Google refuses a write whose etag is out of date, whereupon it is done again.
Source: https://cloud.google.com/iam/docs/policies#etag
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from localcloud.plugin.lifecycle import Operation, Refused
from localcloud.plugin.property import Kind, Property
from localcloud.plugin.property_bag import Bag
from localcloud.plugin.request_error import HttpError
from localcloud.plugin.resource_type import ResourceType, expand

Policy = dict[str, Any]

_CONDITION = (
    Property("title", required=True, replaces=True),
    Property("description", replaces=True, absent=""),
    Property("expression", required=True, replaces=True),
)

_ID = re.compile(
    r"(?P<resource>.+?)/(?P<role>(?:(?:projects|organizations)/[^/]+/)?roles/[^/]+)"
    r"/(?P<member>principal(?:Set)?://.+|[^/]+)"
)
"""The id of a member without a condition; the role is found first, by its `roles/`."""


def canonical_member(member: str) -> str:
    """A member as Google keeps it: e-mail addresses and domains in lower case."""
    kind, separator, rest = member.partition(":")
    if kind in ("user", "serviceAccount", "group", "domain"):
        return f"{kind}{separator}{rest.lower()}"
    return member


def same_member(one: str, other: str) -> bool:
    """Whether two spellings are one member."""
    return canonical_member(one) == canonical_member(other)


PROPERTIES = (
    Property("role", required=True, replaces=True),
    Property(
        "member",
        required=True,
        replaces=True,
        same=same_member,
        pattern=r"[A-Za-z]+:.+|allUsers|allAuthenticatedUsers",
        pattern_says="a kind and a name, such as 'serviceAccount:name@project.iam.gserviceaccount."
        "com', 'user:me@example.com', 'group:…', 'domain:…', or 'allUsers'",
    ),
    Property("condition", Kind.OBJECT, replaces=True, properties=_CONDITION),
    Property("etag", field=None, output=True),
)
"""What every kind of member has beside the resource whose policy it is in."""


class PolicyMember:
    """The lifecycle of a member, in the policy of what `kind.id` names."""

    update_mask = ""
    """Mask that a write of the policy carries; empty: none."""

    def __init__(self, kind: ResourceType) -> None:
        self.kind = kind

    def resource(self, bag: Bag) -> str:
        """Name of the resource whose policy it is, as the id has it."""
        return expand(self.kind.id, bag, quoted=False)

    def path(self, bag: Bag) -> str:
        """Path of that resource in the API."""
        return expand(self.kind.path or self.kind.id, bag)

    def get_policy(self, operation: Operation, bag: Bag) -> Policy:
        """Read the policy."""
        return operation.rest.call(
            operation,
            "POST",
            self.kind.service,
            f"{self.path(bag)}:getIamPolicy",
            body={"options": {"requestedPolicyVersion": 3}},
        )

    def set_policy(self, operation: Operation, bag: Bag, policy: Policy) -> Policy:
        """Write the policy; the server refuses it when its etag is out of date."""
        body: Policy = {"policy": {**policy, "version": 3}}
        if self.update_mask:
            body["updateMask"] = self.update_mask
        return operation.rest.call(
            operation,
            "POST",
            self.kind.service,
            f"{self.path(bag)}:setIamPolicy",
            body=body,
        )

    def complete(self, bag: Bag) -> Bag:
        """The properties as the state has them, such as a short name turned into the whole one."""
        return bag

    def create(self, operation: Operation, planned: Bag) -> tuple[str, Bag]:
        """See `Lifecycle`."""
        policy = self._modify(operation, planned, _added)
        return self._id(planned), self._outputs(planned, policy)

    def read(self, operation: Operation, id_: str, state: Bag) -> Bag | None:
        """See `Lifecycle`."""
        bag = state if state.get("role") else self._parsed(id_)
        try:
            policy = self.get_policy(operation, bag)
        except HttpError as error:
            if error.not_found:
                return None
            raise
        if not any(bag_member(bag) in binding["members"] for binding in _bindings(policy, bag)):
            return None
        return {**self._outputs(bag, policy), "id": self._id(bag)}

    def update(
        self, operation: Operation, id_: str, state: Bag, planned: Bag, changed: Iterable[str]
    ) -> Bag:
        """Nothing of a member changes in place."""
        raise Refused(f"{id_} cannot change in place: {', '.join(changed)}")

    def delete(self, operation: Operation, id_: str, state: Bag) -> None:
        """See `Lifecycle`."""
        try:
            self._modify(operation, state, _removed)
        except HttpError as error:
            if not error.not_found:
                raise

    def _modify(
        self, operation: Operation, bag: Bag, change: Callable[[Policy, Bag], Policy | None]
    ) -> Policy:
        def once() -> Policy:
            policy = self.get_policy(operation, bag)
            wanted = change(policy, bag)
            return policy if wanted is None else self.set_policy(operation, bag, wanted)

        with operation.locks.of(f"{self.kind.token} {self.resource(bag)}"):
            return operation.rest.again(operation, once, lambda error: error.conflict)

    def _id(self, bag: Bag) -> str:
        parts = [self.resource(bag), bag["role"], bag_member(bag)]
        condition = bag.get("condition")
        if condition:
            parts += [condition.get(key) or "" for key in ("title", "description", "expression")]
        return "/".join(parts)

    def _outputs(self, bag: Bag, policy: Policy) -> Bag:
        outputs = self.complete({**bag, "member": bag_member(bag), "etag": policy.get("etag", "")})
        return {**outputs, "id": self._id(bag)}

    def _parsed(self, id_: str) -> Bag:
        """The properties in the id of an import, written with blanks or with slashes."""
        resource, *rest = id_.split(" ")
        if len(rest) >= 2:
            role, member, *title = rest
            bag: Bag = {"role": role, "member": member}
            if title:
                bag["condition"] = {"title": " ".join(title)}
        else:
            match = _ID.fullmatch(id_)
            if match is None:
                raise Refused(
                    f"'{id_}' is no id of {self.kind.token}: write "
                    "'<resource> <role> <member>', with blanks between"
                )
            resource, role, member = match.groups()
            bag = {"role": role, "member": member}
        identity = self.kind.identity(resource)
        if identity is None:
            raise Refused(
                f"'{resource}' in the id '{id_}' of {self.kind.token} is not of the form "
                f"'{self.kind.id}'"
            )
        return {**bag, **identity}


def bag_member(bag: Bag) -> str:
    """The member that the properties name, as Google keeps it."""
    return canonical_member(bag["member"])


def _bindings(policy: Policy, bag: Bag) -> list[Any]:
    wanted = bag.get("condition")
    return [
        {**binding, "members": [canonical_member(each) for each in binding.get("members", [])]}
        for binding in policy.get("bindings", [])
        if binding["role"] == bag["role"] and _same_condition(binding.get("condition"), wanted)
    ]


def _same_condition(one: Bag | None, other: Bag | None) -> bool:
    def said(condition: Bag | None) -> Bag:
        return {key: value for key, value in (condition or {}).items() if value}

    return said(one) == said(other)


def _added(policy: Policy, bag: Bag) -> Policy | None:
    member = bag_member(bag)
    if any(member in binding["members"] for binding in _bindings(policy, bag)):
        return None
    binding: Bag = {"role": bag["role"], "members": [member]}
    bindings = list(policy.get("bindings", []))
    for index, each in enumerate(bindings):
        if each["role"] == bag["role"] and _same_condition(
            each.get("condition"), bag.get("condition")
        ):
            bindings[index] = {**each, "members": [*each.get("members", []), member]}
            break
    else:
        if bag.get("condition"):
            binding["condition"] = {k: v for k, v in bag["condition"].items() if v}
        bindings.append(binding)
    return {**policy, "bindings": bindings}


def _removed(policy: Policy, bag: Bag) -> Policy | None:
    member = bag_member(bag)
    bindings = []
    for each in policy.get("bindings", []):
        kept = each.get("members", [])
        if each["role"] == bag["role"] and _same_condition(
            each.get("condition"), bag.get("condition")
        ):
            kept = [other for other in kept if canonical_member(other) != member]
        if kept:
            bindings.append({**each, "members": kept})
    if bindings == policy.get("bindings", []):
        return None
    return {**policy, "bindings": bindings}
