"""The connection that SQL means by CONNECTION DEFAULT in one location of a project, as plain data.

https://docs.cloud.google.com/bigquery/docs/default-connections
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bqvertex.specs.identifier import CONNECTION, quoted_path
from bqvertex.specs.identifier import problems as rule_problems
from bqvertex.specs.inputs import Problem, known, not_text
from bqvertex.specs.job import work_key
from bqvertex.specs.literal import render
from bqvertex.specs.location import same_location
from bqvertex.specs.sql_object import (
    CREATE,
    DEFAULT_JOB_TIMEOUT_S,
    DELETE,
    UPDATE,
    Row,
    SqlKind,
    Step,
    place_problems,
)

IDENTITY: Final = frozenset({"project", "location"})
"""Inputs whose change means another setting."""
DEFINITION: Final = frozenset({"connection_id"})
"""Inputs whose change sets it anew, in place."""
METADATA: Final = frozenset({"owner"})
"""Inputs whose change is written down."""
SILENT: Final = frozenset({"adopt", "job_timeout_s"})
"""Inputs whose change alone changes nothing."""
OUTPUTS: Final = frozenset({"option_value"})

OPTION: Final = "default_cloud_resource_connection_id"


@dataclass(frozen=True, kw_only=True)
class DefaultConnectionSpec:
    """What the setting should be.

    Attributes:
        project: Project.
        location: Location of the connection, and of what is made with it.
        connection_id: The connection's id, without project and location.
        owner: Who declares it: organisation, project, stack and name.
        adopt: Whether another connection that is set already gives way.
        job_timeout_s: Seconds that each statement may take.
    """

    project: str
    location: str
    connection_id: str
    owner: str
    adopt: bool
    job_timeout_s: float

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> "DefaultConnectionSpec":
        """Take checked inputs, or a state, as a spec: what is left out gets its default."""
        return cls(
            project=inputs["project"],
            location=inputs["location"],
            connection_id=str(inputs["connection_id"]).rpartition(".")[2],
            owner=inputs.get("owner") or "",
            adopt=bool(inputs.get("adopt")),
            job_timeout_s=float(inputs.get("job_timeout_s") or DEFAULT_JOB_TIMEOUT_S),
        )

    @property
    def region(self) -> str:
        """The location as SQL names it, `region-us`."""
        return f"region-{self.location.lower()}"

    @property
    def path(self) -> str:
        """`project.region-us.default_cloud_resource_connection_id`."""
        return f"{self.project}.{self.region}.{OPTION}"

    @property
    def read_sql(self) -> str:
        """The query for the project's own value; that of an organisation is no concern of it."""
        # The view is documented with a region and no project: that is the one which runs it,
        # https://docs.cloud.google.com/bigquery/docs/information-schema-project-options
        view = f"{quoted_path((self.region,))}.INFORMATION_SCHEMA.PROJECT_OPTIONS"
        return f"SELECT option_value FROM {view} WHERE option_name = {render(OPTION)}"

    @property
    def definition(self) -> str:
        """Hash of what it is set to."""
        return work_key(self.connection_id)

    def creation(self) -> Step:
        """Say how to set it."""
        return Step(CREATE, self._set(self.connection_id), self.definition)

    def change(self) -> Step | None:
        """Say how to set another one."""
        return Step(UPDATE, self._set(self.connection_id), self.definition)

    def deletion(self, live: Row | None) -> Step | None:
        """Say how to unset it; None where somebody has set another one."""
        if live is None or live["option_value"] != self.connection_id:
            return None
        return Step(DELETE, self._set(None), self.definition)

    def live(self, rows: Sequence[Row]) -> Row | None:
        """Take the value that is set."""
        return next((row for row in rows if row.get("option_value")), None)

    def refusal(self, rows: Sequence[Row]) -> str:
        """Nothing else stands in its way."""
        del rows
        return ""

    def drift(self, live: Row, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """Compare the value."""
        del state
        found = str(live["option_value"])
        return {} if found == self.connection_id else {"connection_id": found}

    def outputs(self, live: Row) -> Mapping[str, Any]:
        """The value as BigQuery has it."""
        return {"option_value": live["option_value"]}

    def adoption_problem(self, live: Row) -> str:
        """Any value gives way: to take over a setting is to set it."""
        del live
        return ""

    def _set(self, value: str | None) -> str:
        option = f"{quoted_path((f'{self.region}.{OPTION}',))} = {render(value)}"
        return f"ALTER PROJECT {quoted_path((self.project,))} SET OPTIONS ({option})"


def problems(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield all that is wrong with inputs."""
    del olds
    yield from place_problems(news, frozenset({"project", "location", "connection_id"}))
    yield from not_text(news, {"connection_id"})
    if not known(news, "connection_id", str) or not news["connection_id"]:
        return
    # The id of a project of a domain has dots of its own: `example.com:name`.
    rest, _, connection_id = str(news["connection_id"]).rpartition(".")
    yield from rule_problems("connection_id", connection_id, CONNECTION)
    if not rest:
        return
    project, _, location = rest.rpartition(".")
    if not project:
        yield (
            "connection_id",
            f"{news['connection_id']!r} is neither an id nor a path project.location.id",
        )
        return
    if known(news, "project", str) and project != news["project"]:
        yield (
            "connection_id",
            f"{news['connection_id']!r} is of project {project}; the default connection of "
            f"{news['project']} has to be its own",
        )
    if known(news, "location", str) and not same_location(location, news["location"]):
        yield (
            "connection_id",
            f"{news['connection_id']!r} is in {location}; the default connection of "
            f"{news['location']} has to be there",
        )


def same_place(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Tell that another project or location has a setting of its own."""
    del olds, news
    return False


KIND: Final = SqlKind(
    noun="default connection",
    identity=IDENTITY,
    definition=DEFINITION,
    metadata=METADATA,
    silent=SILENT,
    outputs=OUTPUTS,
    spec=DefaultConnectionSpec.from_inputs,
    problems=problems,
    derived=lambda olds, news: {},
    same_place=same_place,
    in_place=lambda inputs: True,
    anew="sets it in place",
    replaced="sets it there and unsets it here",
)
