"""`SqlResource`: whatever a statement makes, with the statements that see, change and delete it."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi.dynamic import Resource

from bqvertex.clients.bigquery.google_client import GoogleBigQuery
from bqvertex.clients.settings import CloudSettings
from bqvertex.providers.lifecycle import Lifecycle
from bqvertex.providers.sql_object import SqlLifecycle
from bqvertex.resources.host import DynamicHost
from bqvertex.resources.owner import owner_below
from bqvertex.resources.progress import report
from bqvertex.specs.sql_resource import KIND, TEXTS


class SqlResourceArgs(TypedDict):
    """Inputs of a `SqlResource`.

    Comments, layout, the case of keywords and whether a name is written whole mean nothing in any
    of the texts.

    Attributes:
        project: Project that runs the statements, and that of names without one. Another one
            replaces the resource.
        location: Where they run: that of every dataset in them. Another one replaces the resource.
        dataset_id: Dataset of names without one; left out, every name has its own. Another one
            replaces the resource.
        create: One statement, or a script, that makes it. A change of its meaning runs `update`;
            without that, the resource is replaced, the old one deleted first.
        read: One SELECT statement: no row, or nothing there to read from, means that it is gone;
            one row says what it is, and another row than after the last run is drift, so ask for
            what does not change by itself. Left out, nothing is ever looked at: neither a deletion
            nor a change by others shows, and what is there before is not noticed.
        update: One statement, or a script, that makes what is there into what `create` would make
            now. Runs when the meaning of `create` or `update`, or `triggers`, changed. Left out,
            the resource is replaced.
        delete: One statement, or a script, that removes it; to find it gone is success. Left out,
            nothing is done at the end and what was made stays.
        create_file: Where `create` was read from, for messages; left out, `create`.
        read_file: Where `read` was read from.
        update_file: Where `update` was read from.
        delete_file: Where `delete` was read from.
        triggers: Any values whose change runs it again; left out, none.
        schemas: Columns of tables that the texts use, by the names they use, each a list of
            `TableFieldSchema`: with them, names and types are checked at preview. Left out,
            BigQuery finds out.
        adopt: Take over what `read` sees already, as it is: nothing runs. Left out, it is an error.
        job_timeout_s: Seconds that each statement may take; left out, 21600.
    """

    project: pulumi.Input[str]
    location: pulumi.Input[str]
    dataset_id: NotRequired[pulumi.Input[str]]
    create: pulumi.Input[str]
    read: NotRequired[pulumi.Input[str]]
    update: NotRequired[pulumi.Input[str]]
    delete: NotRequired[pulumi.Input[str]]
    create_file: NotRequired[pulumi.Input[str]]
    read_file: NotRequired[pulumi.Input[str]]
    update_file: NotRequired[pulumi.Input[str]]
    delete_file: NotRequired[pulumi.Input[str]]
    triggers: NotRequired[pulumi.Input[Sequence[Any]]]
    schemas: NotRequired[pulumi.Input[Mapping[str, Sequence[Mapping[str, Any]]]]]
    adopt: NotRequired[pulumi.Input[bool]]
    job_timeout_s: NotRequired[pulumi.Input[float]]


class SqlResourceProvider(DynamicHost):
    """Serves `SqlLifecycle` of SQL resources. The state names this class: see ADR 7."""

    def lifecycle(self, settings: CloudSettings) -> Lifecycle:
        """See `DynamicHost.lifecycle`."""
        return SqlLifecycle(KIND, GoogleBigQuery(settings), report=report)


class SqlResource(Resource, module="bqvertex", name="SqlResource"):
    """Whatever a statement makes and no other resource does.

    Attributes:
        row: What `read` answers, by column; None without `read`. Moments are RFC 3339, BYTES
            base64, NUMERIC and an INT64 of more than 53 bits text; NULL is left out.
        job_id: The BigQuery job of the last statement that ran; empty for what was taken over.
        create_hash: Hash of what `create` means; known at preview.
    """

    row: pulumi.Output[Mapping[str, Any] | None]
    job_id: pulumi.Output[str]
    create_hash: pulumi.Output[str]

    def __init__(
        self, name: str, args: SqlResourceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare it.

        Args:
            name: Name of the resource in the program.
            args: See `SqlResourceArgs`.
            opts: Options of the resource.
        """
        computed = dict.fromkeys((*KIND.computed, *(f"{text}_hash" for text in TEXTS)))
        owner = owner_below(name, opts.parent if opts else None)
        super().__init__(SqlResourceProvider(), name, {**computed, **args, "owner": owner}, opts)
