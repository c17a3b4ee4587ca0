import datetime

import pytest
from bqvertex.specs.location import LOCATIONS
from bqvertex.specs.training_price import (
    ARIMA_CANDIDATES,
    MINIMUM_BYTES,
    TIB,
    candidate_models,
    estimate,
    rates,
    unknown_rate,
)
from hypothesis import given
from hypothesis import strategies as st

SIZES = st.integers(0, 100 * TIB)


@pytest.mark.parametrize(
    ("price_class", "location", "bytes_processed", "usd"),
    [
        pytest.param("internal", "US", TIB, 312.5, id="create-model"),
        pytest.param("internal", "us", TIB // 2, 156.25, id="case-of-the-location"),
        pytest.param("external", "EU", 2 * TIB, 12.5, id="bytes-at-the-rate-of-queries"),
        pytest.param("external", "asia-northeast1", TIB, 7.5, id="another-location"),
        pytest.param("none", "mars-north1", 5 * TIB, 0.0, id="nothing-processed"),
    ],
)
def test_the_price_is_bytes_times_the_rate_of_class_and_location(
    price_class, location, bytes_processed, usd
):
    price = estimate(price_class, location, bytes_processed)

    assert price.usd == pytest.approx(usd)


def test_the_least_that_is_billed_is_ten_mebibytes():
    price = estimate("internal", "US", 1)

    assert price.usd == pytest.approx(MINIMUM_BYTES / TIB * 312.5)


def test_the_basis_names_rate_date_and_source():
    price = estimate("external", "US", TIB)

    assert price.basis == (
        "1.000000 TiB at 6.25 USD per TiB in US, list price as of 2026-08-05, "
        "https://cloud.google.com/bigquery; Vertex AI charges the training itself, which nobody "
        "can tell beforehand"
    )


def test_a_rate_that_was_not_seen_in_googles_own_text_is_called_unverified():
    assert "unverified" in estimate("external", "asia-northeast1", TIB).basis


@pytest.mark.parametrize(
    ("price_class", "is_whole"), [("internal", True), ("external", False), ("none", True)]
)
def test_a_training_on_vertex_ai_costs_more_than_its_bytes(price_class, is_whole):
    assert estimate(price_class, "US", TIB).is_whole is is_whole


@pytest.mark.parametrize("price_class", ["internal", "external"])
def test_a_location_without_a_rate_is_not_guessed(price_class):
    assert estimate(price_class, "europe-west4", TIB) is None


def test_a_missing_rate_is_said_with_those_that_are_known():
    assert unknown_rate("internal", "europe-west4") == (
        "the price of CREATE MODEL per TiB in europe-west4 is not known here (known: US); see "
        "https://cloud.google.com/bigquery/pricing"
    )


@given(SIZES, SIZES)
def test_more_bytes_never_cost_less(one, other):
    few, many = sorted((one, other))

    assert estimate("internal", "US", few).usd <= estimate("internal", "US", many).usd


@given(SIZES, st.integers(1, 42))
def test_every_candidate_reads_the_bytes_again(size, candidates):
    once = estimate("internal", "US", size)
    often = estimate("internal", "US", size, candidate_models=candidates)

    assert often.usd == pytest.approx(once.usd * candidates)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 12),
        ({"AUTO_ARIMA": True, "AUTO_ARIMA_MAX_ORDER": 5}, 42),
        ({"AUTO_ARIMA": False, "AUTO_ARIMA_MAX_ORDER": 5}, 1),
    ],
)
def test_auto_arima_tries_as_many_models_as_its_order_allows(options, count):
    assert candidate_models(options) == count


def test_every_rate_has_a_place_a_date_and_a_source():
    for rate in rates().values():
        assert rate.location in LOCATIONS
        assert rate.usd_per_tib > 0
        assert rate.source.startswith("https://")
        assert datetime.date.fromisoformat(f"{rate.as_of}-01"[:10]).year >= 2026
        assert rate.verified or rate.note


def test_a_higher_order_tries_more():
    assert list(ARIMA_CANDIDATES.values()) == sorted(ARIMA_CANDIDATES.values())
