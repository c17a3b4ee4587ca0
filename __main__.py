"""The program: config in, components, exports. Nothing is decided here."""

import pulumi
from bqvertex.connection import Connection
from bqvertex.dataset import Dataset
from bqvertex.endpoint import Endpoint
from bqvertex.model_monitor import ModelMonitor
from bqvertex.registered_model import RegisteredModel
from bqvertex.remote_model import RemoteModel
from bqvertex.trained_model import TrainedModel

from stacks import cloud, features, interrupt, seeds
from stacks.config import StackConfig

interrupt.exit_quietly()
config = StackConfig.load()
opts = cloud.options(config)
name, sql = "arrival-delay", "sql/arrival_delay"

flights = Dataset("flights", config.dataset(seeds.TABLES, seeds.VIEWS), opts)
model = TrainedModel(name, {"dataset": flights, "statement_file": f"{sql}/model.sql"}, opts)
champion = RegisteredModel(name, {"model": model, "version_aliases": ["champion"]}, opts)
endpoint = Endpoint(name, config.endpoint(champion=config.deployed_model(champion)), opts)

connection = Connection("vertex-ai", config.connection("roles/aiplatform.user"), opts)
RemoteModel(
    "over-endpoint",
    {
        "dataset": flights,
        "model_id": "arrival_delay_endpoint",
        "connection": connection,
        "endpoint": endpoint.endpoint_url,
        "inputs": features.INPUTS,
        "outputs": features.OUTPUTS,
    },
    opts,
)
RemoteModel(
    "assistant",
    {
        "dataset": flights,
        "model_id": "assistant",
        "connection": connection,
        "endpoint": config.gemini_endpoint,
    },
    opts,
)
monitor = ModelMonitor(
    name, {**features.DRIFT, "registered_model": champion, "dataset": flights}, opts
)

pulumi.export("model", model.model_path)
pulumi.export("evaluation", model.evaluation_metrics)
pulumi.export("model_version", champion.version_id)
pulumi.export("predict_url", endpoint.predict_url)
pulumi.export("drift", monitor.drift)
pulumi.export("anomalies", monitor.anomalies)
pulumi.export("local_cloud", config.api_endpoint)
