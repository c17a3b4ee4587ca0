import pulumi
from bqvertex.connection import Connection

from tests.components.plan import ACCOUNT, CONNECTION, GRANT, planned

ARGS = {
    "project": "acme-prod",
    "location": "us-central1",
    "connection_id": "remote",
    "roles": ["roles/aiplatform.user", "roles/run.invoker"],
}


def test_each_role_is_granted_to_the_connections_own_account():
    plan = planned(lambda: Connection("remote", ARGS))

    assert plan.inputs(CONNECTION, "remote")["cloudResource"] == {}
    assert [
        plan.inputs(GRANT, f"remote-{role}") for role in ("aiplatform.user", "run.invoker")
    ] == [
        {
            "project": "acme-prod",
            "role": f"roles/{role}",
            "member": f"serviceAccount:{ACCOUNT}",
        }
        for role in ("aiplatform.user", "run.invoker")
    ]


def test_without_roles_nothing_is_granted():
    args = {key: value for key, value in ARGS.items() if key != "roles"}

    plan = planned(lambda: Connection("remote", args))

    assert GRANT not in {typ for typ, _, _ in plan.registered}


def test_the_path_is_as_sql_names_it():
    seen = []

    planned(
        lambda: pulumi.Output.all(
            (made := Connection("remote", ARGS)).path, made.service_account
        ).apply(seen.extend)
    )

    assert seen == ["acme-prod.us-central1.remote", ACCOUNT]
