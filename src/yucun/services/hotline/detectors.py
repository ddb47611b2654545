"""What a message says by its words alone: urgency by phrases, wish by cues, places by their endings; each with what told it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_CLAUSE = re.compile(r"[\s，。！？；、,.!?;]+")
READ_CHARACTERS = 1500


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases that tell a kind of urgency, and words that turn the same phrase into an ordinary matter."""

    phrases: tuple[str, ...]
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Urgency:
    """How fast a message must move; ``because`` holds the clauses that say so."""

    kind: str
    because: tuple[str, ...] = ()

    @property
    def bypasses_queue(self) -> bool:
        """Whether it is handed over at once instead of waiting its turn."""
        return self.kind == "danger"


def judge_urgency(subject: str, body: str, known: Mapping[str, Phrases]) -> Urgency:
    """The first kind, in the order given, that a clause names without a word that defuses it; else ``general``.

    Examples
    --------
    >>> danger = {"danger": Phrases(("着火",), ("万一",))}
    >>> judge_urgency("快来人，三楼着火了", "", danger).because
    ('三楼着火了',)
    >>> judge_urgency("万一着火怎么办", "", danger).kind
    'general'
    """
    clauses = [clause for clause in _CLAUSE.split(f"{subject}。{body[:READ_CHARACTERS]}") if clause]
    for kind, words in known.items():
        because = [
            clause
            for clause in clauses
            if any(phrase in clause for phrase in words.phrases) and not any(word in clause for word in words.unless)
        ]
        if because:
            return Urgency(kind, tuple(because[:3]))
    return Urgency("general")


def judge_intent(subject: str, body: str, cues: Mapping[str, Sequence[str]]) -> str:
    """What the writer wants: the intent with most cues, those of the subject threefold; empty when there are none."""
    counts = {
        intent: sum(3 * subject.count(word) + min(body.count(word), 3) for word in words)
        for intent, words in cues.items()
    }
    best = max(counts, key=lambda intent: counts[intent], default="")
    return best if best and counts[best] else ""


# ---- places

# From wide to narrow, as an address is written; the name before the ending is as short as it can be.
_LEVELS: tuple[tuple[str, str], ...] = (
    ("province", r"(?:[^\W\d_]{2,3}?(?:省|自治区)|浙江(?!路|大)|上海市|北京市|江苏(?!路)|安徽(?!路))"),
    ("city", r"[^\W\d_]{1,4}?(?:市|州(?!市)(?=[^\W\d_]{2,4}?[区县市]))(?!场|民政|政府)"),
    ("county", r"\w{1,4}?(?:(?<![小社校园厂景库])区|县|市)(?!场|民|政|委|长|域)"),
    ("zone", r"[^\W\d_]{2,8}?(?:开发区|高新区|工业园区?|产业园区?|新区)"),
    ("town", r"[^\W\d_]{1,5}?(?:街道(?:办事处)?|镇|乡(?!村))"),
    ("community", r"[^\W\d_]{1,6}?(?:社区|村(?!民)|居委会)"),
    ("road", r"[^\W_]{1,8}?(?:大道|大街|公路|路|街|巷|国道|省道|高速|线)(?!口|灯|面|线|边|段|办|道|局|网|况)"),
    ("road_number", r"[\d一二三四五六七八九十]{1,5}(?:-\d+)?(?:号|弄)(?!楼|线|栋|院)"),
    ("site", r"[^\W_]{2,10}?(?:小区|花园|家园|公寓|大厦|广场|公园|幼儿园|小学|中学|大学|学院|学校|医院|菜场|市场|商场|超市|车站|"
             r"新城|国际城|山庄|华府|[苑府庭湾城]|工业园|公司|厂)(?!区|市|管|乡|建|堂)"),
)  # fmt: skip
_ADDRESS = re.compile("".join(f"(?P<{name}>{pattern})?" for name, pattern in _LEVELS))
# Where a sentence passes from what is said to where it is; a name does not reach back over these.
_BEFORE_PLACE = re.compile(
    r"[^\w]+|(?:位于|地处|坐落|家住|居住|来自|我们|我是|我在|本人|关于|对于|请问|请求|恳请|请|投诉|举报|反映|反应|反馈|咨询|询问|问问|建议|希望|强烈|"
    r"再次|要求|加快|尊敬|领导|书记|您好|你好|附近|旁边|对面|周边|门口|内的|里面|以及|导致|严重|什么|为什么|何时|违规|违法|开发商|业主|居民|"
    r"武广|[在的与和及到至从由将把被是有了于对向等旁里]|住(?=\w{2}))"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A place as it is written, by level; ``is_resolved`` only after the registry knew it."""

    level: str
    name: str


def split_address(text: str) -> list[Place]:
    """Split an address that is written from wide to narrow into its parts; what follows the last part is left out."""
    match = _ADDRESS.match(re.sub(r"\s+", "", text))
    return [Place(level, name) for level, name in (match.groupdict() if match else {}).items() if name]


def find_places(text: str) -> list[Place]:
    """Places named in running text, each once, in order of appearance.

    Endings tell a place (路, 小区, 村 …); the words before one are cut where people pass from what to where.
    """
    found: dict[Place, None] = {}
    for piece in _BEFORE_PLACE.split(text):
        rest = piece
        while len(rest) > 1:
            match = _ADDRESS.match(rest)
            parts = [(level, name) for level, name in match.groupdict().items() if name] if match else []
            found.update(dict.fromkeys(Place(level, name) for level, name in parts))
            rest = rest[match.end() :] if match and match.end() else rest[1:]
    return [place for place in found if len(place.name) > 2 or place.level in {"province", "city", "county"}]
