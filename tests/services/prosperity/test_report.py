"""The report: no sentence without its number, each number the city's own, both languages, years, and an A4 file."""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pytest
from pypdf import PdfReader

from tests.huzhou import open_huzhou
from tests.services.prosperity.test_city_index import HUZHOU, SCORES, fitted, sight
from yucun.base.errors import NotKnown
from yucun.base.text import LANGUAGES, Language
from yucun.services.prosperity.pages.layout import Report
from yucun.services.prosperity.pages.levers import Bench
from yucun.services.prosperity.pages.report import list_years, make_report
from yucun.services.prosperity.pages.sentences import WORDS, Sentence, Slot, say, wordings
from yucun.services.prosperity.pages.tasks import LIGHTS, gather_rows, make_tree
from yucun.services.prosperity.pages.typeset import typeset

YEARS = (2021, 2018, 2015)
PLACE = re.compile(r"\{[a-z_]+\}")


@cache
def rows(table: str) -> Sequence[Mapping[str, Any]]:
    city = open_huzhou()
    return gather_rows(lambda **page: city.rows(table, **page))


@cache
def report(year: int = 2021) -> Report:
    return make_report(sight(), HUZHOU, year, open_huzhou().clock.today(), rows)


@cache
def printed(language: Language) -> bytes:
    city = open_huzhou()
    return typeset(report(), city.place.sources, language, city.last_seq(), is_simulated=True)


@cache
def read_back(language: Language) -> tuple[list[str], str]:
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(printed(language))).pages]
    return pages, squeeze("".join(pages))


def squeeze(text: str) -> str:
    """Without spaces and line ends, which a PDF sets anew."""
    return re.sub(r"\s+", "", text)


def worked_out() -> dict[str, str]:
    """Every number that a sentence works out, had again another way."""
    index, wide, city = fitted(), fitted("pace", "output"), open_huzhou()
    at = index.run.index.place_of("330500")
    placed = index.uncertainty.placed[:, at]
    scores = sorted(SCORES.values(), reverse=True)
    lows, highs = (index.uncertainty.quantile(q) for q in (0.05, 0.95))
    overlaps = sum(lows[n] <= highs[at] and lows[at] <= highs[n] for n in range(len(index.cities))) - 1
    ratios = [city.value("prosperity.urban_rural_ratio", c, index.inputs[0].period).number or 0 for c in index.cities]
    levers = {lever.code: lever for lever in Bench(sight(), index, HUZHOU).levers()}
    best = levers["income_rural"].outcome
    assert best is not None
    tree = make_tree(rows("prosperity.task"), sight(), city.clock.today())
    lights = [t.light for root in tree.roots for t in root.walk() if not t.children]
    claims = [r for r in rows("prosperity.press") if r["period"] in (None, "", "2021")]
    return {
        "cities": "11", "ratio.rank": str(sorted(ratios).index(ratios[at]) + 1),
        "index.count": "3", "index.score": f"{SCORES['湖州']:.2f}", "index.rank": str(scores.index(SCORES["湖州"]) + 1),
        "index.replications": f"{len(placed):,}", "index.low": str(int(sorted(placed)[50])),
        "index.high": str(int(sorted(placed)[949])), "index.overlaps": str(overlaps),
        "index.share": f"{100 * max(index.shares.first):.0f}",
        "wide.count": "6", "wide.rank": str(int(wide.run.index.rank[wide.run.index.place_of('330500')])),
        "lever.aim.income_rural": f"{28922 * 1.071:,.0f}", "lever.chance.income_rural": f"{100 * best.chance:.0f}",
        "counties.known": "4", "tasks.all": str(len(lights)),
        **{f"tasks.{light}": str(lights.count(light)) for light in LIGHTS},
        "tasks.unnamed": "24", "tasks.uncounted": "2", "gaps.all": "5", "gaps.known": "1", "gaps.unknown": "4",
        "press.all": str(len(claims)), "press.beside": "3", "press.agree": "3",
    }  # fmt: skip


def check_number(slot: Slot, again: Mapping[str, str]) -> None:
    city = open_huzhou()
    if slot.kind == "value":
        assert slot.region is not None
        value = city.value(slot.indicator, slot.region, slot.period)
        assert value.mark is None
        assert (slot.shown.zh, slot.shown.en, slot.evidence) == (value.shown, value.shown, value.evidence)
    elif slot.kind == "claim":
        tables = ("prosperity.published", "prosperity.press")
        said = [r for t in tables for r in rows(t) if (r["_file"], r["_record"]) == (slot.file, slot.record)]
        assert [str(r["value"]).lstrip("-") for r in said] == [slot.shown.zh]
    else:
        assert (slot.shown.zh, slot.shown.en) == (again[slot.what],) * 2, slot.what


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_without_its_number_and_each_number_is_the_citys(language: Language) -> None:
    again = worked_out()
    assert len(report().sentences) == 25
    for sentence in report().sentences:
        assert sentence.numbers, sentence.name
        fixed = "".join(p for p in sentence.pieces(language) if isinstance(p, str))
        assert not re.search(r"[0-9０-９]", fixed), f"{sentence.name}: a number outside its place: {fixed}"
        spoken = sentence.of(language)
        for slot in sentence.numbers:
            assert slot.shown.of(language) in spoken
            check_number(slot, again)


