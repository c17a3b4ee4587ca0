"""K-means clusters, in steps that ML.TRAINING_INFO shows.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-kmeans
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml import options, order, statistics
from localcloud.bqml.arrays import Design, Floats, Places
from localcloud.bqml.encoding import Encoding
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.features import feature_columns
from localcloud.bqml.kind import Kind
from localcloud.bqml.model import Iteration, Model, OnIteration, hardly_better
from localcloud.bqml.options import Option
from localcloud.bqml.unsupervised.feature_value import as_rest, feature_values
from localcloud.bqml.warm_start import check_features

FILE = "clusters.npz"
NEAREST = 5
"""ML.PREDICT tells at most this many distances."""
CHUNK = 65_536
"""Rows whose distances to all centroids are in memory at a time."""
FEWEST, MOST = 2, 100

OPTIONS: Mapping[str, Option] = {
    **options.STOP,
    "NUM_CLUSTERS": options.whole(None, FEWEST, MOST),
    "KMEANS_INIT_METHOD": options.choice("RANDOM", "RANDOM", "KMEANS++", "CUSTOM"),
    "KMEANS_INIT_COL": options.column(),
    "DISTANCE_TYPE": options.choice("EUCLIDEAN", "EUCLIDEAN", "COSINE"),
    "STANDARDIZE_FEATURES": options.flag(True),
    "WARM_START": options.flag(False),
}


@dataclass(frozen=True)
class Clusters:
    """Fitted clusters; a centroid's id is its place and one.

    Attributes:
        encoding: How columns become numbers.
        distance_type: `EUCLIDEAN` or `COSINE`.
        centroids: One row each, among the encoded columns.
        radii: Root mean square of the distances of each cluster's training rows.
        sums: Sum of the encoded training rows of each cluster.
        sizes: Training rows of each cluster.
        scores: What ML.EVALUATE says of the training rows.
        training_scores: Normalised distance of each training row, in order of size.
    """

    encoding: Encoding
    distance_type: str
    centroids: Floats
    radii: Floats
    sums: Floats
    sizes: Places
    scores: Mapping[str, float]
    training_scores: Floats

    @property
    def ids(self) -> list[int]:
        """The ids of the centroids."""
        return list(range(1, len(self.centroids) + 1))

    def predict(self, rows: pa.Table, settings: Mapping[str, Any]) -> dict[str, pa.Array]:
        """See `Fitted.predict`: the nearest centroid, and the distances to the nearest few."""
        _refuse_threshold(settings)
        kept = min(NEAREST, len(self.centroids))
        places, found = [np.zeros((0, kept), np.intp)], [np.zeros((0, kept))]
        for distances in self._distances(self.encoding.encode(rows)):
            nearest = np.argsort(distances, axis=1, kind="stable")[:, :kept]
            places.append(nearest)
            found.append(np.take_along_axis(distances, nearest, axis=1))
        ids = np.vstack(places) + 1
        entries = pa.StructArray.from_arrays(
            [pa.array(ids.ravel(), pa.int64()), pa.array(np.vstack(found).ravel(), pa.float64())],
            names=["centroid_id", "distance"],
        )
        offsets = pa.array(np.arange(len(ids) + 1) * kept, pa.int32())
        return {
            "centroid_id": pa.array(ids[:, 0], pa.int64()),
            "nearest_centroids_distance": pa.ListArray.from_arrays(offsets, entries),
        }

    def evaluate(self, rows: pa.Table | None, settings: Mapping[str, Any]) -> dict[str, float]:
        """See `Fitted.evaluate`."""
        _refuse_threshold(settings)
        if rows is None:
            return dict(self.scores)
        features = self.encoding.encode(rows)
        labels, distances = nearest(features, self.centroids, self.distance_type)
        return _scores(features, labels, distances, self.distance_type)

    def anomaly_scores(self, rows: pa.Table) -> dict[str, pa.Array]:
        """See `Detector.anomaly_scores`."""
        shares, places = [np.zeros(0)], [np.zeros(0, np.intp)]
        for distances in self._distances(self.encoding.encode(rows)):
            normalised = _by_radius(distances, self.radii)
            places.append(normalised.argmin(axis=1))
            shares.append(normalised.min(axis=1))
        return {
            "normalized_distance": pa.array(np.concatenate(shares), pa.float64()),
            "centroid_id": pa.array(np.concatenate(places) + 1, pa.int64()),
        }

    def training_run(self) -> dict[str, Any]:
        """See `Fitted.training_run`."""
        return {
            "trainingOptions": {"numClusters": str(len(self.centroids))},
            "evaluationMetrics": {
                "clusteringMetrics": {
                    "daviesBouldinIndex": self.scores["davies_bouldin_index"],
                    "meanSquaredDistance": self.scores["mean_squared_distance"],
                    "clusters": [self._as_rest(place) for place in range(len(self.centroids))],
                }
            },
        }

    def _as_rest(self, place: int) -> dict[str, Any]:
        numbers = feature_values(self.encoding, self.centroids[place], standardize=False)
        counts = feature_values(self.encoding, self.sums[place], standardize=True)
        return {
            "centroidId": str(place + 1),
            "count": str(self.sizes[place]),
            "featureValues": [
                as_rest(name, number, categories)
                for (name, number, _), (_, _, categories) in zip(numbers, counts, strict=True)
            ],
        }

    def _distances(self, features: Design) -> Any:
        for start in range(0, features.shape[0], CHUNK):
            part = features[start : start + CHUNK]
            yield distances_to(part, self.centroids, self.distance_type)

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Fitted.save`."""
        np.savez(
            directory / FILE,
            centroids=self.centroids,
            radii=self.radii,
            sums=self.sums,
            sizes=self.sizes,
            training_scores=self.training_scores,
        )
        return {
            "encoding": self.encoding.to_json(),
            "distance_type": self.distance_type,
            "scores": dict(self.scores),
        }

    @classmethod
    def load(cls, facts: Mapping[str, Any], directory: Path) -> "Clusters":
        """Read what `save` wrote."""
        with np.load(directory / FILE, allow_pickle=False) as arrays:
            return cls(
                encoding=Encoding.from_json(facts["encoding"]),
                distance_type=facts["distance_type"],
                scores=facts["scores"],
                **{name: arrays[name] for name in arrays.files},
            )


