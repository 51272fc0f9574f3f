"""Verdicts as one page of HTML that needs nothing else: to open from disk, to attach to a run in CI."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from html import escape
from importlib.resources import files

from adjourn_contract.reports.outcome import Proof
from adjourn_contract.reports.verdicts import State, Verdict, Verdicts
from adjourn_spec import stylesheet

__all__ = ["html_report"]

# In the order in which they are told.
_TONES: dict[State, str] = {"failed": "bad", "accepted": "warn", "passed": "good", "not checked": ""}
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


def html_report(verdicts: Verdicts) -> str:
    """The page: a verdict for each clause, and for each broken one its smallest example, step by step."""
    style, script = stylesheet() + _resource("report.css"), _resource("report.js")
    counts = Counter(verdict.state for verdict in verdicts.all())
    told = ", ".join(f"{counts[state]} {state}" for state in _TONES if counts[state])
    listed = sorted(verdicts.all(), key=lambda verdict: list(_TONES).index(verdict.state))
    title = f"Contract check of {_text(verdicts.facts.url)}"
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    trouble = f'<p class="card trouble">{_text(verdicts.error)}</p>' if verdicts.error is not None else ""
    states = "".join(
        f'<label><input type="checkbox" name="state" value="{state}" checked> {state} ({counts[state]})</label>'
        for state in _TONES
        if counts[state]
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="verdict {"bad" if verdicts.failed else "good"}">{told};
{verdicts.observed.requests} requests in {verdicts.seconds:.1f} s</p>
{trouble}
<form id="filters" class="row" aria-label="Filters" hidden>
<input type="search" name="text" placeholder="Clause or words" aria-label="Search clauses">
{states}
</form>
{"".join(_clause(verdicts, verdict) for verdict in listed)}
<p id="none" class="quiet" hidden>No clause is like that.</p>
</main>
<script>{script}</script>
</body>
</html>
"""


def _clause(verdicts: Verdicts, verdict: Verdict) -> str:
    clause = verdicts.contract.clauses[verdict.clause]
    reason = f'<p class="quiet">{_text(verdict.reason)}</p>' if verdict.reason else ""
    return f"""<section class="card clause" id="{verdict.clause}" data-state="{verdict.state}">
<h2><a href="#{verdict.clause}">{verdict.clause}</a>
<span class="badge {_TONES[verdict.state]}">{verdict.state}</span></h2>
<p>{_text(clause.statement)} <span class="quiet">({", ".join(clause.source)})</span></p>
{reason}{_proof(verdict.proof) if verdict.proof is not None else ""}</section>
"""


def _proof(proof: Proof) -> str:
    steps = "".join(f"<li><code>{_text(step)}</code></li>" for step in proof.curl)
    return f"""<dl><dt>expected</dt><dd>{_text(proof.expected)}</dd><dt>got</dt><dd>{_text(proof.got)}</dd>
<dt>found by</dt><dd><code>{_text(proof.test)}</code></dd></dl>
<h3>The smallest example, step by step</h3>
<ol class="steps">{steps}</ol>
<button type="button" class="copy" hidden>Copy as a script</button>
"""


def _text(text: str) -> str:
    return escape(_UNPRINTABLE.sub("\ufffd", text))


def _resource(name: str) -> str:
    return files("adjourn_contract").joinpath("reports", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
