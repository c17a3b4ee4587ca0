"""How the REST API writes the training of a model."""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localcloud.bqml.model import Model

# Options whose REST field is not simply their camel case.
FIELDS = {
    "L1_REG": "l1Regularization",
    "L2_REG": "l2Regularization",
    "MIN_REL_PROGRESS": "minRelativeProgress",
    "OPTIMIZE_STRATEGY": "optimizationStrategy",
    "INPUT_LABEL_COLS": "inputLabelColumns",
    "DATA_SPLIT_COL": "dataSplitColumn",
    "INSTANCE_WEIGHT_COL": "instanceWeightColumn",
    "CLASS_WEIGHTS": "labelClassWeights",
}
INT64_FIELDS = frozenset({"maxIterations", "numParallelTree", "maxTreeDepth", "minTreeChildWeight"})
CONFUSION_THRESHOLD = 0.5


def training_run(model: "Model") -> dict[str, Any]:
    """One `TrainingRun`: options, iterations and evaluation metrics."""
    return {
        "trainingOptions": _options(model),
        "results": [
            {
                "index": step.index,
                "durationMs": str(step.duration_ms),
                "trainingLoss": step.loss,
                **({} if step.eval_loss is None else {"evalLoss": step.eval_loss}),
                **({} if step.learning_rate is None else {"learnRate": step.learning_rate}),
            }
            for step in model.iterations
        ],
        "evaluationMetrics": _metrics(model),
    }


def _options(model: "Model") -> dict[str, Any]:
    written: dict[str, Any] = {}
    for name, value in model.settings.items():
        # Google gives the strategy it chose, which is no choice of ours to make up.
        if value is None or value == "AUTO_STRATEGY":
            continue
        field = FIELDS.get(name) or re.sub(r"_(\w)", lambda match: match[1].upper(), name.lower())
        if name == "CLASS_WEIGHTS":
            value = {
                str(pair[0]): float(pair[1])
                for pair in (list(p.values()) if isinstance(p, dict) else p for p in value)
            }
        if name == "DATA_SPLIT_METHOD" and value == "SEQ":
            value = "SEQUENTIAL"
        written[field] = str(value) if field in INT64_FIELDS else value
    return written


def _metrics(model: "Model") -> dict[str, Any]:
    scores = dict(model.evaluation)
    if not model.classes:
        return {
            "regressionMetrics": {
                "meanAbsoluteError": scores["mean_absolute_error"],
                "meanSquaredError": scores["mean_squared_error"],
                "meanSquaredLogError": scores["mean_squared_log_error"],
                "medianAbsoluteError": scores["median_absolute_error"],
                "rSquared": scores["r2_score"],
            }
        }
    aggregate = {
        "precision": scores["precision"],
        "recall": scores["recall"],
        "accuracy": scores["accuracy"],
        "threshold": CONFUSION_THRESHOLD,
        "f1Score": scores["f1_score"],
        "logLoss": scores["log_loss"],
        "rocAuc": scores["roc_auc"],
    }
    if len(model.classes) == 2:
        from localcloud.bqml.column_type import text

        negative, positive = (text(label) for label in model.classes)
        return {
            "binaryClassificationMetrics": {
                "aggregateClassificationMetrics": aggregate,
                "negativeLabel": negative,
                "positiveLabel": positive,
            }
        }
    return {"multiClassClassificationMetrics": {"aggregateClassificationMetrics": aggregate}}
