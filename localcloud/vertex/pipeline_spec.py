"""Compiled pipelines: what a job's specification says, read and checked before anything runs.

The form is KFP's intermediate representation, schema 2.1.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.errors import ApiError, Json
from localcloud.vertex import pipeline_condition

_CHANNEL = re.compile(
    r"\{\{\$\.(?P<side>inputs|outputs)\.(?P<kind>parameters|artifacts)\[['\"](?P<name>[^'\"]+)['\"]\]"
    r"(?P<rest>[^}]*)\}\}"
)
_FACT = re.compile(r"\{\{\$\.(?P<name>pipeline_\w+)\}\}")
_METADATA = re.compile(r"\.metadata\[['\"](?P<key>[^'\"]+)['\"]\]")
_LAUNCHER = re.compile(
    r"google_cloud_pipeline_components\.container\.v1\.(?:bigquery\.)?(\w+)\.launcher"
)
CUSTOM_JOB = "custom_job"
LAUNCHERS = (
    "query_job",
    "create_model",
    "drop_model",
    "evaluate_model",
    "predict_model",
    CUSTOM_JOB,
)
"""Google Cloud pipeline components that run as jobs of the local cloud."""
_TYPES: Mapping[str, tuple[type, ...]] = {
    "NUMBER_INTEGER": (int,),
    "NUMBER_DOUBLE": (int, float),
    "STRING": (str,),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
}


@dataclass
class Values:
    """What flows between tasks.

    Attributes:
        parameters: Parameters by name.
        artifacts: Artifacts by name: `name`, `uri`, `metadata`, `schemaTitle`.
    """

    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, Json] = field(default_factory=dict)


def _unsupported(what: str) -> ApiError:
    return ApiError("UNIMPLEMENTED", f"{what} is not run by the local cloud.")


def _wrong(message: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", message)


def check(spec: Json) -> None:
    """Refuse a specification that is malformed or asks for what is not run here.

    Raises:
        ApiError: INVALID_ARGUMENT or UNIMPLEMENTED.
    """
    for key in ("pipelineInfo", "root", "deploymentSpec", "components"):
        if key not in spec:
            raise _wrong(f"pipeline_spec.{key} must be set: compile the pipeline with kfp 2.")
    _check_dag(spec, spec["root"].get("dag", {}), "root")


def _check_dag(spec: Json, dag: Json, where: str) -> None:
    tasks = dag.get("tasks", {})
    if not tasks:
        raise _wrong(f"The pipeline has no task in {where}.")
    in_order(tasks)
    for name, task in tasks.items():
        for key in ("parameterIterator", "artifactIterator"):
            if key in task:
                raise _unsupported(f"A loop (task {name!r})")
        if condition := task.get("triggerPolicy", {}).get("condition"):
            try:
                pipeline_condition.parse(condition)
            except ValueError as error:
                raise _unsupported(f"The condition of task {name!r} ({error})") from error
        part = component(spec, task)
        if "dag" in part:
            _check_dag(spec, part["dag"], name)
            continue
        executor = executor_of(spec, part)
        if "importer" in executor:
            _check_importer(name, part, executor["importer"])
            continue
        container = executor.get("container")
        if not container:
            kinds = ", ".join(executor) or "nothing"
            raise _unsupported(f"Task {name!r}, whose executor is {kinds} and not a container,")
        found = launcher(container)
        if found and found not in LAUNCHERS:
            raise _unsupported(
                f"The component {found!r} of task {name!r} (those there are: "
                f"{', '.join(LAUNCHERS)})"
            )
        if not found and not container.get("command"):
            raise _unsupported(
                f"A container without a command (task {name!r}): images are not pulled, so it"
            )


def _check_importer(name: str, part: Json, importer: Json) -> None:
    source = importer.get("artifactUri", {})
    parameters = part.get("inputDefinitions", {}).get("parameters", {})
    if len(part.get("outputDefinitions", {}).get("artifacts", {})) != 1:
        raise _wrong(f"The importer of task {name!r} must have one output artifact.")
    if "constant" not in source and source.get("runtimeParameter") not in parameters:
        raise _wrong(f"The importer of task {name!r} must have artifact_uri.")


def component(spec: Json, task: Json) -> Json:
    """The component of a task.

    Raises:
        ApiError: INVALID_ARGUMENT, there is none of that name.
    """
    name = str(task.get("componentRef", {}).get("name", ""))
    if name not in spec["components"]:
        raise _wrong(f"The pipeline has no component {name!r}.")
    found: Json = spec["components"][name]
    return found


def executor_of(spec: Json, part: Json) -> Json:
    """The executor of a component; empty for none."""
    found: Json = spec["deploymentSpec"].get("executors", {}).get(part.get("executorLabel"), {})
    return found


def launcher(container: Json) -> str:
    """Which of Google's BigQuery components a container is; empty for none."""
    found = _LAUNCHER.search(" ".join(container.get("command", [])))
    return found[1] if found else ""


