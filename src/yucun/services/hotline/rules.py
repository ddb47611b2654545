"""Formulas of the hotline: when a step is due under a clock, and shares that carry their denominators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from yucun.base.errors import Finding, ParameterError
from yucun.base.period import WorkingCalendar
from yucun.base.quantity import Rounding, divide
from yucun.base.text import Text
from yucun.kernel.cases import Deadline, TimeLimit


@dataclass(frozen=True, slots=True)
class Extension:
    """How a reply's deadline may be moved: asked so long before it ends, by so much at most."""

    most: TimeLimit
    asked_before: TimeLimit | None = None

    def check(self, due: Deadline, asked: datetime, wanted: TimeLimit, calendar: WorkingCalendar) -> Finding | None:
        """Why an extension cannot be given; None when it can, by whoever may grant it."""
        if self.asked_before is not None:
            last = (due.at - timedelta(days=self.asked_before.count)).date()
            if asked.date() > last:
                return Finding(
                    "hotline.extension_late",
                    "extension",
                    asked.date().isoformat(),
                    last.isoformat(),
                    Text(
                        f"延期最迟应在 {last} 申请，现为 {asked.date()}；请按原时限答复",
                        f"an extension is asked for by {last}; this is {asked.date()}. Reply within the first limit",
                    ),
                )
        if wanted.due(due.at, calendar).at > self.most.due(due.at, calendar).at:
            return Finding(
                "hotline.extension_long",
                "extension",
                f"{wanted.count} {wanted.unit}",
                f"{self.most.count} {self.most.unit}",
                Text(
                    f"延期最长 {self.most.title.zh}；请缩短",
                    f"an extension is at most {self.most.title.en}; ask for less",
                ),
            )
        return None


@dataclass(frozen=True, slots=True)
class ClockProfile:
    """One rule's clocks: by kind of message, for each step."""

    id: str
    title: Text
    source: str
    steps: Mapping[str, TimeLimit]  # for every kind: answer, accept, return
    limits: Mapping[str, Mapping[str, TimeLimit]]  # by kind: dispatch, reply
    extension: Extension | None

    def get_limit(self, step: str, kind: str = "") -> TimeLimit:
        """The limit of a step, or `ParameterError` saying that the rule names none."""
        found = self.limits.get(kind, {}).get(step) or self.steps.get(step)
        if found is None:
            where = f"clock.{self.id}.limits.{kind}.{step}" if kind else f"clock.{self.id}.{step}"
            raise ParameterError(
                Finding(
                    "hotline.no_limit",
                    where,
                    "nothing",
                    "a limit",
                    Text(
                        f"「{self.title.zh}」没有规定「{kind or step}」的时限；请在 {where} 填写并注明来源",
                        f"'{self.title.en}' names no limit for '{kind or step}'; fill {where} and name its source",
                    ),
                )
            )
        return found

    def due(self, step: str, kind: str, start: datetime, calendar: WorkingCalendar) -> Deadline:
        """When a step is due for a message that arrived, was accepted or dispatched at ``start``."""
        return self.get_limit(step, kind).due(start, calendar)

    def is_late_return(self, dispatched: datetime, returned: datetime, calendar: WorkingCalendar) -> bool:
        """Whether a unit sent back what is not its duty later than the rule allows."""
        return returned > self.due("return", "", dispatched, calendar).at


def profiles_from_2020_12(values: Mapping[str, Any]) -> dict[str, ClockProfile]:
    """Clock profiles as written in ``parameters.toml`` under ``clock`` (国办发〔2020〕53号: 限时办理)."""
    return {
        name: ClockProfile(
            name,
            Text.from_json(said["title"]),
            said["source"],
            {step: _limit(said[step]) for step in ("answer", "accept", "return") if step in said},
            {
                kind: {step: _limit(limit) for step, limit in steps.items() if step != "title"}
                for kind, steps in said["limits"].items()
            },
            Extension(
                _limit(said["extension"]["most"]),
                _limit(said["extension"]["asked_before"]) if "asked_before" in said["extension"] else None,
            )
            if "extension" in said
            else None,
        )
        for name, said in values.items()
    }


