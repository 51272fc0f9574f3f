"""Reading YAML and JSON files that people hand over: bounded, safe, with clear errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

__all__ = ["DocumentError", "read_document"]

MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_NODES = 1_000_000
_MERGE = "tag:yaml.org,2002:merge"


class DocumentError(ValueError):
    """A file cannot be read as YAML or JSON.

    Args:
        file: the file's name as the user gave it.
        place: where in the file, as a line and column or a path of members; may be empty.
        reason: what is wrong there.
    """

    def __init__(self, file: str | Path, place: str, reason: str) -> None:
        self.file, self.place, self.reason = str(file), place, reason
        super().__init__(": ".join(part for part in (self.file, place, reason) if part))


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe YAML for what JSON can say: a date stays the text it is, and no other type has a tag."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._merged = 0

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError) as error:
            # The value does not match its tag, such as `!!bool x`, or has more digits than Python reads.
            name = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(
                None, None, f"is not a valid {name}: {error}", node.start_mark
            ) from None

    def get_single_node(self) -> yaml.Node | None:
        """The document's nodes; checked here, before merge keys are expanded, which may repeat a key lawfully."""
        root: yaml.Node | None = super().get_single_node()
        _refuse_repeated_keys(root)
        return root

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Take merge keys (`<<`) in, unless they multiply the document without bound."""
        for key, value in node.value:
            if key.tag == _MERGE:
                for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    if isinstance(source, yaml.MappingNode):
                        self.flatten_mapping(source)
                        self._merged += len(source.value)
                if self._merged > MAX_NODES:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"merges more than {MAX_NODES} values", node.start_mark
                    )
        super().flatten_mapping(node)


def _refuse_repeated_keys(root: yaml.Node | None) -> None:
    """YAML forbids a key that occurs twice in a mapping; PyYAML would silently use the last one."""
    waiting, visited = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if not isinstance(node, yaml.CollectionNode) or id(node) in visited:
            continue
        visited.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
            continue
        keys = set[tuple[str, str]]()
        for key, value in node.value:
            waiting.append(value)
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                if (key.tag, key.value) in keys:
                    reason = f"the key {key.value!r} occurs twice"
                    raise yaml.constructor.ConstructorError(None, None, reason, key.start_mark)
                keys.add((key.tag, key.value))


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.yaml_constructors = {
    tag: make
    for tag, make in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag.rpartition(":")[2] in ("null", "bool", "int", "float", "str", "seq", "map")
}


def read_document(path: str | Path) -> Any:
    """Read a `.json` file as JSON, any other as YAML.

    Raises:
        DocumentError: the file is missing, too large, not UTF-8, not well-formed, or
            grows beyond reason once its YAML aliases are followed.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise DocumentError(path, "", error.strerror or str(error)) from None
    if len(content) > MAX_FILE_BYTES:
        raise DocumentError(path, "", f"is larger than {MAX_FILE_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(path, f"byte {error.start}", "is not UTF-8") from None
    value = _parse_json(path, text) if str(path).endswith(".json") else _parse_yaml(path, text)
    _bound_nodes(path, value)
    return value


def _parse_json(path: str | Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DocumentError(path, f"line {error.lineno} column {error.colno}", error.msg) from None
    except ValueError as error:
        # More digits than Python reads.
        raise DocumentError(path, "", str(error).partition(";")[0]) from None
    except RecursionError:
        raise DocumentError(path, "", "is nested too deeply") from None


def _parse_yaml(path: str | Path, text: str) -> Any:
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader, see above
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1} column {mark.column + 1}" if mark else ""
        raise DocumentError(path, place, error.problem or "is not YAML") from None
    except yaml.YAMLError as error:
        raise DocumentError(path, "", f"is not YAML: {error}".splitlines()[0]) from None
    except RecursionError:
        raise DocumentError(path, "", "is nested too deeply") from None


def _bound_nodes(path: str | Path, value: Any) -> None:
    """Refuse a document whose aliases multiply it without bound."""
    seen = 0
    waiting = [value]
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > MAX_NODES:
            raise DocumentError(path, "", f"has more than {MAX_NODES} values")
        if isinstance(node, dict):
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
