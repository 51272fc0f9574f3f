"""Query strings by the parameters of the document."""

from __future__ import annotations

from typing import Any

import pytest

from adjourn_mock.exchanges.query import QueryError, read_query
from adjourn_spec import Contract


def read(contract: Contract, query: str, **options: Any) -> dict[str, Any]:
    return dict(read_query(contract.operations["listSessions"], query.encode("latin-1"), **options))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("unknown=1&page=2", {}),
        ("page[size]=5", {"page": {"size": 5}}),
        ("page%5Bsize%5D=5&page[after]=abc", {"page": {"size": 5, "after": "abc"}}),
        ("filter[type]=a,b", {"filter[type]": ["a", "b"]}),
        ("filter[tags]=a%2Cb", {"filter[tags]": ["a", "b"]}),
        ("filter[externalId]=a,b", {"filter[externalId]": "a,b"}),
        ("filter[externalId]=a+b%2B", {"filter[externalId]": "a b+"}),
        ("filter[createdAt][from]=1700000000000", {"filter[createdAt][from]": 1_700_000_000_000}),
        ("filter[externalId]=first&filter[externalId]=last", {"filter[externalId]": "last"}),
    ],
)
def test_parameters_are_read_by_their_schema(contract: Contract, query: str, expected: dict[str, Any]) -> None:
    assert read(contract, query) == expected


@pytest.mark.parametrize(
    "query",
    [
        "page[size]=0",
        "page[size]=x",
        "page[size]=1.0",
        "page[size]=01",
        "page[size]=",
        "page[size]=-1",
        "filter[status]=OPEN",
        "filter[status]=",
        "filter[createdAt][period]=7y",
        "filter[createdAt][from]=now",
        "filter[externalId]=",
        "page[after]=a&page[before]=b",
    ],
)  # fmt: skip - a list of queries
def test_a_value_that_breaks_its_schema_is_named(contract: Contract, query: str) -> None:
    with pytest.raises(QueryError) as raised:
        read(contract, query)
    assert all(detail.startswith(("page", "filter")) for detail in raised.value.details)


def test_a_comma_is_part_of_the_one_value_where_lists_are_not_split(contract: Contract) -> None:
    assert read(contract, "filter[tags]=a,b", split_lists=False) == {"filter[tags]": ["a,b"]}


def test_too_many_parameters_are_refused_where_there_are_any(contract: Contract) -> None:
    query = "&".join(["a=1"] * 1001)
    with pytest.raises(QueryError, match="more than 1000 parameters"):
        read(contract, query)
    assert read_query(contract.operations["retrieveSession"], query.encode()) == {}
