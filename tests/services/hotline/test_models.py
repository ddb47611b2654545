"""Models of the hotline on made-up messages: pure, order-free, unsure where they should be, learning from returns."""

from __future__ import annotations

import random
from datetime import date, timedelta

import numpy as np
import pytest

from yucun.services.hotline.detectors import find_places, split_address
from yucun.services.hotline.models import (
    Hints,
    Message,
    Return,
    find_duplicates,
    fit_subjects,
    group_topics,
)

PARTS = {
    "school": ("学校食堂饭菜", "老师布置作业", "幼儿园招生名额", "小学门口接送", "中考录取分数", "学费收据"),
    "road": ("公交车不停站", "国道路面破损", "出租车拒载乘客", "客运站班次", "桥梁限高", "高速收费口"),
    "health": ("医院挂号排队", "医生态度", "疫苗接种登记", "药店售药", "诊所手续", "手术费用清单"),
}
ENDS = ("请处理", "什么时候解决", "多次反映无人管", "希望回复", "给个说法")


def make_messages(count: int, seed: int) -> list[tuple[Message, str]]:
    chance = random.Random(seed)
    made = []
    for n in range(count):
        label = sorted(PARTS)[n % len(PARTS)]
        first, second = chance.sample(PARTS[label], 2)
        made.append((Message(str(n), first + chance.choice(ENDS), f"{second}，{first}，{chance.choice(ENDS)}"), label))
    return made


LABELLED = make_messages(60, 1)
ASKED = make_messages(30, 2)


def test_learns_and_says_how_sure() -> None:
    judged = fit_subjects(LABELLED).apply([m for m, _ in ASKED])
    assert np.mean([j.label == label for j, (_, label) in zip(judged, ASKED, strict=True)]) > 0.9
    for one in judged:
        assert len(one.top) == 3
        assert one.confidence == max(share for _, share in one.top)
        assert sum(share for _, share in one.top) == pytest.approx(1)


def test_same_data_same_model_and_order_does_not_matter() -> None:
    messages = [m for m, _ in ASKED]
    model, again = fit_subjects(LABELLED), fit_subjects(LABELLED)
    assert np.array_equal(model.weights, again.weights)
    assert model.apply(messages[::-1]) == model.apply(messages)[::-1]
    assert model.apply(messages[:1]) == model.apply(messages)[:1]


def test_what_it_never_saw_goes_to_a_person() -> None:
    assert fit_subjects(LABELLED).apply([Message("x", "ABC 123", "…")])[0].is_unsure
    assert fit_subjects(LABELLED).apply([Message("x", "", "")])[0].is_unsure


def test_one_subject_cannot_be_learned() -> None:
    with pytest.raises(ValueError, match="two subjects"):
        fit_subjects([(m, "one") for m, _ in LABELLED])


def test_replies_hint_at_subjects() -> None:
    hints = Hints(offices={"school": ("教育局",), "road": ("交通局",)})
    assert hints.find_office_subject("已转市教育局办理") == "school"
    assert hints.find_office_subject("市教育局和交通局已联系") == ""
    assert hints.find_office_subject("已转办") == ""
    new = Message("n", "研学旅行名额", "研学旅行名额")
    answered = [(Message(f"r{n}", "研学旅行安排", "研学旅行名额"), "市教育局回复") for n in range(6)]
    before = dict(fit_subjects(LABELLED, hints).apply([new])[0].top)["school"]
    after = dict(fit_subjects(LABELLED, hints, replied=answered).apply([new])[0].top)["school"]
    assert after > before


@pytest.mark.parametrize("right", ["", "road"])
def test_a_return_teaches(right: str) -> None:
    back = Message("b", "学校门口公交车不停站", "小学门口接送，公交车不停站")
    before = dict(fit_subjects(LABELLED).apply([back])[0].top)
    after = dict(fit_subjects(LABELLED, returns=[Return(back, "school", right)]).apply([back])[0].top)
    assert after["school"] < before["school"]


def test_addresses_fall_into_parts() -> None:
    parts = {p.level: p.name for p in split_address("浙江省湖州市吴兴区龙泉街道白鱼潭社区外环北路168号")}
    assert parts == {
        "province": "浙江省",
        "city": "湖州市",
        "county": "吴兴区",
        "town": "龙泉街道",
        "community": "白鱼潭社区",
        "road": "外环北路",
        "road_number": "168号",
    }


def test_places_in_running_text() -> None:
    names = {p.name for p in find_places("您好，我们是德清县武康街道春晖小区的业主，小区旁边的永安街晚上施工。")}
    assert {"德清县", "武康街道", "春晖小区", "永安街"} <= names
    assert find_places("请问什么时候发工资") == []


def test_copies_are_found() -> None:
    text = "春晖小区西门路灯坏了一个月，晚上老人孩子出门看不见路，请派人来修"
    messages = [Message("a", "路灯", text), Message("b", "路灯", text + "！"), Message("c", "停水", "昨天起停水")]
    assert [(a, b) for a, b, _ in find_duplicates(messages)] == [("a", "b")]


def test_topics_part_by_place_and_explain_their_heat() -> None:
    start = date(2022, 5, 1)
    matters = {"春晖小区": ("夜间施工噪音", "工地通宵打桩"), "碧水花园": ("公交车不停站", "司机甩客绕行")}
    messages = [
        Message(f"{where}{n}", f"{where}{matter}{end}", f"{where}{more}，{end}", start + timedelta(days=n), user)
        for where, (matter, more) in matters.items()
        for n, (end, user) in enumerate(zip(ENDS, "abcda", strict=True))
    ]
    topics = group_topics(messages, start + timedelta(days=34))
    assert sorted(sorted(t.members) for t in topics) == sorted(
        sorted(m.id for m in messages if m.id.startswith(where)) for where in matters
    )
    heat = topics[0].heat
    assert (heat.messages, heat.writers, heat.first, heat.last) == (5, 4, start, start + timedelta(days=4))
    assert heat.freshness == pytest.approx(0.5)
    assert heat.value == pytest.approx((5 - max(heat.copies, 1) / 2) * 0.5)
    assert group_topics([]) == []
