"""How the REST API writes what a predictor's training found.

https://cloud.google.com/bigquery/docs/reference/rest/v2/models#TrainingRun
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from localcloud.bqml.column_type import text
from localcloud.bqml.supervised import metrics

if TYPE_CHECKING:
    from localcloud.bqml.supervised.predictor import Predictor

CURVE = np.linspace(0, 1, 21)
"""Thresholds of the confusion matrices of a model with two classes."""


def training_run(predictor: "Predictor") -> dict[str, Any]:
    """Chosen options, evaluation metrics and, where there are any, global explanations."""
    run: dict[str, Any] = {
        "trainingOptions": {
            **predictor.estimator.training_options(),
            "lossType": "MEAN_LOG_LOSS" if predictor.classes else "MEAN_SQUARED_LOSS",
        },
        "evaluationMetrics": _metrics(predictor),
    }
    found = predictor.explanation
    if found is not None:
        run["modelLevelGlobalExplanation"] = {"explanations": _explanations(found.model)}
        by_class = [
            {"classLabel": text(label), "explanations": _explanations(means)}
            for label, means in zip(predictor.classes, found.classes, strict=True)
            if means
        ]
        if by_class:
            run["classLevelGlobalExplanations"] = by_class
    return run


def _explanations(means: Any) -> list[dict[str, Any]]:
    ordered = sorted(means.items(), key=lambda item: -item[1])
    return [{"featureName": name, "attribution": value} for name, value in ordered]


def _metrics(predictor: "Predictor") -> dict[str, Any]:
    scores = predictor.evaluate(None, {})
    if not predictor.classes:
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
        "f1Score": scores["f1_score"],
        "logLoss": scores["log_loss"],
        "rocAuc": scores["roc_auc"],
    }
    # JSON has no NaN, which a precision is where nothing is predicted positive.
    aggregate = {name: value for name, value in aggregate.items() if not math.isnan(value)}
    labels = [text(label) for label in predictor.classes]
    actual, probabilities = predictor.held_out
    places = actual.astype(np.intp)
    if len(labels) == 2:
        return {
            "binaryClassificationMetrics": {
                "aggregateClassificationMetrics": {**aggregate, "threshold": metrics.THRESHOLD},
                "binaryConfusionMatrixList": [
                    _binary(places == 1, probabilities[:, 1] >= threshold, float(threshold))
                    for threshold in CURVE
                ],
                "negativeLabel": labels[0],
                "positiveLabel": labels[1],
            }
        }
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(counts, (places, metrics.classes(probabilities)), 1)
    return {
        "multiClassClassificationMetrics": {
            "aggregateClassificationMetrics": aggregate,
            "confusionMatrixList": [
                {
                    "rows": [
                        {
                            "actualLabel": label,
                            "entries": [
                                {"predictedLabel": other, "itemCount": str(count)}
                                for other, count in zip(labels, row, strict=True)
                            ],
                        }
                        for label, row in zip(labels, counts.tolist(), strict=True)
                    ]
                }
            ],
        }
    }


def _binary(is_positive: Any, predicted: Any, threshold: float) -> dict[str, Any]:
    hits, misses = int((is_positive & predicted).sum()), int((is_positive & ~predicted).sum())
    false = int((~is_positive & predicted).sum())
    rest = len(is_positive) - hits - misses - false
    found: dict[str, Any] = {
        "positiveClassThreshold": threshold,
        "truePositives": str(hits),
        "falsePositives": str(false),
        "trueNegatives": str(rest),
        "falseNegatives": str(misses),
        "accuracy": (hits + rest) / len(is_positive),
        "recall": hits / (hits + misses) if hits + misses else 0.0,
    }
    if hits + false:
        found["precision"] = hits / (hits + false)
        found["f1Score"] = 2 * hits / (2 * hits + false + misses)
    return found
