"""Access: purpose, role, mask by level, smallest cell, the trail of who looked; what no rule allows is refused.

Examples
--------
>>> from yucun.base.identity import RegionCode
>>> from yucun.base.text import Text
>>> rules = AccessRules.of_kernel()
>>> anji = RegionCode.parse("330523")
>>> analyst = Reader("analyst.anji", Text("安吉县分析员", "Analyst of Anji"), (
...     Grant(1, rules.roles["analyst"], (anji,), rules.hold(["kernel.monitoring"])),))
>>> may_do(analyst, "load").reason.en
'your post may not load'
>>> at(may_do(analyst, "read"), RegionCode.parse("330522"), lambda region, among: region in among).reason.en
'330522 is not within your regions'
"""

from yucun.kernel.access.accounts import LOCAL, Accounts, Passwords
from yucun.kernel.access.cells import Interval, SmallestCell, bound, hide, hide_slices
from yucun.kernel.access.check import at, may_do, may_read, may_read_together, may_see_rows
from yucun.kernel.access.declare import KERNEL_ROLES, AccessRules, read_purposes, read_rules
from yucun.kernel.access.first import FirstAccount, make_first_accounts
from yucun.kernel.access.identity import Answer, IdentityProvider, LocalAccounts, SignedIn, Start, local_path
from yucun.kernel.access.levels import ABOUTS, About, Mixture, is_about_people, join_levels, mix
from yucun.kernel.access.mask import MARK_ENDING, MASKED_MARK, MASKS, REFUSED_MARK, Masked, can_filter, mask
from yucun.kernel.access.model import (
    OPEN_READER,
    SENSITIVITIES,
    VERB_TITLES,
    VERBS,
    Account,
    Allowed,
    Column,
    Decision,
    Grant,
    Purpose,
    Reader,
    Refused,
    Role,
    Sensitivity,
    Sheet,
    Verb,
    Within,
    require,
)
from yucun.kernel.access.request_model import STATE_TITLES, DataRequest, RequestState, Wish
from yucun.kernel.access.requests import Requests
from yucun.kernel.access.sessions import Sessions
from yucun.kernel.access.store import ORGAN, KeptGrant
from yucun.kernel.access.trail import Look, Trail, persons_in

__all__ = [
    "ABOUTS",
    "KERNEL_ROLES",
    "LOCAL",
    "MARK_ENDING",
    "MASKED_MARK",
    "MASKS",
    "OPEN_READER",
    "ORGAN",
    "REFUSED_MARK",
    "SENSITIVITIES",
    "STATE_TITLES",
    "VERBS",
    "VERB_TITLES",
    "About",
    "AccessRules",
    "Account",
    "Accounts",
    "Allowed",
    "Answer",
    "Column",
    "DataRequest",
    "Decision",
    "FirstAccount",
    "Grant",
    "IdentityProvider",
    "Interval",
    "KeptGrant",
    "LocalAccounts",
    "Look",
    "Masked",
    "Mixture",
    "Passwords",
    "Purpose",
    "Reader",
    "Refused",
    "RequestState",
    "Requests",
    "Role",
    "Sensitivity",
    "Sessions",
    "Sheet",
    "SignedIn",
    "SmallestCell",
    "Start",
    "Trail",
    "Verb",
    "Wish",
    "Within",
    "at",
    "bound",
    "can_filter",
    "hide",
    "hide_slices",
    "is_about_people",
    "join_levels",
    "local_path",
    "make_first_accounts",
    "mask",
    "may_do",
    "may_read",
    "may_read_together",
    "may_see_rows",
    "mix",
    "persons_in",
    "read_purposes",
    "read_rules",
    "require",
]
