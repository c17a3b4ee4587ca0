"""Tensorboards, their experiments, runs and time series: kept, without data.

Source: https://cloud.google.com/vertex-ai/docs/experiments/tensorboard-overview
"""

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection
from localcloud.errors import Json

ID = r"[a-z0-9][a-z0-9-]{0,127}"


class Tensorboards:
    """The tensorboards of every location, of which one may be the default.

    Args:
        cloud: What all services share.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.store = cloud.store

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collections."""
        return {
            "tensorboards": Collection(
                message=f"{prefix}Tensorboard",
                noun="Tensorboard",
                creating=self._creating,
                updating=lambda call, before, after: self._creating(call, after),
                children="take",
            ),
            "experiments": Collection(
                message=f"{prefix}TensorboardExperiment",
                noun="TensorboardExperiment",
                id_parameter="tensorboardExperimentId",
                id_pattern=ID,
                children="take",
            ),
            "runs": Collection(
                message=f"{prefix}TensorboardRun",
                noun="TensorboardRun",
                id_parameter="tensorboardRunId",
                id_pattern=ID,
                children="take",
            ),
            "timeSeries": Collection(
                message=f"{prefix}TensorboardTimeSeries",
                noun="TensorboardTimeSeries",
                id_parameter="tensorboardTimeSeriesId",
                id_pattern=ID,
            ),
        }

    def _creating(self, call: Call, body: Json) -> Json:
        if body.get("isDefault"):
            for other in self.store.under(call.location, "tensorboards"):
                if other.get("isDefault") and other["name"] != body["name"]:
                    self.store.put(other["name"], {**other, "isDefault": False})
        return body
