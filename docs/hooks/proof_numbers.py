"""Put the numbers of a proof on the README: `python docs/hooks/proof_numbers.py proof.json` after a full run.

It writes the summary to docs/proof-summary.json, and its sentence between the two markers of README.md.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[2]
SUMMARY, README = TOP / "docs" / "proof-summary.json", TOP / "README.md"
MARKED = re.compile(r"(<!-- proof numbers -->\n).*?(<!-- end of proof numbers -->)", re.DOTALL)


def sentence(summary: Mapping[str, Any]) -> str:
    """The numbers of a summary in words, one line of Markdown."""
    replayed = "" if summary["replayed"] is None else f", {summary['replayed']} with a proof that was replayed"
    return (
        f"On {summary['date'][:10]}, {summary['clausesSeenToFail']} clauses were seen to fail and "
        f"{summary['caught']} of {summary['faults']} faults were caught, "
        f"{summary['byOwnClause']} by their own clause{replayed}; "
        f"{summary['lawfulAccused']} of {summary['lawfulServers']} lawful mocks were accused.\n"
    )


def with_numbers(readme: str, summary: Mapping[str, Any] | None) -> str:
    """The README with the sentence of a summary, or with none, between its markers."""
    return MARKED.sub(lambda found: found[1] + (sentence(summary) if summary else "") + found[2], readme)


def main() -> None:
    summary = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["summary"]
    if summary["partial"]:
        sys.exit("the report is partial: run `adjourn faults prove --report proof.json` to its end")
    SUMMARY.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    README.write_text(with_numbers(README.read_text(encoding="utf-8"), summary), encoding="utf-8")


if __name__ == "__main__":
    main()
