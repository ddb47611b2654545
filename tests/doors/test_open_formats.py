"""What the open door says of itself, judged by others' validators, and its files read by others' readers."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import csvw
import duckdb
import frictionless
import httpx
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyshacl
import pytest
from pyld import jsonld
from rdflib import DCAT, RDF, SH, Graph, URIRef
from rdflib.compare import isomorphic

from tests.doors.serving import Served

SHAPES = Path(__file__).resolve().parents[1] / "conformance/dcat_ap/dcat-ap-3.0.0-shacl.jsonld"
TABLES = ("prosperity.income", "prosperity.population")
NUMBER = "number.prosperity.urban_rural_ratio"


@pytest.fixture(scope="module")
def http(served: Served) -> httpx.Client:
    return served.client()


@pytest.fixture(scope="module")
def shapes() -> Graph:
    """The shapes of DCAT-AP 3.0.0 as SEMIC published them."""
    return Graph().parse(SHAPES, format="json-ld")


@pytest.fixture(scope="module")
def names(http: httpx.Client) -> list[str]:
    """All datasets that are open."""
    datasets = http.get("/open/catalogue.jsonld").json()["dcat:dataset"]
    return [dataset["dct:identifier"] for dataset in datasets]


def fetch(http: httpx.Client, name: str, file: str) -> bytes:
    """A file of the newest version."""
    answer = http.get(f"/open/{name}/latest/{file}", follow_redirects=True)
    assert answer.status_code == 200, answer.text[:300]
    return answer.content


def validate(graph: Graph, shapes: Graph) -> tuple[bool, Graph]:
    """Hold a graph to the shapes without any inference."""
    conforms, report, _ = pyshacl.validate(graph, shacl_graph=shapes, inference="none")
    assert isinstance(report, Graph)
    return bool(conforms), report


def test_the_shapes_are_all_of_them(shapes: Graph) -> None:
    assert len(set(shapes.subjects(SH.targetClass, None))) >= 35
    assert len(list(shapes.subject_objects(SH.minCount))) >= 18


def test_the_catalogue_fits_the_shapes_of_dcat_ap(http: httpx.Client, shapes: Graph, names: list[str]) -> None:
    graph = Graph().parse(data=http.get("/open/catalogue.jsonld").text, format="json-ld")
    assert len(set(graph.subjects(RDF.type, DCAT.Dataset))) == len(names) >= 8
    assert len(set(graph.subjects(RDF.type, DCAT.Distribution))) == 4 * len(names)
    conforms, report = validate(graph, shapes)
    assert conforms, report.serialize(format="turtle")[:2000]


def test_every_dataset_fits_the_shapes_of_dcat_ap(http: httpx.Client, shapes: Graph, names: list[str]) -> None:
    for name in names:
        graph = Graph().parse(data=http.get(f"/open/{name}/dataset.jsonld").text, format="json-ld")
        conforms, report = validate(graph, shapes)
        assert conforms, (name, report.serialize(format="turtle")[:2000])


@pytest.mark.parametrize(
    ("key", "place", "said"),
    [
        ("dct:title", None, "MinCountConstraintComponent"),
        ("dct:publisher", None, "MinCountConstraintComponent"),
        ("dcat:byteSize", "distribution", "DatatypeConstraintComponent"),
        ("dct:license", "distribution", "ClassConstraintComponent"),
    ],
)
def test_the_validator_finds_what_is_broken(
    http: httpx.Client, shapes: Graph, key: str, place: str | None, said: str
) -> None:
    found = http.get("/open/catalogue.jsonld").json()
    if place is None:
        del found[key]
    else:
        found["dcat:dataset"][0]["dcat:distribution"][0][key] = {"byteSize": 5}.get(key[5:], {"@id": "http://a.b/c"})
    conforms, report = validate(Graph().parse(data=json.dumps(found), format="json-ld"), shapes)
    assert not conforms
    broken = {str(one).rsplit("#", 1)[-1] for one in report.objects(None, SH.sourceConstraintComponent)}
    assert broken == {said}


def test_json_ld_says_the_same_to_two_readers(http: httpx.Client) -> None:
    text = http.get("/open/catalogue.jsonld").text
    ours = Graph().parse(data=text, format="json-ld")
    theirs = Graph().parse(data=jsonld.to_rdf(json.loads(text), {"format": "application/n-quads"}), format="nquads")
    assert isomorphic(ours, theirs)
    again = Graph().parse(data=ours.serialize(format="turtle"), format="turtle")
    assert isomorphic(ours, again)


def test_every_address_in_the_catalogue_answers(http: httpx.Client, served: Served) -> None:
    graph = Graph().parse(data=http.get("/open/catalogue.jsonld").text, format="json-ld")
    addresses = {
        str(o)
        for p in (DCAT.downloadURL, DCAT.landingPage, DCAT.accessURL, DCAT.endpointDescription)
        for o in graph.objects(None, p)
    }
    ours = [one for one in addresses if one.startswith(served.url)]
    assert len(ours) == len(addresses) >= 40
    for address in ours:
        assert http.head(address).status_code == 200, address
    for size, distribution in [(o, s) for s, o in graph.subject_objects(DCAT.byteSize)]:
        download = graph.value(distribution, DCAT.downloadURL)
        assert isinstance(download, URIRef)
        assert http.head(str(download)).headers["content-length"] == str(size)


def test_data_packages_are_valid(http: httpx.Client, names: list[str], tmp_path: Path) -> None:
    for name in names:
        folder = tmp_path / name
        folder.mkdir()
        for file in ("data.csv", "datapackage.json"):
            (folder / file).write_bytes(fetch(http, name, file))
        report = frictionless.Package(str(folder / "datapackage.json")).validate()
        assert report.valid, (name, report.flatten(["type", "message"])[:5])
        assert report.tasks[0].stats["rows"] == len(pd.read_csv(folder / "data.csv"))


def test_the_archive_is_a_valid_package_by_itself(http: httpx.Client, tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(fetch(http, TABLES[0], "data.zip"))
    assert frictionless.validate(str(tmp_path / "data.zip"), type="package").valid


def test_a_spoilt_package_is_not_valid(http: httpx.Client, tmp_path: Path) -> None:
    csv = fetch(http, TABLES[0], "data.csv").decode("utf-8-sig")
    (tmp_path / "data.csv").write_text(csv.replace("330100000000", "hangzhou", 1), encoding="utf-8")
    (tmp_path / "datapackage.json").write_bytes(fetch(http, TABLES[0], "datapackage.json"))
    found = {row[0] for row in frictionless.Package(str(tmp_path / "datapackage.json")).validate().flatten(["type"])}
    assert {"constraint-error", "hash-count"} <= found


def test_csv_on_the_web_is_valid(http: httpx.Client, names: list[str], tmp_path: Path) -> None:
    for name in names:
        folder = tmp_path / name
        folder.mkdir()
        for file in ("data.csv", "data.csv-metadata.json"):
            (folder / file).write_bytes(fetch(http, name, file))
        found = csvw.CSVW(str(folder / "data.csv-metadata.json"), validate=True)
        assert found.is_valid, (name, [str(w.message) for w in found.warnings])
        rows = list(found.tables[0].iterdicts())
        assert len(rows) == len(pd.read_csv(folder / "data.csv"))
        assert found.tables[0].check_primary_key()


@pytest.mark.parametrize("name", [*TABLES, NUMBER])
def test_every_form_holds_the_same_rows(http: httpx.Client, name: str, tmp_path: Path) -> None:
    table = pq.read_table(io.BytesIO(fetch(http, name, "data.parquet")))
    assert not any(pa.types.is_floating(f.type) for f in table.schema if f.name.endswith("_fen"))
    rows = table.to_pylist()
    assert json.loads(fetch(http, name, "data.json")) == json.loads(json.dumps(rows, default=str))
    for form in ("csv", "json"):
        path = tmp_path / f"data.{form}"
        path.write_bytes(fetch(http, name, f"data.{form}"))
    columns = ", ".join(f"'{f.name}': '{_duck(f.type)}'" for f in table.schema)
    read = f"read_csv('{tmp_path}/data.csv', columns={{{columns}}}, header=true)"
    assert duckdb.sql(f"SELECT * FROM {read}").to_arrow_table().to_pylist() == rows
    found = frictionless.Resource(
        path="data.csv", basepath=str(tmp_path), schema=_schema(http, name), encoding="utf-8"
    ).read_rows()
    assert [_plain(row.to_dict()) for row in found] == [_plain(row) for row in rows]


def test_the_metadata_say_unit_level_and_code_of_each_field(http: httpx.Client) -> None:
    package = json.loads(fetch(http, "prosperity.income", "datapackage.json"))
    fields = {field["name"]: field for field in package["resources"][0]["schema"]["fields"]}
    assert fields["income_fen"]["unit"] == "fen"
    assert "100 make 1 yuan" in fields["income_fen"]["description"]
    assert "urban" in fields["residence"]["constraints"]["enum"]
    assert package["resources"][0]["schema"]["primaryKey"] == ["region", "period", "residence"]
    assert package["licenses"][0]["name"] == "other-at"
    content = fetch(http, "prosperity.income", "data.zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None


def _schema(http: httpx.Client, name: str) -> Any:
    package = json.loads(fetch(http, name, "datapackage.json"))
    return frictionless.Schema.from_descriptor(package["resources"][0]["schema"])


def _duck(kind: pa.DataType) -> str:
    return "BIGINT" if pa.types.is_integer(kind) else "DOUBLE" if pa.types.is_floating(kind) else "VARCHAR"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: float(value) if isinstance(value, float) or hasattr(value, "as_tuple") else value
        for name, value in row.items()
    }
