"""Checking: rows of text become rows of the contract's types, or refused records with all their sentences.

Examples
--------
>>> import json
>>> from datetime import date
>>> import pyarrow as pa
>>> from yucun.base.identity import RegionCode
>>> from yucun.base.text import Text
>>> from yucun.kernel.lake.contract import Contract, Field, Freshness
>>> word = Text("", "")
>>> fields = (
...     Field("region", "region", Text("地区", "region"), "L1"),
...     Field("income_fen", "integer", Text("收入", "income"), "L1", unit="fen"),
... )
>>> contract = Contract("farm.income", word, word, word, fields, ("region",), "", Freshness("once"), word, {})
>>> class Village:
...     def resolve(self, words, on):
...         return {w: [RegionCode.parse("330523109203")] if w == "余村" else [] for w in words}
>>> rows = pa.table(
...     {"region": ["余村", "于村"], "income_fen": ["5.2万元", "很多"], "_record": [1, 2], "_where": ["line 2", "line 3"]}
... )
>>> checked = check_rows(rows, contract, Village(), date(2022, 5, 31), {"region": "column 1", "income_fen": "column 2"})
>>> checked.good.to_pylist()
[{'region': '330523109203', 'income_fen': 5200000, '_record': 1}]
>>> for finding in json.loads(checked.refused["findings"][0].as_py()):
...     print(finding["where"], finding["message"]["zh"])
line 3, column 1 没有名为「于村」的地区（地区）；请核对名称，或改写统计区划代码（330502, 330502001, 330502001001）
line 3, column 2 「收入」不是数（很多）；请改成数字，如 1234.5
"""

from yucun.kernel.lake.checking.check import check_rows
from yucun.kernel.lake.checking.model import Checked, RegionBook

__all__ = ["Checked", "RegionBook", "check_rows"]
