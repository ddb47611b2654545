"""Numbers: definitions, one expression for each, kept cells, values with their marks, why and trace.

Examples
--------
>>> from fractions import Fraction
>>> from yucun.kernel.indicators.show import write_number
>>> write_number(Fraction(67983, 41303), 2)
'1.65'
"""

from yucun.kernel.indicators.ask import Question
from yucun.kernel.indicators.compile import Compiler
from yucun.kernel.indicators.define import read_indicators
from yucun.kernel.indicators.linking import link_indicators
from yucun.kernel.indicators.maps import places_table
from yucun.kernel.indicators.model import (
    CELL_TABLE,
    EVIDENCE,
    EVIDENCE_TITLES,
    MARK_TITLES,
    CellKey,
    Chain,
    CheckResult,
    Claim,
    Evidence,
    Indicator,
    Mark,
    MarkKind,
    PartShown,
    Row,
    Rule,
    Trace,
    Value,
    make_cell_contract,
)
from yucun.kernel.indicators.numbers import Numbers, Proof
from yucun.kernel.indicators.refresh import Refreshed, refresh
from yucun.kernel.indicators.show import write_number
from yucun.kernel.indicators.walk import Links

__all__ = [
    "CELL_TABLE",
    "EVIDENCE",
    "EVIDENCE_TITLES",
    "MARK_TITLES",
    "CellKey",
    "Chain",
    "CheckResult",
    "Claim",
    "Compiler",
    "Evidence",
    "Indicator",
    "Links",
    "Mark",
    "MarkKind",
    "Numbers",
    "PartShown",
    "Proof",
    "Question",
    "Refreshed",
    "Row",
    "Rule",
    "Trace",
    "Value",
    "link_indicators",
    "make_cell_contract",
    "places_table",
    "read_indicators",
    "refresh",
    "write_number",
]
