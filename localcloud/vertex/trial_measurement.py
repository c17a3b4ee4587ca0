"""What trials report of their metrics, in the file that cloudml-hypertune writes.

A line is a JSON object: the metric's id and its value as a text, `global_step`, `timestamp`.
Source: https://github.com/GoogleCloudPlatform/cloudml-hypertune
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path

from localcloud.errors import Json


class NoMeasurement(ValueError):
    """A trial did not report what its study asks for; the message says what."""


def measurements(file: Path, metrics: Sequence[str], started: float) -> list[Json]:
    """What was reported, a Measurement a step.

    Args:
        file: The file, which may be absent.
        metrics: The ids of the study's metrics; others are left out.
        started: When the trial began, in seconds since 1970.

    Raises:
        NoMeasurement: A line is not what cloudml-hypertune writes, or a value no finite number.
    """
    steps: dict[int, dict[str, float]] = {}
    elapsed: dict[int, float] = {}
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            entry = json.loads(line)
            step = int(entry.get("global_step", 0))
            reported = {name: float(entry[name]) for name in metrics if name in entry}
            elapsed[step] = max(float(entry.get("timestamp", started)) - started, 0.0)
        except (ValueError, TypeError, AttributeError) as error:
            raise NoMeasurement(f"The metric file has a line {line!r}: {error}") from error
        if wrong := [name for name, value in reported.items() if not math.isfinite(value)]:
            raise NoMeasurement(f"The metric {wrong[0]!r} is {reported[wrong[0]]} at step {step}.")
        if reported:
            steps.setdefault(step, {}).update(reported)
    return [
        {
            "stepCount": str(step),
            "elapsedDuration": f"{elapsed[step]:.6f}s",
            "metrics": [{"metricId": n, "value": v} for n, v in sorted(values.items())],
        }
        for step, values in sorted(steps.items())
    ]


def final(found: Sequence[Json], metrics: Sequence[Json], selection: str) -> Json:
    """The measurement that a trial is judged by.

    Args:
        found: Of `measurements`.
        metrics: The study's MetricSpecs.
        selection: `BEST_MEASUREMENT` takes the best by the first metric; all else the last.

    Raises:
        NoMeasurement: No measurement has every metric.
    """
    names = [metric["metricId"] for metric in metrics]
    whole = [m for m in found if {e["metricId"] for e in m["metrics"]} == set(names)]
    if not whole:
        raise NoMeasurement(f"The trial reported no measurement with {', '.join(names)}.")
    if selection != "BEST_MEASUREMENT":
        return dict(whole[-1])
    whole.sort(key=lambda measurement: values(measurement)[names[0]])
    return dict(whole[-1 if metrics[0]["goal"] == "MAXIMIZE" else 0])


def values(measurement: Json) -> dict[str, float]:
    """A measurement's values by metric."""
    return {entry["metricId"]: entry["value"] for entry in measurement["metrics"]}
