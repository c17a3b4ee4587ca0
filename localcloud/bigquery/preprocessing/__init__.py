"""BigQuery ML's preprocessing functions as plain GoogleSQL.

A function such as `ML.STANDARD_SCALER(x) OVER()` learns constants from the training rows; from then
on it is an expression with those constants in it, which scores a single row as well as a table.

https://cloud.google.com/bigquery/docs/manual-preprocessing
"""

from localcloud.bigquery.preprocessing.argument import constant, number
from localcloud.bigquery.preprocessing.categorical import (
    feature_cross,
    hash_bucketize,
    label_encoder,
    multi_hot_encoder,
    one_hot_encoder,
)
from localcloud.bigquery.preprocessing.fit import Analytic, Fit, Scalar
from localcloud.bigquery.preprocessing.numerical import (
    bucketize,
    imputer,
    max_abs_scaler,
    min_max_scaler,
    polynomial_expand,
    quantile_bucketize,
    robust_scaler,
    standard_scaler,
)
from localcloud.bigquery.preprocessing.text import bag_of_words, ngrams, tf_idf
from localcloud.bigquery.preprocessing.vector import distance, lp_norm, normalizer

__all__ = [
    "ANALYTIC",
    "DISTANCE",
    "SCALAR",
    "Fit",
    "bucketize",
    "constant",
    "distance",
    "feature_cross",
    "label_encoder",
    "number",
]

ANALYTIC: dict[str, Analytic] = {
    "ML.STANDARD_SCALER": standard_scaler,
    "ML.MIN_MAX_SCALER": min_max_scaler,
    "ML.MAX_ABS_SCALER": max_abs_scaler,
    "ML.ROBUST_SCALER": robust_scaler,
    "ML.QUANTILE_BUCKETIZE": quantile_bucketize,
    "ML.IMPUTER": imputer,
    "ML.LABEL_ENCODER": label_encoder,
    "ML.ONE_HOT_ENCODER": one_hot_encoder,
    "ML.MULTI_HOT_ENCODER": multi_hot_encoder,
    "ML.BAG_OF_WORDS": bag_of_words,
    "ML.TF_IDF": tf_idf,
}
"""Functions that learn from the training rows, written `f(x, ...) OVER()`."""

SCALAR: dict[str, Scalar] = {
    "ML.BUCKETIZE": bucketize,
    "ML.POLYNOMIAL_EXPAND": polynomial_expand,
    "ML.FEATURE_CROSS": feature_cross,
    "ML.HASH_BUCKETIZE": hash_bucketize,
    "ML.NGRAMS": ngrams,
    "ML.NORMALIZER": normalizer,
    "ML.LP_NORM": lp_norm,
}
"""Functions of one row, written `f(x, ...)`."""

DISTANCE = "ML.DISTANCE"
"""The function of one row that takes two expressions."""
