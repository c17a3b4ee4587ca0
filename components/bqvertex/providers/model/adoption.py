"""Taking over a model that is there already."""

from bqvertex.clients.bigquery import LiveModel
from bqvertex.clients.errors import FailedPrecondition
from bqvertex.specs import label
from bqvertex.specs.live_definition import LiveDefinition, differences
from bqvertex.specs.model import ModelSpec


def refuse_another(spec: ModelSpec, live: LiveModel) -> None:
    """Refuse to adopt a model that was made of another definition, as far as BigQuery tells.

    Raises:
        FailedPrecondition: It was; the message names the differences.
    """
    if spec.adopt_as_is:
        return
    made_of = live.labels.get(label.DEFINITION)
    if made_of == spec.definition_label:
        return
    if made_of is not None:
        found = [
            f"its label {label.DEFINITION} is {made_of!r} there and that of the statement "
            f"{spec.definition_label!r} here"
        ]
    else:
        found = differences(spec.read_statement, spec.result_columns, _definition(live))
    if found:
        raise FailedPrecondition(
            f"adopt model {spec.path}: it was not made of the statement declared here: "
            f"{'; '.join(found)}; declare the statement that it was made of, or set adopt_as_is to "
            "take it over as it is"
        )


def _definition(live: LiveModel) -> LiveDefinition:
    runs = live.training_runs
    return LiveDefinition(
        model_type=live.model_type,
        training_options=runs[-1].get("trainingOptions", {}) if runs else {},
        label_columns=live.label_columns,
        feature_columns=live.feature_columns,
        remote_model_info=live.remote_model_info,
    )