def _limit(said: Mapping[str, Any]) -> TimeLimit:
    return TimeLimit(int(said["count"]), said["unit"])


def hours_from_2018_06(milliseconds: int) -> Decimal:
    """Hours of a limit that a work-flow file states in milliseconds (DIGIT PGR)."""
    return Decimal(milliseconds) / 3_600_000


# ---- the clocks and the duty of one message


@dataclass(frozen=True, slots=True)
class DeskRules:
    """What the desk runs on: which profile counts for which step, whom a subject belongs to, when a person is asked.

    Parameters
    ----------
    profiles : mapping of str to ClockProfile
        All clock profiles, by id.
    own : str
        The place's own profile; where it names a limit, that one counts.
    otherwise : mapping of str to str
        By step: the published profile that stands in while the place's own says nothing.
    kinds : mapping of str to str
        For the reply: the kind of the profile by wish, where the urgency has no limit of its own.
    offices : mapping of str to str
        Office by subject, the duty list.
    """

    profiles: Mapping[str, ClockProfile]
    own: str
    otherwise: Mapping[str, str]
    kinds: Mapping[str, str]
    offices: Mapping[str, str]
    office_titles: Mapping[str, Text]
    sure_bp: int
    repeat_days: int
    warn_before: TimeLimit
    city: str

    def find_limit(self, step: str, urgency: str, intent: str) -> tuple[str, TimeLimit] | None:
        """The profile and limit that count for a step of a message; None where nobody names one.

        The urgency is asked first, then the wish: what endangers life is not answered as a question is.
        """
        for name in dict.fromkeys((self.own, self.otherwise.get(step, ""), self.otherwise.get(f"urgent_{step}", ""))):
            profile = self.profiles.get(name)
            if profile is None:
                continue
            found = self._limit_of(profile, step, urgency, intent)
            if found is not None:
                return name, found
        return None

    def _limit_of(self, profile: ClockProfile, step: str, urgency: str, intent: str) -> TimeLimit | None:
        kinds = (urgency,) if urgency in ("danger", "utilities") else (urgency, self.kinds.get(intent, ""), "general")
        for kind in kinds:
            limit = profile.limits.get(kind, {}).get(step)
            if limit is not None:
                return limit
        return profile.steps.get(step)

    def find_extension(self) -> Extension | None:
        """How a reply may be extended: by the place's own profile, or by the one that stands in."""
        for name in (self.own, self.otherwise.get("extension", "")):
            profile = self.profiles.get(name)
            if profile is not None and profile.extension is not None:
                return profile.extension
        return None

    @property
    def is_own_known(self) -> bool:
        """Whether the place's own clocks are known."""
        profile = self.profiles.get(self.own)
        return profile is not None and bool(profile.limits or profile.steps)


def desk_from_2020_12(values: Mapping[str, Any]) -> DeskRules:
    """The desk's rules as written in ``parameters.toml`` (国办发〔2020〕53号: 接诉、派单、办理、答复、回访的闭环)."""
    desk, sure = values["desk"], values["subject"]["sure_enough"]
    return DeskRules(
        profiles_from_2020_12(values["clock"]),
        desk["own"],
        desk["otherwise"],
        desk["reply_kinds"],
        {subject: said["office"] for subject, said in values["duty"].items()},
        {office: Text.from_json(said) for office, said in values["office"].items()},
        divide(10_000 * sure["numerator"], sure["denominator"], Rounding.HALF_UP),
        desk["repeat_days"],
        _limit(desk["warn_before"]),
        desk["city"],
    )


