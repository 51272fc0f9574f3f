"""MkDocs hook: the reference pages that are made from the code and the data, so that they cannot disagree with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files as resources
from itertools import groupby
from pathlib import Path
from typing import Any

import click
import msgspec
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from adjourn.cli import cli
from adjourn_mock.faults import FAULTS, NETWORK_FAULTS
from adjourn_spec import Contract, load_contract, read_document

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


def table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def code(value: Any) -> str:
    return f"`{value}`"


def clauses(contract: Contract) -> str:
    """Every clause, under a heading of its own, so that a report can link to it."""
    parts = [
        "# Clauses",
        "What an implementation owes its callers. Each clause has a test in the contract tests and at least one fault"
        " that the test catches. `adjourn clauses` prints the same list.",
    ]
    for group, members in groupby(contract.clauses.values(), key=lambda each: each.slug.partition(".")[0]):
        parts.append(f"## {group}")
        for clause in members:
            faults = [fault.name for fault in FAULTS.values() if fault.clause == clause.slug]
            level = "" if clause.level == "must" else f" Level: {clause.level}."
            parts += [
                f"### {clause.slug} {{ #{anchor(clause.slug)} }}",
                clause.statement,
                f"Source: {', '.join(clause.source)}. Operations: {', '.join(map(code, clause.operations))}.{level}",
                f"Faults: {', '.join(map(code, faults)) or 'none'}.",
            ]
    return "\n\n".join(parts)


def grey_zones(contract: Contract) -> str:
    rows = [
        (f'<a id="{anchor(zone.slug)}"></a>{code(zone.slug)}', zone.question, zone.documented, zone.server)
        for zone in contract.grey_zones.values()
    ]
    return "\n\n".join(
        [
            "# Grey zones",
            "Points on which the vendor's sources disagree. The mock answers as its dialect does; the check accepts"
            " either answer unless `--dialect` is given. See [dialects](../explanation/dialects.md).",
            table(("grey zone", "question", "documented", "server"), rows),
        ]
    )


def faults(contract: Contract) -> str:  # noqa: ARG001
    parts = [
        "# Faults",
        f"{len(FAULTS)} faults, each of which breaks one clause, and {len(NETWORK_FAULTS)} network conditions."
        " `adjourn faults list` prints the same list; [how to enable them](../how-to/faults.md).",
        "## Network conditions",
    ]
    for name, kind in NETWORK_FAULTS.items():
        (schema,) = msgspec.json.schema(kind)["$defs"].values()
        rows = [
            (code(parameter), kind_of(definition), code(json.dumps(definition.get("default"))))
            for parameter, definition in schema["properties"].items()
        ]
        parts += [f"### {name}", kind.summary, table(("parameter", "type", "default"), rows)]
    for clause, members in groupby(sorted(FAULTS.values(), key=lambda each: each.clause), key=lambda each: each.clause):
        rows = [(code(fault.name), fault.summary) for fault in members]
        parts += [f"## Faults of {clause}", table(("fault", "what the server does"), rows)]
    return "\n\n".join(parts)


def kind_of(definition: Mapping[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "enum" in definition:
        return ", ".join(code(value) for value in definition["enum"])
    if "anyOf" in definition:
        return " or ".join(kind_of(each) for each in definition["anyOf"])
    if "$ref" in definition:
        return code(definition["$ref"].rpartition("/")[2])
    bounds = [
        f"{word} {definition[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in definition
    ]
    return " ".join([str(definition.get("type", "any")), *bounds])


def control_api(contract: Contract) -> str:  # noqa: ARG001
    document = read_document(str(resources("adjourn_mock") / "control" / "control.yaml"))
    parts = [
        "# Control API",
        "Generated from the control API's own document, which a running mock serves at `GET /_adjourn/openapi.json`."
        " See [how to use it](../how-to/control-api.md).",
    ]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            parts += [f"### {operation['operationId']}", f"`{method.upper()} {path}`", operation["summary"] + "."]
            if "description" in operation:
                parts.append(operation["description"])
            query = [each for each in operation.get("parameters", ()) if each.get("in") == "query"]
            if query:
                rows = [
                    (
                        code(each["name"]),
                        kind_of(each["schema"]),
                        each["schema"].get("default", ""),
                        each.get("description", ""),
                    )
                    for each in query
                ]
                parts.append(table(("query parameter", "type", "default", "meaning"), rows))
            statuses = [
                (code(status), response.get("description", "An error."))
                for status, response in operation["responses"].items()
            ]
            parts.append(table(("status", "meaning"), statuses))
    return "\n\n".join(parts)


def commands() -> Iterator[tuple[str, click.Command]]:
    def walk(prefix: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
        if isinstance(command, click.Group):
            for name, each in command.commands.items():
                yield from walk(f"{prefix} {name}", each)
        else:
            yield prefix, command

    yield from walk("adjourn", cli)


def options() -> Iterator[tuple[str, click.Option]]:
    for name, command in commands():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                yield name, parameter


def settings(contract: Contract) -> str:  # noqa: ARG001
    by_name = dict(commands())
    variables: dict[str, list[str]] = {}
    for name, command in commands():
        for parameter in command.params:
            names = [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or []
            for variable in names:
                variables.setdefault(variable, []).append(f"{name} {parameter.opts[-1]}")
    return "\n\n".join(
        [
            "# Settings and environment variables",
            "`adjourn.toml`, or `[tool.adjourn]` in `pyproject.toml`. A setting has the name of the option;"
            " the command line wins.",
            "## Settings of adjourn check",
            setting_rows(by_name["adjourn check"]),
            "## Settings of adjourn mock and adjourn run",
            "In the table `[mock]`.",
            setting_rows(by_name["adjourn mock"]),
            "## Environment variables",
            table(
                ("variable", "read by"),
                [(code(name), ", ".join(map(code, users))) for name, users in sorted(variables.items())]
                + [
                    (code("NO_COLOR"), "every command: no colours"),
                    (code("SSL_CERT_FILE"), "certificates of authorities that the check trusts"),
                    (code("GITHUB_ACTIONS"), "`adjourn check`: failed clauses become annotations"),
                ],
            ),
        ]
    )


def setting_rows(command: click.Command) -> str:
    rows = [
        (code(parameter.opts[-1].lstrip("-")), kind_of_option(parameter), default_of(parameter), parameter.help or "")
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.opts[-1] not in ("--config", "--json", "--help")
    ]
    return table(("setting", "value", "default", "meaning"), rows)


def kind_of_option(parameter: click.Option) -> str:
    if isinstance(parameter.type, click.Choice):
        return ", ".join(code(each) for each in parameter.type.choices)
    if parameter.is_flag:
        return "true or false"
    kind = parameter.metavar or parameter.type.name
    return f"list of {kind}" if parameter.multiple else str(kind)


def default_of(parameter: click.Option) -> str:
    default = parameter.default
    return (
        ""
        if parameter.multiple or callable(default) or default in (None, False) or "UNSET" in repr(default)
        else code(default)
    )


def exit_codes(contract: Contract) -> str:  # noqa: ARG001
    rows = [
        (
            "`adjourn check`",
            "every clause that was asked for passed",
            "a clause failed",
            "the server could not be checked, or not all was; wrong options",
        ),
        ("`adjourn demo`", "every clause passed", "a clause failed", "the mock could not start or be checked"),
        ("`adjourn faults prove`", "every fault was caught", "a fault was missed", "wrong options"),
        (
            "`adjourn load`",
            "every clause passed under load",
            "a clause failed",
            "the server could not be reached or refused the key",
        ),
        (
            "`adjourn run`",
            "the command's own exit code",
            "the command's own exit code",
            "the mock could not start, or the command could not",
        ),
        ("other commands", "done", "", "wrong options, or it could not be done; one line on standard error"),
    ]
    return "\n\n".join(["# Exit codes", table(("command", "0", "1", "2"), rows)])


def reports(contract: Contract) -> str:  # noqa: ARG001
    schema = json.loads(resources("adjourn_contract").joinpath("reports", "report.schema.json").read_text())
    formats = [
        ("JSON", "`.json`", "programs; `adjourn check --json` prints it"),
        ("JUnit XML", "`.xml`", "CI servers"),
        ("SARIF", "`.sarif`", "code scanning"),
        ("Markdown", "`.md`", "comments and summaries"),
        ("HTML", "`.html`", "people: one file with filters and the commands that reproduce each failure"),
    ]
    return "\n\n".join(
        [
            "# Report formats",
            "`adjourn check --report PATH` writes a report; the ending of the path decides the format."
            " The option is repeatable.",
            table(("format", "ending", "for"), formats),
            "## JSON schema",
            f"```{{.json .no-run}}\n{json.dumps(schema, indent=2)}\n```",
        ]
    )


def limits(contract: Contract) -> str:
    from adjourn_mock.stores.store import MEGABYTE_BYTES

    bodies = [
        (
            code(f"{operation.method} {operation.template}"),
            f"{operation.body.limit_bytes} bytes",
            code(operation.body.limit_clause),
        )
        for operation in contract.operations.values()
        if operation.body is not None
    ]
    mock = dict(commands())["adjourn mock"]
    bounds = [
        (code(parameter.opts[-1]), default_of(parameter), parameter.help or "")
        for parameter in mock.params
        if isinstance(parameter, click.Option) and parameter.opts[-1].startswith("--max-")
    ]
    return "\n\n".join(
        [
            "# Limits and defaults",
            "## Limits of the contract",
            "From the OpenAPI document; `--spec` replaces them.",
            table(("request body of", "limit on the wire", "clause"), bodies),
            table(
                ("what", "limit"),
                [
                    ("`reason` of a close", f"{contract.reason_max_length} characters"),
                    ("request line and headers", f"{contract.head_limit_bytes} bytes"),
                    ("requests in a burst, by environment (`x-ratelimit-limit`)", contract.rate_limit.tokens),
                    ("lifetime of a public access token", f"{contract.token.lifetime_seconds} seconds"),
                ],
            ),
            "## Limits of the mock",
            table(("option", "default", "meaning"), bounds),
            f"A megabyte is {MEGABYTE_BYTES} bytes. The defaults of all options are in [commands](commands.md).",
            "## Journal",
            journal_limits(),
        ]
    )


def journal_limits() -> str:
    import adjourn_mock.exchanges.journal as journal

    try:
        import adjourn_mock.exchanges.memory_journal as sizes
    except ImportError:
        sizes = journal
    return table(
        ("what", "limit"),
        [
            ("exchanges of an environment", sizes.DEFAULT_ENTRIES),
            ("memory of an environment's journal", f"{sizes.DEFAULT_BYTES} bytes"),
            ("memory of all journals of a process", f"{sizes.ALL_BYTES} bytes"),
        ],
    )


def anchor(slug: str) -> str:
    """A fragment that needs no escaping in a URL or a selector."""
    return slug.replace(".", "-")


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