def check(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """Refuse options that do not go together.

    Raises:
        BqmlError: KMEANS_INIT_COL is missing or not used.
    """
    custom = settings["KMEANS_INIT_METHOD"] == "CUSTOM"
    if custom and settings["KMEANS_INIT_COL"] is None:
        raise BqmlError("kmeans_init_method 'CUSTOM' needs kmeans_init_col, a column name")
    if not custom and settings["KMEANS_INIT_COL"] is not None:
        raise BqmlError(
            "kmeans_init_col is for kmeans_init_method 'CUSTOM', and this is "
            f"'{settings['KMEANS_INIT_METHOD']}'"
        )
    return settings


def train(
    kind: Kind,
    settings: Mapping[str, Any],
    table: pa.Table,
    on_iteration: OnIteration | None,
    previous: Model | None = None,
) -> Model:
    """Find clusters, or move those that are there.

    Raises:
        BqmlError: The rows do not hold as many different points as clusters are wanted.
        NotImplementedError: A column's type is not taken yet.
    """
    if table.num_rows == 0:
        raise BqmlError("Input data doesn't contain any rows.")
    rows = table.take(pa.array(order.shuffled(table)))
    names = feature_columns(rows, {settings["KMEANS_INIT_COL"]}, takes_sparse=False)
    if previous is not None and isinstance(previous.fitted, Clusters):
        check_features(names, previous)
        encoding, started = previous.fitted.encoding, previous.fitted.centroids
        features = encoding.encode(rows)
    else:
        encoding = Encoding.fit_unlabelled(
            rows, names, standardize=settings["STANDARDIZE_FEATURES"]
        )
        features = encoding.encode(rows)
        count = settings["NUM_CLUSTERS"] or _usual_count(rows.num_rows)
        started = _initial(rows, features, count, settings)
    centroids, iterations = _steps(features, started, settings, on_iteration)
    distance_type = settings["DISTANCE_TYPE"]
    labels, distances = nearest(features, centroids, distance_type)
    radii, sizes = _radii(labels, distances, len(centroids))
    clusters = Clusters(
        encoding=encoding,
        distance_type=distance_type,
        centroids=centroids,
        radii=radii,
        sums=_sums(features, labels, len(centroids)),
        sizes=sizes,
        scores=_scores(features, labels, distances, distance_type),
        training_scores=np.zeros(0),
    )
    found = clusters.anomaly_scores(rows)["normalized_distance"].to_numpy()
    return Model(
        kind=kind.name,
        model_type=kind.model_type,
        options={**settings, "NUM_CLUSTERS": len(centroids)},
        feature_columns=names,
        label_columns=[],
        iterations=iterations,
        feature_statistics=statistics.of_columns(rows, [name for name, _ in names]),
        fitted=Clusters(**{**vars(clusters), "training_scores": np.sort(found)}),
    )


def distances_to(features: Design, centroids: Floats, distance_type: str) -> Floats:
    """Distance of each row to each centroid."""
    from sklearn.metrics.pairwise import cosine_distances, euclidean_distances

    if distance_type == "COSINE":
        return np.sqrt(np.maximum(np.asarray(cosine_distances(features, centroids)), 0))
    return np.asarray(euclidean_distances(features, centroids))


def nearest(features: Design, centroids: Floats, distance_type: str) -> tuple[Places, Floats]:
    """Place of each row's nearest centroid, and how far it is."""
    labels, found = [], []
    for start in range(0, features.shape[0], CHUNK):
        distances = distances_to(features[start : start + CHUNK], centroids, distance_type)
        labels.append(distances.argmin(axis=1))
        found.append(distances.min(axis=1))
    return np.concatenate(labels), np.concatenate(found)


def _usual_count(rows: int) -> int:
    return min(MOST, max(FEWEST, round(math.log10(rows))))


def _initial(rows: pa.Table, features: Design, count: int, settings: Mapping[str, Any]) -> Floats:
    method = settings["KMEANS_INIT_METHOD"]
    if method == "CUSTOM":
        return _custom(rows, features, settings)
    different = _different(features, count)
    if len(different) < count:
        raise BqmlError(
            f"num_clusters is {count}, and the rows hold only {len(different)} different points"
        )
    if method == "RANDOM":
        # The rows come in an order that looks random and follows from what they hold.
        return _dense(features[different])
    from sklearn.cluster import kmeans_plusplus

    points, _ = kmeans_plusplus(_points(features, settings), count, random_state=0)
    return _dense(points)


def _custom(rows: pa.Table, features: Design, settings: Mapping[str, Any]) -> Floats:
    name = settings["KMEANS_INIT_COL"]
    if name not in rows.column_names:
        raise BqmlError(
            f"kmeans_init_col is '{name}', which the query does not have; it has "
            f"{', '.join(rows.column_names)}"
        )
    column = rows.column(name)
    if not pa.types.is_boolean(column.type):
        raise BqmlError(f"kmeans_init_col '{name}' is {column.type}; it must be BOOL")
    chosen = np.flatnonzero(pc.fill_null(column, False).to_numpy())
    wanted = settings["NUM_CLUSTERS"]
    if len(chosen) != (wanted or len(chosen)) or not FEWEST <= len(chosen) <= MOST:
        asked = f"{FEWEST} to {MOST}" if wanted is None else f"num_clusters, {wanted},"
        raise BqmlError(
            f"kmeans_init_col '{name}' is TRUE in {len(chosen)} rows; it must be in {asked} of them"
        )
    return _dense(features[chosen])


def _different(features: Design, count: int) -> Places:
    """The first places of rows that differ from one another, at most `count`."""
    seen: dict[bytes, int] = {}
    for place in range(features.shape[0]):
        # Adding zero makes one of the two zeros that floats have.
        seen.setdefault((_dense(features[place : place + 1]) + 0.0).tobytes(), place)
        if len(seen) == count:
            break
    return np.array(list(seen.values()), dtype=np.intp)


def _steps(
    features: Design,
    centroids: Floats,
    settings: Mapping[str, Any],
    on_iteration: OnIteration | None,
) -> tuple[Floats, list[Iteration]]:
    points = _points(features, settings)
    distance_type = settings["DISTANCE_TYPE"]
    iterations: list[Iteration] = []
    for index in range(settings["MAX_ITERATIONS"]):
        started = time.monotonic()
        # Not scikit-learn's KMeans: it tells no step, and shifts columns before it takes means, so
        # that of a category that no row has the mean is only nearly 0.
        centroids = _moved(points, centroids, distance_type)
        labels, distances = nearest(features, centroids, distance_type)
        radii, sizes = _radii(labels, distances, len(centroids))
        iterations.append(
            Iteration(
                index=index,
                loss=float(np.mean(distances**2)),
                eval_loss=None,
                learning_rate=None,
                duration_ms=int((time.monotonic() - started) * 1000),
                clusters=tuple(
                    {"centroid_id": i + 1, "cluster_radius": float(r), "cluster_size": int(n)}
                    for i, (r, n) in enumerate(zip(radii, sizes, strict=True))
                ),
            )
        )
        if on_iteration:
            on_iteration(iterations[-1])
        if hardly_better(iterations, settings):
            break
    if distance_type == "COSINE":
        # A direction alone is no point: it gets the mean length of the rows that it stands for.
        labels, _ = nearest(features, centroids, distance_type)
        lengths = np.bincount(labels, weights=_lengths(features), minlength=len(centroids))
        rows = np.maximum(np.bincount(labels, minlength=len(centroids)), 1)
        directions = np.asarray(_points(centroids, settings))
        centroids = directions * (lengths / rows)[:, None]
    return centroids, iterations


def _moved(points: Design, centroids: Floats, distance_type: str) -> Floats:
    """The means of the points nearest to each centroid; one that has none stays where it is."""
    labels, _ = nearest(points, centroids, distance_type)
    sizes = np.bincount(labels, minlength=len(centroids))[:, None]
    sums = _sums(points, labels, len(centroids))
    return np.where(sizes > 0, sums / np.maximum(sizes, 1), centroids)


def _points(features: Design, settings: Mapping[str, Any]) -> Design:
    """What the steps move among: on the unit sphere squared distances are twice those of cosine."""
    if settings["DISTANCE_TYPE"] == "EUCLIDEAN":
        return features
    from sklearn.preprocessing import normalize

    return normalize(features)


def _lengths(features: Design) -> Floats:
    from sklearn.utils.extmath import row_norms

    return np.asarray(row_norms(features))


def _dense(rows: Design) -> Floats:
    return np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows, dtype=np.float64)


