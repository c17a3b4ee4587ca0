"""Vertex AI as one service: v1 and v1beta1 over one store, and what BigQuery asks of it."""

from collections.abc import Sequence

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.discovery.control_plane import ControlPlane
from localcloud.errors import Json
from localcloud.ports import BigQueryEngine, BigQueryModelVersion
from localcloud.ticker import Ticker
from localcloud.vertex import embedding, gemini
from localcloud.vertex.batch_predictions import BatchPredictions
from localcloud.vertex.cached_contents import CachedContents
from localcloud.vertex.custom_jobs import CustomJobs
from localcloud.vertex.deployment_monitoring import DeploymentMonitoring
from localcloud.vertex.deployment_resource_pools import DeploymentResourcePools
from localcloud.vertex.endpoints import Endpoints
from localcloud.vertex.explanations import Explanations
from localcloud.vertex.feature_monitors import FeatureMonitors
from localcloud.vertex.feature_store import FeatureStore
from localcloud.vertex.metadata import Metadata
from localcloud.vertex.model_copies import ModelCopies
from localcloud.vertex.model_evaluations import ModelEvaluations
from localcloud.vertex.model_exports import ModelExports
from localcloud.vertex.model_tunings import ModelTunings
from localcloud.vertex.models import MODEL_ID, Models
from localcloud.vertex.monitors import Monitors
from localcloud.vertex.persistent_resources import PersistentResources
from localcloud.vertex.pipelines import Pipelines
from localcloud.vertex.predictions import Predictions
from localcloud.vertex.request_log import RequestLog
from localcloud.vertex.schedules import Schedules, Work
from localcloud.vertex.tensorboards import Tensorboards
from localcloud.vertex.training_pipelines import TrainingPipelines
from localcloud.vertex.tuning_jobs import TuningJobs

# https://cloud.google.com/vertex-ai/docs/general/locations: regions, `global`, and `us` and `eu`
# for generative models.
LOCATION = r"[a-z]+-[a-z]+[0-9]+|global|us|eu"


