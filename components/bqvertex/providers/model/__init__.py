"""How a BigQuery ML model lives."""

from bqvertex.providers.model.lifecycle import ModelLifecycle
from bqvertex.providers.model.registration import Registry
from bqvertex.providers.model.state import COMPUTED
from bqvertex.providers.model.training import VERB

__all__ = ["COMPUTED", "VERB", "ModelLifecycle", "Registry"]
