"""How the stand-in for Gemini answers what has few answers: yes or no, a score, one of a list.

It counts words, so that a test can know the answer beforehand: a condition is met when one of its
words is in the text, good words give a high score, and a text goes to the category whose words it
has. A short list says which words mean praise and blame. It knows nothing else.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.vertex.embedding import embed


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


PRAISE = _listed(
    "amazing awesome best brilliant delicious delight delightful enjoy enjoyed excellent fantastic "
    "favorite fun good great happy love loved lovely nice perfect pleasant positive recommend "
    "superb thank thanks wonderful"
)
BLAME = _listed(
    "angry annoying awful bad boring broken complaint disappointed disappointing fail failed hate "
    "hated horrible negative never poor refund rude sad slow terrible ugly unhappy useless waste "
    "worse worst wrong"
)
_MEANINGS = {
    "positive": PRAISE,
    "good": PRAISE,
    "happy": PRAISE,
    "negative": BLAME,
    "bad": BLAME,
    "angry": BLAME,
}
_ORDINARY = _listed(
    "a about after all an and any are article as at be been but by can classify comment condition "
    "did do does document down during each email focused following for from has have here how i "
    "if in input into is it its least like liked mention mentions more most much my new news no "
    "not of on one or our out over rate rating related review reviewer s scale score should some "
    "statement story such t text than that the their them then there these they this to true us "
    "very was we were what when where whether which who will with would yes you your"
)
"""Words that say nothing of what a condition or a category is about."""
_NEITHER = ("neutral", "other", "none", "unknown", "mixed")
_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\s*(?:to|and|through|[-\u2013])\s*(-?\d+(?:\.\d+)?)", re.I)
_LIKE = 0.6
"""From this cosine on, a text is taken for one of the examples."""
_DIMENSIONS = 256


@dataclass(frozen=True)
class Prompt:
    """A prompt as it is judged.

    Attributes:
        parts: The texts of the last turn, in order.
        examples: Texts of earlier turns, each with what the model is said to have answered.
    """

    parts: Sequence[str]
    examples: Sequence[tuple[str, str]] = ()

    @property
    def whole(self) -> str:
        """All texts of the last turn."""
        return " ".join(self.parts)

    def split(self) -> tuple[str, str]:
        """What is asked, and of what text; the first is empty when that cannot be told.

        Several parts: the first asks, or the last when it ends in a question mark. One part: up to
        its first colon, line or question mark.
        """
        parts = [part for part in self.parts if part.strip()]
        if len(parts) > 2 and parts[-1].strip().endswith("?"):
            return f"{parts[0]} {parts[-1]}", " ".join(parts[1:-1])
        if len(parts) > 1:
            if parts[-1].strip().endswith("?"):
                return parts[-1], " ".join(parts[:-1])
            return parts[0], " ".join(parts[1:])
        asked, mark, text = (
            re.split(r"([:?\n])", self.whole, maxsplit=1)
            if re.search(r"[:?\n]", self.whole)
            else ("", "", self.whole)
        )
        return (f"{asked}{mark}", text) if text.strip() else ("", self.whole)


def is_true(prompt: Prompt) -> bool | None:
    """Whether the text has a word of the condition; None when there is no condition in it."""
    if (known := _of_example(prompt)) is not None:
        return known == "true"
    asked, text = prompt.split()
    wanted = _subject(asked)
    if not wanted:
        return None
    return bool(wanted & words(text))


def score(prompt: Prompt) -> float:
    """From the low to the high end of the range that the prompt tells, 0 to 1 without one.

    Where the text has words of praise or blame their share counts, else the share of the asked
    words that it has.
    """
    asked, text = prompt.split()
    found = _RANGE.search(asked) or _RANGE.search(prompt.whole)
    low, high = (float(found[1]), float(found[2])) if found else (0.0, 1.0)
    said = words(text)
    good, bad = praise_and_blame(text)
    if good or bad:
        share = good / (good + bad)
    else:
        wanted = _subject(_RANGE.sub(" ", asked))
        share = len(wanted & said) / len(wanted) if wanted else 0.5
    return round(low + share * (high - low), 3)


def choice(prompt: Prompt, choices: Sequence[str], descriptions: Mapping[str, str]) -> str:
    """The choice whose words the text has most of.

    With words of none, it is a choice such as `other` or `neutral`; without that, the one whose
    letters are nearest.

    Args:
        prompt: The prompt.
        choices: What there is to choose from; at least one.
        descriptions: What some of them mean.
    """
    if (known := _of_example(prompt)) is not None and known.strip('"') in choices:
        return known.strip('"')
    counts = _counts(prompt, choices, descriptions)
    if max(counts):
        return choices[counts.index(max(counts))]
    for each in choices:
        if each.casefold() in _NEITHER:
            return each
    told = [f"{each} {descriptions.get(each, '')}" for each in choices]
    [text, *vectors] = embed([prompt.whole, *told], _DIMENSIONS)
    near = [_product(text, vector) for vector in vectors]
    return choices[near.index(max(near))]


def several(prompt: Prompt, choices: Sequence[str], descriptions: Mapping[str, str]) -> list[str]:
    """The choices of which the text has a word, in their order."""
    counts = _counts(prompt, choices, descriptions)
    return [each for each, count in zip(choices, counts, strict=True) if count]


def of_schema(schema: Mapping[str, Any], prompt: Prompt) -> Any:
    """The value for a schema of few answers; None for any other schema.

    Args:
        schema: Of `generationConfig.responseSchema`.
        prompt: What was asked.
    """
    kind = str(schema.get("type", "STRING")).upper()
    if kind == "ARRAY" and (schema.get("items") or {}).get("enum"):
        return several(prompt, schema["items"]["enum"], _described(schema["items"]))
    if schema.get("enum"):
        return choice(prompt, schema["enum"], _described(schema))
    if kind == "BOOLEAN":
        return is_true(prompt)
    if kind == "NUMBER":
        return score(prompt)
    return None


def praise_and_blame(text: str) -> tuple[int, int]:
    """How many different words of praise and of blame a text has."""
    said = words(text)
    return len(said & _stems(PRAISE)), len(said & _stems(BLAME))


def words(text: str) -> frozenset[str]:
    """The words of a text in lower case, without endings."""
    return _stems(re.findall(r"[^\W_]+", text.casefold()))


def _described(schema: Mapping[str, Any]) -> dict[str, str]:
    """What each choice means, from lines such as `green: positive`."""
    lines = str(schema.get("description") or "").splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def _counts(prompt: Prompt, choices: Sequence[str], descriptions: Mapping[str, str]) -> list[int]:
    said = words(prompt.whole)
    return [len(said & _subject(f"{each} {descriptions.get(each, '')}")) for each in choices]


def _subject(text: str) -> frozenset[str]:
    plain = re.findall(r"[^\W_]+", text.casefold())
    wanted = {word for word in plain if word not in _ORDINARY and not word.isdigit()}
    for word in tuple(wanted):
        wanted |= _MEANINGS.get(word, frozenset())
    return _stems(wanted)


def _stems(found: Any) -> frozenset[str]:
    return frozenset(re.sub(r"(?<=\w{3})(ies|es|s|y)$", "", word) for word in found)


def _of_example(prompt: Prompt) -> str | None:
    if not prompt.examples:
        return None
    texts = [prompt.whole, *(text for text, _ in prompt.examples)]
    own, *others = embed(texts, _DIMENSIONS)
    near = [_product(own, other) for other in others]
    best = max(near)
    return prompt.examples[near.index(best)][1] if best >= _LIKE else None


def _product(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
