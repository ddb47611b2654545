"""A made-up chart for the ledger's tests: relief in fen, carbon in grams, a budget with a limit."""

from __future__ import annotations

from yucun.base.declaration import Declaration
from yucun.kernel.ledger import Chart, make_chart

TOML = """
[kind.fen]
title = {zh = "元", en = "yuan"}
decimals = 2
symbol = "CNY"

[kind.carbon_g]
title = {zh = "吨二氧化碳当量", en = "t CO2e"}
decimals = 6
symbol = "TCO2E"

[variable]
household = "H[0-9]+"

[account."treasury:relief"]
title = {zh = "救助资金", en = "relief fund"}
kinds = ["fen", "carbon_g"]
side = "equity"
lowest = "none"

[account."pool:relief"]
title = {zh = "救助池", en = "relief pool"}
kinds = ["fen"]
side = "assets"
highest = 1000000

[account."household:{household}"]
title = {zh = "家庭", en = "household"}
kinds = ["fen", "carbon_g"]
side = "liabilities"
party = "household"
opens_on_use = true

[posting."relief.fund"]
title = {zh = "拨入", en = "funding"}
clause = "made-up clause 1"
kind = "fen"
from = ["treasury:relief"]
to = ["pool:relief"]

[posting."relief.monthly"]
title = {zh = "月度救助", en = "monthly relief"}
clause = "made-up clause 7"
kind = "fen"
from = ["treasury:relief", "pool:relief"]
to = ["household:{household}"]

[posting."household.pay"]
title = {zh = "转付", en = "payment"}
clause = "made-up clause 9"
kind = "fen"
from = ["household:{household}"]
to = ["household:{household}", "pool:relief", "treasury:relief"]

[posting."carbon.issue"]
title = {zh = "碳汇登记", en = "carbon issued"}
clause = ""
kind = "carbon_g"
from = ["treasury:relief"]
to = ["household:{household}"]

[posting."carbon.sale"]
title = {zh = "碳汇出售", en = "carbon sold"}
clause = "made-up clause 12"
kind = "carbon_g"
from = ["household:{household}"]
to = ["household:{household}"]
"""


def make_test_chart() -> Chart:
    """The chart above."""
    return make_chart(Declaration.parse(TOML, "ledger.toml"))
