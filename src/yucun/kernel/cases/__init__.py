"""Cases: work with states, moves and clocks that are declared as data; each move has who, when, why and on what evidence.

Clocks run in natural or in working time, pause, resume and are extended with reasons; a case has exactly one history.

Examples
--------
>>> from datetime import date
>>> from yucun.base.clock import SimulatedClock
>>> from yucun.base.declaration import Declaration
>>> from yucun.base.period import WorkingCalendar
>>> from yucun.kernel.books import Books
>>> kinds, findings = make_cases(Declaration.parse('''
... [visit]
... title = {zh = "走访", en = "visit"}
... first = "asked"
... [visit.states.asked]
... title = {zh = "待走访", en = "asked for"}
... [visit.states.done]
... title = {zh = "已走访", en = "done"}
... final = true
... [visit.clocks.visit]
... title = {zh = "走访时限", en = "time to visit"}
... [visit.moves.report]
... title = {zh = "回报", en = "report"}
... from = ["asked"]
... to = "done"
... by = ["cadre"]
... reason = "required"
... clocks = {visit = "meet"}
... ''', "cases.toml"), "demo")
>>> findings
[]
>>> books = Books.open("sqlite://", [ORGAN], SimulatedClock.on(date(2022, 5, 31), ticking=False))
>>> cases = Cases(kinds, WorkingCalendar.of_china())
>>> cadre = Actor("cadre.yucun", frozenset({"cadre"}))
>>> with books.write() as tx:
...     opened = cases.open(
...         tx, [Opening("demo.visit", "v1", Actor.rule("demo"), clocks={"visit": TimeLimit(3, "working_day")})], "e1")
...     moved = cases.move(tx, [Moving("v1", "report", cadre)], "e2")
>>> opened.done, moved.refused[0].finding.message.en
(('v1',), "'report' needs a reason")
>>> with books.read() as tx:
...     clock = cases.clocks(tx, cases.get(tx, "v1"))["visit"]
>>> clock.due.isoformat()
'2022-06-06T23:59:59+08:00'
>>> books.close()
"""

from yucun.kernel.cases.clocks import Deadline, TimeLimit
from yucun.kernel.cases.define import make_cases, read_cases
from yucun.kernel.cases.model import (
    Actor,
    Case,
    CaseKind,
    CaseRefusal,
    Clock,
    Move,
    MoveDone,
    Moving,
    Opening,
    Standing,
    State,
    Worked,
)
from yucun.kernel.cases.store import NEXT_DUE, ORGAN, Cases

__all__ = [
    "NEXT_DUE",
    "ORGAN",
    "Actor",
    "Case",
    "CaseKind",
    "CaseRefusal",
    "Cases",
    "Clock",
    "Deadline",
    "Move",
    "MoveDone",
    "Moving",
    "Opening",
    "Standing",
    "State",
    "TimeLimit",
    "Worked",
    "make_cases",
    "read_cases",
]
