"""The program: config in, components, exports. Nothing is decided here."""

import pulumi
from bqvertex.connection import Connection
from bqvertex.dataset import Dataset
from bqvertex.endpoint import Endpoint
from bqvertex.model_monitor import ModelMonitor
from bqvertex.registered_model import RegisteredModel
from bqvertex.remote_model import RemoteModel
from bqvertex.trained_model import TrainedModel

from stacks import cloud, features, seeds
from stacks.config import StackConfig

config = StackConfig.load()
opts = cloud.options(config)
name, sql = "arrival-delay", "sql/arrival_delay"

contents = {"tables": seeds.TABLES, "views": {"departures": f"{sql}/departures.sql"}}
flights = Dataset("flights", {**config.dataset, **contents}, opts)
model = TrainedModel(name, {"dataset": flights, "statement_file": f"{sql}/model.sql"}, opts)
champion = RegisteredModel(name, {"model": model, "version_aliases": ["champion"]}, opts)
deployed = {"champion": {"registered_model": champion, "traffic_percent": 100, **config.nodes}}
endpoint = Endpoint(name, {**config.endpoint, "deployed_models": deployed}, opts)

connection = Connection(
    "vertex-ai", {**config.connection, "roles": ["roles/aiplatform.user"]}, opts
)
call = {"dataset": flights, "connection": connection}
over_endpoint = {"model_id": "arrival_delay_endpoint", "endpoint": endpoint.endpoint_url}
RemoteModel("over-endpoint", {**call, **over_endpoint, **features.REQUEST}, opts)
RemoteModel(
    "assistant", {**call, "model_id": "assistant", "endpoint": config.gemini_endpoint}, opts
)

monitor = ModelMonitor(
    name,
    {
        "registered_model": champion,
        "dataset": flights,
        "baseline": {"query_file": f"{sql}/drift_baseline.sql"},
        "target": {"query_file": f"{sql}/drift_target.sql"},
        "features": features.WATCHED,
    },
    opts,
)

pulumi.export("model", model.model_path)
pulumi.export("evaluation", model.evaluation)
pulumi.export("model_version", champion.version_id)
pulumi.export("predict_url", endpoint.predict_url)
pulumi.export("drift", monitor.drift)
pulumi.export("anomalies", monitor.anomalies)
pulumi.export("local_cloud", config.api_endpoint)
