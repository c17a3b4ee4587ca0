"""The kinds of models that train here. A new kind is a module and a row."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from localcloud.bqml import options, transform_only
from localcloud.bqml.contribution import training as contribution
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.kind import Kind
from localcloud.bqml.recommender import matrix_factorization
from localcloud.bqml.supervised import (
    automl,
    boosted_tree,
    linear,
    neural_network,
    random_forest,
    training,
)
from localcloud.bqml.supervised.predictor import Predictor
from localcloud.bqml.timeseries import training as timeseries
from localcloud.bqml.timeseries.forecaster import Forecaster
from localcloud.bqml.tuning.space import PENALTY, Hyperparameter
from localcloud.bqml.unsupervised import autoencoder, kmeans, pca

_REGRESSION = (
    "R2_SCORE",
    "MEAN_ABSOLUTE_ERROR",
    "MEAN_SQUARED_ERROR",
    "MEAN_SQUARED_LOG_ERROR",
    "MEDIAN_ABSOLUTE_ERROR",
    "EXPLAINED_VARIANCE",
)
_CLASSIFICATION = ("ROC_AUC", "PRECISION", "RECALL", "ACCURACY", "F1_SCORE", "LOG_LOSS")
_RANKING = (
    "MEAN_AVERAGE_PRECISION",
    "MEAN_SQUARED_ERROR",
    "NORMALIZED_DISCOUNTED_CUMULATIVE_GAIN",
    "AVERAGE_RANK",
)
_PENALTIES = {"L1_REG": PENALTY, "L2_REG": PENALTY}

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "LINEAR_REG",
            "LINEAR_REGRESSION",
            linear.REGRESSION_OPTIONS,
            linear.check_regression,
            partial(training.train, fit=linear.fit, most_classes=0, standardize=True),
            partial(Predictor.load, load_estimator=linear.Linear.load),
            hyperparameters=_PENALTIES,
            objectives=_REGRESSION,
        ),
        Kind(
            "LOGISTIC_REG",
            "LOGISTIC_REGRESSION",
            linear.CLASSIFICATION_OPTIONS,
            linear.check_classification,
            partial(training.train, fit=linear.fit, most_classes=50, standardize=True),
            partial(Predictor.load, load_estimator=linear.Linear.load),
            hyperparameters=_PENALTIES,
            objectives=_CLASSIFICATION,
        ),
        Kind(
            "BOOSTED_TREE_CLASSIFIER",
            "BOOSTED_TREE_CLASSIFIER",
            boosted_tree.CLASSIFICATION_OPTIONS,
            boosted_tree.check,
            partial(training.train, fit=boosted_tree.fit, most_classes=1000, standardize=False),
            partial(Predictor.load, load_estimator=boosted_tree.BoostedTree.load),
            hyperparameters=boosted_tree.HYPERPARAMETERS,
            objectives=_CLASSIFICATION,
        ),
        Kind(
            "BOOSTED_TREE_REGRESSOR",
            "BOOSTED_TREE_REGRESSOR",
            boosted_tree.REGRESSION_OPTIONS,
            boosted_tree.check,
            partial(training.train, fit=boosted_tree.fit, most_classes=0, standardize=False),
            partial(Predictor.load, load_estimator=boosted_tree.BoostedTree.load),
            hyperparameters=boosted_tree.HYPERPARAMETERS,
            objectives=_REGRESSION,
        ),
        Kind(
            "KMEANS",
            "KMEANS",
            kmeans.OPTIONS,
            kmeans.check,
            kmeans.train,
            kmeans.Clusters.load,
            hyperparameters={"NUM_CLUSTERS": Hyperparameter(2, 100, (2, 10), is_whole=True)},
            objectives=("DAVIES_BOULDIN_INDEX",),
        ),
        Kind("PCA", "PCA", pca.OPTIONS, pca.check, pca.train, pca.Components.load),
        Kind(
            "MATRIX_FACTORIZATION",
            "MATRIX_FACTORIZATION",
            matrix_factorization.OPTIONS,
            matrix_factorization.check,
            matrix_factorization.train,
            matrix_factorization.Recommender.load,
            takes_transform=False,
            hyperparameters={
                "NUM_FACTORS": Hyperparameter(2, 200, (2, 20), is_whole=True),
                "L2_REG": PENALTY,
                "WALS_ALPHA": Hyperparameter(usual=(0, 100)),
            },
            objectives=_RANKING,
        ),
        *(
            Kind(
                name,
                name,
                kind_options,
                check,
                partial(
                    training.train,
                    fit=fit,
                    most_classes=most_classes,
                    standardize=True,
                    encoding_method="ONE_HOT_ENCODING",
                ),
                partial(Predictor.load, load_estimator=neural_network.Network.load),
                hyperparameters=hyperparameters,
                objectives=objectives,
            )
            for check, fit, hyperparameters, both in (
                (
                    neural_network.check,
                    neural_network.fit,
                    neural_network.HYPERPARAMETERS,
                    (
                        ("DNN_CLASSIFIER", neural_network.CLASSIFICATION_OPTIONS),
                        ("DNN_REGRESSOR", neural_network.REGRESSION_OPTIONS),
                    ),
                ),
                (
                    neural_network.check_combined,
                    neural_network.fit_combined,
                    neural_network.COMBINED_HYPERPARAMETERS,
                    (
                        (
                            "DNN_LINEAR_COMBINED_CLASSIFIER",
                            neural_network.COMBINED_CLASSIFICATION_OPTIONS,
                        ),
                        (
                            "DNN_LINEAR_COMBINED_REGRESSOR",
                            neural_network.COMBINED_REGRESSION_OPTIONS,
                        ),
                    ),
                ),
            )
            for (name, kind_options), most_classes, objectives in zip(
                both, (1000, 0), (_CLASSIFICATION, _REGRESSION), strict=True
            )
        ),
        *(
            Kind(
                name,
                name,
                kind_options,
                automl.check,
                partial(automl.train, candidates=candidates),
                automl.Champion.read,
                takes_transform=False,
            )
            for name, kind_options, candidates in (
                ("AUTOML_CLASSIFIER", automl.CLASSIFICATION_OPTIONS, automl.CLASSIFIERS),
                ("AUTOML_REGRESSOR", automl.REGRESSION_OPTIONS, automl.REGRESSORS),
            )
        ),
        Kind(
            "AUTOENCODER",
            "AUTOENCODER",
            autoencoder.OPTIONS,
            autoencoder.check,
            autoencoder.train,
            autoencoder.Autoencoder.load,
            hyperparameters=autoencoder.HYPERPARAMETERS,
            objectives=("MEAN_SQUARED_ERROR", "MEAN_ABSOLUTE_ERROR", "MEAN_SQUARED_LOG_ERROR"),
        ),
        *(
            Kind(
                name,
                name,
                kind_options,
                timeseries.check,
                timeseries.train,
                Forecaster.load,
                takes_holidays=True,
            )
            for name, kind_options in (
                ("ARIMA_PLUS", timeseries.OPTIONS),
                ("ARIMA_PLUS_XREG", timeseries.XREG_OPTIONS),
            )
        ),
        Kind(
            "CONTRIBUTION_ANALYSIS",
            "CONTRIBUTION_ANALYSIS",
            contribution.OPTIONS,
            contribution.check,
            contribution.train,
            contribution.Insights.load,
        ),
        Kind(
            "TRANSFORM_ONLY",
            "TRANSFORM_ONLY",
            transform_only.OPTIONS,
            transform_only.check,
            transform_only.train,
            transform_only.Nothing.load,
            is_transform=True,
        ),
        Kind(
            "RANDOM_FOREST_CLASSIFIER",
            "RANDOM_FOREST_CLASSIFIER",
            random_forest.CLASSIFICATION_OPTIONS,
            random_forest.check,
            partial(
                training.train,
                fit=random_forest.fit,
                most_classes=1000,
                standardize=False,
                encoding_method="LABEL_ENCODING",
            ),
            partial(Predictor.load, load_estimator=boosted_tree.BoostedTree.load),
            hyperparameters=random_forest.HYPERPARAMETERS,
            objectives=_CLASSIFICATION,
        ),
        Kind(
            "RANDOM_FOREST_REGRESSOR",
            "RANDOM_FOREST_REGRESSOR",
            random_forest.REGRESSION_OPTIONS,
            random_forest.check,
            partial(
                training.train,
                fit=random_forest.fit,
                most_classes=0,
                standardize=False,
                encoding_method="LABEL_ENCODING",
            ),
            partial(Predictor.load, load_estimator=boosted_tree.BoostedTree.load),
            hyperparameters=random_forest.HYPERPARAMETERS,
            objectives=_REGRESSION,
        ),
    )
}

KNOWN_TO_GOOGLE = frozenset(
    """
    AUTOML_CLASSIFIER AUTOML_REGRESSOR AUTOENCODER ARIMA ARIMA_PLUS ARIMA_PLUS_XREG
    CONTRIBUTION_ANALYSIS DNN_CLASSIFIER DNN_REGRESSOR DNN_LINEAR_COMBINED_CLASSIFIER
    DNN_LINEAR_COMBINED_REGRESSOR KMEANS MATRIX_FACTORIZATION ONNX PCA RANDOM_FOREST_CLASSIFIER
    RANDOM_FOREST_REGRESSOR TENSORFLOW TENSORFLOW_LITE TRANSFORM_ONLY XGBOOST
    """.split()  # noqa: SIM905 - a table of names reads better than a list of quotes
)


def kind_of(given: Mapping[str, Any]) -> Kind:
    """Find the kind that OPTIONS asks for.

    Raises:
        BqmlError: MODEL_TYPE is missing or unknown.
        NotImplementedError: Google has it and the local cloud does not.
    """
    name = str(given.get("MODEL_TYPE") or "").upper()
    if name in KINDS:
        return KINDS[name]
    if name in KNOWN_TO_GOOGLE:
        raise NotImplementedError(
            f"models of type {name} do not train on the local cloud yet; these do: "
            f"{', '.join(sorted(KINDS))}"
        )
    if not name:
        raise BqmlError(f"OPTIONS lacks model_type; give one of {', '.join(sorted(KINDS))}")
    raise BqmlError(f"model_type is '{name}'; allowed are {', '.join(sorted(KINDS))}")


def settings(
    kind: Kind, given: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Check options and fill in defaults.

    Args:
        kind: The kind of model.
        given: What OPTIONS gives, names in upper case.
        before: What the training had that this one goes on from; None: it begins anew.

    Returns:
        A value for each option of the kind; names of enumerations in upper case.

    Raises:
        BqmlError: An option is unknown to this kind, its value is not allowed, or it does not go
            with another.
        NotImplementedError: A value that Google takes does not work here.
    """
    return kind.check(options.filled(kind.name, kind.options, given, before), frozenset(given))
