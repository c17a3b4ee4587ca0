"""ML.TRANSLATE and ML.UNDERSTAND_TEXT over remote models of Cloud AI services."""

import pytest
from google.api_core import exceptions

from tests.localcloud.bigquery.conftest import Run

TRANSLATE = (
    "CREATE MODEL translate REMOTE WITH CONNECTION `us.ok` "
    "OPTIONS (REMOTE_SERVICE_TYPE = 'CLOUD_AI_TRANSLATE_V3')"
)
LANGUAGE = (
    "CREATE MODEL language REMOTE WITH CONNECTION `us.ok` "
    "OPTIONS (REMOTE_SERVICE_TYPE = 'CLOUD_AI_NATURAL_LANGUAGE_V1')"
)


@pytest.mark.covers("ML.TRANSLATE")
def test_a_translation_says_that_it_is_none(run: Run) -> None:
    run(TRANSLATE)

    rows = run(
        "SELECT * FROM ML.TRANSLATE(MODEL translate, (SELECT text AS text_content, i FROM UNNEST(["
        "'the cat is here', '[[local-cloud: error 429 no quota]]', NULL]) AS text "
        "WITH OFFSET AS i), "
        "STRUCT('translate_text' AS translate_mode, 'de' AS target_language_code)) ORDER BY i"
    )

    assert list(rows[0]) == ["ml_translate_result", "ml_translate_status", "text_content", "i"]
    assert rows[0]["ml_translate_result"]["translations"] == [
        {
            "detected_language_code": "en",
            "translated_text": "[local cloud stand-in, not a translation] en to de: "
            "the cat is here",
        }
    ]
    assert [row["ml_translate_status"] for row in rows] == [
        "",
        "RESOURCE_EXHAUSTED: no quota",
        "the text_content is NULL or empty",
    ]
    assert [row["ml_translate_result"] for row in rows[1:]] == [None, None]


@pytest.mark.covers("ML.TRANSLATE")
def test_a_language_is_detected(run: Run) -> None:
    run(TRANSLATE)

    rows = run(
        "SELECT JSON_VALUE(ml_translate_result, '$.languages[0].language_code') AS code "
        "FROM ML.TRANSLATE(MODEL translate, (SELECT text AS text_content FROM UNNEST(["
        "'wo ist die Katze und der Hund', '\u732b\u3067\u3059', 'le chat est dans la maison'"
        "]) AS text), STRUCT('DETECT_LANGUAGE' AS translate_mode)) ORDER BY code"
    )

    assert [row["code"] for row in rows] == ["de", "fr", "ja"]


@pytest.mark.covers("ML.UNDERSTAND_TEXT")
@pytest.mark.parametrize(
    ("option", "columns"),
    [
        ("ANALYZE_ENTITIES", ["entities", "language"]),
        ("ANALYZE_ENTITY_SENTIMENT", ["entities", "language"]),
        ("ANALYZE_SENTIMENT", ["sentiment", "language", "sentences"]),
        ("ANALYZE_SYNTAX", ["sentences", "language", "tokens"]),
        ("CLASSIFY_TEXT", ["categories"]),
    ],
)
def test_each_option_has_its_columns(run: Run, option: str, columns: list[str]) -> None:
    run(LANGUAGE)

    [flat] = run(
        "SELECT * FROM ML.UNDERSTAND_TEXT(MODEL language, (SELECT 'Ann is happy. Bob is not.' AS "
        f"text_content), STRUCT('{option}' AS nlu_option, TRUE AS flatten_json_output))"
    )
    [whole] = run(
        "SELECT * FROM ML.UNDERSTAND_TEXT(MODEL language, (SELECT 'Ann is happy. Bob is not.' AS "
        f"text_content), STRUCT('{option}' AS nlu_option))"
    )

    assert list(flat) == [*columns, "ml_understand_text_status", "text_content"]
    assert list(whole) == ["ml_understand_text_result", "ml_understand_text_status", "text_content"]


@pytest.mark.covers("ML.UNDERSTAND_TEXT")
def test_sentiment_follows_words_of_praise_and_blame(run: Run) -> None:
    run(LANGUAGE)

    [row] = run(
        "SELECT * FROM ML.UNDERSTAND_TEXT(MODEL language, (SELECT 'Caf\u00e9 is great. It is bad!' "
        "AS text_content), STRUCT('ANALYZE_SENTIMENT' AS nlu_option, 'UTF8' AS encoding_type))"
    )

    assert row["ml_understand_text_result"] == {
        "document_sentiment": {"magnitude": 2.0, "score": 0.0},
        "language": "en",
        "sentences": [
            {
                "text": {"begin_offset": 0, "content": "Caf\u00e9 is great."},
                "sentiment": {"magnitude": 1.0, "score": 1.0},
            },
            {
                "text": {"begin_offset": 16, "content": "It is bad!"},
                "sentiment": {"magnitude": 1.0, "score": -1.0},
            },
        ],
    }


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("ML.TRANSLATE(MODEL translate, (SELECT 'a' AS text_content))", "translate_mode is None"),
        (
            "ML.TRANSLATE(MODEL translate, (SELECT 'a' AS text_content), "
            "STRUCT('TRANSLATE_TEXT' AS translate_mode))",
            "needs target_language_code",
        ),
        (
            "ML.TRANSLATE(MODEL translate, (SELECT 'a' AS text), "
            "STRUCT('DETECT_LANGUAGE' AS translate_mode))",
            "needs a column named text_content",
        ),
        (
            "ML.UNDERSTAND_TEXT(MODEL translate, (SELECT 'a' AS text_content), "
            "STRUCT('CLASSIFY_TEXT' AS nlu_option))",
            "needs a remote model with REMOTE_SERVICE_TYPE = 'CLOUD_AI_NATURAL_LANGUAGE_V1'",
        ),
    ],
)
def test_a_wrong_call_of_a_service_is_refused(run: Run, query: str, message: str) -> None:
    run(TRANSLATE)

    with pytest.raises(exceptions.BadRequest, match=message):
        run(f"SELECT * FROM {query}")
