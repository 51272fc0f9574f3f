"""Reference pages that are made from the contract and the faults."""

from __future__ import annotations

import json
from importlib.resources import files as resources
from itertools import groupby

import click
import msgspec
from command_pages import commands, default_of
from markdown_pieces import anchor, code, kind_of, table

from adjourn_mock.faults import FAULTS, NETWORK_FAULTS
from adjourn_spec import Contract, read_document

__all__ = ["clauses", "control_api", "faults", "grey_zones", "limits", "reports"]


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
