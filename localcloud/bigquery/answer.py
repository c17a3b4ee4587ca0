"""Answers without fields that have no value.

local-bigquery writes `"nextPageToken": null` after the last page, where Google leaves it out.
"""

from typing import Any

from local_bigquery.resource import Resource
from pydantic import BaseModel


def install() -> None:
    """Put the replacement into local-bigquery; repeating it changes nothing."""
    Resource.__init__ = without_nulls


def without_nulls(resource: Resource, **given: Any) -> None:
    """Make a resource of the fields that have a value; what is not set is not answered."""
    told = {name: value for name, value in given.items() if value is not None}
    BaseModel.__init__(resource, **told)