def in_order(tasks: Mapping[str, Json]) -> list[str]:
    """The tasks, each after those that it needs, else by name.

    Raises:
        ApiError: INVALID_ARGUMENT, one needs itself or what is not there.
    """
    needs = {name: upstream(task) for name, task in tasks.items()}
    for name, others in needs.items():
        if missing := sorted(others - set(tasks)):
            raise _wrong(f"Task {name!r} needs {', '.join(missing)}, which the pipeline has not.")
    found: list[str] = []
    while len(found) < len(tasks):
        ready = sorted(n for n in tasks if n not in found and needs[n] <= set(found))
        if not ready:
            raise _wrong(f"The tasks {', '.join(sorted(set(tasks) - set(found)))} need each other.")
        found += ready
    return found


def upstream(task: Json) -> set[str]:
    """The tasks that a task needs."""
    inputs = task.get("inputs", {})
    given = [*inputs.get("parameters", {}).values(), *inputs.get("artifacts", {}).values()]
    produced = {
        value[key]["producerTask"]
        for value in given
        for key in ("taskOutputParameter", "taskOutputArtifact")
        if key in value
    }
    return set(task.get("dependentTasks", [])) | produced


def parameters(spec: Json, given: Mapping[str, Any]) -> dict[str, Any]:
    """The pipeline's parameters with their defaults.

    Raises:
        ApiError: INVALID_ARGUMENT, one is missing, unknown or of a wrong type.
    """
    declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    for name, value in given.items():
        if name not in declared:
            raise _wrong(
                f"The pipeline has no parameter {name!r}; it has {', '.join(declared) or 'none'}."
            )
        kind = declared[name].get("parameterType", "")
        allowed = _TYPES.get(kind, (object,))
        whole = isinstance(value, float) and value.is_integer() and kind == "NUMBER_INTEGER"
        is_flag = isinstance(value, bool) and bool not in allowed and kind in _TYPES
        if not whole and (is_flag or not isinstance(value, allowed)):
            raise _wrong(f"Parameter {name!r} is {kind}; got {value!r}.")
    found = _with_defaults(declared, given)
    missing = [n for n, d in declared.items() if n not in found and not d.get("isOptional")]
    if missing:
        raise _wrong(f"Parameters without a value: {', '.join(missing)}.")
    return found


