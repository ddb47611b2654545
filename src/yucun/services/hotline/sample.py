"""Made-up messages of a hotline under a seed, from arrival to closing; each says of itself that it is made up."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from yucun.base.clock import CHINA
from yucun.base.identity import RegionCode
from yucun.kernel.cases import Actor
from yucun.kernel.registry.regions import Regions
from yucun.kernel.view import Event, Pack
from yucun.services.hotline.pages.intake import Judge, PlaceBook

MESSAGES, DAYS, CALLERS = 210, 12, 160
DESK = Actor("sample.desk", frozenset({"duty_officer"}))
UNIT = Actor("sample.unit", frozenset({"unit_officer"}))
CITIZEN = Actor("sample.citizen", frozenset({"citizen"}))
# Subject: its share of a hundred, and what people say of it. {v} is a village or community, {n} a number.
_SAID: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "urban": (
        22,
        (
            "{v}门口路灯不亮{n}天了，晚上老人出门看不见，投诉多次没人修",
            "{v}{n}号楼电梯又坏了，物业说等配件，要求尽快修好",
            "{v}垃圾桶满了{n}天没人清运，味道很大，请处理",
            "咨询{v}老旧小区改造什么时候开始，怎么报名",
            "{v}楼上漏水到我家，物业不管，请求协调",
            "{v}绿化带被人改成停车位，投诉物业",
        ),
    ),
    "transport": (
        12,
        (
            "{v}公交站牌等了{n}分钟车没来，希望增加班次",
            "{v}门口公路坑洼，{n}辆车爆胎，请修路",
            "咨询{v}到高铁站的公交车末班是几点",
            "出租车拒载，从{v}打车被绕路，投诉",
        ),
    ),
    "labour": (
        11,
        (
            "在{v}工地干活，拖欠工资{n}个月，请求帮助",
            "咨询灵活就业人员社保缴费怎么办理，户口在{v}",
            "公司不签劳动合同，加班{n}小时没有加班费，投诉",
            "退休金{n}号还没到账，家住{v}，请问怎么查",
        ),
    ),
    "environment": (
        10,
        (
            "{v}旁边工厂夜里排放废气，臭味{n}天了，投诉污染",
            "{v}河道水发黑，有人倒污水，举报",
            "{v}工地半夜施工噪音扰民，到{n}点还在响，投诉",
        ),
    ),
    "justice": (
        8,
        (
            "{v}路口红绿灯坏了{n}天，车多危险，请交警处理",
            "{v}有人违停堵住消防通道，投诉",
            "咨询孩子落户口到{v}要什么材料",
            "{v}养犬不牵绳，狗咬人{n}次，投诉",
        ),
    ),
    "education": (
        7,
        (
            "咨询{v}属于哪个学区，明年小学招生怎么报名",
            "{v}附近培训班{n}期学费不退，投诉",
            "{v}小学校门口接送拥堵，建议设置护学岗",
        ),
    ),
    "health": (
        6,
        (
            "{v}卫生院预约疫苗，排了{n}天没排上，咨询",
            "医院收费看不懂，家住{v}，投诉多收{n}元",
            "咨询{v}老人体检在哪里做",
        ),
    ),
    "trade": (
        6,
        (
            "{v}超市买到过期食品，要求退款{n}元，投诉",
            "{v}健身房关门，预付卡{n}元退不了，投诉",
            "景区门票乱涨价，从{v}去要{n}元，举报",
        ),
    ),
    "civil": (
        5,
        (
            "咨询{v}低保怎么申请，家里{n}口人",
            "{v}养老院床位费怎么收，咨询",
            "残疾人证到期，家住{v}，请问怎么换",
        ),
    ),
    "rural": (
        5,
        (
            "{v}水渠堵了，{n}亩田灌溉不了，请求帮助",
            "{v}宅基地审批{n}个月没有结果，投诉",
            "咨询{v}种粮补贴什么时候发",
        ),
    ),
    "land": (
        3,
        (
            "{v}征地补偿{n}万元没到位，投诉",
            "咨询{v}土地证丢失怎么补办",
        ),
    ),
    "technology": (
        2,
        (
            "{v}手机信号差，打电话断{n}次，建议加基站",
            "{v}宽带坏了{n}天没人修，投诉",
        ),
    ),
    "economy": (
        1,
        (
            "{v}非法集资传单发到家里，举报",
            "咨询个税退税怎么办理，单位在{v}",
        ),
    ),
    "party": (
        1,
        (
            "感谢{v}网格员帮忙，点赞",
            "咨询{v}办事大厅周末开不开",
        ),
    ),
    "discipline": (
        1,
        ("举报{v}有人吃拿卡要",),
    ),
}
_URGENT = (
    "{v}{n}号楼有人被困电梯，快派人来",
    "{v}天然气泄漏，味道很重，快来人",
    "{v}停水{n}小时了，没有通知，请处理",
    "{v}突然停电，冰箱里的菜要坏了，请问什么时候恢复",
)
_REPLIES = ("已现场核实并处理完毕", "已联系来件人说明情况", "已安排维修，预计三日内完成", "经核查，已责令整改")
# More come by day than by night.
_HOURS = (7, 8, 9, 9, 10, 10, 11, 13, 14, 14, 15, 16, 17, 19, 21, 23)
_CHANNELS = ("phone",) * 8 + ("web", "app")


@dataclass(frozen=True, slots=True)
class _Told:
    """A made-up message with where it is, as the caller says it."""

    number: int
    at: datetime
    text: str
    subject: str
    caller: str
    village: RegionCode


def make(regions: Regions, city: RegionCode, today: date, seed: int, judge: Judge) -> list[tuple[datetime, Event]]:
    """Make two weeks of a hotline that end on the morning of a day.

    Returns
    -------
    list of (datetime, Event)
        In order of time; the events of one message follow from each other, and some messages are left where they are.
    """
    chance = random.Random(seed)
    end = datetime.combine(today, time(8), CHINA)
    villages = [r.code for r in regions.at_level("village", city, today)]
    told = [_tell(chance, number, end, villages, regions) for number in range(1, MESSAGES + 1)]
    events = [one for message in told for one in _live(chance, message, judge, end)]
    return sorted(events, key=lambda pair: pair[0])


def _tell(chance: random.Random, number: int, end: datetime, villages: Sequence[RegionCode], regions: Regions) -> _Told:
    share = number / MESSAGES
    at = end - timedelta(days=DAYS * (1 - share)) + timedelta(minutes=chance.uniform(-200, 0))
    if at < end - timedelta(hours=16):
        at = at.replace(hour=chance.choice(_HOURS))
    subject = chance.choices(list(_SAID), [weight for weight, _ in _SAID.values()])[0]
    village = chance.choice(villages)
    chain = [regions.get(village), *regions.ancestors(village)]
    names = [r.name.zh for r in reversed(chain) if r.level in ("county", "town", "village")]
    # Some say where it is in full, some only the town, some not at all.
    place = chance.choices(["".join(names), "".join(names[:2]), names[-1], "我们小区"], [5, 3, 2, 1])[0]
    said = chance.choice(_URGENT) if chance.random() < 0.05 else chance.choice(_SAID[subject][1])
    text = "（模拟）" + said.format(v=place.removesuffix("居委会").removesuffix("委会"), n=chance.randint(2, 9))
    return _Told(number, min(at, end), text, subject, f"sample-{chance.randint(1, CALLERS):03d}", village)


def _live(chance: random.Random, told: _Told, judge: Judge, end: datetime) -> Iterator[tuple[datetime, Event]]:
    """The events of one message, as far as they come before the end."""
    message, at = f"M{told.number:05d}", told.at
    case = f"hotline:{message}"
    judged = judge.judge(told.text)
    is_sure = chance.random() < 0.72 and "office" not in judged
    confidence = chance.randint(9050, 9900) if is_sure else chance.randint(3000, 8800)
    judged |= {
        "subject": told.subject,
        "confidence_bp": confidence,
        "judged_by": "模拟 / made up",
        "learned_from": "made_up",
    }
    body = {
        **judged, "message": message, "channel": chance.choice(_CHANNELS), "text": told.text, "caller": told.caller,
        "phone": f"000-0000-{told.number:04d}", "is_made_up": True,
    }  # fmt: skip
    yield at, Event(f"sample:{message}", "hotline.arrived", body, CITIZEN)
    is_held = not is_sure or judged["urgency"] == "danger"
    office = judged.get("office") or judge.values["duty"][told.subject]["office"]
    for step, (delay, move, by, more) in enumerate(_steps(chance, is_held, judged, office)):
        at += delay
        if at >= end:
            return
        said = {"case": case, "move": move, **more}
        yield at, Event(f"sample:{message}:{step}:{move}", "hotline.moved", said, by)


def _steps(
    chance: random.Random, is_held: bool, judged: Mapping[str, Any], office: str
) -> Iterator[tuple[timedelta, str, Actor, Mapping[str, Any]]]:
    """What happens to a message: most is answered in time, some comes back, some is late, some stays."""

    def hours(low: float, high: float) -> timedelta:
        return timedelta(hours=chance.uniform(low, high))

    unit = f"{judged['region'][:6]}.{office}" if judged.get("region") else office
    visit = {
        "solved": chance.choices(("yes", "no", "not_reached"), (80, 12, 8))[0],
        "satisfied": chance.choices(("yes", "no", "not_said"), (84, 9, 7))[0],
    }
    if is_held and judged.get("intent") == "consult" and chance.random() < 0.6:
        yield hours(0.1, 3), "answer", DESK, {"reply": f"（模拟）{_REPLIES[1]}", "subject": judged["subject"]}
        yield hours(4, 40), "visit", DESK, visit
        yield hours(0.1, 1), "close", DESK, {"outcome": "explained"}
        return
    if is_held:
        yield (
            hours(0.1, 1 if judged["urgency"] == "danger" else 8),
            "dispatch",
            DESK,
            {"unit": unit, "subject": judged["subject"]},
        )
    if chance.random() < 0.07:
        yield hours(1, 30), "send_back", UNIT, {"reason": "不属本单位职责"}
        yield (
            hours(0.3, 5),
            "dispatch",
            DESK,
            {"unit": unit.replace(office, "enforcement"), "subject": judged["subject"]},
        )
    yield hours(0.1, 2.1), "accept", UNIT, {}
    if chance.random() < 0.06:
        yield hours(1, 10), "wait", UNIT, {"reason": "待来件人补充材料"}
        yield hours(5, 60), "resume", UNIT, {}
    yield (
        hours(3, chance.choices((40, 110, 330), (5, 4, 1))[0]),
        "reply",
        UNIT,
        {"reply": f"（模拟）{chance.choice(_REPLIES)}"},
    )
    yield hours(4, 48), "visit", DESK, visit
    if visit["solved"] == "no" and chance.random() < 0.5:
        yield hours(0.1, 4), "reopen", DESK, {"reason": "来件人反映问题仍在"}
        return
    if visit["solved"] == "yes":
        yield hours(0.1, 2), "close", DESK, {"outcome": "solved"}
    else:
        yield hours(0.1, 2), "close_unsolved", DESK, {"outcome": "not_possible", "reason": "条件不具备"}


def make_events(regions: Regions, city: RegionCode, today: date, seed: int, pack: Pack) -> list[tuple[datetime, Event]]:
    """Make the events that a city plays when it is made."""
    return make(regions, city, today, seed, Judge(pack.values, PlaceBook.of(regions, city, today)))
