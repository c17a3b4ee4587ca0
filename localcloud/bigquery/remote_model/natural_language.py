"""What the stand-in for the Natural Language API finds in a text: words, names, praise and blame.

The fields are those of https://cloud.google.com/natural-language/docs/reference/rest/v1/documents
in snake case, as BigQuery gives them.
"""

import re

from localcloud.errors import Json
from localcloud.vertex import judgement

ENCODINGS = ("NONE", "UTF8", "UTF16", "UTF32")
_SCRIPTS = (
    (re.compile(r"[\u3040-\u30ff]"), "ja"),
    (re.compile(r"[\u4e00-\u9fff]"), "zh-CN"),
    (re.compile(r"[\uac00-\ud7af]"), "ko"),
    (re.compile(r"[\u0400-\u04ff]"), "ru"),
    (re.compile(r"[\u0600-\u06ff]"), "ar"),
    (re.compile(r"[\u0370-\u03ff]"), "el"),
)
_COMMON = {
    "en": "the and is are of to in that this with for was it not you",
    "de": "der die das und ist nicht ein eine ich mit zu den von auf sind",
    "fr": "le la les et est pas un une je avec pour dans des que sont",
    "es": "el los las y es no un una con para en que del por son",
    "it": "il lo gli e non un una con per di che sono della questo",
}
_TOPICS = {
    "/Computers & Electronics": "computer phone software laptop screen battery internet app",
    "/Finance": "bank money loan stock market price invest revenue",
    "/Food & Drink": "food restaurant coffee pizza bread cook recipe meal",
    "/Health": "doctor health hospital medicine patient disease vaccine",
    "/Sports": "team match football game player goal tennis",
    "/Travel & Transportation": "flight hotel airport train travel trip car",
}
_ANY = "/Other"


def language(text: str) -> str:
    """The language by its letters or its most common words; `en` when nothing tells."""
    for script, code in _SCRIPTS:
        if script.search(text):
            return code
    said = re.findall(r"[^\W\d_]+", text.casefold())
    counts = {
        code: sum(word in common.split() for word in said) for code, common in _COMMON.items()
    }
    return max(counts, key=lambda code: counts[code])


def analysis(option: str, text: str, encoding: str) -> Json:
    """What an option of ML.UNDERSTAND_TEXT finds.

    Args:
        option: Such as `ANALYZE_SENTIMENT`.
        text: The text.
        encoding: In what `begin_offset` counts; one of `ENCODINGS`.
    """
    if option == "CLASSIFY_TEXT":
        topics = [*_TOPICS, _ANY]
        descriptions = _TOPICS | {_ANY: ""}
        found = judgement.several(judgement.Prompt([text]), topics, descriptions) or [_ANY]
        return {"categories": [{"name": name, "confidence": 1 / len(found)} for name in found]}
    told: Json = {"language": language(text)}
    if option in ("ANALYZE_ENTITIES", "ANALYZE_ENTITY_SENTIMENT"):
        return {"entities": _entities(option, text, encoding), **told}
    sentences = _sentences(text)
    if option == "ANALYZE_SENTIMENT":
        return {
            "document_sentiment": _sentiment(text),
            **told,
            "sentences": [
                {"text": _span(text, start, said, encoding), "sentiment": _sentiment(said)}
                for start, said in sentences
            ],
        }
    return {
        "sentences": [{"text": _span(text, start, said, encoding)} for start, said in sentences],
        "tokens": [
            {
                "text": _span(text, found.start(), found[0], encoding),
                "part_of_speech": {"tag": _tag(found[0])},
                "lemma": found[0].casefold(),
            }
            for found in re.finditer(r"\w+|[^\w\s]", text)
        ],
        **told,
    }


def _sentences(text: str) -> list[tuple[int, str]]:
    return [(found.start(), found[0]) for found in re.finditer(r"[^\s.!?][^.!?]*[.!?]*", text)]


def _sentiment(text: str) -> Json:
    good, bad = judgement.praise_and_blame(text)
    score = (good - bad) / (good + bad) if good or bad else 0.0
    return {"magnitude": float(good + bad), "score": score}


def _entities(option: str, text: str, encoding: str) -> list[Json]:
    mentions: dict[str, list[re.Match[str]]] = {}
    for found in re.finditer(r"\b[A-Z]\w+(?: [A-Z]\w+)*", text):
        mentions.setdefault(found[0], []).append(found)
    total = sum(len(found) for found in mentions.values())
    entities: list[Json] = []
    for name, places in mentions.items():
        entity: Json = {
            "name": name,
            "type": "OTHER",
            "metadata": {},
            "salience": len(places) / total,
            "mentions": [
                {"text": _span(text, place.start(), name, encoding), "type": "PROPER"}
                for place in places
            ],
        }
        if option == "ANALYZE_ENTITY_SENTIMENT":
            entity["sentiment"] = _sentiment(
                " ".join(said for _, said in _sentences(text) if name in said)
            )
        entities.append(entity)
    return entities


def _tag(token: str) -> str:
    if token.isdigit():
        return "NUM"
    return "X" if token[0].isalnum() else "PUNCT"


def _span(text: str, start: int, content: str, encoding: str) -> Json:
    before = text[:start]
    offset = {
        "NONE": -1,
        "UTF8": len(before.encode()),
        "UTF16": len(before.encode("utf-16-le")) // 2,
        "UTF32": len(before),
    }[encoding]
    return {"begin_offset": offset, "content": content}
