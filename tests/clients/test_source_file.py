import gzip
import sys
import zipfile
from pathlib import Path

import pytest
from bqvertex.clients.source_file import SourceError, content_sha256, locate, opened

TEXT = b"carrier,name\nAA,American\n"


def written(folder: Path, name: str) -> str:
    path = folder / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inner.csv", TEXT)
    else:
        path.write_bytes(gzip.compress(TEXT) if name.endswith(".gz") else TEXT)
    return str(path)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.zip"])
def test_what_is_sent_is_unpacked(tmp_path, name):
    with opened(written(tmp_path, name)) as stream:
        assert stream.read() == TEXT


def test_packing_makes_no_other_content(tmp_path):
    hashes = {content_sha256(written(tmp_path, n)) for n in ("a.csv", "a.csv.gz", "a.csv.zip")}

    assert len(hashes) == 1


def test_other_content_is_another_hash(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT)
    before = content_sha256(str(path))

    path.write_bytes(TEXT + b"B6,JetBlue\n")

    assert content_sha256(str(path)) != before


def test_a_path_is_relative_to_the_working_directory(tmp_path, monkeypatch):
    written(tmp_path, "a.csv")
    monkeypatch.chdir(tmp_path)

    assert locate("a.csv").read_bytes() == TEXT


def test_a_package_is_found_without_being_imported(tmp_path, monkeypatch):
    package = tmp_path / "seedpackage"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    written(package / "data", "a.csv")
    monkeypatch.syspath_prepend(tmp_path)

    found = locate("package:seedpackage/data/a.csv")

    assert found.read_bytes() == TEXT
    assert "seedpackage" not in sys.modules


def two_members(folder: Path) -> str:
    with zipfile.ZipFile(folder / "a.csv.zip", "w") as archive:
        archive.writestr("one.csv", TEXT)
        archive.writestr("two.csv", TEXT)
    return str(folder / "a.csv.zip")


def no_zip(folder: Path) -> str:
    (folder / "b.csv.zip").write_bytes(TEXT)
    return str(folder / "b.csv.zip")


def half_a_gzip(folder: Path) -> str:
    (folder / "c.csv.gz").write_bytes(gzip.compress(TEXT)[:-10])
    return str(folder / "c.csv.gz")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (lambda _: "nowhere.csv", "no file 'nowhere.csv'"),
        (lambda _: "package:nope/a.csv", "no Python package 'nope'"),
        (lambda _: "package:nope", "is not of the form package:NAME/inner/path"),
        (lambda _: "package:pytest/a.csv", "has no file 'a.csv'"),
        (two_members, "holds 2 files"),
        (no_zip, "is no whole .zip archive"),
        (half_a_gzip, "is no whole .gz archive"),
    ],
)
def test_what_cannot_be_had_is_said(tmp_path, source, words):
    with pytest.raises(SourceError) as caught:
        content_sha256(source(tmp_path))

    assert words in str(caught.value)
