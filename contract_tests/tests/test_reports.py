"""The formats of reports: what each states, and what the tools that read them require."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from importlib.resources import files
from pathlib import Path

import jsonschema_rs
import pytest
from made_verdicts import PROOF, failing, made, outcome, passing

from adjourn_contract.reports.console import render
from adjourn_contract.reports.formats import FORMATS, ReportError, ReportFile
from adjourn_contract.reports.outcome import Observed
from adjourn_contract.reports.verdicts import Verdicts


@pytest.fixture
def verdicts() -> Verdicts:
    """One failed clause, one that stopped there, one that could not run."""
    made_up = made(
        failing("a", "close.closes", "reason.verbatim"),
        outcome("b", "could not run", "close.listed", reason="no key", remedy="--other-secret-key"),
    )
    made_up.observe(Observed(requests=123, rate_limited=4, list_lag_seconds=1.5, notes=("all sequences passed",)))
    made_up.seconds = 2.5
    return made_up


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_states_the_circumstances_and_every_clause(name: str, verdicts: Verdicts) -> None:
    text = FORMATS[name](verdicts)
    for fact in ("2026-11-25T02:03:04", "1.2.3", "smoke", "7", "staging.example", "server", "20", "60", "1.5", "4"):
        assert fact in text
    for slug, clause in verdicts.contract.clauses.items():
        assert clause.level != "must" or slug in text
    for reason in ("stopped at reason.verbatim", "no key", "not asked for"):
        assert reason in text


def test_the_text_states_them_too(verdicts: Verdicts) -> None:
    text = render(verdicts, colour=False)
    for fact in (
        "date: 2026-11-25T02:03:04Z",
        "adjourn: 1.2.3",
        "target: https://staging.example:8443/base",
        "profile: smoke, seed 7",
        "dialect: server",
        "list lag: 1.5 s",
        "rate: 20 requests a second at most, 4 answers were 429",
        "time budget: 60 s",
        "all sequences passed",
        "123 requests in 2.5 s",
    ):
        assert fact in text
    assert [slug for slug, each in verdicts.contract.clauses.items() if each.level == "must" and slug not in text] == []


def test_one_cause_is_reported_once_with_the_clauses_that_it_affects(verdicts: Verdicts) -> None:
    text = render(verdicts, colour=False)
    assert text.count("expected  closedReason") == 1
    assert "therefore not checked: close.closes" in text


def test_a_server_that_went_away_is_reported_first(verdicts: Verdicts) -> None:
    verdicts.observe(Observed(is_gone=True))
    first = render(verdicts, colour=False).splitlines()[0]
    assert first == "https://staging.example:8443/base stopped accepting connections during the check"


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_reports_an_unstable_server(name: str, verdicts: Verdicts) -> None:
    verdicts.observe(Observed(gateway_errors=77))
    text = FORMATS[name](verdicts)
    assert "77 answers were a gateway" in text or '"gatewayErrors": 77' in text


def test_a_target_that_cannot_be_used_is_one_line() -> None:
    verdicts = made()
    verdicts.error = "the server is unreachable: refused"
    assert render(verdicts, colour=False) == (
        "https://staging.example:8443/base could not be checked: the server is unreachable: refused"
    )


class TestJson:
    @pytest.fixture
    def validator(self) -> jsonschema_rs.Draft202012Validator:
        schema = files("adjourn_contract").joinpath("reports", "report.schema.json").read_text()
        return jsonschema_rs.Draft202012Validator(json.loads(schema))

    def test_is_valid_against_its_schema(
        self, validator: jsonschema_rs.Draft202012Validator, verdicts: Verdicts
    ) -> None:
        for each in (verdicts, passing(), made()):
            assert [str(error) for error in validator.iter_errors(json.loads(FORMATS["json"](each)))] == []

    def test_its_schema_refuses_another_exit_code(
        self, validator: jsonschema_rs.Draft202012Validator, verdicts: Verdicts
    ) -> None:
        assert not validator.is_valid({**json.loads(FORMATS["json"](verdicts)), "exitCode": 3})

    def test_names_what_is_missing_and_what_is_affected(self, verdicts: Verdicts) -> None:
        value = json.loads(FORMATS["json"](verdicts))
        states = {each["clause"]: each for each in value["clauses"]}
        assert value["missing"] == {"--other-secret-key": 1}
        assert states["reason.verbatim"]["affects"] == ["close.closes"]
        assert states["close.listed"]["kind"] == "could not run"


class TestJUnit:
    """The facts of two schemas: JUnit.xsd of Apache Ant (strict), junit-10.xsd of Jenkins (looser)."""

    @pytest.fixture
    def root(self, verdicts: Verdicts) -> ET.Element:
        verdicts.error = "interrupted \x1b \ud800"
        return ET.fromstring(FORMATS["junit"](verdicts))

    def test_the_root_has_suites_and_no_attributes(self, root: ET.Element) -> None:
        assert (root.tag, root.attrib, [child.tag for child in root]) == ("testsuites", {}, ["testsuite"])

    def test_a_suite_has_what_ant_requires_in_its_order(self, root: ET.Element) -> None:
        suite = root[0]
        required = ("name", "package", "id", "hostname", "timestamp", "tests", "failures", "errors", "time")
        assert {*required, "skipped"} == suite.attrib.keys()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
        assert suite.attrib["hostname"] == "staging.example"
        assert re.fullmatch(r"\d+\.\d{3}", suite.attrib["time"])
        tags = [child.tag for child in suite]
        assert tags == ["properties", *["testcase"] * tags.count("testcase"), "system-out", "system-err"]

    def test_a_case_has_a_time_and_at_most_one_result(self, root: ET.Element) -> None:
        for case in root.iter("testcase"):
            assert case.attrib.keys() == {"name", "classname", "time"}
            assert re.fullmatch(r"\d+\.\d{3}", case.attrib["time"])
            assert len(case) <= 1
            assert all(child.tag in ("skipped", "failure", "error") for child in case)

    def test_failures_and_errors_have_a_type(self, root: ET.Element) -> None:
        found = [*root.iter("failure"), *root.iter("error")]
        assert [element.attrib.keys() for element in found] == [{"type", "message"}] * 2

    def test_properties_have_name_and_value(self, root: ET.Element) -> None:
        properties = list(root.iter("property"))
        assert properties
        assert all(each.attrib.keys() == {"name", "value"} and each.attrib["name"] for each in properties)

    def test_the_counts_are_those_of_the_cases(self, root: ET.Element) -> None:
        counted = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
        assert {name: int(root[0].attrib[name]) for name in counted} == {
            name: len(list(root.iter(tag))) for name, tag in counted.items()
        }


class TestSarif:
    """What GitHub code scanning requires of a file."""

    def test_locations_are_relative_files(self, verdicts: Verdicts) -> None:
        for result in json.loads(FORMATS["sarif"](verdicts))["runs"][0]["results"]:
            uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            assert ":" not in uri
            assert not uri.startswith("/")

    def test_results_have_a_rule_and_fingerprints_that_stay(self, verdicts: Verdicts) -> None:
        first, second = (json.loads(FORMATS["sarif"](verdicts))["runs"][0] for _ in range(2))
        result = first["results"][0]
        assert first["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "reason.verbatim"
        assert result["partialFingerprints"]["primaryLocationLineHash"]
        assert result["partialFingerprints"] == second["results"][0]["partialFingerprints"]

    def test_rules_have_texts_and_the_tool_a_version(self, verdicts: Verdicts) -> None:
        log = json.loads(FORMATS["sarif"](verdicts))
        driver = log["runs"][0]["tool"]["driver"]
        assert (log["version"], driver["version"]) == ("2.1.0", "1.2.3")
        for rule in driver["rules"]:
            assert all(rule[name]["text"] for name in ("shortDescription", "fullDescription", "help"))


class TestHtml:
    def test_what_a_server_answers_is_text(self, verdicts: Verdicts) -> None:
        text = FORMATS["html"](verdicts)
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert(1)" not in text
        assert "\x1b" not in text

    def test_the_policy_lets_only_our_style_and_script_run(self, verdicts: Verdicts) -> None:
        text = FORMATS["html"](verdicts)
        assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
        assert text.count("<script>") == text.count("<style>") == 1

    def test_each_step_of_a_proof_is_there(self, verdicts: Verdicts) -> None:
        assert FORMATS["html"](verdicts).count("<li>") == len(PROOF.curl)


def test_a_fence_in_markdown_is_longer_than_those_in_the_commands(verdicts: Verdicts) -> None:
    assert "\n````sh\ncurl one\ncurl ``` two\n````\n" in FORMATS["md"](verdicts)


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [
        ("a.json", "json", "a.json"),
        ("b/a.XML", "junit", "b/a.XML"),
        ("junit:a.txt", "junit", "a.txt"),
        ("md:a.html", "md", "a.html"),
        ("a.sarif", "sarif", "a.sarif"),
    ],
)
def test_the_format_of_a_report_is_named_or_told_by_its_ending(text: str, name: str, path: str) -> None:
    assert ReportFile.parse(text) == ReportFile(name, Path(path))


@pytest.mark.parametrize("text", ["a.txt", "junit", "md:", "pdf:a.pdf"])
def test_a_report_without_a_known_format_is_refused(text: str) -> None:
    with pytest.raises(ReportError, match="--report"):
        ReportFile.parse(text)


def test_folders_of_a_report_are_created_before_the_check(tmp_path: Path, verdicts: Verdicts) -> None:
    report = ReportFile("json", tmp_path / "a" / "b" / "c.json")
    report.prepare()
    report.write(verdicts)
    assert json.loads(report.path.read_text())["exitCode"] == 1


def test_a_report_that_cannot_be_written_is_refused_before_the_check(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "a.json"):
        with pytest.raises(ReportError, match=r"is a folder|cannot be created"):
            ReportFile("json", path).prepare()
