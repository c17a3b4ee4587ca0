"""Principal components, by scikit-learn.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-pca
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml import options, order, statistics
from localcloud.bqml.arrays import Design, Floats
from localcloud.bqml.encoding import Encoding
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.features import feature_columns
from localcloud.bqml.kind import Kind
from localcloud.bqml.model import Iteration, Model, OnIteration
from localcloud.bqml.options import Option

FILE = "components.npz"
MOST_COLUMNS_OF_FULL = 1_500
"""Google estimates the limit by the length of names, typically from 1,000 to 1,500."""
MOST_COLUMNS = 10_000

OPTIONS: Mapping[str, Option] = {
    "NUM_PRINCIPAL_COMPONENTS": options.whole(None, 1),
    "PCA_EXPLAINED_VARIANCE_RATIO": options.between(None, 0, 1),
    "SCALE_FEATURES": options.flag(True),
    "PCA_SOLVER": options.choice("AUTO", "AUTO", "FULL", "RANDOMIZED"),
}


@dataclass(frozen=True)
class Components:
    """Fitted components, the one with the largest variance first.

    Attributes:
        encoding: How columns become numbers.
        means: Of the encoded columns, which are taken off.
        components: One row each, among the encoded columns.
        variances: Variance along each, the eigenvalue.
        ratios: Share of each in the variance of all columns.
        training_scores: Mean squared error of each training row, in order of size.
    """

    encoding: Encoding
    means: Floats
    components: Floats
    variances: Floats
    ratios: Floats
    training_scores: Floats

    def project(self, rows: pa.Table) -> Floats:
        """Where rows lie along each component.

        Raises:
            BqmlError: A column is missing or of a wrong type.
        """
        return self._project(self.encoding.encode(rows))

    def predict(self, rows: pa.Table, settings: Mapping[str, Any]) -> dict[str, pa.Array]:
        """See `Fitted.predict`: where rows lie along each component."""
        _refuse_threshold(settings)
        return {
            f"principal_component_{place}": pa.array(values, pa.float64())
            for place, values in enumerate(self.project(rows).T, start=1)
        }

    def embed(self, rows: pa.Table) -> Floats:
        """See `Embedder.embed`."""
        return self.project(rows)

    def evaluate(self, rows: pa.Table | None, settings: Mapping[str, Any]) -> dict[str, float]:
        """See `Fitted.evaluate`: the share of the rows' variance that components keep."""
        _refuse_threshold(settings)
        if rows is None:
            return {"total_explained_variance_ratio": float(self.ratios.sum())}
        features = _dense(self.encoding.encode(rows))
        whole = float(features.var(axis=0).sum())
        kept = float(self._project(features).var(axis=0).sum())
        return {"total_explained_variance_ratio": kept / whole if whole else 0.0}

    def anomaly_scores(self, rows: pa.Table) -> dict[str, pa.Array]:
        """See `Detector.anomaly_scores`: how much of a row its components do not tell."""
        errors = self._errors(self.encoding.encode(rows))
        return {"mean_squared_error": pa.array(errors, pa.float64())}

    def training_run(self) -> dict[str, Any]:
        """See `Fitted.training_run`."""
        return {
            "evaluationMetrics": {
                "dimensionalityReductionMetrics": {
                    "totalExplainedVarianceRatio": float(self.ratios.sum())
                }
            },
            "result": {"principalComponentInfos": self.principal_component_infos()},
        }

    def principal_component_infos(self) -> list[dict[str, Any]]:
        """`PrincipalComponentInfo` of each; ids begin at 0, as results of Google's begin.

        https://cloud.google.com/bigquery/docs/reference/rest/v2/models#PrincipalComponentInfo
        """
        return [
            {
                "principalComponentId": str(place),
                "explainedVariance": float(variance),
                "explainedVarianceRatio": float(ratio),
                "cumulativeExplainedVarianceRatio": float(total),
            }
            for place, (variance, ratio, total) in enumerate(
                zip(self.variances, self.ratios, np.cumsum(self.ratios), strict=True)
            )
        ]

    def _project(self, features: Design) -> Floats:
        return np.asarray(features @ self.components.T) - self.means @ self.components.T

    def _errors(self, features: Design) -> Floats:
        centred = _dense(features) - self.means
        left: Floats = centred - (centred @ self.components.T) @ self.components
        errors: Floats = np.mean(left**2, axis=1)
        return errors

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Fitted.save`."""
        np.savez(
            directory / FILE,
            means=self.means,
            components=self.components,
            variances=self.variances,
            ratios=self.ratios,
            training_scores=self.training_scores,
        )
        return {"encoding": self.encoding.to_json()}

    @classmethod
    def load(cls, facts: Mapping[str, Any], directory: Path) -> "Components":
        """Read what `save` wrote."""
        with np.load(directory / FILE, allow_pickle=False) as arrays:
            return cls(
                encoding=Encoding.from_json(facts["encoding"]),
                **{name: arrays[name] for name in arrays.files},
            )


def check(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """Refuse options that do not go together.

    Raises:
        BqmlError: Not exactly one of the two options that tell how many components is given.
    """
    how_many = ("NUM_PRINCIPAL_COMPONENTS", "PCA_EXPLAINED_VARIANCE_RATIO")
    if sum(settings[name] is not None for name in how_many) != 1:
        raise BqmlError(f"give exactly one of {' and '.join(how_many).lower()}")
    return settings


def train(
    kind: Kind, settings: Mapping[str, Any], table: pa.Table, on_iteration: OnIteration | None
) -> Model:
    """Find principal components.

    Raises:
        BqmlError: There are fewer rows or encoded columns than components, or too many columns for
            the solver.
        NotImplementedError: A column's type is not taken yet.
    """
    if table.num_rows < 2:
        raise BqmlError(f"PCA needs 2 rows or more, and the query gives {table.num_rows}")
    rows = table.take(pa.array(order.shuffled(table)))
    names = feature_columns(rows, (), takes_sparse=False)
    encoding = Encoding.fit_unlabelled(rows, names, standardize=settings["SCALE_FEATURES"])
    started = time.monotonic()
    features = _dense(encoding.encode(rows))
    fitted = _fit(features, settings)
    components = Components(
        encoding=encoding,
        means=fitted.mean_,
        components=fitted.components_,
        variances=fitted.explained_variance_,
        ratios=fitted.explained_variance_ratio_,
        training_scores=np.zeros(0),
    )
    errors = components._errors(features)
    step = Iteration(
        index=0,
        loss=float(errors.mean()),
        eval_loss=None,
        learning_rate=None,
        duration_ms=int((time.monotonic() - started) * 1000),
    )
    if on_iteration:
        on_iteration(step)
    return Model(
        kind=kind.name,
        model_type=kind.model_type,
        options=settings,
        feature_columns=names,
        label_columns=[],
        iterations=[step],
        feature_statistics=statistics.of_columns(rows, [name for name, _ in names]),
        fitted=Components(**{**vars(components), "training_scores": np.sort(errors)}),
    )


def _fit(features: Floats, settings: Mapping[str, Any]) -> Any:
    from sklearn.decomposition import PCA

    rows, width = features.shape
    wanted, ratio = settings["NUM_PRINCIPAL_COMPONENTS"], settings["PCA_EXPLAINED_VARIANCE_RATIO"]
    asked = settings["PCA_SOLVER"]
    randomized = asked == "RANDOMIZED" or (asked == "AUTO" and width > MOST_COLUMNS_OF_FULL)
    most = MOST_COLUMNS if randomized else MOST_COLUMNS_OF_FULL
    if width > most:
        raise BqmlError(
            f"pca_solver '{asked}' takes up to {most:,} columns after one-hot encoding, and the "
            f"features have {width:,}"
        )
    if wanted is not None and wanted > min(rows, width):
        raise BqmlError(
            f"num_principal_components is {wanted}; there are {rows:,} rows and {width:,} columns "
            "after one-hot encoding, and it can be larger than neither"
        )
    fitted = PCA(
        wanted or min(rows, width),
        svd_solver="randomized" if randomized else "full",
        random_state=0,
    ).fit(features)
    if ratio is None:
        return fitted
    # The fewest whose share is greater than the ratio; all, where none is.
    kept = int(np.searchsorted(np.cumsum(fitted.explained_variance_ratio_), ratio, "right")) + 1
    for name in ("components_", "explained_variance_", "explained_variance_ratio_"):
        setattr(fitted, name, getattr(fitted, name)[:kept])
    return fitted


def _dense(features: Design) -> Floats:
    return np.asarray(features.toarray() if hasattr(features, "toarray") else features)


def _refuse_threshold(settings: Mapping[str, Any]) -> None:
    if settings.get("threshold") is not None:
        raise BqmlError("threshold is for models with two classes, and this has components")
