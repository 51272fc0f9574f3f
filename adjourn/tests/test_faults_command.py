"""`adjourn faults list` and `adjourn mock --fault`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from adjourn.cli import cli
from adjourn_mock.faults import FAULTS, NETWORK_FAULTS


def test_the_list_has_network_conditions_and_faults() -> None:
    lines = CliRunner().invoke(cli, ["faults", "list"]).output.splitlines()
    assert [line.split()[0] for line in lines] == [*NETWORK_FAULTS, *FAULTS]
    assert next(line for line in lines if line.startswith("latency ")).split(maxsplit=2)[1:] == [
        "(network)",
        "The server answers late.",
    ]


def test_the_list_as_json_has_the_parameters_of_network_conditions() -> None:
    listed = {each["name"]: each for each in json.loads(CliRunner().invoke(cli, ["faults", "list", "--json"]).output)}
    assert listed["reason-trimmed"]["clause"] == "reason.verbatim"
    assert "milliseconds" in listed["latency"]["parameters"]["properties"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("nope", "there is no fault 'nope'; adjourn faults list"),
        ("latency=soon", "latency: milliseconds: 'soon'"),
        ("reason-trimmed=1", "reason-trimmed takes no parameters"),
    ],
)
def test_a_wrong_fault_is_one_line_and_exit_code_2(fault: str, error: str) -> None:
    done = CliRunner().invoke(cli, ["mock", "--port", "0", "--fault", fault])
    assert done.exit_code == 2
    assert error in done.output
    assert len(done.output.strip().splitlines()) == 1