# ---- measures


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, with both said: no percentage without its denominator."""

    part: int
    whole: int
    of: Text

    def percent(self, decimals: int = 2) -> Decimal | None:
        """The percentage, halves rounded away from zero; None when there is no whole to be a part of."""
        if self.whole == 0:
            return None
        scale: int = 10**decimals
        return Decimal(divide(100 * scale * self.part, self.whole, Rounding.HALF_UP)) / Decimal(scale)


@dataclass(frozen=True, slots=True)
class Order:
    """What became of one message, as far as measures ask; None is not asked or not yet."""

    caller: str = ""
    is_dispatched: bool = False
    was_answered_at_once: bool = False
    was_contacted_in_time: bool | None = None
    was_on_time: bool | None = None
    was_returned: bool = False
    was_reopened: bool = False
    is_closed: bool = False
    is_solved: bool | None = None
    is_satisfied: bool | None = None
    hours: float | None = None


_DISPATCHED = Text("派单", "dispatched")
_VISITED = Text("已回访", "visited")
_CLOSED = Text("已办结", "closed")
_ALL = Text("全部来件", "all messages")


def rates_from_2020_12(orders: Sequence[Order]) -> dict[str, Share]:
    """The three rates (响应率、解决率、满意率) and their companions, each over its own denominator.

    Our definitions: response over dispatched; solved and satisfied over those whom a visit asked; on time over
    replies that are due or given; returns over dispatched; reopened over closed; repeat callers over callers known.
    """
    sent = [o for o in orders if o.is_dispatched]
    callers = Counter(o.caller for o in orders if o.caller)
    solved = [o for o in orders if o.is_solved is not None]
    satisfied = [o for o in orders if o.is_satisfied is not None]
    timed = [o for o in sent if o.was_on_time is not None]
    closed = [o for o in orders if o.is_closed]
    return {
        "response": Share(sum(o.was_contacted_in_time is True for o in sent), len(sent), _DISPATCHED),
        "resolution": Share(sum(o.is_solved is True for o in solved), len(solved), _VISITED),
        "satisfaction": Share(sum(o.is_satisfied is True for o in satisfied), len(satisfied), _VISITED),
        "first_call": Share(sum(o.was_answered_at_once for o in orders), len(orders), _ALL),
        "on_time": Share(sum(o.was_on_time is True for o in timed), len(timed), Text("应答复", "replies due")),
        "returned": Share(sum(o.was_returned for o in sent), len(sent), _DISPATCHED),
        "reopened": Share(sum(o.was_reopened for o in closed), len(closed), _CLOSED),
        "repeat_caller": Share(
            sum(n > 1 for n in callers.values()), len(callers), Text("可识别的来电人", "callers known")
        ),
    }


def hours_at_from_2020_12(hours: Sequence[float], percent: int) -> float | None:
    """The hours that ``percent`` of closed matters did not exceed (nearest rank); None when none is closed."""
    ordered = sorted(hours)
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)] if ordered else None


def check_share_from_2020_12(count: int, whole: int, printed: Decimal, others: Mapping[str, int]) -> Finding | None:
    """Whether a printed percentage is of the whole that stands beside it; if not, of which other it is."""
    decimals = max(0, -int(printed.as_tuple().exponent))
    ours = Share(count, whole, _ALL).percent(decimals)
    if ours == printed:
        return None
    fits = [f"{name} {n:,}" for name, n in others.items() if Share(count, n, _ALL).percent(decimals) == printed]
    basis = "、".join(fits) or "—"
    return Finding(
        "hotline.denominator",
        f"{count:,} / {whole:,}",
        f"{printed} %",
        f"{ours} %",
        Text(
            f"所印 {printed}% 不是以 {whole:,} 为分母（应为 {ours}%）；相符的分母：{basis}。请写明分母",
            f"the printed {printed} % is not of {whole:,} (that is {ours} %); it is of: {basis}. State the denominator",
        ),
    )


# ---- reports close by


def nearness_from_2019_12(distance_m: int, citizen_m: int, inspector_m: int) -> Literal["suggested", "shown", "apart"]:
    """Whom an open report of the same class is shown to: the citizen who writes, an inspector only, nobody."""
    if distance_m <= citizen_m:
        return "suggested"
    return "shown" if distance_m <= inspector_m else "apart"
