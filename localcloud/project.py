"""Projects: ids, their numbers, and resource names in either."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

from localcloud.errors import ApiError
from localcloud.store import Store, now

DEFAULT_PROJECT = "local-project"
DEFAULT_NUMBER = "1234567890"

_ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?|[a-z0-9.-]+:[a-z0-9-]+")


class Projects:
    """Every project id that requests have named; none needs creating.

    Args:
        store: Where they are kept, as `projects/<id>`.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._numbers: dict[str, str] = {}
        self.number(DEFAULT_PROJECT)

    def number(self, project: str) -> str:
        """The number of a project id; the project is remembered.

        Raises:
            ApiError: INVALID_ARGUMENT; the id is malformed.
        """
        known = self._numbers.get(project)
        if known:
            return known
        if project.isdigit():
            return project
        if not _ID.fullmatch(project):
            raise ApiError(
                "INVALID_ARGUMENT",
                f"Project id {project!r} is malformed: 6 to 30 lower-case letters, digits and "
                "hyphens, starting with a letter.",
            )
        number = number_of(project)
        if self.store.get(f"projects/{project}") is None:
            self.store.put(
                f"projects/{project}",
                {"projectId": project, "projectNumber": number, "createTime": now()},
            )
        self._numbers[project] = number
        return number

    def id(self, project: str) -> str:
        """The id of a project given by id or by number; an unknown number stands for itself."""
        if not project.isdigit():
            self.number(project)
            return project
        for known, number in self._numbers.items():
            if number == project:
                return known
        for row in self.store.under("", "projects"):
            if row["projectNumber"] == project:
                return str(row["projectId"])
        return project

    def inward(self, value: Any) -> Any:
        """A request with every `projects/<number>/…` in it turned to the project's id."""
        if isinstance(value, dict):
            return {key: self.inward(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.inward(item) for item in value]
        if isinstance(value, str) and value.startswith("projects/"):
            return _renamed(value, self.id)
        return value

    def outward(self, value: Any) -> Any:
        """A reply with every `projects/<id>/…` in it turned to the number, as Google answers."""
        if isinstance(value, dict):
            return {key: self.outward(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.outward(item) for item in value]
        if isinstance(value, str) and value.startswith("projects/"):
            return _renamed(value, self.number)
        return value


def number_of(project: str) -> str:
    """A stable 12-digit number for a project id."""
    if project == DEFAULT_PROJECT:
        return DEFAULT_NUMBER
    digest = hashlib.sha256(project.encode()).digest()
    return str(10**11 + int.from_bytes(digest[:8]) % (9 * 10**11))


def _renamed(name: str, rename: Callable[[str], str]) -> str:
    prefix, project, *rest = name.split("/", 2)
    # Text that only happens to begin like a name (a description) is left as it is.
    if not rest or not (project.isdigit() or _ID.fullmatch(project)):
        return name
    return "/".join([prefix, rename(project), *rest])
