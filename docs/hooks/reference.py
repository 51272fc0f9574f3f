"""MkDocs hook: the reference pages that are made from the code and the data, so that they cannot disagree with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from command_pages import exit_codes, settings
from contract_pages import clauses, control_api, faults, grey_zones, limits, reports
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from adjourn_spec import Contract, load_contract

__all__ = ["PAGES", "on_files", "on_post_build"]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to the site."""
    contract = load_contract()
    for name, make in PAGES.items():
        files.append(File.generated(config, f"reference/{name}.md", content=make(contract)))
    return files


def on_post_build(config: MkDocsConfig) -> None:
    """Write the clauses as one Markdown file, for readers that are programs."""
    text = "\n\n".join([clauses(load_contract()), grey_zones(load_contract()).replace("../", "")])
    (Path(config.site_dir) / "clauses.md").write_text(text + "\n", encoding="utf-8")


PAGES: Mapping[str, Callable[[Contract], str]] = {
    "clauses": clauses,
    "grey-zones": grey_zones,
    "faults": faults,
    "control-api": control_api,
    "settings": settings,
    "exit-codes": exit_codes,
    "reports": reports,
    "limits": limits,
}
