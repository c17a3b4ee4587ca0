"""Makes `bqml_options.json`, which the toolkit reads, of `model_kinds.toml`, which people edit."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from generate.generated_file import GeneratedFile

SOURCE: Final = Path("generate/model_kinds.toml")
TARGET: Final = Path("components/bqvertex/specs/bqml_options.json")

_PAGES: Final = (
    "https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-"
)
# A row of a kind says these anew where it is not as its family is.
_OF_A_FAMILY: Final = (
    "clauses",
    "price_class",
    "dry_run_estimates",
    "job_timeout_s",
    "trained",
    "evaluation",
)


def generated_files(root: Path) -> Iterable[GeneratedFile]:
    """Return the data file as the source below a root says.

    Raises:
        KeyError: A kind names a family, a group or metrics that are not there.
    """
    source = tomllib.loads((root / SOURCE).read_text(encoding="utf-8"))
    kinds = {name: _kind(name, row, source) for name, row in source["kinds"].items()}
    yield GeneratedFile(TARGET, _text(source["about"], kinds))


def _kind(name: str, row: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    family = source["families"][row["family"]]
    groups = [source["groups"][group] for group in row["groups"]]
    # A later group says an option anew.
    options = {option: facts for group in groups for option, facts in group["options"].items()}
    return {
        "title": row["title"],
        "page": f"{_PAGES}{row['page']}",
        "category": row["category"],
        **{key: row.get(key, family[key]) for key in _OF_A_FAMILY},
        "label": "INPUT_LABEL_COLS" in options,
        "metrics": source["metrics"][row["metrics"]] if "metrics" in row else [],
        "sample": f"{name.replace(':', '_').lower()}.sql",
        **{key: row[key] for key in ("when", "input_types", "output_types") if key in row},
        "rules": [rule for group in groups for rule in group.get("rules", ())],
        "options": dict(sorted(options.items())),
    }


def _text(about: Mapping[str, Any], kinds: Mapping[str, Mapping[str, Any]]) -> str:
    """Write JSON with one option and one rule a line, so that a change of one is one line."""
    lines = ["{", f' "about": {json.dumps(about)},', ' "kinds": {']
    for kind_number, (name, kind) in enumerate(kinds.items(), start=1):
        lines.append(f"  {json.dumps(name)}: {{")
        for number, (key, value) in enumerate(kind.items(), start=1):
            comma = "," if number < len(kind) else ""
            lines.append(f'   "{key}": {_value(value)}{comma}')
        lines.append("  }," if kind_number < len(kinds) else "  }")
    return "\n".join([*lines, " }", "}", ""])


def _value(value: Any) -> str:
    if isinstance(value, dict) and any(isinstance(item, dict) for item in value.values()):
        inner = [f"    {json.dumps(key)}: {json.dumps(item)}" for key, item in value.items()]
        return "{\n" + ",\n".join(inner) + "\n   }"
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return "[\n" + ",\n".join(f"    {json.dumps(item)}" for item in value) + "\n   ]"
    return json.dumps(value)