class VertexService:
    """Vertex AI; implements `localcloud.ports.ModelRegistry` for BigQuery.

    Args:
        cloud: What all services share.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._engine: BigQueryEngine | None = None
        self.models = Models(cloud)
        self.model_copies = ModelCopies(cloud, self.models)
        self.model_exports = ModelExports(cloud, self.models, self.engine)
        self.model_evaluations = ModelEvaluations(cloud, self.models, self.engine)
        self.batch_predictions = BatchPredictions(cloud, self.models, self.engine)
        self.endpoints = Endpoints(cloud, self.models)
        self.predictions = Predictions(cloud, self.engine)
        self.explanations = Explanations(self.predictions)
        self.deployment_resource_pools = DeploymentResourcePools(cloud)
        self.deployment_monitoring = DeploymentMonitoring(cloud, self.engine)
        self.request_log = RequestLog(self.deployment_monitoring.requests, cloud.clock)
        self.predictions.saw = (self.request_log.saw, self.deployment_monitoring.saw)
        self.monitors = Monitors(cloud, self.engine)
        self.feature_store = FeatureStore(cloud, self.engine)
        self.feature_monitors = FeatureMonitors(cloud, self.feature_store)
        self.custom_jobs = CustomJobs(cloud)
        self.pipelines = Pipelines(cloud, self.engine, self.custom_jobs)
        self.tuning_jobs = TuningJobs(cloud, self.custom_jobs)
        self.persistent_resources = PersistentResources(cloud)
        self.metadata = Metadata(cloud)
        self.tensorboards = Tensorboards(cloud)
        self.training_pipelines = TrainingPipelines(
            cloud, self.custom_jobs, self.tuning_jobs, self.models
        )
        self.cached_contents = CachedContents(cloud)
        self.model_tunings = ModelTunings(cloud, self.models)
        self.schedules = Schedules(
            cloud,
            {
                "createPipelineJobRequest": Work(
                    self.pipelines.check_scheduled,
                    self.pipelines.begin_scheduled,
                    self.pipelines.active,
                ),
                "createModelMonitoringJobRequest": Work(
                    self.monitors.check_scheduled,
                    self.monitors.begin_scheduled,
                    self.monitors.active,
                ),
            },
            lambda: self.ticker.wake(),
        )
        self.ticker = Ticker(
            cloud.clock,
            (
                self.schedules.tick,
                self.feature_store.tick,
                self.deployment_monitoring.tick,
                self.feature_monitors.tick,
            ),
        )
        self.deployment_monitoring.wake = self.ticker.wake
        self.monitors.over = self.ticker.wake
        self.pipelines.over = self.ticker.wake
        self.feature_store.wake = self.ticker.wake
        self.feature_monitors.wake = self.ticker.wake
        self.planes = [self._plane("v1"), self._plane("v1beta1")]

    def attach(self, engine: BigQueryEngine) -> None:
        """Introduce BigQuery; monitoring jobs that a killed server left are begun again."""
        self._engine = engine
        self.monitors.resume()
        self.deployment_monitoring.resume()
        self.feature_monitors.resume()
        self.pipelines.resume()
        self.custom_jobs.resume()
        self.batch_predictions.runs.resume()
        self.tuning_jobs.runs.resume()
        self.training_pipelines.runs.resume()
        self.model_tunings.runs.resume()
        self.ticker.start()

    def engine(self) -> BigQueryEngine:
        """BigQuery.

        Raises:
            RuntimeError: It was not introduced.
        """
        if self._engine is None:
            raise RuntimeError("BigQuery was not introduced to Vertex AI")
        return self._engine

    def close(self) -> None:
        """Let the running monitoring job end, drop the waiting ones; they begin again later."""
        self.ticker.stop()
        self.pipelines.close()
        self.batch_predictions.runs.close()
        self.model_tunings.runs.close()
        self.training_pipelines.runs.close()
        self.tuning_jobs.runs.close()
        self.custom_jobs.runs.close()
        self.monitors.close()
        self.deployment_monitoring.close()
        self.feature_monitors.close()

    # ------------------------------------------------------------ ModelRegistry
    def register(
        self, version: BigQueryModelVersion, *, vertex_ai_model_id: str, aliases: Sequence[str]
    ) -> str:
        """See `localcloud.ports.ModelRegistry.register`."""
        return self.models.register(version, vertex_ai_model_id, aliases)

    def unregister(self, project: str, dataset_id: str, model_id: str) -> None:
        """See `localcloud.ports.ModelRegistry.unregister`."""
        self.models.unregister(project, dataset_id, model_id)

    def artifacts_in_use(self) -> frozenset[str]:
        """See `localcloud.ports.ModelRegistry.artifacts_in_use`."""
        return self.models.artifacts_in_use()

    # ------------------------------------------------------------ planes
    def _plane(self, version: str) -> ControlPlane:
        prefix = f"GoogleCloudAiplatform{version.capitalize()}"
        collections = {
            "endpoints": Collection(
                message=f"{prefix}Endpoint",
                noun="Endpoint",
                id_parameter="endpointId",
                id_pattern=r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?|[0-9]{1,10}",
                creating=self.endpoints.creating,
                updating=self.endpoints.updating,
                deleting=self.endpoints.deleting,
            ),
            "models": Collection(message=f"{prefix}Model", noun="Model", id_pattern=MODEL_ID),
            **self.model_evaluations.collections(prefix),
            **self.deployment_monitoring.collections(prefix),
            **self.batch_predictions.collections(prefix),
            **self.deployment_resource_pools.collections(prefix),
            **self.feature_store.collections(prefix),
            **self.schedules.collections(prefix),
            **self.pipelines.collections(prefix),
            **self.custom_jobs.collections(prefix),
            **self.tuning_jobs.collections(prefix),
            **self.training_pipelines.collections(prefix),
            **self.cached_contents.collections(prefix),
            **self.model_tunings.collections(prefix),
            **self.persistent_resources.collections(prefix),
            **self.metadata.collections(prefix),
            **self.tensorboards.collections(prefix),
        }
        handlers: dict[str, Handler] = {
            **self.models.handlers(),
            **self.model_copies.handlers(),
            **self.model_exports.handlers(),
            **self.model_evaluations.handlers(),
            **self.batch_predictions.handlers(),
            **self.endpoints.handlers(),
            **self.predictions.handlers(),
            **self.explanations.handlers(),
            **self.deployment_resource_pools.handlers(),
            **self.deployment_monitoring.handlers(),
            **self.feature_store.handlers(),
            **self.schedules.handlers(),
            **self.pipelines.handlers(),
            **self.custom_jobs.handlers(),
            **self.tuning_jobs.handlers(),
            **self.training_pipelines.handlers(),
            **self.persistent_resources.handlers(),
            **self.metadata.handlers(),
            **self.model_tunings.handlers(),
            **self.cached_contents.handlers(),
            **gemini.handlers(self.cached_contents.completed),
            **embedding.handlers(),
            "projects.locations.get": _location,
        }
        if version == "v1beta1":
            collections |= self.monitors.collections(prefix)
            collections |= self.feature_monitors.collections(prefix)
            handlers |= self.monitors.handlers()
            handlers |= self.feature_monitors.handlers()
        return ControlPlane(
            f"aiplatform.{version}",
            self.cloud,
            package=f"google.cloud.aiplatform.{version}",
            prefix=prefix,
            collections=collections,
            handlers=handlers,
            unlocked=frozenset(
                {
                    "endpoints.explain",
                    "endpoints.predict",
                    "endpoints.rawPredict",
                    "endpoints.streamRawPredict",
                    "evaluations.list",
                    "featureViews.sync",
                    "models.export",
                }
            ),
            absent=frozenset(
                {
                    "aiplatform.endpoints.predict",
                    "aiplatform.batchPredictionJobs.create",
                    "aiplatform.batchPredictionJobs.get",
                    "aiplatform.batchPredictionJobs.list",
                    "aiplatform.publishers.models.get",
                    "aiplatform.publishers.models.list",
                    "aiplatform.projects.locations.publishers.models.export",
                }
            ),
            unparsed=frozenset({"endpoints.rawPredict", "endpoints.streamRawPredict"}),
            location_pattern=LOCATION,
        )


def _location(call: Call) -> Json:
    return {"name": call.name, "locationId": call.name.split("/")[-1]}
