"""The verdicts as one page of HTML that needs nothing else: to open from disk, to attach to a run in CI."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from importlib.resources import files

from jinja2 import BaseLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from adjourn_contract.reports.summary import circumstances, conclusion, counts_text, target_troubles
from adjourn_contract.reports.verdicts import State, Verdicts
from adjourn_spec import stylesheet

__all__ = ["html_report", "pages"]

# The colour of each state, in the order in which clauses are shown.
_TONES: dict[State, str] = {"failed": "bad", "accepted": "warn", "passed": "good", "not checked": ""}
_EXIT_TONES = {0: "good", 1: "bad", 2: "warn"}
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


def pages(loader: BaseLoader) -> Environment:
    """Templates of pages: what is inserted, a server's answer included, is escaped and has no control characters."""
    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else _UNPRINTABLE.sub("\ufffd", str(value)),
    )


def html_report(verdicts: Verdicts) -> str:
    """The page: a verdict for each clause, and for each failed one its smallest example, step by step."""
    style, script = stylesheet() + _resource("report.css"), _resource("report.js")
    environment = pages(PackageLoader("adjourn_contract", "reports"))
    listed = sorted(verdicts.all(), key=lambda verdict: list(_TONES).index(verdict.state))
    return environment.get_template("report.html.j2").render(
        # Our own files; the policy of the page lets no other style or script run.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        style_digest=_digest(style),
        script_digest=_digest(script),
        url=verdicts.facts.url,
        listed=listed,
        clauses=verdicts.contract.clauses,
        tones=_TONES,
        tone=_EXIT_TONES[verdicts.exit_code],
        counts=Counter(verdict.state for verdict in listed),
        summary=counts_text(verdicts),
        troubles=list(target_troubles(verdicts)),
        conclusion=list(conclusion(verdicts)),
        circumstances=list(circumstances(verdicts)),
        notes=verdicts.observed.notes,
    )


def _resource(name: str) -> str:
    return files("adjourn_contract").joinpath("reports", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