def _with_defaults(declared: Mapping[str, Json], given: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {n: d["defaultValue"] for n, d in declared.items() if "defaultValue" in d}
    return {
        name: int(value)
        if declared[name].get("parameterType") == "NUMBER_INTEGER" and isinstance(value, float)
        else value
        for name, value in {**defaults, **given}.items()
        if name in declared
    }


def inputs(task: Json, part: Json, outer: Values, done: Mapping[str, Values]) -> Values:
    """What a task is given: constants, the inputs around it, outputs of other tasks."""
    asked = task.get("inputs", {})
    found = Values()
    for name, value in asked.get("parameters", {}).items():
        if "taskOutputParameter" in value:
            source = value["taskOutputParameter"]
            produced = done[source["producerTask"]].parameters
            found.parameters[name] = produced.get(source["outputParameterKey"])
        elif "componentInputParameter" in value:
            if value["componentInputParameter"] in outer.parameters:
                found.parameters[name] = outer.parameters[value["componentInputParameter"]]
        else:
            found.parameters[name] = value.get("runtimeValue", {}).get("constant")
    for name, value in asked.get("artifacts", {}).items():
        if "taskOutputArtifact" in value:
            source = value["taskOutputArtifact"]
            found.artifacts[name] = done[source["producerTask"]].artifacts[
                source["outputArtifactKey"]
            ]
        else:
            found.artifacts[name] = outer.artifacts[value["componentInputArtifact"]]
    declared = part.get("inputDefinitions", {}).get("parameters", {})
    extra = {n: v for n, v in found.parameters.items() if n not in declared}
    found.parameters = {**_with_defaults(declared, found.parameters), **extra}
    return found


def outputs(dag: Json, done: Mapping[str, Values]) -> Values:
    """What a group of tasks gives."""
    asked = dag.get("outputs", {})
    found = Values()
    for name, value in asked.get("parameters", {}).items():
        # Of several, those of branches that did not run are absent.
        several = value.get("valueFromOneof", {}).get("parameterSelectors")
        for source in several or [value.get("valueFromParameter", {})]:
            produced = done.get(source.get("producerSubtask", ""), Values()).parameters
            if source.get("outputParameterKey") in produced:
                found.parameters[name] = produced[source["outputParameterKey"]]
    for name, value in asked.get("artifacts", {}).items():
        for source in value.get("artifactSelectors", []):
            produced_artifacts = done.get(source["producerSubtask"], Values()).artifacts
            if source["outputArtifactKey"] in produced_artifacts:
                found.artifacts[name] = produced_artifacts[source["outputArtifactKey"]]
    return found


def imported(part: Json, importer: Json, given: Values) -> Values:
    """The artifact that an importer task gives.

    Args:
        part: The task's component.
        importer: Its executor.
        given: What the task is given.
    """
    [name] = part["outputDefinitions"]["artifacts"]
    source = importer["artifactUri"]
    uri = (
        given.parameters[source["runtimeParameter"]]
        if "runtimeParameter" in source
        else (source.get("constant"))
    )
    metadata = {
        key: filled(value, given, {}, {}) if isinstance(value, str) else value
        for key, value in importer.get("metadata", {}).items()
    }
    title = importer.get("typeSchema", {}).get("schemaTitle", "system.Artifact")
    artifact = {"name": name, "uri": uri, "schemaTitle": title, "metadata": metadata}
    return Values(artifacts={name: artifact})


def text(value: Any) -> str:
    """A parameter in a command."""
    return value if isinstance(value, str) else json.dumps(value)


def filled(
    word: str,
    given: Values,
    files: Mapping[str, str],
    facts: Mapping[str, str],
    made: Mapping[str, Json] | None = None,
) -> str:
    """A word of a command, a parameter or a piece of either, with its placeholders filled.

    Args:
        word: The word.
        given: What the task is given.
        files: Where output parameters are to be written, by name.
        facts: The job's and task's own names; `output_file` is where metadata is written.
        made: The output artifacts to be.

    Raises:
        ValueError: It names what the task has not.
    """
    made = made or {}
    if word.startswith(('{"Concat"', '{"IfPresent"')):
        return _structured(json.loads(word), given, files, facts)

    def channel(found: re.Match[str]) -> str:
        name, rest = found["name"], found["rest"]
        if found["side"] == "outputs":
            if found["kind"] == "parameters" and name in files:
                return files[name]
            if found["kind"] == "artifacts" and name in made and rest in (".uri", ".path"):
                return str(made[name]["uri"])
        elif found["kind"] == "parameters":
            if name in given.parameters:
                return text(given.parameters[name])
        elif name in given.artifacts:
            artifact = given.artifacts[name]
            if metadata := _METADATA.fullmatch(rest):
                return text(artifact["metadata"].get(metadata["key"]))
            if rest in (".uri", ".path"):
                return str(artifact["uri"])
        raise ValueError(f"{found[0]} names nothing that the task has")

    def fact(found: re.Match[str]) -> str:
        if found["name"] not in facts:
            raise ValueError(f"{found[0]} is not known by the local cloud")
        return facts[found["name"]]

    word = _FACT.sub(fact, _CHANNEL.sub(channel, word))
    if "{{$}}" in word:
        executor_input = {
            "inputs": {
                "parameterValues": given.parameters,
                "artifacts": _runtime(given.artifacts),
            },
            "outputs": {
                "parameters": {n: {"outputFile": file} for n, file in files.items()},
                "artifacts": _runtime(made),
                "outputFile": facts.get("output_file", ""),
            },
        }
        word = word.replace("{{$}}", json.dumps(executor_input))
    return word


def _runtime(artifacts: Mapping[str, Json]) -> Json:
    """Artifacts as kfp's own executor reads them."""
    return {
        key: {
            "artifacts": [
                {
                    "name": artifact.get("name", key),
                    "uri": artifact["uri"],
                    "type": {"schemaTitle": artifact.get("schemaTitle", "system.Artifact")},
                    "metadata": artifact.get("metadata", {}),
                }
            ]
        }
        for key, artifact in artifacts.items()
    }


def _structured(
    node: Any, given: Values, files: Mapping[str, str], facts: Mapping[str, str]
) -> str:
    if isinstance(node, list):
        return "".join(_structured(part, given, files, facts) for part in node)
    if isinstance(node, dict) and "Concat" in node:
        return _structured(node["Concat"], given, files, facts)
    if isinstance(node, dict) and "IfPresent" in node:
        choice = node["IfPresent"]
        there = choice["InputName"] in {**given.parameters, **given.artifacts}
        return _structured(choice["Then" if there else "Else"] or [], given, files, facts)
    return filled(str(node), given, files, facts)
