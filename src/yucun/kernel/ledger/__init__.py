"""The ledger: kinds with a fixed whole-number scale, a chart as data, transfers that never change, balances as of any moment.

What an account gives, another takes: the sum of every kind is zero, always. The books hold every limit, and every
posting has a reason code and a clause.

Examples
--------
>>> from datetime import date
>>> from yucun.base.clock import SimulatedClock
>>> from yucun.base.declaration import Declaration
>>> from yucun.kernel.books import Books
>>> chart = make_chart(Declaration.parse('''
... [kind.fen]
... title = {zh = "元", en = "yuan"}
... decimals = 2
... symbol = "CNY"
... [variable]
... household = "H[0-9]+"
... [account."treasury:relief"]
... title = {zh = "救助资金", en = "relief fund"}
... kinds = ["fen"]
... side = "equity"
... lowest = "none"
... [account."household:{household}"]
... title = {zh = "家庭", en = "household"}
... kinds = ["fen"]
... side = "liabilities"
... party = "household"
... opens_on_use = true
... [posting."relief.monthly"]
... title = {zh = "月度救助", en = "monthly relief"}
... clause = "made-up clause 7"
... kind = "fen"
... from = ["treasury:relief"]
... to = ["household:{household}"]
... ''', "ledger.toml"))
>>> books = Books.open("sqlite://", [ORGAN], SimulatedClock.on(date(2022, 5, 31), ticking=False))
>>> ledger = Ledger(chart)
>>> with books.write() as tx:
...     line = ledger.open(tx, [Opening("treasury:relief", "fen")])
...     posted = ledger.post(tx, [Transfer("r1", "treasury:relief", "household:H1", 88600, "fen", "relief.monthly")])
>>> posted.done
('r1',)
>>> with books.read() as tx:
...     ledger.balance(tx, "household:H1", "fen").posted, ledger.balance(tx, "household:H2", "fen").standing
(88600, 'not_known')
>>> books.close()
"""

from yucun.kernel.ledger.chart import Chart, Pattern, Posting, make_chart, read_chart
from yucun.kernel.ledger.model import Account, Balance, Entry, Kind, Posted, Refusal, Reserved, Transfer
from yucun.kernel.ledger.split import Share, split
from yucun.kernel.ledger.statement import AccountStatement, Statement, StatementLine
from yucun.kernel.ledger.store import NEXT_UNTIL, ORGAN, Ledger, Opening

__all__ = [
    "NEXT_UNTIL",
    "ORGAN",
    "Account",
    "AccountStatement",
    "Balance",
    "Chart",
    "Entry",
    "Kind",
    "Ledger",
    "Opening",
    "Pattern",
    "Posted",
    "Posting",
    "Refusal",
    "Reserved",
    "Share",
    "Statement",
    "StatementLine",
    "Transfer",
    "make_chart",
    "read_chart",
    "split",
]