@pytest.mark.parametrize("year", YEARS)
def test_what_a_year_does_not_know_is_not_said(year: int) -> None:
    made = report(year)
    assert made.sections
    for sentence in made.sentences:
        for slot in (s for s in sentence.numbers if s.kind == "value"):
            assert slot.period is not None
            assert slot.period.end.year <= year
    names = {section.name for section in made.sections}
    assert ("index" in names) == (year == 2021)
    assert ("tasks" in names) == (year == 2021), "the tree is of today"


def test_every_wording_has_the_same_places_in_both_languages_and_no_number_of_its_own() -> None:
    for name, text in wordings().items():
        assert set(PLACE.findall(text.zh)) == set(PLACE.findall(text.en)), name
        if name.startswith("say."):
            assert PLACE.search(text.zh), name
            assert not re.search("[0-9]", text.zh + text.en), name
    assert len(tomllib.loads(WORDS.read_text(encoding="utf-8"))["say"]) > 30


def test_conditions_choose_the_wording() -> None:
    said = {s.name for s in report().sentences}
    assert {"ratio_fell", "ratio_below", "growth_faster", "feelings_above", "index_no_rank", "theil_within"} <= said
    assert not {"ratio_rose", "ratio_above", "growth_slower", "feelings_not_above", "index_is_rank"} & said


def test_a_place_that_is_not_filled_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match=r"say\.ratio"):
        say("ratio")


def test_an_unknown_year_names_the_years_that_are_known() -> None:
    assert tuple(list_years(sight(), HUZHOU)) == YEARS
    with pytest.raises(NotKnown) as refused:
        report(1999)
    assert "2021" in refused.value.findings[0].message.en


def test_sources_are_those_of_the_numbers() -> None:
    known = open_huzhou().place.sources
    assert set(report().sources) <= set(known)
    assert {"people-net-2022-01-25", "lishui-monthly-2020-11", "huzhou-feature-2022-05"} <= set(report().sources)
    assert report(2015).sources == ("zhejiang-yearbook-2016",)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_file_reads_back_every_heading_sentence_and_number(language: Language) -> None:
    pages, text = read_back(language)
    for section in report().sections:
        assert squeeze(section.title.of(language)) in text
        for sentence in section.sentences:
            for slot in sentence.numbers:
                assert squeeze(slot.shown.of(language)) in text
            for piece in (p for p in sentence.pieces(language) if isinstance(p, str)):
                # A line may break inside a word of English; whatever stands between numbers is there all the same.
                assert squeeze(piece).replace("-", "") in text.replace("-", ""), piece
        for grid in section.grids:
            assert squeeze(grid.title.of(language)) in text
    for at, page in enumerate(pages, start=1):
        assert squeeze(f"{at}/{len(pages)}") in squeeze(page), "each page says which it is"
    for city in SCORES if language == "zh" else ("Jiaxing", "Lishui"):
        assert city in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_file_is_a4_with_its_fonts_inside_contents_and_title(language: Language) -> None:
    reader = PdfReader(io.BytesIO(printed(language)))
    assert {(round(float(p.mediabox.width)), round(float(p.mediabox.height))) for p in reader.pages} == {(595, 842)}
    fonts: dict[str, bool] = {}
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():  # type: ignore[index]
            below = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            fonts[str(below["/FontName"])] = any(key.startswith("/FontFile") for key in below)
    assert all(fonts.values())
    assert any("NotoSerifCJK" in name for name in fonts)
    assert all(re.match(r"/[A-Z]{6}\+", name) for name in fonts), "only the letters that are used"
    assert reader.metadata is not None
    assert "2021" in str(reader.metadata.title)
    assert len(reader.outline) == len(report().sections) + 3
    assert len(printed(language)) < 1_000_000


def test_press_figures_are_marked_and_stand_beside_ours() -> None:
    section = next(s for s in report().sections if s.name == "press")
    (grid,) = section.grids
    for row in grid.rows:
        assert row[1].evidence == "press"
        assert row[2].slot is not None
        assert row[2].slot.kind == "value"
    assert next(s for s in report().sentences if s.name == "feelings_above").numbers[0].evidence == "press"


def test_a_machine_without_the_fonts_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from yucun.base.errors import PlaceError  # noqa: PLC0415
    from yucun.services.prosperity.pages import typeset as module  # noqa: PLC0415

    monkeypatch.setattr(module, "FONTS", (("No Such Font",),))
    with pytest.raises(PlaceError) as refused:
        typeset(report(), open_huzhou().place.sources, "zh", 1)
    assert "fonts-noto-cjk" in refused.value.findings[0].message.zh


def test_a_sentence_reads_the_same_as_its_pieces() -> None:
    for sentence in report().sentences:
        assert isinstance(sentence, Sentence)
        for language in LANGUAGES:
            joined = "".join(p if isinstance(p, str) else p.shown.of(language) for p in sentence.pieces(language))
            assert joined == sentence.of(language)
            assert "{" not in joined
