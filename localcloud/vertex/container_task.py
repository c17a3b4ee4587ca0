"""What a container of a pipeline, run as a local process, writes."""

import json
from pathlib import Path

from localcloud.errors import Json


def artifacts_to_be(part: Json, folder: Path) -> dict[str, Json]:
    """Output artifacts at paths of this machine, which kfp takes where a URI is no gs://."""
    declared = part.get("outputDefinitions", {}).get("artifacts", {})
    if declared:
        folder.mkdir(exist_ok=True)
    return {
        name: {
            "name": name,
            "uri": str(folder / name),
            "schemaTitle": entry.get("artifactType", {}).get("schemaTitle", "system.Artifact"),
            "metadata": {},
        }
        for name, entry in declared.items()
    }


def with_metadata(made: dict[str, Json], file: Path) -> dict[str, Json]:
    """Artifacts with what a program wrote of them, as kfp's executor does."""
    told = json.loads(file.read_text()).get("artifacts", {}) if file.exists() else {}
    for name, artifact in made.items():
        for written in told.get(name, {}).get("artifacts", []):
            artifact |= {key: written[key] for key in ("uri", "metadata") if key in written}
    return made


def read(file: Path, declared: Json) -> object:
    """An output parameter that a program wrote."""
    text = file.read_text()
    if declared.get("parameterType", "STRING") == "STRING":
        return text
    value: object = json.loads(text)
    return value
