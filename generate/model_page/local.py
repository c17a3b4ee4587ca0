"""Whether the local cloud makes a kind of model."""

from bqvertex.specs.model_kind import ModelKind

from localcloud.bqml.kinds import KINDS

NOT_IMPLEMENTED = "501: not implemented"


def local_words(kind: ModelKind) -> str:
    """Say whether a kind's models are made on the local cloud.

    A test of the engine asks the local cloud itself, and compares.
    """
    if kind.is_remote:
        # Nothing is called when one is made; tuning would have to train.
        return NOT_IMPLEMENTED if kind.has_query else "makes it"
    if kind.name in KINDS:
        return "trains it" if kind.is_trained else "makes it"
    return NOT_IMPLEMENTED
