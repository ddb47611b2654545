"""Opening the city for a verb, and reading what its words mean: an account, an indicator, a region, a period, a moment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from yucun.base.errors import Finding, NotKnown, PlaceError
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.doors.command.verb import Setting

if TYPE_CHECKING:
    from yucun.base.identity import RegionCode
    from yucun.city import City, Progress
    from yucun.kernel.access import Reader


@contextmanager
def opened(
    setting: Setting, *, makes: bool = False, residents: int | None = 0, progress: Progress | None = None
) -> Iterator[City]:
    """Open the city for as long as a verb needs it.

    Parameters
    ----------
    makes : bool
        Make the city where there is none; only `up` does, so that no verb makes one by mistake.
    residents : int or None
        How many made-up people a city that is made begins with; None for all of the place.
    """
    if not makes:
        require_city(setting)
    from yucun.city import City

    city = City.open(
        setting.place,
        data=setting.folder,
        books_url=setting.books,
        live=setting.is_live,
        progress=progress,
        engine=setting.engine,
        lake_as=setting.lake_as,
        before=partial(_begin, residents=residents, progress=progress) if makes else None,
    )
    try:
        yield city
    finally:
        city.close()


def _begin(city: City, *, residents: int | None, progress: Progress | None) -> None:
    """What a new city begins with: made-up people, and what they said and did; a live one begins empty."""
    from yucun.doors.command.sampling import before_samples, play_samples

    if residents != 0 and "people" in city.services:
        from yucun.doors.command.made_up import fill_city

        with before_samples(city):
            fill_city(city, residents, tell=progress)
    play_samples(city)


def require_city(setting: Setting) -> None:
    """Raise `PlaceError` where there is no city, saying how to make or find one."""
    folder = setting.folder
    if not (folder / "lake").is_dir() and not (folder / "books.sqlite").is_file():
        raise PlaceError(
            Finding(
                "command.no_city",
                str(folder),
                "nothing",
                "a city",
                Text(
                    f"「{folder}」里没有城市；先运行 yucun up，或用 --data 指出城市所在的目录",
                    f"there is no city in '{folder}'; run `yucun up` first, or say where it lies with --data",
                ),
            )
        )


def find_reader(city: City, setting: Setting, otherwise: str = "") -> Reader:
    """In whose name a verb reads or acts: ``--by``, or ``otherwise``; with neither, the public.

    Whoever can run a verb on the city's own folder holds its books already; the account says what is noted and masked.
    """
    from yucun.kernel.access import OPEN_READER

    name = setting.by or otherwise
    if not name:
        return OPEN_READER
    reader = city.accounts.make_reader(name)
    if reader is None:
        names = ", ".join(a.name for a in city.accounts.list_all() if a.is_active) or "-"
        raise NotKnown(
            Finding(
                "command.no_account",
                "--by",
                name[:120],
                names[:120],
                Text(
                    f"没有可用的账号「{name[:60]}」；现有：{names}；yucun up 会建立首批账号",
                    f"there is no active account '{name[:60]}'; there are: {names}. `yucun up` makes the first ones",
                ),
            )
        )
    return reader


def find_indicator(city: City, word: str) -> str:
    """Read an id, its last part where only one service has it, or a title in either language."""
    if word in city.indicators:
        return word
    said = word.strip().casefold()
    found = [
        i.id
        for i in city.indicators.values()
        if said in (i.id.split(".", 1)[1].casefold(), i.title.zh.casefold(), i.title.en.casefold())
    ]
    if len(found) == 1:
        return found[0]
    near = found or [i.id for i in city.indicators.values() if said in f"{i.id} {i.title.zh} {i.title.en}".casefold()]
    names = ", ".join(near[:8]) or ", ".join(sorted(city.indicators)[:8])
    raise NotKnown(
        Finding(
            "command.indicator",
            "indicator",
            word[:120],
            names[:120],
            Text(
                f"没有唯一的指标「{word[:60]}」；相近的有：{names}；全部见 yucun list indicators",
                f"'{word[:60]}' is not one indicator; near it: {names}. All: yucun list indicators",
            ),
        )
    )


def find_region(city: City, word: str) -> RegionCode:
    """Read a name or a code; a name that several regions have is refused with all of them.

    Where the city has a region of that name and others have too, the city's own is meant.
    """
    today = city.clock.today()
    found = city.regions.resolve([word], today)[word]
    if len(found) > 1:
        found = [code for code in found if city.is_within(code, (city.place.region,))] or found
    if len(found) == 1:
        return found[0]
    near = found or [row.code for row in city.regions.search(word, 8, today)]
    names = Text(
        "、".join(f"{city.regions.path_title(c, today).zh}（{c.short}）" for c in near[:8]),
        "; ".join(f"{city.regions.path_title(c, today).en} ({c.short})" for c in near[:8]),
    )
    said = Text("不止一个地区叫", "several regions are called") if found else Text("没有地区叫", "no region is called")
    raise NotKnown(
        Finding(
            "command.region",
            "region",
            word[:120],
            names.en[:120],
            Text(
                f"{said.zh}「{word[:60]}」" + (f"；请写其中之一：{names.zh}" if near else "；请核对名称或代码"),
                f"{said.en} '{word[:60]}'"
                + (f"; write one of: {names.en}" if near else "; check the name or the code"),
            ),
        )
    )


def read_period(word: str | None) -> Period | None:
    """Read a period as offices write it; None for the newest."""
    return Period.parse(word) if word else None


def read_moment(city: City, word: str | None) -> int | None:
    """Read a journal seq, a day or an instant; None for now."""
    if not word:
        return None
    from yucun.doors.api.parameters import choose_moment

    seq: int = choose_moment(city).parse(word.strip())
    return seq


def find_file(city: City, word: str) -> str:
    """Read which sent file is meant: the file itself, its whole hash, the beginning of it, or the name it was sent under."""
    import hashlib
    from pathlib import Path

    path = Path(word)
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    landings = city.landings(limit=100_000)
    found = {landing.file for landing in landings if word in (landing.file, landing.name)}
    if not found and re.fullmatch("[0-9a-f]{6,64}", word):
        found = {landing.file for landing in landings if landing.file.startswith(word)}
    if len(found) == 1:
        return found.pop()
    names = ", ".join(sorted({landing.name for landing in landings})[:8])
    raise NotKnown(
        Finding(
            "command.file",
            "file",
            word[:120],
            names[:120],
            Text(
                f"没有唯一的文件「{word[:60]}」；可写文件路径、报送时的文件名或哈希的开头。已报送：{names}",
                f"'{word[:60]}' is not one sent file; write a path, the name it was sent under, or the beginning of its "
                f"hash. Sent: {names}",
            ),
        )
    )
