"""How many records a derived number rests on: those of its leaves, each once.

Few cells are walked one by one; many are counted by one query, over the records of the leaf cells where no row can
enter two of them, else over the rows themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.indicators.cellparts import MOST_IN_ONE
from yucun.kernel.indicators.compile import KEY, ROW_KEY
from yucun.kernel.indicators.model import CellKey, Indicator
from yucun.kernel.indicators.refreshing import Refreshing
from yucun.kernel.indicators.walk import count_records

RowName = tuple[str, str, int]


class RecordCounter:
    """Counts records of derived cells during one refresh."""

    def __init__(self, refresh: Refreshing) -> None:
        self.refresh = refresh
        self._rows: dict[str, dict[CellKey, set[RowName]]] = {}

    def put(self, indicator: Indicator, cells: pa.Table) -> pa.Table:
        """Put the number of records beside each cell."""
        links = self.refresh.links
        leaves = links.leaf_names(indicator.id)
        few = cells.num_rows <= MOST_IN_ONE and not any(map(self.refresh.is_large, leaves))
        counted = self._walk(indicator, cells, leaves) if few else self._query(indicator, cells, leaves)
        return cells.set_column(cells.column_names.index("records"), "records", counted)

    # -- one by one -----------------------------------------------------------------------------------------

    def _walk(self, indicator: Indicator, cells: pa.Table, leaves: list[str]) -> pa.Array:
        links = self.refresh.links
        pairs = zip(cells["region"].to_pylist(), cells["period"].to_pylist(), strict=True)
        keys = [_key(indicator.id, region, period) for region, period in pairs]
        if links.may_share_rows(leaves):
            counts = [
                len(set().union(*(self._row_names(leaf.indicator).get(leaf, ()) for leaf in links.leaves_of(key))))
                for key in keys
            ]
        else:
            counts = [count_records(links.leaves_of(key), self.refresh.find_cell) for key in keys]
        return pa.array(counts, pa.int64())

    def _row_names(self, leaf: str) -> Mapping[CellKey, set[RowName]]:
        """The rows of every cell of a leaf; needed only where leaves may share rows."""
        if leaf not in self._rows:
            found: dict[CellKey, set[RowName]] = {}
            refresh = self.refresh
            related = refresh.compiler(refresh.rows).contributions(leaf).select(*KEY, *ROW_KEY).distinct()
            rows = refresh.lake.engine.run(related)
            for region, period, *name in zip(*(rows[c].to_pylist() for c in (*KEY, *ROW_KEY)), strict=True):
                found.setdefault(_key(leaf, region, period), set()).add((name[0], name[1], name[2]))
            self._rows[leaf] = found
        return self._rows[leaf]

    # -- by one query ---------------------------------------------------------------------------------------

    def _query(self, indicator: Indicator, cells: pa.Table, leaves: list[str]) -> pa.ChunkedArray:
        refresh, engine = self.refresh, self.refresh.lake.engine
        periods = frozenset(cells["period"].unique().to_pylist())
        compiler = refresh.compiler(refresh.rows, periods)
        numbered = cells.select(list(KEY)).append_column("place", pa.array(range(cells.num_rows), pa.int64()))
        asked = engine.memory(numbered)
        if refresh.links.may_share_rows(leaves):
            related = compiler.contributions(indicator.id).semi_join(asked, KEY).select(*KEY, *ROW_KEY).distinct()
            found: ir.Table = related.group_by(list(KEY)).aggregate(counted=related.count())
        else:
            related = compiler.leaf_keys(indicator.id).distinct()
            found = related.group_by(list(KEY)).aggregate(counted=related.leaf_records.sum().cast("int64"))
        named = found.rename(of_region="region", of_period="period")
        both = asked.left_join(named, [asked.region == named.of_region, asked.period == named.of_period])
        counted = both.select(both.place, records=ibis.coalesce(both.counted, ibis.literal(0, "int64")))
        return engine.run(counted.order_by("place"))["records"].cast(pa.int64())


def _key(indicator: str, region: str, period: str) -> CellKey:
    return CellKey(indicator, RegionCode(region), Period.parse(period))
