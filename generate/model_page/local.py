"""Whether the local cloud makes a kind of model."""

from bqvertex.specs.model_kind import ModelKind

from localcloud.bqml.kinds import KINDS


def local_words(kind: ModelKind) -> str:
    """Say whether a kind's models are made on the local cloud."""
    if kind.name in KINDS:
        return "trains it" if kind.is_trained else "makes it"
    return "answers 501: not implemented"
