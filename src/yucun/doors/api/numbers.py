"""Numbers over HTTP: indicators, one value, a series, a comparison, why, and what a record moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from yucun.base.text import Text
from yucun.doors.api import parameters as ask
from yucun.doors.api.asking import FORMS, Asked, Done, Operation, Parameter, Sheet
from yucun.doors.api.flat import VALUE_COLUMNS, flatten_shapes, flatten_values
from yucun.doors.api.shapes import (
    ChainShape,
    IndicatorShape,
    IndicatorsShape,
    TraceShape,
    ValueShape,
    ValuesShape,
    shape_chain,
    shape_indicator,
    shape_trace,
    shape_value,
)

if TYPE_CHECKING:
    from yucun.city import City
    from yucun.kernel.indicators.model import Chain, Indicator, Value
    from yucun.kernel.lake.model import Landing

SHELF = "numbers"
_HASH = "^[0-9a-f]{64}$"


def list_operations(city: City) -> list[Operation]:
    """All operations about numbers."""
    return [*_definitions(city), *_over_places(city), *_one_number(city), _tracing(city)]


def _definitions(city: City) -> list[Operation]:
    services = ask.choose_code("service", Text("只看某一服务", "only those of one service"), sorted(city.services))
    return [
        Operation(
            "listIndicators",
            "GET",
            "/api/indicators",
            SHELF,
            Text("全部指标", "All indicators"),
            list_indicators,
            IndicatorsShape,
            parameters=(_words(), services, ask.choose_form()),
            forms=FORMS,
        ),
        Operation(
            "getIndicator",
            "GET",
            "/api/indicators/{indicator}",
            SHELF,
            Text("一个指标的定义", "What one indicator means"),
            get_indicator,
            IndicatorShape,
            parameters=(ask.choose_indicator(city, "path"),),
        ),
    ]


def _over_places(city: City) -> list[Operation]:
    indicator, within = ask.choose_indicator(city, "path"), Text("只看某地之内", "only within a region")
    seen = (ask.choose_moment(city), ask.choose_purpose(city), ask.choose_form())
    return [
        Operation(
            "getSeries",
            "GET",
            "/api/indicators/{indicator}/series",
            SHELF,
            Text("一地随时间的变化", "One place through time"),
            get_series,
            ValuesShape,
            Text(
                "各期逐一给出；`period_kind` 不同的不可连成一条趋势。",
                "Every period; those of different `period_kind` never form one trend.",
            ),
            (indicator, ask.choose_region(city), *seen),
            FORMS,
            problems=(404, 409),
        ),
        Operation(
            "compare",
            "GET",
            "/api/indicators/{indicator}/compare",
            SHELF,
            Text("同一时期各地并列", "Places side by side in one period"),
            compare,
            ValuesShape,
            parameters=(
                indicator,
                replace(ask.choose_period(), required=True),
                replace(ask.choose_level(), required=True),
                ask.choose_region(city, "within", required=False, meaning=within),
                *seen,
            ),
            forms=FORMS,
            problems=(404, 409),
        ),
    ]


def _one_number(city: City) -> list[Operation]:
    asked = (ask.choose_region(city), ask.choose_period(), ask.choose_moment(city), ask.choose_purpose(city))
    return [
        Operation(
            "why",
            "GET",
            "/api/indicators/{indicator}/why",
            SHELF,
            Text("这个数从哪里来", "Where a number comes from"),
            why,
            ChainShape,
            Text(
                "定义、组成、记录、文件、核对，以及它又影响哪些数。",
                "Definition, parts, records, files, checks, and what else it moves.",
            ),
            (ask.choose_indicator(city, "path"), *asked),
            problems=(404,),
        ),
        Operation(
            "getValue",
            "GET",
            "/api/values",
            SHELF,
            Text("一个数", "One number"),
            get_value,
            ValueShape,
            Text(
                "没有数时给出标记与原因，从不报错；不写 period 即最近一期。",
                "Where there is no number, a mark and its reason stand in its place. Without a period: the newest.",
            ),
            (ask.choose_indicator(city), *asked),
            problems=(404,),
        ),
    ]


def _tracing(city: City) -> Operation:
    whole = {"type": "integer", "minimum": 1, "maximum": 10**12}
    return Operation(
        "trace",
        "GET",
        "/api/trace/{file}/{record}",
        SHELF,
        Text("一条记录影响了哪些数", "Which numbers a record moved"),
        trace,
        TraceShape,
        parameters=(
            ask.choose_key("file", Text("送来的文件的 SHA-256", "SHA-256 of the file that was sent"), _HASH, "0" * 64),
            Parameter("record", "path", Text("记录号", "record number"), whole, example=1, required=True),
            ask.choose_moment(city),
            ask.choose_purpose(city),
        ),
    )


def _words() -> Parameter:
    return ask.choose_words(
        "q", Text("编号、名称或含义中的字", "words of the id, the title or the meaning"), example="income"
    )


def list_indicators(asked: Asked) -> Sheet:
    """All indicators, or those that say certain words."""
    words, service = (asked.get("q") or "").lower().split(), asked.get("service")
    found = [i for i in asked.city.indicators.values() if _says(i, words) and service in (None, i.service)]
    shapes = [shape_indicator(i) for i in sorted(found, key=lambda i: i.id)]
    return Sheet(
        "indicators", lambda: flatten_shapes(shapes, IndicatorShape), lambda: IndicatorsShape(shapes), about(asked)
    )


def _says(indicator: Indicator, words: Sequence[str]) -> bool:
    said = " ".join((indicator.id, indicator.title.zh, indicator.title.en, indicator.meaning.zh, indicator.meaning.en))
    return all(word in said.lower() for word in words)


def get_indicator(asked: Asked) -> Done:
    """What one indicator means."""
    return Done(shape_indicator(asked.city.indicators[asked.get("indicator")]))


def _seen(asked: Asked) -> dict[str, Any]:
    """As of when, by whom, and for which purpose."""
    return {"as_of": asked.get("as_of"), "reader": asked.reader, "purpose": asked.get("purpose") or ""}


def get_value(asked: Asked) -> Done:
    """One number or its mark."""
    value = asked.city.value(asked.get("indicator"), asked.get("region"), asked.get("period"), **_seen(asked))
    return Done(shape_value(value))


def get_series(asked: Asked) -> Sheet:
    """One place through time."""
    indicator, region = asked.get("indicator"), asked.get("region")
    values = asked.city.series(indicator, region, **_seen(asked))
    return _values(asked, f"{indicator}-{region.short}", values)


def compare(asked: Asked) -> Sheet:
    """Places side by side."""
    indicator, period = asked.get("indicator"), asked.get("period")
    values = asked.city.compare(indicator, period, asked.get("level"), asked.get("within"), **_seen(asked))
    return _values(asked, f"{indicator}-{period.text}", values)


def _values(asked: Asked, name: str, values: Sequence[Value]) -> Sheet:
    indicator = asked.city.indicators[asked.get("indicator")]
    said = [
        (Text("指标", "indicator"), indicator.title.of(asked.language)),
        (Text("含义", "meaning"), indicator.meaning.of(asked.language)),
    ]
    return Sheet(
        name,
        lambda: flatten_values(asked.city, values),
        lambda: ValuesShape([shape_value(v) for v in values]),
        (*said, *about(asked)),
        VALUE_COLUMNS,
    )


def why(asked: Asked) -> Done:
    """The chain behind a number."""
    chain = asked.city.why(asked.get("indicator"), asked.get("region"), asked.get("period"), **_seen(asked))
    return Done(shape_chain(chain, landings_of(asked.city, chain)))


def landings_of(city: City, chain: Chain) -> list[Landing]:
    """How the files behind a number came, oldest first."""
    found = [landing for file in chain.files if (landing := city.landing_of(file)) is not None]
    return sorted(found, key=lambda landing: landing.seq)


def trace(asked: Asked) -> Done:
    """What a record moved."""
    return Done(shape_trace(asked.city.trace(asked.get("file"), asked.get("record"), **_seen(asked))))


def about(asked: Asked) -> tuple[tuple[Text, str], ...]:
    """What an Excel file says of where it comes from."""
    city = asked.city
    return (
        (Text("地方", "place"), city.regions.get(city.place.region).name.of(asked.language)),
        (Text("取自", "taken from"), asked.path),
        (
            Text("城市日期", "day of the city"),
            city.clock.today().isoformat() + (" *" if city.clock.is_simulated else ""),
        ),
        (
            Text("按当时所知（日志序号）", "as of (journal seq)"),
            str(asked.get("as_of") or Text("现在", "now").of(asked.language)),
        ),
    )
