"""Plain-text accounting journals (ledger/ledger @ dabc378b, test/baseline, BSD-3-Clause), posted and asked of our books.

Expected figures are read from the files themselves. What only asks for that program's own text layout, editing aids or
expression language is listed in `OUT_OF_SCOPE`, each with its reason.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conformance.ledger_journal import Journal, make_journal_chart, make_transfers, read_amount, read_journal
from yucun.base.clock import SimulatedClock
from yucun.kernel.books import Books
from yucun.kernel.ledger import ORGAN, Ledger

OUT_OF_SCOPE = {
    "cmd-pricemap": "draws a graph of market prices; the ledger holds no prices",
    "cmd-script": "evaluates that program's expression language; no journal is read",
    "cmd-convert1.dat": "a CSV file; reading files is the lake's work, tested there",
    "cmd-convert2.dat": "as cmd-convert1",
    "cmd-convert3.dat": "as cmd-convert1",
    "cmd-convert4.dat": "as cmd-convert1",
    "cmd-convert5.dat": "as cmd-convert1",
    "cmd-convert6.dat": "as cmd-convert1",
}
# Read, posted and compared, but for the part named.
IN_PART = {
    "cmd-budget": "planned amounts and percentages come from a periodic template; what was spent is compared",
    "cmd-entry": "drafts a transaction by copying an old one, an editing aid; the journal itself is posted and balanced",
    "cmd-xact": "as cmd-entry",
    "feat-check": "the two warnings come from an expression language; the balance is compared",
    "opt-lots-actual": "the running total in a unit of 3,600 is left out; quantities and cost are compared",
    "opt-lots_basis": "rows of items are left out, which that program shows at cost and we keep as lots; all rows of money"
    " are compared within that report's rounding",
    "cmd-csv": "cleared marks, codes and notes are that program's columns; date, payee, account, commodity, amount are compared",
}
POSTED = (
    "cmd-accounts", "cmd-budget", "cmd-commodities", "cmd-csv", "cmd-entry", "cmd-payees", "cmd-print", "cmd-source",
    "cmd-stats1", "cmd-xact", "feat-balance-assignments", "feat-balance_assert", "feat-check", "opt-average-lot-prices",
    "opt-cleared", "opt-empty_bal", "opt-empty_collapse", "opt-lots-actual", "opt-lots-lifo", "opt-lots_basis", "opt-pending",
)  # fmt: skip
WANTED = re.compile(r"(cmd-|feat-check|feat-balance|opt-pending|opt-cleared|opt-empty|opt-lots|opt-average-lot)")

Row = tuple[str, str, str, str, Decimal, str]


class Posted:
    """One file, posted to books of its own."""

    def __init__(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        blocks = re.findall(r"^test ([^\n]*)\n(.*?)^end test", text + "\nend test", flags=re.MULTILINE | re.DOTALL)
        self.tests = {command.strip(): told for command, told in blocks}
        kept: dict[tuple[str, str], Decimal] = defaultdict(Decimal)

        def held(journal: Journal, account: str, commodity: str) -> Decimal:
            kept.clear()
            for _, _, legs in journal.transactions:
                for leg in legs:
                    if leg.amount is not None:
                        kept[leg.account, leg.amount.commodity] += leg.amount.number
            return kept[account, commodity]

        self.journal = read_journal(text, held)
        self.chart = make_journal_chart(self.journal)
        self.ledger = Ledger(self.chart)
        self.books = Books.open("sqlite://", [ORGAN], SimulatedClock.on(date(2022, 5, 31), ticking=False))
        for number, (day, payee, legs) in enumerate(self.journal.transactions):
            transfers = make_transfers(self.chart, number, day, payee, legs)
            with self.books.write() as tx:
                posted = self.ledger.post(tx, transfers)
            assert posted.refused == ()
        with self.books.read() as tx:
            self.ledger.check(tx)

    def rows(self) -> Iterator[Row]:
        """Both sides of every entry: transaction, day, payee, account, amount with its sign, state."""
        with self.books.read() as tx:
            for key, source, to, amount, kind, payee, said in tx.rows(
                "SELECT t.id, s.name, d.name, t.amount, s.kind, g.clause, g.period FROM ledger_transfer t"
                " JOIN ledger_account s ON s.no = t.source JOIN ledger_account d ON d.no = t.destination"
                " JOIN ledger_ground g ON g.no = t.ground ORDER BY t.no"
            ):
                day, gave, took = said.split("|")
                number = Decimal(amount).scaleb(-self.chart.kinds[kind].decimals)
                for name, signed, state in ((source, -number, gave), (to, number, took)):
                    if not name.startswith("("):
                        yield key.split("-")[0], day, payee, f"{name}|{kind}", signed, state

    def total(self, prefix: str, kind: str) -> Decimal:
        """What an account and those below it hold, as the books say."""
        with self.books.read() as tx:
            names = [n for (n,) in tx.rows("SELECT name FROM ledger_account WHERE kind = ?", (kind,))]
            under = [n for n in names if n == prefix or n.startswith(f"{prefix}:")]
            held = sum(self.ledger.balance(tx, name, kind).posted or 0 for name in under)
        return Decimal(held).scaleb(-self.chart.kinds[kind].decimals)

    def names(self, wanted: str = "") -> list[str]:
        """Account names of the journal, sorted, that fit a word."""
        legs = {leg.account for _, _, legs in self.journal.transactions for leg in legs}
        with self.books.read() as tx:
            held = {name for (name,) in tx.rows("SELECT name FROM ledger_account") if not name.startswith("(")}
        assert held <= legs
        return sorted(name for name in held if re.search(wanted, name, re.IGNORECASE))


@pytest.fixture
def baseline(data_folder: Path) -> Path:
    return data_folder / "ledger" / "baseline"


def read_balances(posted: Posted, told: str) -> list[tuple[str, str, Decimal]]:
    """Read a balance report: full account name, commodity, amount; a bare zero has no commodity."""
    found, path, waiting = [], list[str](), list[tuple[str, Decimal]]()
    for line in told.split("-----")[0].split("__ERROR__")[0].splitlines():
        part = re.fullmatch(r"\s*(\S.*?)(?:\s{2}((?:  )*)(\S.*))?", line)
        assert part, line
        lot = re.search(r" \{.*$", part[1])
        amount = read_amount(posted.journal, part[1][: lot.start()] if lot else part[1])
        waiting.append((amount.commodity + (lot[0].replace("/", "-") if lot else ""), amount.number))
        if part[3]:
            path = path[: len(part[2]) // 2] + [part[3]]
            found += [(":".join(path), commodity, number) for commodity, number in waiting]
            waiting = []
    return found


@pytest.mark.data("ledger")
def test_every_wanted_file_is_posted_or_has_a_reason(baseline: Path) -> None:
    wanted = {p.stem if p.suffix == ".test" else p.name for p in baseline.iterdir() if WANTED.match(p.name)}
    assert wanted == set(POSTED) | set(OUT_OF_SCOPE)
    assert set(IN_PART) <= set(POSTED)


@pytest.mark.data("ledger")
@pytest.mark.parametrize("name", [name for name in POSTED if name != "cmd-source"])
def test_file_is_read_posted_and_adds_up(baseline: Path, name: str) -> None:
    posted = Posted(baseline / f"{name}.test")
    assert posted.journal.errors == {}
    assert bool(posted.journal.transactions) == (name != "cmd-stats1")
    with posted.books.read() as tx:
        for (total,) in tx.rows(
            "SELECT sum(b.posted) FROM ledger_balance b JOIN ledger_account a ON a.no = b.no GROUP BY kind"
        ):
            assert total == 0


@pytest.mark.data("ledger")
@pytest.mark.parametrize(
    "name",
    [
        "feat-balance-assignments",
        "feat-balance_assert",
        "feat-check",
        "opt-empty_bal",
        "opt-average-lot-prices",
        "opt-lots-lifo",
    ],
)
def test_balances(baseline: Path, name: str) -> None:
    posted = Posted(baseline / f"{name}.test")
    ((command, told),) = posted.tests.items()
    assert command.startswith("bal")
    found = read_balances(posted, told)
    assert len(found) >= 2
    for account, commodity, amount in found:
        if commodity.startswith("FOO {160"):
            commodity, spent = "FOO", -posted.total("(exchange)", "FOO")
            assert posted.total("(exchange)", "EUR") / spent == Decimal("160.00")
        kind = commodity or next(iter(posted.chart.kinds))
        assert posted.total(account, kind) == amount, (account, commodity)


@pytest.mark.data("ledger")
def test_accounts(baseline: Path) -> None:
    posted = Posted(baseline / "cmd-accounts.test")
    for command, told in posted.tests.items():
        assert posted.names(command.removeprefix("accounts").strip()) == told.split("\n")[:-1], command


@pytest.mark.data("ledger")
def test_commodities(baseline: Path) -> None:
    posted = Posted(baseline / "cmd-commodities.test")
    for command, told in posted.tests.items():
        account = command.removeprefix("commodities").strip()
        kinds = {row[3].split("|")[1] for row in posted.rows() if account in row[3]}
        assert sorted(kinds) == sorted(line.strip('"') for line in told.splitlines()), command


@pytest.mark.data("ledger")
def test_payees(baseline: Path) -> None:
    posted = Posted(baseline / "cmd-payees.test")
    for command, told in posted.tests.items():
        word = command.removeprefix("payees").strip().strip('"')
        found = {row[2] for row in posted.rows() if re.search(word, row[3].split("|")[0], re.IGNORECASE)}
        assert sorted(found) == told.splitlines(), command


@pytest.mark.data("ledger")
def test_csv(baseline: Path) -> None:
    posted = Posted(baseline / "cmd-csv.test")
    told = [re.findall(r'"([^"]*)"', line) for line in posted.tests["csv"].splitlines()]
    right = Counter(
        (day, payee, f"{account}|{kind}", Decimal(amount)) for day, _, payee, account, kind, amount, *_ in told
    )
    assert Counter((day, payee, account, amount) for _, day, payee, account, amount, _ in posted.rows()) == right


@pytest.mark.data("ledger")
@pytest.mark.parametrize(("name", "state"), [("opt-pending", "!"), ("opt-cleared", "*")])
def test_states(baseline: Path, name: str, state: str) -> None:
    posted = Posted(baseline / f"{name}.test")
    (told,) = posted.tests.values()
    lines = [re.fullmatch(r"(.{32})(\S+)\s+(\S+)\s+(\S+)", line) for line in told.splitlines()]
    right = [(line[2], read_amount(posted.journal, line[3]).number) for line in lines if line]
    found = [(row[3].split("|")[0], row[4]) for row in posted.rows() if row[5] == state]
    assert Counter(found) == Counter(right) and len(right) == len(told.splitlines())
    last = lines[-1]
    assert last and sum(amount for _, amount in found) == read_amount(posted.journal, last[4]).number


@pytest.mark.data("ledger")
def test_a_transaction_of_nothing_moves_nothing(baseline: Path) -> None:
    posted = Posted(baseline / "opt-empty_collapse.test")
    (told,) = posted.tests.values()
    assert [line.split()[-2:] for line in told.splitlines()] == [["0", "0"]] * len(posted.journal.transactions)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for key, _, _, _, amount, _ in posted.rows():
        sums[key] += amount
    assert set(sums.values()) == {Decimal(0)} and len(sums) == len(posted.journal.transactions) - 1
    with posted.books.read() as tx:
        assert posted.ledger.balance(tx, "Income:Books", "$").standing == "not_known"


@pytest.mark.data("ledger")
def test_lots_at_cost(baseline: Path) -> None:
    posted = Posted(baseline / "opt-lots_basis.test")
    (told,) = posted.tests.values()
    right: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    slack: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    number = -1
    for line in told.splitlines():
        number += bool(line[:9].strip())
        row = re.fullmatch(r".{32}(\S.*?)\s+(-?[\d.]+)([csG])\s+\S+", line)
        assert row, line
        unit = Decimal({"c": 1, "s": 100, "G": 10_000}[row[3]])
        right[number, row[1]] += Decimal(row[2]) * unit
        slack[number, row[1]] += unit / 200 if "." in row[2] else 0
    assert number + 1 == len(posted.journal.transactions)
    found: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for key, _, _, account, amount, _ in posted.rows():
        name, kind = account.split("|")
        if kind == "c":
            found[int(key), name] += amount
    compared = [at for at in right if not at[1].endswith(":Items")]
    assert len(compared) > 150
    for at in compared:
        assert abs(found[at] - right[at]) <= slack[at], at


@pytest.mark.data("ledger")
def test_lots_actual(baseline: Path) -> None:
    posted = Posted(baseline / "opt-lots-actual.test")
    assert posted.total("Assets:Tajer", "c") == 1_339_829
    assert posted.total("Assets", "c") == 1_588_549
    assert posted.total("Equity:Gold", "s") == -5_000_000


@pytest.mark.data("ledger")
def test_budget_actuals(baseline: Path) -> None:
    posted = Posted(baseline / "cmd-budget.test")
    months = {"2012/01": "in january 2012", "2012/02": "in feb 2012", "2012/03": "in march  2012"}
    for month, words in months.items():
        told = next(text for command, text in posted.tests.items() if words in command)
        right = re.search(r"^\s*(\S+) GBP .*Assets$", told, re.MULTILINE)
        spent = sum(row[4] for row in posted.rows() if row[1].startswith(month) and row[3] == "Assets:Cash|GBP")
        assert right and Decimal(right[1]) == spent


@pytest.mark.data("ledger")
def test_print_reads_a_sum_with_decimal_commas(baseline: Path) -> None:
    posted = Posted(baseline / "cmd-print.test")
    assert posted.total("Expenses:Food", "$") == Decimal("12.50") == -posted.total("Assets:Cash", "$")


@pytest.mark.data("ledger")
def test_source_names_every_mistake_by_its_line(baseline: Path) -> None:
    posted = Posted(baseline / "cmd-source.test")
    (told,) = posted.tests.values()
    lines = [int(n) for n in re.findall(r"line (\d+):", told)]
    words = [
        re.split(r":? '|: ", line.removeprefix("Error: "))[0]
        for line in told.splitlines()
        if line.startswith("Error: ")
    ]
    assert posted.journal.errors == dict(zip(lines, words, strict=True))
