"""Every method that the local cloud implements is answered, and its answer compared."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from generate.rest_methods import recorded, rest_methods
from localcloud.discovery.document import load
from localcloud.vertex.model_tunings import BASE_MODEL
from tests.localcloud.conftest import LOCATION, Cloud, FakeEngine, OpenCloud
from tests.localcloud.methods_compared import ROOT
from tests.localcloud.test_feature_store import PLACES, VISITS
from tests.localcloud.test_model_registry import CONTAINER, METRICS
from tests.localcloud.test_persistent_resources import RAY
from tests.localcloud.test_pipelines import GREETING
from tests.localcloud.test_training_pipelines import inputs, pipeline
from tests.localcloud.test_tuning_jobs import RATE
from tests.localcloud.test_tuning_jobs import body as tuning

Step = tuple[str, str, Any]
"""HTTP method, path below the version, body."""

POLICY = {"policy": {"bindings": [{"role": "roles/viewer", "members": ["user:a@example.com"]}]}}
ROWS = {"tableUri": "bq://local-project.ds.requests"}
OBJECTIVE = {"predictionDriftDetectionConfig": {"driftThresholds": {"x": {"value": 0.3}}}}
ENDED = ("_SUCCEEDED", "_CANCELLED", "_FAILED")
PERMISSIONS = {"permissions": ["a.b.get"]}
STORES = f"{LOCATION}/featureOnlineStores"
VIEW = f"{STORES}/s/featureViews/w"
GROUPS = f"{LOCATION}/featureGroups"
SOURCE = {"uri": "bq://local-project.ds.places", "entityIdColumns": ["entity_id"]}


def policy(name: str) -> Sequence[Step]:
    return [
        ("POST", f"{name}:setIamPolicy", POLICY),
        ("POST", f"{name}:getIamPolicy", None),
        ("POST", f"{name}:testIamPermissions", PERMISSIONS),
    ]


def life(name: str, changed: str, value: Any) -> Sequence[Step]:
    """What is done with a resource that is there."""
    collection = name.rsplit("/", 1)[0]
    return [
        ("GET", name, None),
        ("GET", collection, None),
        ("PATCH", f"{name}?updateMask={changed}", {changed: value}),
    ]


def gone(name: str) -> Step:
    return ("DELETE", name, None)


def job_life(collection: str) -> Sequence[Step]:
    return [
        ("GET", "{made}", None),
        ("GET", collection, None),
        ("POST", "{made}:cancel", {}),
        ("ENDED", "{made}", None),
        ("DELETE", "{made}", None),
    ]


WORK = {
    "workerPoolSpecs": [
        {
            "machineSpec": {"machineType": "n1-standard-4"},
            "replicaCount": 1,
            "containerSpec": {"imageUri": "x/y", "command": ["true"]},
        }
    ]
}
SAID = [{"role": "user", "parts": [{"text": "a"}]}]
GEMINI = f"{LOCATION}/publishers/google/models/gemini-2.5-flash"
POOL = f"{LOCATION}/deploymentResourcePools/p"
MACHINE = {"machineSpec": {"machineType": "n1-standard-4"}, "minReplicaCount": 1}
STORE = f"{LOCATION}/metadataStores/default"
BOARDS = f"{LOCATION}/tensorboards"
TUNED = f"{LOCATION}/endpoints/tuned"
EXPLAINED = {"parameters": {"sampledShapleyAttribution": {"pathCount": 1}}}

VERTEX: dict[str, Sequence[Step]] = {
    "explanations": [
        ("POST", f"{LOCATION}/endpoints?endpointId=x", {"displayName": "x"}),
        (
            "POST",
            f"{LOCATION}/endpoints/x:deployModel",
            {
                "deployedModel": {
                    "model": f"{LOCATION}/models/m",
                    "automaticResources": {"minReplicaCount": 1},
                    "explanationSpec": EXPLAINED,
                },
                "trafficSplit": {"0": 100},
            },
        ),
        ("POST", f"{LOCATION}/endpoints/x:explain", {"instances": [{"x": 1}]}),
    ],
    "deployment resource pools": [
        (
            "POST",
            f"{LOCATION}/deploymentResourcePools",
            {
                "deploymentResourcePoolId": "p",
                "deploymentResourcePool": {"dedicatedResources": MACHINE},
            },
        ),
        *life(POOL, "dedicatedResources", MACHINE),
        ("GET", f"{POOL}:queryDeployedModels", None),
        gone(POOL),
    ],
    "tuned models": [
        ("POST", f"{TUNED}:generateContent", {"contents": SAID}),
        ("POST", f"{TUNED}:countTokens", {"contents": SAID}),
        ("POST", f"{TUNED}:computeTokens", {"contents": SAID}),
        (
            "POST",
            f"{LOCATION}/tuningJobs",
            {
                "baseModel": "gemini-2.5-flash",
                "supervisedTuningSpec": {"trainingDatasetUri": "gs://b/rows.jsonl"},
            },
        ),
        ("GET", "{made}", None),
        ("GET", f"{LOCATION}/tuningJobs", None),
        ("POST", "{made}:cancel", {}),
    ],
    "cached contents": [
        (
            "POST",
            f"{LOCATION}/cachedContents",
            {"model": GEMINI, "contents": SAID, "ttl": "3600s"},
        ),
        ("LIFE", f"{LOCATION}/cachedContents", ("ttl", "7200s")),
        ("DELETE", "{made}", None),
    ],
    "metadata": [
        ("POST", f"{LOCATION}/metadataStores?metadataStoreId=default", {}),
        ("GET", STORE, None),
        ("GET", f"{LOCATION}/metadataStores", None),
        ("POST", f"{STORE}/contexts?contextId=outer", {}),
        ("POST", f"{STORE}/contexts?contextId=inner", {}),
        ("POST", f"{STORE}/executions?executionId=e", {}),
        ("POST", f"{STORE}/artifacts?artifactId=a", {}),
        *(
            step
            for member in ("contexts/outer", "executions/e", "artifacts/a")
            for step in life(f"{STORE}/{member}", "description", "x")
        ),
        (
            "POST",
            f"{STORE}/contexts/outer:addContextChildren",
            {"childContexts": [f"{STORE}/contexts/inner"]},
        ),
        (
            "POST",
            f"{STORE}/contexts/outer:removeContextChildren",
            {"childContexts": [f"{STORE}/contexts/inner"]},
        ),
        (
            "POST",
            f"{STORE}/contexts/inner:addContextArtifactsAndExecutions",
            {"executions": [f"{STORE}/executions/e"]},
        ),
        ("GET", f"{STORE}/contexts/inner:queryContextLineageSubgraph", None),
        (
            "POST",
            f"{STORE}/executions/e:addExecutionEvents",
            {"events": [{"artifact": f"{STORE}/artifacts/a", "type": "INPUT"}]},
        ),
        ("GET", f"{STORE}/executions/e:queryExecutionInputsAndOutputs", None),
        gone(f"{STORE}/contexts/inner"),
        gone(f"{STORE}/executions/e"),
        gone(f"{STORE}/artifacts/a"),
        gone(f"{STORE}?force=true"),
    ],
    "tensorboards": [
        ("POST", BOARDS, {"displayName": "b"}),
        ("LIFE", BOARDS, ("displayName", "c")),
        ("POST", "{made}/experiments?tensorboardExperimentId=e", {}),
        ("LIFE", "", ("description", "x")),
        ("POST", "{made}/runs?tensorboardRunId=r", {"displayName": "r"}),
        ("LIFE", "", ("description", "x")),
        (
            "POST",
            "{made}/timeSeries?tensorboardTimeSeriesId=t",
            {"displayName": "t", "valueType": "SCALAR"},
        ),
        ("LIFE", "", ("description", "x")),
        ("DELETE", "{made}", None),
        ("UP", "", None),
        ("DELETE", "{made}", None),
        ("UP", "", None),
        ("DELETE", "{made}", None),
        ("UP", "", None),
        ("DELETE", "{made}", None),
    ],
    "locations": [("GET", LOCATION, None)],
    "feature groups": [
        (
            "POST",
            f"{GROUPS}?featureGroupId=g",
            {
                "bigQuery": {
                    "bigQuerySource": {"inputUri": "bq://local-project.ds.visits"},
                    "entityIdColumns": ["who"],
                }
            },
        ),
        *life(f"{GROUPS}/g", "description", "x"),
        *policy(f"{GROUPS}/g"),
        ("POST", f"{GROUPS}/g/features?featureId=page", {}),
        *life(f"{GROUPS}/g/features/page", "description", "x"),
        gone(f"{GROUPS}/g/features/page"),
        gone(f"{GROUPS}/g"),
    ],
    "online stores": [
        ("POST", f"{STORES}?featureOnlineStoreId=s", {"optimized": {}}),
        *life(f"{STORES}/s", "labels", {"a": "b"}),
        *policy(f"{STORES}/s"),
        (
            "POST",
            f"{STORES}/s/featureViews?featureViewId=w",
            {
                "bigQuerySource": SOURCE,
                "indexConfig": {
                    "embeddingColumn": "place",
                    "embeddingDimension": 2,
                    "bruteForceConfig": {},
                },
            },
        ),
        *life(VIEW, "labels", {"a": "b"}),
        *policy(VIEW),
        ("POST", f"{VIEW}:sync", {}),
        ("GET", f"{VIEW}/featureViewSyncs", None),
        ("POST", f"{VIEW}:fetchFeatureValues", {"dataKey": {"key": "JFK"}}),
        ("POST", f"{VIEW}:searchNearestEntities", {"query": {"entityId": "JFK"}}),
        gone(VIEW),
        gone(f"{STORES}/s"),
    ],
    "models": [
        (
            "POST",
            f"{LOCATION}/models:upload",
            {"modelId": "c", "model": {"displayName": "c", "containerSpec": {"imageUri": "x/y"}}},
        ),
        (
            "POST",
            f"{LOCATION}/models:upload",
            {
                "parentModel": f"{LOCATION}/models/c",
                "model": {"displayName": "c", "containerSpec": {"imageUri": "x/y"}},
            },
        ),
        *life(f"{LOCATION}/models/c", "displayName", "d"),
        *policy(f"{LOCATION}/models/c"),
        ("GET", f"{LOCATION}/models/c:listVersions", None),
        ("POST", f"{LOCATION}/models/c@2:mergeVersionAliases", {"versionAliases": ["best"]}),
        ("DELETE", f"{LOCATION}/models/c@2:deleteVersion", None),
        gone(f"{LOCATION}/models/c"),
    ],
    "copies, exports and evaluations of models": [
        ("POST", "/storage/v1/b?project=local-project", {"name": "bucket"}),
        (
            "POST",
            f"{LOCATION}/models:upload",
            {"modelId": "c", "model": {"displayName": "c", "containerSpec": CONTAINER}},
        ),
        (
            "POST",
            f"{LOCATION}/models:copy",
            {"sourceModel": f"{LOCATION}/models/c", "modelId": "d"},
        ),
        ("POST", f"{LOCATION}/models/c/evaluations:import", {"modelEvaluation": METRICS}),
        ("GET", f"{LOCATION}/models/c/evaluations", None),
        ("EVALUATION", f"{LOCATION}/models/c/evaluations", None),
        ("GET", "{made}", None),
        ("GET", "{made}/slices", None),
        (
            "POST",
            f"{LOCATION}/models/m:export",
            {
                "outputConfig": {
                    "artifactDestination": {"outputUriPrefix": "gs://bucket/out"},
                }
            },
        ),
    ],
    "persistent resources": [
        ("POST", f"{LOCATION}/persistentResources?persistentResourceId=ray", RAY),
        ("GET", f"{LOCATION}/persistentResources/ray", None),
        ("GET", f"{LOCATION}/persistentResources", None),
        (
            "PATCH",
            f"{LOCATION}/persistentResources/ray?updateMask=resourcePools",
            RAY,
        ),
        ("POST", f"{LOCATION}/persistentResources/ray:reboot", {}),
        gone(f"{LOCATION}/persistentResources/ray"),
    ],
    "endpoints": [
        ("POST", f"{LOCATION}/endpoints?endpointId=e", {"displayName": "e"}),
        *life(f"{LOCATION}/endpoints/e", "displayName", "f"),
        (
            "POST",
            f"{LOCATION}/endpoints/e:deployModel",
            {
                "deployedModel": {
                    "id": "1",
                    "model": f"{LOCATION}/models/m",
                    "dedicatedResources": {
                        "machineSpec": {"machineType": "n1-standard-2"},
                        "minReplicaCount": 1,
                    },
                },
                "trafficSplit": {"0": 100},
            },
        ),
        (
            "POST",
            f"{LOCATION}/endpoints/e:mutateDeployedModel",
            {
                "deployedModel": {"id": "1", "dedicatedResources": {"minReplicaCount": 1}},
                "updateMask": "dedicatedResources.minReplicaCount",
            },
        ),
        ("POST", f"{LOCATION}/endpoints/e:predict", {"instances": [{"x": 1}]}),
        ("POST", f"{LOCATION}/endpoints/e:rawPredict", {"instances": [{"x": 1}]}),
        ("POST", f"{LOCATION}/endpoints/e:streamRawPredict", {"instances": [{"x": 1}]}),
        (
            "POST",
            f"{LOCATION}/modelDeploymentMonitoringJobs",
            {
                "displayName": "watch",
                "endpoint": f"{LOCATION}/endpoints/e",
                "modelDeploymentMonitoringObjectiveConfigs": [
                    {"deployedModelId": "1", "objectiveConfig": OBJECTIVE}
                ],
                "modelDeploymentMonitoringScheduleConfig": {"monitorInterval": "3600s"},
                "loggingSamplingStrategy": {"randomSampleConfig": {"sampleRate": 1}},
            },
        ),
        ("LIFE", f"{LOCATION}/modelDeploymentMonitoringJobs", ("displayName", "seen")),
        (
            "POST",
            "{made}:searchModelDeploymentMonitoringStatsAnomalies",
            {"deployedModelId": "1", "objectives": [{"type": "RAW_FEATURE_DRIFT"}]},
        ),
        ("POST", "{made}:pause", {}),
        ("POST", "{made}:resume", {}),
        ("POST", "{made}:pause", {}),
        ("DELETE", "{made}", None),
        ("POST", f"{LOCATION}/endpoints/e:undeployModel", {"deployedModelId": "1"}),
        gone(f"{LOCATION}/endpoints/e"),
    ],
    "pipeline jobs": [
        (
            "POST",
            f"{LOCATION}/pipelineJobs?pipelineJobId=j",
            {
                "displayName": "j",
                "pipelineSpec": GREETING,
                "runtimeConfig": {
                    "gcsOutputDirectory": "gs://b/x",
                    "parameterValues": {"name": "you"},
                },
            },
        ),
        ("GET", f"{LOCATION}/pipelineJobs/j", None),
        ("GET", f"{LOCATION}/pipelineJobs", None),
        ("POST", f"{LOCATION}/pipelineJobs/j:cancel", {}),
        ("ENDED", f"{LOCATION}/pipelineJobs/j", None),
        gone(f"{LOCATION}/pipelineJobs/j"),
    ],
    "custom jobs": [
        ("POST", f"{LOCATION}/customJobs", {"displayName": "job", "jobSpec": WORK}),
        *job_life(f"{LOCATION}/customJobs"),
    ],
    "tuning jobs": [
        ("POST", f"{LOCATION}/hyperparameterTuningJobs", tuning("", RATE, maxTrialCount=1)),
        *job_life(f"{LOCATION}/hyperparameterTuningJobs"),
    ],
    "training pipelines": [
        ("POST", f"{LOCATION}/trainingPipelines", pipeline(inputs("true"))),
        *job_life(f"{LOCATION}/trainingPipelines"),
    ],
    "schedules": [
        (
            "POST",
            f"{LOCATION}/schedules",
            {
                "displayName": "yearly",
                "cron": "0 0 1 1 *",
                "maxConcurrentRunCount": "1",
                "createPipelineJobRequest": {
                    "parent": LOCATION,
                    "pipelineJob": {
                        "pipelineSpec": GREETING,
                        "runtimeConfig": {
                            "gcsOutputDirectory": "gs://b/x",
                            "parameterValues": {"name": "you"},
                        },
                    },
                },
            },
        ),
        ("LIFE", f"{LOCATION}/schedules", ("displayName", "often")),
        ("POST", "{made}:pause", {}),
        ("POST", "{made}:resume", {"catchUp": False}),
        ("DELETE", "{made}", None),
    ],
    "models of publishers": [
        *(
            ("POST", f"{place}publishers/google/models/{model}:{verb}", body)
            for place in (f"{LOCATION}/", "")
            for model, verb, body in (
                ("gemini-2.5-flash", "generateContent", {"contents": [{"parts": [{"text": "a"}]}]}),
                ("gemini-2.5-flash", "countTokens", {"contents": [{"parts": [{"text": "a"}]}]}),
                ("gemini-2.5-flash", "computeTokens", {"contents": SAID}),
            )
        ),
        *(
            (
                "POST",
                f"{place}publishers/google/models/text-embedding-005:predict",
                {"instances": [{"content": "a"}]},
            )
            for place in (f"{LOCATION}/", "")
        ),
        (
            "POST",
            f"{LOCATION}/publishers/google/models/gemini-embedding-2:embedContent",
            {"content": {"parts": [{"text": "a"}]}},
        ),
    ],
}
BETA: dict[str, Sequence[Step]] = {
    "policies of endpoints": [
        ("POST", f"{LOCATION}/endpoints?endpointId=e", {"displayName": "e"}),
        *policy(f"{LOCATION}/endpoints/e"),
    ],
    "feature monitors": [
        (
            "POST",
            f"{GROUPS}?featureGroupId=g",
            {
                "bigQuery": {
                    "bigQuerySource": {"inputUri": "bq://local-project.ds.visits"},
                    "entityIdColumns": ["who"],
                    "timeSeries": {"timestampColumn": "seen"},
                }
            },
        ),
        ("POST", f"{GROUPS}/g/features?featureId=page", {}),
        (
            "POST",
            f"{GROUPS}/g/featureMonitors?featureMonitorId=mon",
            {
                "featureSelectionConfig": {"featureConfigs": [{"featureId": "page"}]},
                "scheduleConfig": {"cron": "0 0 1 1 *"},
            },
        ),
        *life(f"{GROUPS}/g/featureMonitors/mon", "description", "x"),
        ("GET", f"{GROUPS}/g/featureMonitors/mon/featureMonitorJobs", None),
    ],
    "monitors": [
        (
            "POST",
            f"{LOCATION}/modelMonitors?modelMonitorId=mon",
            {
                "modelMonitoringTarget": {"vertexModel": {"model": f"{LOCATION}/models/m"}},
                "tabularObjective": {"featureDriftSpec": {"features": ["x"]}},
            },
        ),
        *life(f"{LOCATION}/modelMonitors/mon", "displayName", "x"),
        (
            "POST",
            f"{LOCATION}/modelMonitors/mon/modelMonitoringJobs",
            {
                "modelMonitoringSpec": {
                    "objectiveSpec": {
                        "baselineDataset": {"columnizedDataset": {"bigquerySource": ROWS}},
                        "targetDataset": {"columnizedDataset": {"bigquerySource": ROWS}},
                    }
                }
            },
        ),
        ("ENDED", "{made}", None),
        gone("{made}"),
        gone(f"{LOCATION}/modelMonitors/mon"),
    ],
}
OTHERS: dict[str, Sequence[Step]] = {
    "transfers without a location": [
        (
            "POST",
            "/v1/projects/local-project/transferConfigs",
            {
                "displayName": "t",
                "dataSourceId": "scheduled_query",
                "params": {"query": "SELECT 1"},
                "schedule": "every 24 hours",
            },
        ),
        ("LIFE", "/v1/projects/local-project/transferConfigs", ("displayName", "u")),
        (
            "POST",
            "/v1/{made}:startManualRuns",
            {"requestedRunTime": "2026-01-01T00:00:00Z"},
        ),
        (
            "POST",
            "/v1/{made}:scheduleRuns",
            {"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-02T00:00:00Z"},
        ),
        ("RUNS", "/v1/{made}", None),
        ("DELETE", "/v1/{made}", None),
    ],
    "transfers": [
        (
            "POST",
            f"/v1/{LOCATION}/transferConfigs",
            {
                "displayName": "t",
                "dataSourceId": "scheduled_query",
                "params": {"query": "SELECT 1"},
                "schedule": "every 24 hours",
            },
        ),
        ("LIFE", f"/v1/{LOCATION}/transferConfigs", ("displayName", "u")),
        (
            "POST",
            "/v1/{made}:scheduleRuns",
            {"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-02T00:00:00Z"},
        ),
        ("RUNS", "/v1/{made}", None),
    ],
    "connections": [
        (
            "POST",
            f"/v1/{LOCATION}/connections?connectionId=c",
            {"cloudResource": {}},
        ),
        ("GET", f"/v1/{LOCATION}/connections?pageSize=10", None),
        ("POST", f"/v1/{LOCATION}/connections/c:testIamPermissions", PERMISSIONS),
    ],
    "projects": [
        ("GET", "/v3/projects?parent=organizations/1", None),
        ("GET", "/v3/projects:search", None),
        ("POST", "/v3/projects/local-project:setIamPolicy", POLICY),
        ("POST", "/v3/projects/local-project:testIamPermissions", PERMISSIONS),
    ],
    "service accounts": [
        ("POST", "/v1/projects/local-project/serviceAccounts", {"accountId": "robot-1"}),
        ("GET", "/v1/projects/local-project/serviceAccounts", None),
        *(
            step
            for name in (
                "/v1/projects/local-project/serviceAccounts/"
                "robot-1@local-project.iam.gserviceaccount.com",
            )
            for step in (
                ("POST", f"{name}:disable", {}),
                ("POST", f"{name}:enable", {}),
                ("POST", f"{name}:setIamPolicy", POLICY),
                ("POST", f"{name}:getIamPolicy", None),
                ("POST", f"{name}:testIamPermissions", PERMISSIONS),
                ("PUT", name, {"displayName": "Robot"}),
            )
        ),
    ],
    "services": [
        (
            "GET",
            "/v1/projects/local-project/services:batchGet"
            "?names=projects/local-project/services/bigquery.googleapis.com",
            None,
        ),
        ("POST", "/v1/projects/local-project/services/bigquery.googleapis.com:enable", {}),
    ],
    "storage": [
        ("POST", "/storage/v1/b?project=local-project", {"name": "buck"}),
        ("GET", "/storage/v1/b?project=local-project", None),
        ("GET", "/storage/v1/b/buck", None),
        ("PUT", "/storage/v1/b/buck", {"name": "buck", "labels": {"a": "b"}}),
        ("PUT", "/storage/v1/b/buck/iam", POLICY["policy"]),
        ("GET", "/storage/v1/b/buck/iam", None),
        ("GET", "/storage/v1/b/buck/iam/testPermissions?permissions=storage.buckets.get", None),
        ("POST", "/upload/storage/v1/b/buck/o?uploadType=media&name=o", "text"),
        ("GET", "/storage/v1/b/buck/o/o", None),
        ("PATCH", "/storage/v1/b/buck/o/o", {"metadata": {"a": "b"}}),
    ],
}


def run(cloud: Cloud, steps: Sequence[Step], root: str) -> list[str]:
    """What was not answered with 2xx, of steps in order."""
    wrong, made = [], ""
    queue = list(steps)
    while queue:
        http, path, body = queue.pop(0)
        if http == "ENDED":
            path = path.replace("{made}", made)
            while not cloud.get(root + path)["state"].endswith(ENDED):
                pass
            continue
        path = (path if path.startswith("/") else root + path).replace("{made}", made)
        if http == "UP":
            made = made.rsplit("/", 2)[0]
            continue
        if http == "EVALUATION":
            [made] = [one["name"] for one in cloud.call("GET", path).body["modelEvaluations"]]
            continue
        if http == "LIFE":
            changed, value = body
            listed = path if path != root else root + made.rsplit("/", 1)[0]
            name = f"/v1/{made}" if path.startswith("/v1/projects") and root == "" else root + made
            queue[:0] = [
                (verb, where if verb != "GET" or where == name else listed, content)
                for verb, where, content in life(name, changed, value)
            ]
            continue
        if http == "RUNS":
            cloud.server.data_transfer.tick()
            for one in cloud.call("GET", f"{path}/runs").body.get("transferRuns", [])[:1]:
                queue[:0] = [
                    ("GET", f"/v1/{one['name']}", None),
                    ("GET", f"/v1/{one['name']}/transferLogs", None),
                    ("DELETE", f"/v1/{one['name']}", None),
                ]
            continue
        options: dict[str, Any] = {} if not isinstance(body, str) else {"content": body.encode()}
        reply = cloud.call(http, path, None if options else body, **options)
        if reply.status >= 300:
            wrong.append(f"{http} {path}: {reply}")
        elif http == "POST" and ":" not in path.rsplit("/", 1)[-1] and "name" in reply.body:
            made = reply.body["name"].split("/operations/")[0]
        if path.endswith(":sync") and reply.status == 200:
            sync = reply.body["featureViewSync"]
            queue.insert(0, ("GET", f"{root}{sync}", None))
    return wrong


class Regressor(FakeEngine):
    """A BigQuery whose models predict a number."""

    def predict(
        self, artifact_uri: str, instances: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        return [{"predicted_y": 1.0} for _ in instances]


@pytest.fixture
def served(open_cloud: OpenCloud) -> Cloud:
    rows = pa.table({"x": [1.0]})
    cloud = open_cloud(engine=Regressor({"places": PLACES, "visits": VISITS, "requests": rows}))
    cloud.register()
    # A tuning job would make it of examples that it reads over HTTP, from a server that listens.
    endpoint = {"name": TUNED, BASE_MODEL: "gemini-2.5-flash"}
    cloud.server.cloud.store.put(TUNED, endpoint)
    return cloud


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
@pytest.mark.parametrize("what", VERTEX)
def test_methods_of_vertex_ai_are_answered_in_both_versions(
    served: Cloud, what: str, version: str
) -> None:
    assert run(served, VERTEX[what], f"/{version}/") == []


@pytest.mark.parametrize("what", BETA)
def test_methods_that_only_v1beta1_has_are_answered(served: Cloud, what: str) -> None:
    assert run(served, BETA[what], "/v1beta1/") == []


@pytest.mark.parametrize("what", OTHERS)
def test_methods_of_the_other_services_are_answered(served: Cloud, what: str) -> None:
    assert run(served, OTHERS[what], "") == []


def test_operations_of_every_collection_are_answered(cloud: Cloud) -> None:
    wrong = []
    for method in rest_methods():
        if not (method.is_implemented and method.is_of_operations):
            continue
        [found] = [one for one in load(method.document).methods if one.id == method.id]
        version, *place = found.segments
        known = {"projects": "local-project", "locations": "us-central1"}
        names = [
            part or known.get(str(before), "x")
            for before, part in zip([version, *place], place, strict=False)
        ]
        parent = "/".join(names).split("operations")[0].rstrip("/")
        made = cloud.server.cloud.operations.start(parent, {}, "respond", {})["name"]
        path = f"/{version}/{made}"
        if method.id.endswith(".list"):
            path = path.rsplit("/", 1)[0]
        path += f":{found.custom_verb}" if found.custom_verb else ""
        reply = cloud.call(found.http, path, {} if found.http == "POST" else None)
        if reply.status != 200:
            wrong.append(f"{method.key} {path}: {reply}")
    assert wrong == []


def test_every_method_that_is_implemented_is_recorded_as_compared() -> None:
    told = recorded(ROOT)

    missing = [m.key for m in rest_methods() if m.is_implemented and m.key not in told]

    assert missing == [], "run the tests that prove them with BQVERTEX_RECORD_METHODS=1"
