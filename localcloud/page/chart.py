"""Charts as Plotly's figures, in plain JSON; colours come from the style sheet, in the browser.

https://plotly.com/javascript/reference/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        title: What it shows; its caption, and what a screen reader says.
        data: Plotly's traces; `meta` names the colour of the style sheet a trace has.
        layout: Plotly's layout.
    """

    title: str
    data: Sequence[Json]
    layout: Json

    @property
    def figure(self) -> Json:
        """The figure as Plotly takes it."""
        return {"data": list(self.data), "layout": self.layout}


def loss(results: Sequence[Mapping[str, Any]], title: str) -> Chart | None:
    """The loss of a training by iteration; None where there is none to draw."""
    lines = [
        _line(
            [int(step.get("index", place)) for place, step in enumerate(results)],
            [step.get(key) for step in results],
            name,
            colour,
        )
        for key, name, colour in (
            ("trainingLoss", "training", "series-1"),
            ("evalLoss", "evaluation", "series-2"),
        )
        if any(step.get(key) is not None for step in results)
    ]
    return Chart(title, lines, _axes("iteration", "loss")) if lines else None


def roc(rows: Sequence[Mapping[str, Any]]) -> Chart:
    """The curve of ML.ROC_CURVE beside that of chance."""
    points = sorted((float(row["false_positive_rate"]), float(row["recall"])) for row in rows)
    x, y = [0.0, *(p[0] for p in points), 1.0], [0.0, *(p[1] for p in points), 1.0]
    chance = _line([0, 1], [0, 1], "chance", "muted")
    chance["line"] = {"dash": "dot"}
    chance["mode"] = "lines"
    curve = _line(x, y, "model", "series-1")
    return Chart(
        "ROC curve", [curve, chance], _axes("false positive rate", "true positive rate (recall)")
    )


def confusion(rows: Sequence[Mapping[str, Any]]) -> Chart:
    """The matrix of ML.CONFUSION_MATRIX: actual labels down, predicted ones across."""
    predicted = [name for name in rows[0] if name != "expected_label"]
    counts = [[row[name] for name in predicted] for row in rows]
    trace: Json = {
        "type": "heatmap",
        "x": predicted,
        "y": [_label(row["expected_label"]) for row in rows],
        "z": counts,
        "text": counts,
        "texttemplate": "%{text}",
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "meta": "scale",
    }
    layout = _axes("predicted", "actual")
    layout["yaxis"] |= {"autorange": "reversed", "type": "category"}
    layout["xaxis"] |= {"type": "category"}
    return Chart("Confusion matrix", [trace], layout)


def importance(rows: Sequence[Mapping[str, Any]]) -> Chart:
    """The gain of ML.FEATURE_IMPORTANCE, the largest on top."""
    ranked = sorted(rows, key=lambda row: float(row["importance_gain"]))
    names = [str(row["feature"]) for row in ranked]
    values = [float(row["importance_gain"]) for row in ranked]
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": values,
        "y": names,
        "name": "gain",
        "meta": "series-1",
    }
    return Chart("Feature importance", [trace], _axes("gain", "") | {"showlegend": False})


def drift(stats: Sequence[Mapping[str, Any]]) -> Chart:
    """How far each feature is from its baseline, against its threshold."""
    names = [str(one["statsName"]) for one in stats]
    values = [distance(one["point"]) for one in stats]
    thresholds = [float(one["point"]["thresholdValue"]) for one in stats]
    over = [bool(one["point"]["hasAnomaly"]) for one in stats]
    bars = [
        {
            "type": "bar",
            "x": [name for name, hit in zip(names, over, strict=True) if hit is wanted],
            "y": [value for value, hit in zip(values, over, strict=True) if hit is wanted],
            "name": label,
            "meta": colour,
        }
        for wanted, label, colour in (
            (False, "within the threshold", "series-1"),
            (True, "drifted", "bad"),
        )
        if wanted in over
    ]
    marks = {
        "type": "scatter",
        "mode": "markers",
        "x": names,
        "y": thresholds,
        "name": "threshold",
        "marker": {"symbol": "line-ew", "size": 34, "line": {"width": 3}},
        "meta": "text",
    }
    layout = _axes("", "distance from the baseline")
    layout["xaxis"] |= {"categoryorder": "array", "categoryarray": names, "type": "category"}
    layout["yaxis"] |= {"rangemode": "tozero"}
    return Chart("Drift by feature, latest job", [*bars, marks], layout)


def drift_over_time(series: Mapping[str, Sequence[tuple[str, float]]]) -> Chart:
    """The distance of each feature, job after job."""
    lines = [
        _line(
            [moment for moment, _ in points],
            [value for _, value in points],
            name,
            f"series-{place % 6 + 1}",
        )
        for place, (name, points) in enumerate(series.items())
    ]
    layout = _axes("time of the job", "distance from the baseline")
    layout["xaxis"] |= {"type": "date"}
    layout["yaxis"] |= {"rangemode": "tozero"}
    return Chart("Drift over time", lines, layout)


def distance(point: Mapping[str, Any]) -> float:
    """How far a point of a monitoring job is from the baseline."""
    return float(point["currentStats"]["distributionValue"]["distributionDeviation"])


def _label(value: Any) -> str:
    # As BigQuery writes the same class among the columns.
    return str(value).lower() if isinstance(value, bool) else str(value)


def _line(x: Sequence[Any], y: Sequence[Any], name: str, colour: str) -> Json:
    mode = "lines+markers" if len(x) < 30 else "lines"
    return {"type": "scatter", "mode": mode, "x": x, "y": y, "name": name, "meta": colour}


def _axes(x: str, y: str) -> Json:
    return {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}}}
