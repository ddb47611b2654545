"""Reading: a file as an office sends it becomes rows of text, each with its place in the file.

Examples
--------
>>> from yucun.base.text import Text
>>> from yucun.kernel.lake.contract import Contract, Field, Freshness
>>> word = Text("", "")
>>> fields = (
...     Field("region", "region", Text("地区", "region"), "L1"),
...     Field("period", "period", Text("时期", "period"), "L1"),
...     Field("income_fen", "integer", Text("收入", "income"), "L1", unit="fen"),
... )
>>> contract = Contract(
...     "farm.income", word, word, word, fields, ("region", "period"), "period", Freshness("year"), word, {}
... )
>>> sent = "2021年农民收入,单位：万元\\n地区,收入\\n余村,5.2\\n合计,5.2\\n注：快报数\\n".encode("gb18030")
>>> reading = read_file(sent, "收入.csv", contract)
>>> reading.rows.select(["region", "period", "income_fen", "income_fen__unit", "_where"]).to_pylist()
[{'region': '余村', 'period': '2021', 'income_fen': '5.2', 'income_fen__unit': '万元', '_where': 'line 3'}]
>>> [note.kind.removeprefix("lake.note.") for note in reading.notes]
['encoding', 'title', 'period', 'totals', 'footnotes', 'unit']
"""

from yucun.kernel.lake.reading.model import Reading
from yucun.kernel.lake.reading.read import read_file

__all__ = ["Reading", "read_file"]