def _radii(labels: Places, distances: Floats, count: int) -> tuple[Floats, Places]:
    sizes = np.bincount(labels, minlength=count)
    squares = np.bincount(labels, weights=distances**2, minlength=count)
    return np.sqrt(squares / np.maximum(sizes, 1)), sizes


def _by_radius(distances: Floats, radii: Floats) -> Floats:
    # Of a cluster whose rows are all alike, any other row is infinitely far.
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = distances / radii
    return np.where(np.isnan(shares), 0.0, shares)


def _sums(features: Design, labels: Places, count: int) -> Floats:
    from scipy import sparse

    rows = len(labels)
    belongs = sparse.csr_matrix((np.ones(rows), (labels, np.arange(rows))), shape=(count, rows))
    return _dense(belongs @ features)


def _scores(
    features: Design, labels: Places, distances: Floats, distance_type: str
) -> dict[str, float]:
    from sklearn.metrics import davies_bouldin_score
    from sklearn.preprocessing import normalize

    found = len(np.unique(labels))
    index = 0.0
    if 1 < found < len(labels):
        points = normalize(features) if distance_type == "COSINE" else features
        index = float(davies_bouldin_score(_dense(points), labels))
    return {"davies_bouldin_index": index, "mean_squared_distance": float(np.mean(distances**2))}


def _refuse_threshold(settings: Mapping[str, Any]) -> None:
    if settings.get("threshold") is not None:
        raise BqmlError("threshold is for models with two classes, and this has clusters")
