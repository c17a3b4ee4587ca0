"""ZetaSQL is called from many threads, and a crash of one request is the end of that one only."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service

from googlesql import module, parser


def crashing_request() -> service.BuildSqlRequest:
    """A resolved statement whose table is in no catalog: ZetaSQL follows a null pointer."""
    request = service.BuildSqlRequest()
    query = request.resolved_statement.resolved_query_stmt_node
    scan = query.query.resolved_table_scan_node
    scan.table.name = scan.table.full_name = "nowhere"
    return request


def test_the_cache_is_the_users_and_names_versions_and_platform(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    path = module.cache_path()

    assert path.parent == tmp_path / "bqvertex" / "zetasql"
    assert re.fullmatch(r"0\.1\.5-\d+\.\d+\.\d+-\w+-\w+\.cwasm", path.name)


def test_an_empty_cache_variable_means_the_home_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))

    path = module.cache_path()

    assert path.parent == tmp_path / ".cache" / "bqvertex" / "zetasql"


def test_a_crash_is_one_sentence_and_the_next_request_is_served() -> None:
    with pytest.raises(module.CrashError, match="ZetaSQL crashed in BuildSql: wasm trap") as caught:
        module.call("BuildSql", crashing_request(), service.BuildSqlResponse)

    assert "\n" not in str(caught.value)
    assert parser.parse_statement("SELECT 1").kind == "ASTQueryStatement"


def test_many_threads_each_get_their_own_answer() -> None:
    def column(number: int) -> str:
        tree = parser.parse_statement(f"SELECT {'x' * number} AS c{number}")
        return parser.identifiers(tree)[-1]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(column, range(1, 65)))

    assert answers == [f"c{number}" for number in range(1, 65)]


def test_threads_outlive_a_crash_in_one_of_them() -> None:
    def one(number: int) -> str:
        if number % 5 == 0:
            with pytest.raises(module.CrashError):
                module.call("BuildSql", crashing_request(), service.BuildSqlResponse)
            return "crashed"
        return parser.parse_statement(f"SELECT {number}").kind

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(one, range(10)))

    assert answers == ["crashed", *["ASTQueryStatement"] * 4] * 2


def test_a_refusal_has_googles_code_and_words() -> None:
    request = service.ParseRequest(sql_statement="SELEC 1")

    with pytest.raises(module.StatusError) as caught:
        module.call("Parse", request, service.ParseResponse)

    assert (caught.value.code, caught.value.message) == (
        3,
        'Syntax error: Unexpected identifier "SELEC"',
    )


def test_as_many_threads_run_at_once_as_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = threading.Barrier(2, timeout=30)
    call = module._Instance.call

    def both_inside(instance: module._Instance, method: str, payload: bytes) -> bytes:
        # Broken, and an error, unless a second thread comes while the first is here.
        inside.wait()
        return call(instance, method, payload)

    module.run_in_parallel(2)
    try:
        parser.parse_statement("SELECT 1")
        monkeypatch.setattr(module._Instance, "call", both_inside)
        with ThreadPoolExecutor(2) as threads:
            kinds = [
                tree.kind for tree in threads.map(parser.parse_statement, ["SELECT 1", "SELECT 2"])
            ]
    finally:
        module.run_in_parallel(1)

    assert kinds == ["ASTQueryStatement"] * 2


def test_none_at_once_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        module.run_in_parallel(0)
