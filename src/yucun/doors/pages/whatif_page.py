"""The what-if page of relief: sliders over the place's own figures, answered over all residents at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from yucun.base.errors import ContractError, Finding, RuleError
from yucun.base.identity import RegionCode
from yucun.base.quantity import UNITS, Rounding, divide
from yucun.base.text import Text
from yucun.city import City
from yucun.doors.api.asking import FORMS
from yucun.doors.api.writing import MEDIA_TYPES, write_csv, write_parquet, write_xlsx
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.drawing import share_of_longest, tick_values
from yucun.doors.pages.rendering import make_address
from yucun.doors.pages.views import (
    EMPTY,
    Bar,
    Bars,
    Column,
    Crumb,
    Download,
    Entry,
    MarkView,
    Notice,
    Opening,
    Option,
    Row,
    Span,
    Table,
)
from yucun.doors.pages.visit import SECURITY_HEADERS, Visit
from yucun.doors.pages.whatif_lab import Gathering, Lab, Superseded, how_far
from yucun.doors.pages.whatif_views import AnswerView, Choice, Curve, Slide, SlideGroup, Tile, WhatIfPage
from yucun.kernel.rules.parameters import Parameters
from yucun.kernel.rules.whatif import Slope
from yucun.services.relief.pages.reading import SIMULATION
from yucun.services.relief.pages.residents import UNKNOWN, Residents
from yucun.services.relief.pages.scenario import (
    NOTHING,
    VERSION,
    Lever,
    Scenario,
    list_versions,
    read_scenario,
    read_setting,
    show_amount,
)
from yucun.services.relief.pages.whatif import (
    COLUMN_TITLES,
    Answer,
    Bench,
    Change,
    Course,
    Example,
    ProgrammeChange,
    explain_cliff,
    tabulate,
)
from yucun.services.relief.planning import parameters_of
from yucun.services.relief.rules import BOOK

ADDRESS = "/service/relief/what-if"
# What an address says beside the scenario.
_BESIDE = frozenset({"members", "disabled", "county", "part", "form", "lang", "theme", "size", "view"})
_HIGH = 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 12.0, 2.0, 12.0, 34.0


# -- what is asked ------------------------------------------------------------------------------------------------------------


def _pack(city: City) -> Parameters:
    return city.work.engine.services["relief"].pack.derive(parameters_of)


def _read(visit: Visit) -> tuple[Scenario, tuple[Notice, ...]]:
    """What the address supposes; what it says wrongly is told, and supposes nothing."""
    pairs = [pair for pair in visit.query if pair[0] not in _BESIDE]
    try:
        return read_scenario(pairs, _pack(visit.city), _day(visit)), ()
    except RuleError as error:
        return NOTHING, tuple(_notice(finding) for finding in error.findings)


def _notice(finding: Finding) -> Notice:
    return Notice(finding.message, finding.where, "bad")


def _day(visit: Visit) -> date:
    return visit.city.clock.today().replace(day=1)


def _read_example(visit: Visit) -> tuple[Example, tuple[Notice, ...]]:
    text, most = visit.get("members") or "1", read_setting().most_members
    is_disabled = visit.get("disabled") == "1"
    if text.isdecimal() and 1 <= int(text) <= most:
        return Example(int(text), is_disabled), ()
    said = words().fill("whatif.bad_members", text=text[:20], most=most)
    return Example(1, is_disabled), (Notice(said, "members", "bad"),)


# -- the page -----------------------------------------------------------------------------------------------------------------


def make_whatif_page(visit: Visit, lab: Lab) -> tuple[WhatIfPage, int]:
    """The page and its status: 200; 422 where something was asked wrongly; 202 while the residents are gathered."""
    lab.admit(visit.reader)
    scenario, notices = _read(visit)
    example, wrong = _read_example(visit)
    notices += wrong
    found = lab.find()
    answer, course, bench = None, None, None
    if isinstance(found, Bench):
        bench = found
        answer, course = lab.ask(visit.reader, bench, scenario, example)
    city, catalogue, pack = visit.city, words(), _pack(visit.city)
    service = city.services["relief"].title
    title = catalogue["whatif.title"]
    kicker = Text(f"{service.zh} · {title.zh}", f"{service.en} · {title.en}")
    lead = catalogue["whatif.lead"]
    rests = EMPTY
    if bench is not None:
        rests = catalogue.fill(
            "whatif.rests",
            persons=f"{bench.residents.persons:,}",
            households=f"{bench.residents.households:,}",
            month=bench.residents.month.title,
            unknown=UNKNOWN,
        )
    kept = [pair for pair in visit.query if pair[0] in ("members", "disabled", "county")]
    page = WhatIfPage(
        opening=Opening(kicker, catalogue["whatif.question"], (Span(lead),)),
        trail=(
            Crumb(catalogue["nav.services"], "/service"),
            Crumb(service, "/service/relief"),
        ),
        note=SIMULATION if pack.is_simulation_only else EMPTY,
        rests=rests,
        groups=_groups(pack, scenario, visit),
        choices=_choices(pack, scenario),
        members=tuple(
            Option(str(n), catalogue.fill("whatif.people", n=n), n == example.members)
            for n in range(1, read_setting().most_members + 1)
        ),
        is_disabled=example.is_disabled,
        county=visit.get("county"),
        answer=_answer(visit, bench.residents, pack, answer, course) if answer and course and bench else None,
        reset=make_address(ADDRESS, kept),
        has_version=bool(scenario.versions),
        notices=notices,
        step=found.step if isinstance(found, Gathering) else EMPTY,
        percent=how_far(found) if isinstance(found, Gathering) else 100,
    )
    return page, 422 if notices else 202 if bench is None else 200


def _groups(pack: Parameters, scenario: Scenario, visit: Visit) -> tuple[SlideGroup, ...]:
    found = []
    for number, group in enumerate(read_setting().groups):
        slides = tuple(_slide(lever, pack, scenario, visit) for lever in group.levers)
        found.append(SlideGroup(group.title, slides, number == 0 or any(one.is_set for one in slides)))
    return tuple(found)


def _slide(lever: Lever, pack: Parameters, scenario: Scenario, visit: Visit) -> Slide:
    day, per = _day(visit), lever.per_shown(pack)
    value, now = lever.find_value(pack, day), lever.find(pack, day)
    item = pack.items[lever.parameter]
    # Where no document gave a figure, what the pack says of its absence is its source.
    rests = value or item.values[-1]
    aim = scenario.figures.get(lever.name, now)
    return Slide(
        name=lever.name,
        title=lever.title(pack),
        unit=UNITS[item.unit].title,
        low=show_amount(lever.low, per),
        high=show_amount(lever.high, per),
        step=show_amount(lever.step, per),
        now="" if now is None else show_amount(now, per),
        value="" if aim is None else show_amount(aim, per),
        evidence=rests.evidence,
        source=rests.source,
        is_set=lever.name in scenario.figures,
        is_yes_or_no=lever.is_yes_or_no(pack, day),
    )


def _choices(pack: Parameters, scenario: Scenario) -> tuple[Choice, ...]:
    found = []
    for variable, versions in list_versions().items():
        now = pack.choices.get(variable, "")
        chosen = scenario.versions.get(variable, now)
        options = tuple(Option(one.name, one.title, one.name == chosen) for one in versions)
        title = BOOK.get(variable).title
        found.append(Choice(f"{VERSION}{variable}", title, options, now, variable in scenario.versions))
    return tuple(found)


# -- the answer ---------------------------------------------------------------------------------------------------------------


def _answer(visit: Visit, residents: Residents, pack: Parameters, answer: Answer, course: Course) -> AnswerView:
    kept = [pair for pair in visit.query if pair[0] not in ("part", "form", "lang", "theme", "size", "view")]
    downloads = tuple(
        Download({"parquet": "Parquet"}.get(form, form.upper()), make_address(f"{ADDRESS}/table", kept, form=form))
        for form in FORMS
    )
    return AnswerView(
        sentence=_sentence(answer),
        supposed=_supposed(pack, answer.scenario, visit),
        tiles=_tiles(answer),
        bins=_bins(answer),
        programmes=_programmes(answer),
        places=_places(visit, answer),
        groups=tuple(
            _group_table(residents.groups[name].title, name, changes) for name, changes in answer.groups.items()
        ),
        curve=_curve(course),
        cliffs=tuple(explain_cliff(one) for one in course.after.cliffs),
        cliffs_before=tuple(explain_cliff(one) for one in course.before.cliffs),
        downloads=downloads,
        hidden_why=_hidden().reason,
    )


def _sentence(answer: Answer) -> Text:
    catalogue = words()
    effect = answer.whole.effect
    if answer.scenario.is_empty:
        return catalogue.fill("whatif.today", yuan=_yuan(effect.before), n=f"{answer.whole.receiving[0]:,}")
    if answer.whole.hides("cost"):
        return catalogue["whatif.few"]
    kind = "more" if effect.cost > 0 else "less" if effect.cost < 0 else "same"
    return catalogue.fill(
        f"whatif.{kind}",
        month=_yuan(abs(effect.cost)),
        year=_yuan(abs(answer.year_cost_fen)),
        winners=_count(answer.whole, "winners", effect.winners),
        losers=_count(answer.whole, "losers", effect.losers),
    )


def _count(whole: Change, figure: str, count: int) -> Text:
    under = words().fill("whatif.under", n=read_setting().smallest_cell)
    return under if whole.hides(figure) else Text.same(f"{count:,}")


def _supposed(pack: Parameters, scenario: Scenario, visit: Visit) -> tuple[tuple[Text, str, str], ...]:
    found = []
    for name, kept in scenario.figures.items():
        lever = read_setting().levers[name]
        now, per = lever.find(pack, _day(visit)), lever.per_shown(pack)
        unit = UNITS[pack.items[lever.parameter].unit].title.of(visit.language)
        was = words()["whatif.unknown"].of(visit.language) if now is None else f"{show_amount(now, per)} {unit}"
        found.append((lever.title(pack), was.strip(), f"{show_amount(kept, per)} {unit}".strip()))
    versions = list_versions()
    for variable, chosen in scenario.versions.items():
        said = {one.name: one.title.of(visit.language) for one in versions[variable]}
        found.append((BOOK.get(variable).title, said[pack.choices.get(variable, "")], said[chosen]))
    return tuple(found)


def _tiles(answer: Answer) -> tuple[Tile, ...]:
    catalogue, whole = words(), answer.whole
    yuan, homes = UNITS["fen"].title, UNITS["household"].title
    effect = whole.effect
    was = catalogue.fill("whatif.was", before=_yuan(effect.before), after=_yuan(effect.after))
    change = whole.receiving[1] - whole.receiving[0]
    then = catalogue.fill("whatif.was_homes", before=f"{whole.receiving[0]:,}", change=f"{change:+,}")
    shares = [
        catalogue.fill("whatif.of_all", share=_share(n, effect.households)) for n in (effect.winners, effect.losers)
    ]

    def tile(key: str, hidden_by: str, shown: str, unit: Text, note: Text) -> Tile:
        return Tile(catalogue[f"whatif.{key}"], shown, unit, note, _hidden() if whole.hides(hidden_by) else None)

    return (
        tile("cost_month", "cost", _signed(effect.cost), yuan, EMPTY if whole.hides("amounts") else was),
        tile("cost_year", "cost", _signed(answer.year_cost_fen), yuan, catalogue["whatif.year_said"]),
        tile("receiving", "receiving", f"{whole.receiving[1]:,}", homes, then),
        tile("winners", "winners", f"{effect.winners:,}", homes, shares[0]),
        tile("losers", "losers", f"{effect.losers:,}", homes, shares[1]),
    )


def _share(part: int, whole: int) -> str:
    bp = divide(part * 10_000, max(whole, 1), Rounding.HALF_UP)
    return f"{bp // 100}.{bp % 100:02d}"


def _hidden() -> MarkView:
    return MarkView("hidden", words().fill("whatif.hidden_why", n=read_setting().smallest_cell))


def _not_known(finding: Finding | None) -> MarkView:
    return MarkView("not_known", finding.message if finding else EMPTY)


def _bins(answer: Answer) -> Bars:
    catalogue = words()
    shown = [one for one in answer.bins if one.low != 0]
    shares = share_of_longest([None if one.is_hidden else float(one.households) for one in shown])
    bars = tuple(
        Bar(
            _bin_title(one.low, one.high),
            f"{one.households:,}",
            share,
            mark=_short_hidden() if one.is_hidden else None,
        )
        for one, share in zip(shown, shares, strict=True)
        if one.is_hidden or one.households
    )
    effect = answer.whole.effect
    said = EMPTY if answer.whole.hides("cost") else catalogue.fill("whatif.bins_said", same=f"{effect.same:,}")
    return Bars(catalogue["whatif.bins"], bars, said)


def _short_hidden() -> MarkView:
    return MarkView("hidden", EMPTY)


def _bin_title(low: int | None, high: int | None) -> Text:
    catalogue = words()
    if low is None and high is not None:
        return catalogue.fill("whatif.lose_over", yuan=_plain(-high))
    if high is None and low is not None:
        return catalogue.fill("whatif.gain_over", yuan=_plain(low))
    assert low is not None and high is not None
    if high <= 0:
        return catalogue.fill("whatif.lose", low=_plain(-high), high=_plain(-low))
    return catalogue.fill("whatif.gain", low=_plain(low), high=_plain(high))


def _plain(fen: int) -> str:
    return "0" if fen == 1 else show_amount(fen, 100)


def _programmes(answer: Answer) -> Table:
    catalogue = words()
    keys = ("programme", "homes_now", "homes_then", "now", "then", "cost")
    columns = tuple(Column(catalogue[f"whatif.{key}"], is_number=key != "programme") for key in keys)
    rows = tuple(Row(_programme_row(one, answer)) for one in answer.programmes)
    return Table(catalogue["whatif.by_programme"], columns, rows, len(rows), name="programmes")


def _programme_row(one: ProgrammeChange, answer: Answer) -> tuple[Entry, ...]:
    head = Entry(one.programme.title)
    if one.is_hidden:
        return (head, Entry(mark=_hidden(), href="#why-hidden"), *(Entry(Text.same("—")) for _ in range(4)))
    missing = Entry(mark=_not_known(answer.missing.get(one.programme.name)), href="#levers")
    homes = [Entry(Text.same(f"{n:,}")) if n is not None else missing for n in one.receiving]
    if not one.programme.amount:
        return (head, *homes, *(Entry(Text.same("—")) for _ in range(3)))
    sums = [Entry(_yuan(n)) if n is not None else missing for n in (one.before_fen, one.after_fen)]
    cost = Entry(Text.same("—"))
    if one.after_fen is not None:
        cost = Entry(_signed_text(one.after_fen - (one.before_fen or 0)))
    return (head, *homes, *sums, cost)


def _change_columns(first: Text) -> tuple[Column, ...]:
    catalogue = words()
    keys = ("households", "homes_now", "homes_then", "winners_short", "losers_short", "cost")
    return (Column(first), *(Column(catalogue[f"whatif.{key}"], is_number=True) for key in keys))


def _change_row(one: Change, title: Entry) -> Row:
    effect, hidden = one.effect, Entry(mark=_hidden(), href="#why-hidden")
    figures = (
        ("households", f"{effect.households:,}"),
        ("receiving", f"{one.receiving[0]:,}"),
        ("receiving", f"{one.receiving[1]:,}"),
        ("winners", f"{effect.winners:,}"),
        ("losers", f"{effect.losers:,}"),
        ("cost", _signed(effect.cost)),
    )
    return Row((title, *(hidden if one.hides(name) else Entry(Text.same(shown)) for name, shown in figures)))


def _group_table(title: Text, name: str, changes: Sequence[Change]) -> Table:
    rows = tuple(_change_row(one, Entry(one.title)) for one in changes)
    return Table(EMPTY, _change_columns(title), rows, len(rows), name=f"by-{name}")


def _places(visit: Visit, answer: Answer) -> Table:
    """Counties, or the towns of the county that was asked for."""
    catalogue, regions = words(), visit.city.regions
    asked = visit.get("county")
    within = (
        next((c for c in answer.places if c.code.startswith(asked) and c.code[6:9] == "000"), None) if asked else None
    )
    rows = []
    if within is None:
        for one in answer.places:
            if one.code[6:9] == "000":
                code = RegionCode(one.code)
                rows.append(_change_row(one, Entry(regions.get(code).name, visit.link(county=code.short, part=None))))
    else:
        head = regions.get(RegionCode(within.code)).name
        back = Text(
            f"{head.zh}（{catalogue['whatif.all_counties'].zh}）", f"{head.en} ({catalogue['whatif.all_counties'].en})"
        )
        rows.append(_change_row(within, Entry(back, visit.link(county=None, part=None))))
        rows += [
            _change_row(one, Entry(regions.get(RegionCode(one.code)).name))
            for one in answer.places
            if one.code[:6] == within.code[:6] and one.code[6:9] != "000"
        ]
    return Table(
        catalogue["whatif.by_place"],
        _change_columns(catalogue["whatif.place"]),
        tuple(rows),
        len(rows),
        name="by-place",
    )


def _curve(course: Course) -> Curve:
    """Income and what is left, in yuan a month; a cliff is marked where it begins."""
    catalogue = words()
    slopes = (course.before, course.after)
    top_x = divide(course.after.income[-1], 12, Rounding.UP)
    top_y = max(divide(n, 12, Rounding.UP) for slope in slopes for n in slope.left)
    x_values, y_values = tick_values(0, top_x / 100, 5), tick_values(0, top_y / 100, 4)
    wide, high = float(top_x), y_values[-1] * 100

    def at_x(fen_12m: int) -> float:
        return round(_LEFT + (100 - _LEFT - _RIGHT) * fen_12m / 12 / wide, 2)

    def at_y(fen_12m: int) -> float:
        return round(_HIGH - _BOTTOM - (_HIGH - _TOP - _BOTTOM) * fen_12m / 12 / high, 1)

    def path(slope: Slope) -> str:
        return "M" + "L".join(f"{at_x(x)} {at_y(y)}" for x, y in zip(slope.income, slope.left, strict=True))

    places = {income: n for n, income in enumerate(course.after.income)}
    cliffs = tuple(
        (at_x(one.below), at_y(course.after.left[places[one.below]]), explain_cliff(one)) for one in course.after.cliffs
    )
    line = course.after.income
    rise = f"M{at_x(0)} {at_y(0)}L{at_x(line[-1])} {at_y(line[-1])}"
    said = catalogue.fill(
        "whatif.curve_said",
        people=course.example.members,
        disabled=catalogue["whatif.with_disabled" if course.example.is_disabled else "whatif.without_disabled"],
        step=_yuan(divide(line[1], 12, Rounding.HALF_UP)),
        most=f"{max(course.after.taken_bp) / 100:,.0f}",
    )
    return Curve(
        path(course.before),
        path(course.after),
        rise,
        tuple((at_x(int(v * 1200)), f"{v:,.0f}") for v in x_values if v * 100 <= wide),
        tuple((at_y(int(v * 1200)), f"{v:,.0f}") for v in y_values),
        cliffs,
        said,
    )


def _yuan(fen: int) -> Text:
    return Text.same(f"{'−' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}")


def _signed(fen: int) -> str:
    return f"{'−' if fen < 0 else '+' if fen > 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def _signed_text(fen: int) -> Text:
    return Text.same(_signed(fen))


# -- as a file ----------------------------------------------------------------------------------------------------------------


def _write(visit: Visit, lab: Lab) -> Response[bytes]:
    lab.admit(visit.reader)
    scenario, notices = _read(visit)
    form = visit.get("form") or "csv"
    if notices or form not in FORMS:
        said = notices[0].text if notices else words().fill("whatif.bad_form", form=form[:20], forms=", ".join(FORMS))
        raise ContractError(Finding("relief.whatif_table", f"{ADDRESS}/table", form[:60], ", ".join(FORMS), said))
    found = lab.find()
    if isinstance(found, Gathering):
        raise ContractError(
            Finding("relief.whatif_waiting", ADDRESS, f"{how_far(found)} %", "100 %", words()["whatif.waiting"])
        )
    answer, _ = lab.ask(visit.reader, found, scenario, Example())
    regions, language = visit.city.regions, visit.language
    table = tabulate(answer, lambda code: regions.get(RegionCode(code)).name)
    about: list[tuple[Text, str]] = [(words()["whatif.title"], visit.link(form=None))]
    if _pack(visit.city).is_simulation_only:
        about.append((Text("说明", "note"), SIMULATION.of(language)))
    content = {
        "csv": lambda: write_csv(table),
        "parquet": lambda: write_parquet(table),
        "xlsx": lambda: write_xlsx(table, words()["whatif.title"].of(language), COLUMN_TITLES, about, language),
        "json": lambda: _write_json(table.to_pylist(), about),
    }[form]()
    headers = {**SECURITY_HEADERS, "Content-Disposition": f'attachment; filename="relief-what-if.{form}"'}
    return Response(content, media_type=f"{MEDIA_TYPES[form]}", headers=headers)


def _write_json(rows: Sequence[Mapping[str, object]], about: Sequence[tuple[Text, str]]) -> bytes:
    said = {head.en: text for head, text in about}
    return json.dumps({"about": said, "rows": list(rows)}, ensure_ascii=False).encode()


# -- routes -------------------------------------------------------------------------------------------------------------------


def make_whatif_handlers(lab: Lab) -> list[HTTPRouteHandler]:
    """The routes of the what-if page."""

    @get(ADDRESS, include_in_schema=False, sync_to_thread=True)
    def show_whatif(visit: NamedDependency[Visit]) -> Response[str]:
        """The page, or the answer alone where a script asks for it."""
        try:
            page, status = make_whatif_page(visit, lab)
        except Superseded:
            return Response("", status_code=409, media_type="text/html", headers=SECURITY_HEADERS)
        template = "whatif_part.html" if visit.get("part") == "answer" and page.answer else "whatif.html"
        return visit.answer(template, "services", status=status, page=page)

    @get(f"{ADDRESS}/table", include_in_schema=False, sync_to_thread=True)
    def send_whatif(visit: NamedDependency[Visit]) -> Response[bytes]:
        """What is shown, as a file."""
        try:
            return _write(visit, lab)
        except Superseded:
            return Response(b"", status_code=409, media_type="text/plain", headers=SECURITY_HEADERS)

    return [show_whatif, send_whatif]
