"""The table of a kind's options."""

from collections.abc import Iterator, Sequence

from bqvertex.specs.model_kind import ModelKind
from bqvertex.specs.model_option import Limits, ModelOption

from generate.model_page.table import table


def option_table(kind: ModelKind) -> str:
    """Write the options that a kind takes beside MODEL_TYPE."""
    rows = [
        (f"`{name}`", _takes(option), _default(option), "; ".join(_notes(option)))
        for name, option in kind.options.items()
    ]
    return table(("option", "takes", "default", ""), rows)


def _takes(option: ModelOption) -> str:
    types = _codes(option.type.replace("ENUM", "STRING").split("|"))
    if option.form:
        return f"{types}: `{option.form}`"
    limits = [option.limits, *option.elements]
    words = [_allowed(one, option.type) for one in limits if one.words]
    listed = f"{types}: {'; '.join(words)}" if words else types
    least, most = option.item_counts
    if most is not None:
        return f"{listed}; {most if least == most else f'at most {most}'} of them"
    return listed


def _allowed(limits: Limits, type_: str) -> str:
    if limits.values:
        return ", ".join(f"`{value}`" for value in limits.values)
    return f"{limits.words} minutes" if type_ == "INTERVAL" else limits.words


def _default(option: ModelOption) -> str:
    if option.required:
        return "required"
    if option.default is None:
        return option.default_words
    return f"`{option.default_words}`"


def _notes(option: ModelOption) -> Iterator[str]:
    if option.columns is not None:
        yield f"names a column of {_codes(option.columns)}" if option.columns else "names a column"
    if option.tuning is not None:
        words = option.tuning.limits.words
        if option.tuning.candidates_only:
            yield "tuned by `HPARAM_CANDIDATES`"
        else:
            yield f"tuned{f' within {words}' if words else ''}"
    if option.secret:
        yield "not taken, see [secrets](../models.md#secrets)"


def _codes(words: Sequence[str]) -> str:
    return " or ".join(f"`{word}`" for word in words)
