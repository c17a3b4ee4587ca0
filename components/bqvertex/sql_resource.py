"""`SqlResource`: whatever a statement makes and no other component does, read from SQL files."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NotRequired, TypedDict, cast

import pulumi

from bqvertex.dataset import Dataset
from bqvertex.dataset_member import options, place, refuse_unknown_inputs
from bqvertex.resources import sql_resource as resource
from bqvertex.resources.text_file import read_text
from bqvertex.specs.sql_text import read_sql_text
from bqvertex.specs.statement import StatementError

_TEXTS: Final = ("create", "read", "update", "delete")


class SqlResourceArgs(TypedDict):
    """Inputs of a `SqlResource`.

    Each text is given as it is, or as the file that holds it. Comments and layout mean nothing.

    Attributes:
        dataset: Dataset of bare names; waited for, its columns known at preview. Left out, give
            `project` and `location`, and `dataset_id` where there are bare names.
        project: Project that runs the statements; left out, that of `dataset`.
        location: Where they run; left out, that of `dataset`.
        dataset_id: Dataset of bare names; left out, that of `dataset`.
        create: One statement, or a script, that makes it. A change of its meaning runs `update`;
            without that, the resource is replaced, the old one deleted first.
        create_file: File with it; exactly one of the two.
        read: One SELECT statement that answers one row for what is there and none when it is gone.
            Another row than after the last run is drift. Left out, nothing is looked at.
        read_file: File with it.
        update: One statement, or a script, that makes what is there into what `create` would make
            now. Left out, the resource is replaced.
        update_file: File with it.
        delete: One statement, or a script, that removes it. Left out, nothing is done at the end
            and what was made stays.
        delete_file: File with it.
        triggers: Any values whose change runs it again, such as `dataset.contents["flights"]`;
            left out, none.
        schemas: Columns, each as `TableFieldSchema`, of tables that are made elsewhere, by the
            names that the texts use; left out, those of `dataset` alone.
        adopt: Take over what `read` sees already, as it is; left out, that is an error.
        job_timeout_s: Seconds that each statement may take; left out, 21600.
    """

    dataset: NotRequired[Dataset]
    project: NotRequired[pulumi.Input[str]]
    location: NotRequired[pulumi.Input[str]]
    dataset_id: NotRequired[pulumi.Input[str]]
    create: NotRequired[pulumi.Input[str]]
    create_file: NotRequired[str]
    read: NotRequired[pulumi.Input[str]]
    read_file: NotRequired[str]
    update: NotRequired[pulumi.Input[str]]
    update_file: NotRequired[str]
    delete: NotRequired[pulumi.Input[str]]
    delete_file: NotRequired[str]
    triggers: NotRequired[pulumi.Input[Sequence[Any]]]
    schemas: NotRequired[Mapping[str, Sequence[Mapping[str, Any]]]]
    adopt: NotRequired[pulumi.Input[bool]]
    job_timeout_s: NotRequired[pulumi.Input[float]]


class SqlResource(pulumi.ComponentResource):
    """Whatever a statement makes, with the statements that see, change and delete it.

    Attributes:
        row: What `read` answers, by column; None without it.
        job_id: The BigQuery job of the last statement that ran; empty for what was taken over.
        sql_resource: The resource itself, for `depends_on`.
    """

    row: pulumi.Output[Mapping[str, Any] | None]
    job_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: SqlResourceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare it.

        Args:
            name: Name of the component in the program.
            args: See `SqlResourceArgs`.
            opts: Options of the component.

        Raises:
            RunError: A text is given twice, or a file cannot be read.
        """
        super().__init__("bqvertex:index:SqlResource", name, None, opts)
        what = f"SQL resource {name}"
        refuse_unknown_inputs(what, args, SqlResourceArgs)
        texts = _texts(what, args)
        inputs = {
            **{key: args.get(key) for key in ("triggers", "adopt", "job_timeout_s")},
            **place(what, args, ("project", "location")),
            **texts,
            "schemas": _schemas(texts, args) or None,
        }
        self.sql_resource = resource.SqlResource(
            name,
            cast(resource.SqlResourceArgs, inputs),
            options(self, args, opts),
        )
        self.row = self.sql_resource.row
        self.job_id = self.sql_resource.job_id
        self.register_outputs({"row": self.row, "job_id": self.job_id})


def _texts(what: str, args: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in _TEXTS:
        text, file = args.get(key), args.get(f"{key}_file")
        if text is not None and file is not None:
            raise pulumi.RunError(f"{what}: give either {key} or {key}_file, and not both")
        if file is not None:
            found |= {key: read_text(file), f"{key}_file": file}
        elif text is not None:
            found[key] = text
        elif key == "create":
            raise pulumi.RunError(f"{what}: give create or create_file")
    return found


def _schemas(
    texts: Mapping[str, Any], args: Mapping[str, Any]
) -> dict[str, Sequence[Mapping[str, Any]]]:
    dataset: Dataset | None = args.get("dataset")
    known = {**(dataset.schemas if dataset else {}), **args.get("schemas", {})}
    named: set[str] = set()
    for key in _TEXTS:
        text = texts.get(key)
        if isinstance(text, str) and known:
            try:
                named |= read_sql_text(text).bare_names
            except StatementError:
                # What is wrong with it, the resource's own check says with file and line.
                continue
        elif text is not None:
            return known
    given = args.get("schemas", {})
    return {name: schema for name, schema in known.items() if name in named or name in given}
