"""A BigQuery connection of the kind CLOUD_RESOURCE.

Source: https://cloud.google.com/bigquery/docs/reference/bigqueryconnection/rest
"""

from localcloud.plugin.configuration import CONNECTION
from localcloud.plugin.property import Kind, Property
from localcloud.plugin.resource_type import DELETION_POLICY, PROJECT, ResourceType
from localcloud.plugin.rest_resource import RestResource

TYPE = ResourceType(
    token="gcp:bigquery/connection:Connection",
    service=CONNECTION,
    id="projects/{project}/locations/{location}/connections/{connectionId}",
    imports=("{project}/{location}/{connectionId}", "{location}/{connectionId}"),
    collection="projects/{project}/locations/{location}/connections",
    create_query={"connectionId": "{connectionId}"},
    lifecycle=RestResource,
    properties=(
        Property("connectionId", field=None, required=True, replaces=True),
        PROJECT,
        Property("location", field=None, required=True, replaces=True),
        Property("description", absent=""),
        Property("friendlyName", absent=""),
        Property("kmsKeyName", absent=""),
        Property(
            "cloudResource",
            Kind.OBJECT,
            required=True,
            properties=(Property("serviceAccountId", output=True),),
        ),
        DELETION_POLICY,
        Property("name", output=True),
        Property("hasCredential", Kind.BOOLEAN, output=True, absent=False),
    ),
)
