"""The program that both plugins bring up: every resource type that the stand-in serves."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

PROJECT = "contract-project"
LOCATION = "us-central1"
MEMBERS = ("alice", "bob", "carol", "dave")


@dataclass(frozen=True)
class Version:
    """What differs between the versions of the program.

    Attributes:
        description: Description of what has one.
        labels: Labels of what has them.
        columns: Columns of the table.
        query: Query of the view.
        role: Role of the members.
        partition_field: Column the table is partitioned by.
        endpoint_id: The endpoint's number.
        account_id: The service account's id; None: none, since the official plugin takes ten
            seconds to believe that one is there.
    """

    description: str | None
    labels: dict[str, str]
    columns: tuple[tuple[str, str], ...]
    query: str
    role: str
    partition_field: str
    endpoint_id: str
    account_id: str | None


COLUMNS = (("day", "DATE"), ("due", "DATE"), ("carrier", "STRING"), ("delay", "INT64"))

FIRST = Version(
    description="first",
    labels={"environment": "test", "left-out-later": "yes"},
    columns=COLUMNS,
    query=f"SELECT carrier FROM `{PROJECT}.contract.events`",
    role="roles/bigquery.dataViewer",
    partition_field="day",
    endpoint_id="1234567890",
    account_id="contract-first",
)
CHANGED = Version(
    description="second",
    labels={"environment": "changed", "added": "yes"},
    columns=(*COLUMNS, ("distance", "FLOAT64")),
    query=f"SELECT carrier, delay FROM `{PROJECT}.contract.events`",
    role=FIRST.role,
    partition_field=FIRST.partition_field,
    endpoint_id=FIRST.endpoint_id,
    account_id=FIRST.account_id,
)
REPLACED = Version(
    description=None,
    labels={},
    columns=CHANGED.columns,
    query=CHANGED.query,
    role="roles/bigquery.dataEditor",
    partition_field="due",
    endpoint_id="1234567891",
    account_id="contract-second",
)


def provider(url: str) -> gcp.Provider:
    """A provider that sends everything to one server."""
    return gcp.Provider(
        "cloud",
        project=PROJECT,
        region=LOCATION,
        access_token="contract-token",
        user_project_override=False,
        default_labels={"team": "contracts"},
        # The official plugin else waits three seconds for more members before it sends any.
        batching={"enable_batching": True, "send_after": "100ms"},
        big_query_custom_endpoint=f"{url}/bigquery/v2/",
        bigquery_connection_custom_endpoint=f"{url}/v1/",
        iam_beta_custom_endpoint=f"{url}/v1/",
        resource_manager_custom_endpoint=f"{url}/v1/",
        service_usage_custom_endpoint=f"{url}/v1/",
        storage_custom_endpoint=f"{url}/storage/v1/",
        vertex_ai_custom_endpoint=f"{url}/v1/",
    )


def whole(url: str, version: Version) -> Callable[[], None]:
    """The program, in one version, against the server at `url`."""

    def program() -> None:
        opts = pulumi.ResourceOptions(provider=provider(url))
        dataset = gcp.bigquery.Dataset(
            "dataset",
            dataset_id="contract",
            location=LOCATION,
            description=pulumi.Output.secret(version.description),
            labels=version.labels,
            delete_contents_on_destroy=False,
            opts=opts,
        )
        table = gcp.bigquery.Table(
            "table",
            dataset_id=dataset.dataset_id,
            table_id="events",
            schema=json.dumps([{"name": name, "type": kind} for name, kind in version.columns]),
            time_partitioning={"type": "DAY", "field": version.partition_field},
            clusterings=["carrier"],
            description=version.description,
            labels=version.labels,
            deletion_protection=False,
            opts=opts,
        )
        gcp.bigquery.Table(
            "view",
            dataset_id=dataset.dataset_id,
            table_id="carriers",
            view={"query": version.query, "use_legacy_sql": False},
            deletion_protection=False,
            opts=pulumi.ResourceOptions(provider=opts.provider, depends_on=[table]),
        )
        connection = gcp.bigquery.Connection(
            "connection",
            connection_id="models",
            location=LOCATION,
            cloud_resource={},
            description=version.description,
            friendly_name=version.description,
            opts=opts,
        )
        user: pulumi.Input[str] = "user:alice@example.com"
        if version.account_id:
            account = gcp.serviceaccount.Account(
                "account",
                account_id=version.account_id,
                display_name=version.description,
                opts=opts,
            )
            user = account.member
            pulumi.export("email", account.email)
        service_account = connection.cloud_resource.apply(
            lambda resource: f"serviceAccount:{resource.service_account_id}" if resource else ""
        )
        gcp.bigquery.ConnectionIamMember(
            "connection-member",
            connection_id=connection.connection_id,
            location=LOCATION,
            role="roles/bigquery.connectionUser",
            member=user,
            opts=opts,
        )
        for name in MEMBERS:
            gcp.bigquery.DatasetIamMember(
                f"dataset-{name}",
                dataset_id=dataset.dataset_id,
                role=version.role,
                member=f"user:{name}@example.com",
                opts=opts,
            )
            gcp.projects.IAMMember(
                f"project-{name}",
                project=PROJECT,
                role=version.role,
                member=f"user:{name}@example.com",
                opts=opts,
            )
        gcp.projects.IAMMember(
            "project-connection",
            project=PROJECT,
            role="roles/aiplatform.user",
            member=service_account,
            opts=opts,
        )
        gcp.projects.IAMMember(
            "project-conditional",
            project=PROJECT,
            role="roles/aiplatform.user",
            member="user:Eve@Example.com",
            condition={"title": "this-year", "expression": "request.time.getFullYear() < 2100"},
            opts=opts,
        )
        gcp.storage.Bucket(
            "bucket",
            name="contract-bucket",
            location=LOCATION,
            uniform_bucket_level_access=True,
            labels=version.labels,
            opts=opts,
        )
        endpoint = gcp.vertex.AiEndpoint(
            "endpoint",
            name=version.endpoint_id,
            location=LOCATION,
            region=LOCATION,
            display_name="contract",
            description=version.description,
            labels=version.labels,
            opts=opts,
        )
        service = gcp.projects.Service(
            "service", service="monitoring.googleapis.com", disable_on_destroy=True, opts=opts
        )
        pulumi.export("dataset", dataset.id)
        pulumi.export("description", dataset.description)
        pulumi.export("table", table.id)
        pulumi.export("connection", connection.id)
        pulumi.export("endpoint", endpoint.id)
        pulumi.export("service", service.id)
        pulumi.export("labels", dataset.effective_labels)

    return program
