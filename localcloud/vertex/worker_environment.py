"""What the processes of a job find in their environment: where the local cloud is, and who asks."""

import json
import os
import secrets
import sys
from pathlib import Path

from localcloud import oauth
from localcloud.cloud import Cloud
from localcloud.errors import Json
from localcloud.project import number_of
from localcloud.vertex import worker_pool

KEY_FILE = "worker-key.json"


def path() -> str:
    """PATH of a job: programs of this interpreter first, so that `python` is this one."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def environment(cloud: Cloud, project: str, job_id: str, spec: Json, home: Path) -> dict[str, str]:
    """The variables that every replica of a job has.

    Source: https://cloud.google.com/vertex-ai/docs/training/code-requirements

    Args:
        cloud: The local cloud, which Google's clients find by the variables of their emulators.
        project: The job's project.
        job_id: The job's id.
        spec: A CustomJobSpec.
        home: The process's own folder.
    """
    account = spec.get("serviceAccount") or (
        f"service-{number_of(project)}@gcp-sa-aiplatform-cc.iam.gserviceaccount.com"
    )
    url = cloud.base_url()
    found = {
        "PATH": path(),
        "HOME": str(home),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "PYTHONUNBUFFERED": "1",
        "LOCAL_CLOUD_URL": url,
        "STORAGE_EMULATOR_HOST": url,
        "BIGQUERY_EMULATOR_HOST": url,
        "GOOGLE_APPLICATION_CREDENTIALS": str(_key(cloud, project, account, home)),
        "GOOGLE_CLOUD_PROJECT": project,
        "CLOUD_ML_PROJECT_ID": number_of(project),
        "CLOUD_ML_JOB_ID": job_id,
        **worker_pool.directories(spec),
    }
    for key, variable in (
        ("experiment", "AIP_EXPERIMENT_NAME"),
        ("experimentRun", "AIP_EXPERIMENT_RUN_NAME"),
    ):
        if name := spec.get(key):
            found[variable] = str(name).rsplit("/", 1)[-1]
    return found


def _key(cloud: Cloud, project: str, account: str, home: Path) -> Path:
    """A service account's key, which Google's clients ask for even where nobody checks it."""
    home.mkdir(parents=True, exist_ok=True)
    file = home / KEY_FILE
    told = {
        "type": "service_account",
        "project_id": project,
        "private_key": _private_key(cloud.store.folder),
        "private_key_id": "local",
        "client_email": account,
        "client_id": number_of(project),
        "token_uri": f"{cloud.base_url()}{oauth.PATH}",
    }
    file.touch(mode=0o600)
    file.write_text(json.dumps(told))
    return file


def _private_key(folder: Path) -> str:
    file = folder / "worker.pem"
    if not file.exists():
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        text = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        # Several trials may come here at once; any of their keys will do.
        fresh = folder / f"worker.pem.{secrets.token_hex(4)}"
        fresh.touch(mode=0o600)
        fresh.write_bytes(text)
        fresh.replace(file)
    return file.read_text()
