"""What the arrival delay model takes and answers, and which of its features are watched."""

from bqvertex.model_monitor import FeatureArgs, ModelMonitorArgs

INPUTS = {
    "carrier": "STRING",
    "origin": "STRING",
    "dest": "STRING",
    "scheduled_hour": "INT64",
    "day_of_week": "INT64",
    "distance_miles": "INT64",
    "temperature_f": "FLOAT64",
    "humidity_percent": "FLOAT64",
    "wind_speed_mph": "FLOAT64",
    "precipitation_inches": "FLOAT64",
    "pressure_millibars": "FLOAT64",
    "visibility_miles": "FLOAT64",
    "seats": "INT64",
    "plane_age_years": "INT64",
}
"""Columns of the model's query without its label, as the endpoint takes them."""

OUTPUTS = {
    "predicted_is_late": "STRING",
    "is_late_values": "ARRAY<STRING>",
    "is_late_probs": "ARRAY<FLOAT64>",
}
"""Fields of the endpoint's predictions; an endpoint answers labels as text."""

WATCHED: dict[str, FeatureArgs] = {
    "carrier": {"type": "categorical", "threshold": 0.1},
    "origin": {"type": "categorical", "threshold": 0.1},
    "dest": {"type": "categorical", "threshold": 0.1},
    "scheduled_hour": {"type": "numerical", "threshold": 0.05},
    "distance_miles": {"type": "numerical", "threshold": 0.05},
    "temperature_f": {"type": "numerical", "threshold": 0.05},
    "humidity_percent": {"type": "numerical", "threshold": 0.05},
    "wind_speed_mph": {"type": "numerical", "threshold": 0.05},
    "precipitation_inches": {"type": "numerical", "threshold": 0.05},
    "pressure_millibars": {"type": "numerical", "threshold": 0.05},
    "visibility_miles": {"type": "numerical", "threshold": 0.05},
}
"""Distance over which one has drifted: L-infinity of categories, Jensen-Shannon of numbers."""

DRIFT: ModelMonitorArgs = {
    "baseline": {"query_file": "sql/arrival_delay/drift_baseline.sql"},
    "target": {"query_file": "sql/arrival_delay/drift_target.sql"},
    "features": WATCHED,
}
"""July to December against January to June."""
