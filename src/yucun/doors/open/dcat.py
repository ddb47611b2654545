"""DCAT of the open data as JSON-LD, after DCAT-AP 3: the catalogue, its datasets, their versions and files.

Every node says its own class, so that the shapes of DCAT-AP hold without any inference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.city import City
from yucun.kernel.indicators.opened import count_behind
from yucun.kernel.lake.catalogue import FILE_NAMES, OTHER, SIX, Domain, Form, Item, Licence, Version
from yucun.kernel.lake.contract import Contract

CONTEXT: dict[str, Any] = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_EU = "http://publications.europa.eu/resource/authority"
_FREQUENCY = {"day": "DAILY", "month": "MONTHLY", "quarter": "QUARTERLY", "year": "ANNUAL", "once": "NEVER"}
_FILE_TYPE: dict[Form, str] = {"csv": "CSV", "parquet": "PARQUET", "json": "JSON", "zip": "ZIP"}
_MEDIA: dict[Form, str] = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "zip": "application/zip",
}
_THEMES = {
    "ECON": Text("经济与金融", "Economy and finance"),
    "TRAN": Text("交通", "Transport"),
    "HEAL": Text("健康", "Health"),
    "SOCI": Text("人口与社会", "Population and society"),
    "EDUC": Text("教育、文化与体育", "Education, culture and sport"),
    "GOVE": Text("政府与公共部门", "Government and public sector"),
}


def make_catalogue(city: City, base: str, latest: Mapping[str, Version]) -> dict[str, Any]:
    """Describe the whole catalogue, each dataset in its newest version.

    Parameters
    ----------
    base : str
        Scheme and host that the city is asked under, without a slash at the end.
    latest : mapping of str to Version
        The newest version of each open item that is given out.
    """
    items = {item.name: item for item in city.catalogue.list_items("open")}
    place = city.regions.get(city.place.region).name
    datasets = [_dataset(city, base, items[name], version) for name, version in sorted(latest.items())]
    said: dict[str, Any] = {
        "@context": CONTEXT,
        "@id": f"{base}/open#catalogue",
        "@type": "dcat:Catalog",
        "dct:title": _words(Text(f"{place.zh}开放数据", f"Open data of {place.en}")),
        "dct:description": _words(
            Text(
                f"{place.zh}城市大脑向公众开放的数据集：每个版本有固定地址。",
                f"Datasets that the city brain of {place.en} opens to the public: each version has an address that stays.",
            )
        ),
        "dct:publisher": _agent(f"{base}/open#publisher", place),
        "foaf:homepage": _typed(f"{base}/open", "foaf:Document"),
        "dct:language": _languages(),
        "dct:spatial": _location(city, base, city.place.region),
        "dcat:themeTaxonomy": [
            _scheme(f"{_EU}/data-theme", Text("数据主题", "Data theme")),
            _scheme(f"{base}/open#domains", Text("开放领域", "Domains of opening")),
        ],
        "dcat:dataset": datasets,
        "dcat:service": _service(base, place, sorted(latest)),
    }
    if latest:
        said["dct:modified"] = _day(max(version.day for version in latest.values()))
    return said


def make_dataset(city: City, base: str, item: Item, versions: Sequence[Version]) -> dict[str, Any]:
    """Describe one dataset: its newest version with all files, and every version that is given out by its address."""
    said = _dataset(city, base, item, versions[0])
    contract = city.catalogue.subject(item.name).contract
    said["dcat:hasVersion"] = [_version(base, contract, version) for version in versions]
    said["dct:issued"] = _day(versions[-1].day)
    return {"@context": CONTEXT, **said}


def _dataset(city: City, base: str, item: Item, version: Version) -> dict[str, Any]:
    contract = city.catalogue.subject(item.name).contract
    page = f"{base}/open/{item.name}"
    cover = version.coverage
    said: dict[str, Any] = {
        "@id": page,
        "@type": ["dcat:Dataset", "dcat:Resource"],
        "dct:identifier": item.name,
        "dct:title": _words(contract.title),
        "dct:description": _words(contract.meaning),
        "dct:publisher": _agent(f"{page}#owner", contract.owner),
        "dcat:contactPoint": {
            "@id": f"{page}#contact",
            "@type": ["vcard:Organization", "vcard:Kind"],
            "vcard:fn": _words(contract.owner),
        },
        "dcat:theme": [_theme(item.domain), _domain(base, item.domain)],
        "dcat:keyword": _words(item.domain.title),
        "dct:accrualPeriodicity": _typed(f"{_EU}/frequency/{_FREQUENCY[contract.freshness.every]}", "dct:Frequency"),
        "dct:accessRights": _typed(f"{_EU}/access-right/PUBLIC", "dct:RightsStatement"),
        "dct:language": _languages(),
        "dct:modified": _day(version.day),
        "dct:provenance": {"@type": "dct:ProvenanceStatement", "rdfs:label": _words(_quality(city, item))},
        "dct:conformsTo": {
            "@id": f"{page}#fields",
            "@type": "dct:Standard",
            "dct:title": _words(
                Text(f"{contract.title.zh}：字段约定", f"{contract.title.en}: what each field promises")
            ),
        },
        "dcat:version": version.id,
        "dcat:landingPage": _typed(f"{page}/{version.id}", "foaf:Document"),
        "dcat:distribution": _distributions(base, item, version, contract, city.catalogue.forms_of(version)),
    }
    if cover.start:
        said["dct:temporal"] = {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": _day(cover.start),
            "dcat:endDate": _day(cover.end),
        }
    if cover.region:
        said["dct:spatial"] = _location(city, base, RegionCode(cover.region))
    return said


def _version(base: str, contract: Contract, version: Version) -> dict[str, Any]:
    page = f"{base}/open/{version.item}/{version.id}"
    return {
        "@id": f"{page}#version",
        "@type": ["dcat:Dataset", "dcat:Resource"],
        "dct:title": _words(
            Text(f"{contract.title.zh}，版本 {version.id}", f"{contract.title.en}, version {version.id}")
        ),
        "dct:description": _words(contract.meaning),
        "dct:issued": _day(version.day),
        "dcat:version": version.id,
        "dcat:landingPage": _typed(page, "foaf:Document"),
        "dcat:isVersionOf": {"@id": f"{base}/open/{version.item}"},
    }


def _distributions(
    base: str, item: Item, version: Version, contract: Contract, forms: Sequence[Form]
) -> list[dict[str, Any]]:
    page = f"{base}/open/{item.name}/{version.id}"
    found = []
    for form in (f for f in forms if f in _MEDIA):
        address = f"{page}/{FILE_NAMES[form]}"
        said: dict[str, Any] = {
            "@id": f"{page}#{form}",
            "@type": "dcat:Distribution",
            "dct:title": _words(
                Text(f"{contract.title.zh}（{form.upper()}）", f"{contract.title.en} ({form.upper()})")
            ),
            "dcat:accessURL": _typed(page, "rdfs:Resource"),
            "dcat:downloadURL": _typed(address, "rdfs:Resource"),
            "dcat:mediaType": _typed(f"http://www.iana.org/assignments/media-types/{_MEDIA[form]}", "dct:MediaType"),
            "dct:format": _typed(f"{_EU}/file-type/{_FILE_TYPE[form]}", "dct:MediaTypeOrExtent"),
            "dct:license": _licence(base, item.licence),
            "dct:rights": {"@type": "dct:RightsStatement", "rdfs:label": _words(contract.licence)},
            "dct:issued": _day(version.day),
            "dcatap:availability": _concept(
                "http://data.europa.eu/r5r/availability/stable", Text("长期有效", "stable")
            ),
        }
        kept = version.files.get(form)
        if kept is not None:
            said["dcat:byteSize"] = {"@value": str(kept.size), "@type": "xsd:nonNegativeInteger"}
            said["spdx:checksum"] = {
                "@type": "spdx:Checksum",
                "spdx:algorithm": _typed(
                    "http://spdx.org/rdf/terms#checksumAlgorithm_sha256", "spdx:ChecksumAlgorithm"
                ),
                "spdx:checksumValue": {"@value": kept.sha256, "@type": "xsd:hexBinary"},
            }
        if form == "zip":
            said["dcat:packageFormat"] = _typed(
                "http://www.iana.org/assignments/media-types/application/zip", "dct:MediaType"
            )
        found.append(said)
    return found


def _quality(city: City, item: Item) -> Text:
    """What came and what was refused: said of the data, not promised."""
    counts = count_behind(city.numbers, item.name)
    return Text(
        "共收到 {files} 份文件；入库 {landed} 行，拒收 {refused} 条，更正 {corrected} 行",
        "{files} files arrived; {landed} rows landed, {refused} records refused, {corrected} rows corrected",
    ).fill(**counts)


def _service(base: str, place: Text, names: Sequence[str]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "@id": f"{base}/api#service",
        "@type": ["dcat:DataService", "dcat:Resource"],
        "dct:title": _words(Text(f"{place.zh}数据接口", f"The data API of {place.en}")),
        "dcat:endpointURL": _typed(f"{base}/api", "rdfs:Resource"),
        "dcat:endpointDescription": _typed(f"{base}/api/openapi.json", "rdfs:Resource"),
    }
    if names:
        said["dcat:servesDataset"] = [{"@id": f"{base}/open/{name}"} for name in names]
    return said


def _licence(base: str, licence: Licence) -> dict[str, Any]:
    return {
        "@id": licence.uri or f"{base}/open#licence-{licence.id}",
        "@type": "dct:LicenseDocument",
        "dct:title": _words(licence.title),
        "dct:identifier": licence.id,
        "dct:type": _concept(f"http://purl.org/adms/licencetype/{licence.kind}", Text.same(licence.kind)),
    }


def _location(city: City, base: str, code: RegionCode) -> dict[str, Any]:
    region = city.regions.find(code)
    name = region.name if region else Text.same(code.short)
    return {
        "@id": f"{base}/region/{code.short}",
        "@type": "dct:Location",
        "skos:prefLabel": _words(name),
        "dct:identifier": code.short,
    }


def _agent(address: str, name: Text) -> dict[str, Any]:
    return {"@id": address, "@type": "foaf:Agent", "foaf:name": _words(name)}


def _theme(domain: Domain) -> dict[str, Any]:
    return _concept(f"{_EU}/data-theme/{domain.theme}", _THEMES[domain.theme], f"{_EU}/data-theme")


def _domain(base: str, domain: Domain) -> dict[str, Any]:
    assert domain in (*SIX, OTHER)
    return _concept(f"{base}/open#domain-{domain.id}", domain.title, f"{base}/open#domains")


def _concept(address: str, title: Text, scheme: str = "") -> dict[str, Any]:
    said: dict[str, Any] = {"@id": address, "@type": "skos:Concept", "skos:prefLabel": _words(title)}
    return {**said, "skos:inScheme": {"@id": scheme}} if scheme else said


def _scheme(address: str, title: Text) -> dict[str, Any]:
    return {"@id": address, "@type": "skos:ConceptScheme", "dct:title": _words(title)}


def _languages() -> list[dict[str, Any]]:
    return [_typed(f"{_EU}/language/{code}", "dct:LinguisticSystem") for code in ("ZHO", "ENG")]


def _typed(address: str, kind: str) -> dict[str, Any]:
    return {"@id": address, "@type": kind}


def _words(text: Text) -> list[dict[str, str]]:
    return [{"@value": text.zh, "@language": "zh"}, {"@value": text.en, "@language": "en"}]


def _day(day: str) -> dict[str, str]:
    return {"@value": day, "@type": "xsd:date"}
