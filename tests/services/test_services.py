"""One suite over all services: shape, wiring, screens that resolve, removal, and a new one that passes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.huzhou import EmptyHuzhou, open_huzhou
from yucun.base.errors import DeclarationError
from yucun.city import COCKPITS, SERVICES
from yucun.kernel.examples import read_examples
from yucun.kernel.scaffold import write_service
from yucun.kernel.screens import Screen, read_screens, resolve
from yucun.kernel.service import REQUIRED, SHAPE, Service, read_services

SERVICE_IDS = sorted(path.name for path in SERVICES.iterdir() if (path / "service.toml").is_file())


def screens_of(made: EmptyHuzhou) -> dict[str, Screen]:
    """All screens over some services; none may have a finding."""
    found, findings = read_screens(COCKPITS, made.numbers.indicators)
    for service in made.services.values():
        more, wrong = read_screens(service.folder / "cockpits", made.numbers.indicators, service.id)
        found |= more
        findings += wrong
    assert not findings, [f"{f.where}: {f.message.en}" for f in findings]
    return found


def copy_services(folder: Path, *but: str) -> Path:
    """All services but some, in a folder of their own."""
    ignored = shutil.ignore_patterns("__pycache__")
    home = folder / "services"
    home.mkdir()
    for name in SERVICE_IDS:
        if name not in but:
            shutil.copytree(SERVICES / name, home / name, ignore=ignored)
    return home


def get(name: str) -> Service:
    return open_huzhou().services[name]


def test_there_is_a_service() -> None:
    services, findings = read_services(SERVICES)
    assert not findings, [f"{f.where}: {f.message.en}" for f in findings]
    assert sorted(services) == SERVICE_IDS
    assert "prosperity" in services


def test_no_two_tables_have_one_name() -> None:
    titles = [c.title for service in open_huzhou().services.values() for c in service.contracts]
    for language in ("zh", "en"):
        said = [title.of(language) for title in titles]
        assert sorted({one for one in said if said.count(one) > 1}) == []


@pytest.mark.parametrize("name", SERVICE_IDS)
def test_shape(name: str) -> None:
    names = {path.name for path in (SERVICES / name).iterdir()} - {"__pycache__"}
    assert names <= set(SHAPE)
    assert names >= set(REQUIRED)
    readme = (SERVICES / name / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 60, "one page"
    for words in ("Whom it serves", "rests on", "one number it must move", "will not do"):
        assert words in readme, words


@pytest.mark.parametrize("name", SERVICE_IDS)
def test_every_number_is_defined_in_full(name: str) -> None:
    for indicator in get(name).indicators:
        assert indicator.unit.name
        assert indicator.meaning.zh
        assert indicator.meaning.en
        assert indicator.smallest is not None or indicator.is_open_because.zh
        assert indicator.checks
    assert not get(name).one_number or get(name).one_number in {i.id for i in get(name).indicators}


@pytest.mark.parametrize("name", SERVICE_IDS)
def test_every_tile_resolves_for_every_level(name: str) -> None:
    city = open_huzhou()
    screens = [s for s in city.screens.values() if s.service == name]
    regions = [city.place.region, *(r.code for r in city.regions.children(city.place.region)[:1])]
    regions += [r.code for r in city.regions.ancestors(city.place.region)]
    for screen in screens:
        assert screen.left_out == ()
        for region in regions:
            if region.level not in screen.levels:
                continue
            shown = resolve(screen, city.numbers, region, city.numbers.ask())
            for value in shown.values:
                assert (value.mark is None) == bool(value.shown)
                assert value.mark is None or (value.mark.reason.zh and value.mark.reason.en)
                assert value.mark is None or value.mark.kind != "error", (value.indicator, value.mark)


def test_the_screens_that_span_services_resolve_and_leave_nothing_out() -> None:
    city = open_huzhou()
    for name in ("city", "region", "data_health"):
        assert city.screens[name].left_out == ()
        shown = resolve(city.screens[name], city.numbers, city.place.region, city.numbers.ask())
        assert shown.sections


@pytest.mark.parametrize("name", SERVICE_IDS)
def test_each_service_can_be_removed_and_the_rest_stands(name: str, tmp_path: Path) -> None:
    made = EmptyHuzhou.make(tmp_path, copy_services(tmp_path, name))
    assert name not in made.services
    screens = screens_of(made)
    assert {"city", "region", "data_health"} <= set(screens)
    for screen in screens.values():
        resolve(screen, made.numbers, open_huzhou().place.region, made.numbers.ask())


def test_a_new_service_passes(tmp_path: Path) -> None:
    home = copy_services(tmp_path)
    files = write_service("elder_meals", home)
    assert {f.name for f in files} >= set(REQUIRED)
    made = EmptyHuzhou.make(tmp_path, home)
    service = made.services["elder_meals"]
    assert service.one_number == "elder_meals.reported"
    screen = screens_of(made)["elder_meals.elder_meals"]
    shown = resolve(screen, made.numbers, open_huzhou().place.region, made.numbers.ask())
    assert shown.sentence is not None
    assert not shown.sentence.is_known
    examples, findings = read_examples(home / "elder_meals" / "examples.toml", "elder_meals")
    assert not findings
    assert len(examples) == 1
    for words in ("Whom it serves", "rests on", "one number it must move", "will not do"):
        assert words in (home / "elder_meals" / "README.md").read_text(encoding="utf-8")


def test_a_new_service_needs_a_name_of_its_own(tmp_path: Path) -> None:
    for name in ("Elder", "", "..", "9meals", "elder-meals"):
        with pytest.raises(DeclarationError):
            write_service(name, tmp_path)
    write_service("meals", tmp_path)
    with pytest.raises(DeclarationError) as refused:
        write_service("meals", tmp_path)
    assert refused.value.findings[0].kind == "service.exists"


@pytest.mark.parametrize(
    ("break_it", "kind"),
    [
        (lambda s: (s / "notes.txt").write_text("x"), "service.shape"),
        (lambda s: (s / "README.md").unlink(), "service.shape"),
        (
            lambda s: replace_in(s / "service.toml", 'one_number = "reported"', 'one_number = "nothing"'),
            "service.one_number",
        ),
        (
            lambda s: replace_in(s / "service.toml", 'publishes = ["report"]', 'publishes = ["reports"]'),
            "service.publishes",
        ),
        (lambda s: replace_in(s / "service.toml", "consumes = []", 'consumes = ["nobody.table"]'), "service.consumes"),
        (lambda s: replace_in(s / "service.toml", 'screens = ["meals"]', "screens = []"), "service.screens"),
        (lambda s: replace_in(s / "service.toml", "title =", "titel ="), "declaration.missing"),
        (lambda s: (s / "rules.py").write_text("def gap(rows):\n    return rows.x\n"), "service.rule_date"),
        (
            lambda s: replace_in(s / "indicators.toml", 'table = "report"', 'table = "prosperity.income"'),
            "indicator.unknown_table",
        ),
    ],
)
def test_a_service_of_another_shape_is_refused(tmp_path: Path, break_it: object, kind: str) -> None:
    write_service("meals", tmp_path)
    assert not read_services(tmp_path)[1]
    break_it(tmp_path / "meals")  # type: ignore[operator]
    findings = read_services(tmp_path)[1]
    assert kind in {f.kind for f in findings}, [(f.kind, f.where) for f in findings]
    assert all(f.message.zh and f.message.en and f.where for f in findings)


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_table_published_twice_is_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_service(name, tmp_path)
    replace_in(tmp_path / "one" / "service.toml", "consumes = []", 'consumes = ["two.report"]')
    assert not read_services(tmp_path)[1]
    replace_in(tmp_path / "one" / "service.toml", 'publishes = ["report"]', 'publishes = ["report", "two.report"]')
    assert {"service.consumes", "service.publishes"} <= {f.kind for f in read_services(tmp_path)[1]}


def test_a_service_may_read_what_another_publishes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_service(name, tmp_path)
    replace_in(
        tmp_path / "one" / "indicators.toml", 'denominator = { table = "report"', 'denominator = { table = "two.report"'
    )
    assert "indicator.unknown_table" in {f.kind for f in read_services(tmp_path)[1]}, "not without saying so"
    replace_in(tmp_path / "one" / "service.toml", "consumes = []", 'consumes = ["two.report"]')
    assert not read_services(tmp_path)[1]
