"""Whether the local cloud makes a kind of model."""

import re

from bqvertex.specs.model_kind import ModelKind

from generate.model_page.sample import Sample
from localcloud import bqml
from localcloud.bigquery import preprocessing
from localcloud.bqml.imported import FILES
from localcloud.bqml.kinds import KINDS
from localcloud.bqml.tensorflow_library import EXTRA

_NOT_IMPLEMENTED = "501: not implemented"


def local_words(kind: ModelKind, sample: Sample) -> str:
    """Say whether a kind's models are made on the local cloud.

    Args:
        kind: The kind.
        sample: Its example.
    """
    makes = "trains it" if kind.is_trained else "makes it"
    reason = refusal(kind, sample)
    if reason is None and kind.name in FILES and FILES[kind.name].needs_tensorflow:
        return f"{makes}, with the extra `{EXTRA}`"
    if reason is None:
        return makes
    return f"{makes}, though not this example: {reason}" if kind.name in KINDS else reason


def refusal(kind: ModelKind, sample: Sample) -> str | None:
    """Say why the local cloud does not make an example; None when it does.

    A test of the engine asks the local cloud itself, and compares.
    """
    if kind.is_remote:
        # Nothing is called when one is made; tuning would have to train.
        return _NOT_IMPLEMENTED if kind.has_query else None
    if kind.name in FILES:
        return None
    if kind.name not in KINDS:
        return _NOT_IMPLEMENTED
    try:
        bqml.check(sample.read.parts.options)
    except NotImplementedError as error:
        return str(error)
    written = " ".join(text for text, _ in sample.read.parts.transform or [])
    named = {name.upper() for name in re.findall(r"\bML\.\w+", written, re.IGNORECASE)}
    missing = sorted(named - {*preprocessing.ANALYTIC, *preprocessing.SCALAR})
    return f"501: {', '.join(missing)} in TRANSFORM" if missing else None
