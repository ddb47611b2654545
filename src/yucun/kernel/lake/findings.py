"""Every kind of finding that reading and checking a file can make: what it means, what it says, what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from yucun.base.errors import Finding
from yucun.base.text import Text

Reach = Literal["file", "record", "note"]
SHOWN_LENGTH, LONGEST_PART = 120, 400


@dataclass(frozen=True, slots=True)
class FindingKind:
    """One kind of finding.

    Parameters
    ----------
    name : str
        Stable dotted name, e.g. ``"lake.unknown_region"``.
    reach : str
        ``file``: the file is not read; ``record``: one record is refused; ``note``: understood and left out.
    says, do : Text
        The sentence and the instruction that ends it, with places ``{field}``, ``{found}``, ``{expected}`` and ``{more}``.
    """

    name: str
    reach: Reach
    says: Text
    do: Text

    @property
    def message(self) -> Text:
        """The whole sentence with its places unfilled; it always ends with the instruction."""
        return Text(f"{self.says.zh}；{self.do.zh}", f"{self.says.en}; {self.do.en}")


def shorten(found: object, length: int = SHOWN_LENGTH) -> str:
    """Return what was found in at most 120 characters."""
    word = str(found)
    return word if len(word) <= length else word[: length - 1] + "…"


def _bound(text: Text | str) -> Text:
    text = Text.same(text) if isinstance(text, str) else text
    return Text(shorten(text.zh, LONGEST_PART), shorten(text.en, LONGEST_PART))


def make_finding(
    kind: str,
    where: str,
    found: object = "",
    expected: Text | str = "",
    *,
    field: Text | str = "",
    more: Text | str = "",
    key: str = "",
    record: int | None = None,
) -> Finding:
    """Make a finding of a registered kind; an unknown kind is a programmer's error.

    Parameters
    ----------
    kind : str
        A key of `KINDS`.
    where : str
        File, sheet and cell, or line and column.
    found, expected, field, more
        Fill the places of the sentence; a `Text` is filled language by language.
    """
    expected, more = _bound(expected), _bound(more)
    word = shorten(found)
    message = KINDS[kind].message.fill(found=word, expected=expected, field=field, more=more)
    return Finding(kind, where, word, shorten(expected.en), message, key, record)


def _kind(name: str, reach: Reach, zh: str, do_zh: str, en: str, do_en: str) -> FindingKind:
    return FindingKind(f"lake.{name}", reach, Text(zh, en), Text(do_zh, do_en))


# fmt: off
_FILE = (
    _kind(
        "empty_file", "file",
        "文件是空的", "请确认导出成功后重新发送",
        "the file is empty", "export it again and send it once it has content",
    ),
    _kind(
        "not_a_table", "file",
        "文件不是表格（{found}）", "请另存为 .xlsx 或 UTF-8 编码的 .csv 后重新发送",
        "the file is not a table ({found})", "save it as .xlsx or as .csv in UTF-8 and send it again",
    ),
    _kind(
        "encoding", "file",
        "无法识别文字编码（{found}）", "请另存为 UTF-8 编码的 .csv 后重新发送",
        "the text encoding cannot be told ({found})", "save it as .csv in UTF-8 and send it again",
    ),
    _kind(
        "bulk_wide", "file",
        "宽表（一行分成几行）不能按大文件装载", "请不加 --bulk 报送，或先转成一行一条",
        "a wide sheet, whose rows become several each, is not loaded in bulk", "send it without --bulk, or write one row for each figure",
    ),
    _kind(
        "bulk_address", "file",
        "数据库地址里没有写表名（{found}）", "请写成 sqlite:路径#表名 或 postgresql://主机/库#表名",
        "the address of the database names no table ({found})", "write sqlite:PATH#TABLE or postgresql://HOST/DATABASE#TABLE",
    ),
    _kind(
        "bulk_database", "file",
        "数据库读不到这张表（{found}）", "请核对地址、表名与权限",
        "the database does not give this table ({found})", "check the address, the table's name and the rights",
    ),
    _kind(
        "json_line", "record",
        "这一行不是一个 JSON 对象（{found}）", "请按每行一个对象重新导出",
        "this line is not one JSON object ({found})", "export it again with one object in each line",
    ),
    _kind(
        "html_page", "file",
        "文件其实是网页，页面里没有表格（{found}）", "请登录导出系统后重新导出",
        "the file is really a web page without a table ({found})", "sign in to the system it came from and export it again",
    ),
    _kind(
        "unpacks_too_large", "file",
        "压缩文件展开后过大（{found}，上限 {expected}）", "请另存为 .csv 发送，或拆成几个文件",
        "the file unpacks to {found}; the limit is {expected}", "send it as .csv or split it into several files",
    ),
    _kind(
        "too_wide", "file",
        "列数过多（{found} 列，上限 {expected} 列）", "请检查分隔符，或删去多余的列",
        "there are {found} columns; the limit is {expected}", "check the separator or delete the columns that are not needed",
    ),
    _kind(
        "workbook_broken", "file",
        "工作簿无法打开（{found}）", "请用 Excel 或 WPS 打开并另存为 .xlsx 后重新发送",
        "the workbook cannot be opened ({found})", "open it in Excel or WPS, save it as .xlsx and send it again",
    ),
    _kind(
        "password", "file",
        "工作簿有打开密码", "请去掉密码后重新发送",
        "the workbook is protected by a password", "remove the password and send it again",
    ),
    _kind(
        "no_head", "file",
        "找不到表头（最前面的内容是「{found}」）", "请在数据上方加一行表头，可用：{expected}",
        "no head row was found (the file begins with '{found}')", "put a head row above the data with: {expected}",
    ),
    _kind(
        "head_missing", "file",
        "缺少必需的列「{field}」，现有表头：{found}{more}", "请补上这一列（可写作：{expected}），或在装载时给定其值",
        "the required column '{field}' is missing; the heads are: {found}{more}",
        "add the column (its head may be: {expected}) or give its value when loading",
    ),
    _kind(
        "head_ambiguous", "file",
        "有几列都像「{field}」：{found}", "请改写表头，使只有一列对应（可写作：{expected}）",
        "several columns look like '{field}': {found}", "rename the heads so that one column is left (its head may be: {expected})",
    ),
    _kind(
        "no_rows", "file",
        "表头下面没有数据行", "请填入数据后重新发送",
        "there is no row below the head", "fill in the rows and send it again",
    ),
    _kind(
        "head_unit", "file",
        "「{field}」写明的单位是「{found}」，不能换算", "请改用其中之一：{expected}",
        "the unit said for '{field}' is '{found}', which does not convert", "use one of: {expected}",
    ),
    _kind(
        "unit_unclear", "file",
        "单位说明「{found}」中有几个都适用于「{field}」", "请在「{field}」的表头里用括号写明单位（其中之一：{expected}）",
        "several units of the note '{found}' fit '{field}'", "write the unit in brackets into the head of '{field}' (one of: {expected})",
    ),
    _kind(
        "percent_unclear", "file",
        "「{field}」的数都不超过 1（如 {found}），这种文件看不出是否按百分比显示", "请另存为 .xlsx 后重新发送",
        "every number of '{field}' is at most 1 (such as {found}); this kind of file does not say whether it shows percent",
        "save it as .xlsx and send it again",
    ),
    _kind(
        "given_unknown", "file",
        "给定的「{found}」不是此表的字段", "请改用其中之一：{expected}",
        "the given '{found}' is not a field of this table", "use one of: {expected}",
    ),
)

_RECORD = (
    _kind(
        "ragged", "record",
        "这一行有 {found} 格，表头有 {expected} 格", "请补齐或删去多余的分隔符；含分隔符的文字要加引号",
        "this row has {found} cells and the head has {expected}",
        "add or delete separators; put quotes around a text that contains one",
    ),
    _kind(
        "quote_open", "record",
        "引号没有配对（{found}）", "请补上另一个引号，或删去它",
        "a quotation mark is not closed ({found})", "add the closing mark or delete the opening one",
    ),
    _kind(
        "nul_byte", "record",
        "这一行含有空字符（{found}）", "请从原系统重新导出这一行",
        "this row contains NUL characters ({found})", "export this row again from its system",
    ),
    _kind(
        "bad_bytes", "record",
        "这一行有 {found} 处不是 {expected} 编码的字节", "请按 {expected} 重新导出这一行",
        "{found} bytes of this row are not {expected}", "export this row again as {expected}",
    ),
    _kind(
        "line_too_long", "record",
        "这一行有 {found} 个字符，上限 {expected}", "请检查是否漏了换行，或拆成多行",
        "this line has {found} characters; the limit is {expected}", "check for missing line ends or split the line",
    ),
    _kind(
        "hidden_row", "record",
        "这一行在表中被隐藏（{found}）", "如应上报请取消隐藏后重新发送，否则请删去这一行",
        "this row is hidden in the sheet ({found})", "unhide it and send it again if it belongs, else delete it",
    ),
    _kind(
        "merged_number", "record",
        "合并单元格 {found} 让几行共用一个数", "请取消合并，给每一行填自己的数",
        "the merged cells {found} let several rows share one number", "unmerge them and give each row its own number",
    ),
    _kind(
        "required", "record",
        "「{field}」没有填", "请填写后重新发送这一行",
        "'{field}' is blank", "fill it in and send this row again",
    ),
    _kind(
        "cell_error", "record",
        "「{field}」是出错的单元格（{found}）", "请改正公式后重新发送这一行",
        "'{field}' is an error cell ({found})", "mend the formula and send this row again",
    ),
    _kind(
        "formula_uncached", "record",
        "「{field}」是没有算出结果的公式（{found}）", "请用 Excel 或 WPS 打开，计算并保存后重新发送",
        "'{field}' is a formula without a stored result ({found})",
        "open the file in Excel or WPS, let it calculate, save it and send it again",
    ),
    _kind(
        "not_a_number", "record",
        "「{field}」不是数（{found}）", "请改成数字，如 {expected}",
        "'{field}' is not a number ({found})", "write a number such as {expected}",
    ),
    _kind(
        "too_fine", "record",
        "「{field}」{found} 比能保存的最小单位（{expected}）还细", "请先四舍五入到该单位",
        "'{field}' {found} is finer than the smallest unit kept ({expected})", "round it to that unit first",
    ),
    _kind(
        "overflow", "record",
        "「{field}」{found} 大得无法保存（上限 {expected}）", "请核对数值与单位",
        "'{field}' {found} is too large to keep (the limit is {expected})", "check the number and its unit",
    ),
    _kind(
        "unit_unsaid", "record",
        "「{field}」没有写明单位（{found}）", "请在表头用括号写明单位，如 {expected}",
        "nothing says the unit of '{field}' ({found})", "write the unit in brackets into its head, e.g. {expected}",
    ),
    _kind(
        "unit_unknown", "record",
        "「{field}」的单位不能换算（{found}）", "请改用其中之一：{expected}",
        "the unit of '{field}' does not convert ({found})", "use one of: {expected}",
    ),
    _kind(
        "out_of_range", "record",
        "「{field}」{found} 超出范围（应为 {expected}）", "请核对数值、单位与小数点",
        "'{field}' {found} is out of range (it should be {expected})", "check the number, its unit and its decimal point",
    ),
    _kind(
        "unknown_region", "record",
        "没有名为「{found}」的地区（{field}）", "请核对名称，或改写统计区划代码（{expected}）",
        "no region is called '{found}' ({field})", "check the name or write the division code ({expected})",
    ),
    _kind(
        "ambiguous_region", "record",
        "「{found}」对应几个地区：{more}（{field}）", "请改写其中一个的统计区划代码",
        "'{found}' names several regions: {more} ({field})", "write the division code of one of them",
    ),
    _kind(
        "region_level", "record",
        "「{found}」不是此表所要的一级（{field} 应为{expected}）", "请改填该级的地区，或报到相应的表",
        "'{found}' is not of the level this table is about ({field} should be {expected})",
        "name a region of that level or send the row to the table it belongs to",
    ),
    _kind(
        "code_shortened", "record",
        "「{field}」的代码被表格软件改成了科学计数（{found}），位数已丢失", "请把该列设为文本格式，重新填写完整代码",
        "a spreadsheet turned the code of '{field}' into scientific notation ({found}) and digits are lost",
        "format the column as text and enter the full code again",
    ),
    _kind(
        "unknown_code", "record",
        "「{field}」没有「{found}」这个取值", "请改用其中之一：{expected}",
        "'{field}' has no value '{found}'", "use one of: {expected}",
    ),
    _kind(
        "not_a_period", "record",
        "「{field}」{found} 不是可识别的时期", "请写成以下形式之一：{expected}",
        "'{field}' {found} is not a period", "write it as one of: {expected}",
    ),
    _kind(
        "not_a_date", "record",
        "「{field}」{found} 不是日期", "请写成以下形式之一：{expected}",
        "'{field}' {found} is not a date", "write it as one of: {expected}",
    ),
    _kind(
        "not_an_instant", "record",
        "「{field}」{found} 不是时刻", "请写成以下形式之一：{expected}",
        "'{field}' {found} is not a time", "write it as one of: {expected}",
    ),
    _kind(
        "not_yes_or_no", "record",
        "「{field}」{found} 看不出是或否", "请写成以下形式之一：{expected}",
        "'{field}' {found} is neither yes nor no", "write it as one of: {expected}",
    ),
    _kind(
        "future", "record",
        "「{field}」{found} 尚未结束（今天是 {expected}）", "请核对时期，或等结束后再报",
        "'{field}' {found} has not ended yet (today is {expected})", "check the period or send it once it has ended",
    ),
    _kind(
        "too_long", "record",
        "「{field}」超过 {expected} 个字（{found}）", "请缩短后重新发送这一行",
        "'{field}' is longer than {expected} characters ({found})", "shorten it and send this row again",
    ),
    _kind(
        "pattern", "record",
        "「{field}」{found} 的写法不对（应符合 {expected}）", "请按该写法更正",
        "'{field}' {found} is not written as it should be ({expected})", "correct it to that form",
    ),
    _kind(
        "duplicate_key", "record",
        "同一主键（{field}：{found}）在文件里有不同的内容，另见第 {more} 条", "请只保留正确的一条",
        "the same key ({field}: {found}) has different contents in this file; see also record {more}", "keep only the right one",
    ),
    _kind(
        "key_known", "record",
        "此键已有不同的值（见文件 {field} 第 {more} 条）", "若要更正，请以“更正”方式重新报送",
        "this key is held with other values (file {field}, record {more})", "to replace them, send the file as a correction",
    ),
)

_NOTES = (
    ("encoding", "文字编码是 {found}", "the text encoding is {found}"),
    ("title", "表头上方的标题：{found}", "title above the head: {found}"),
    ("unit", "单位说明「{found}」用于：{more}", "the unit note '{found}' is used for: {more}"),
    ("period", "时期取自{more}：{found}", "the period is taken from {more}: {found}"),
    ("given", "装载时给定：{found}", "given when loading: {found}"),
    ("given_unused", "装载时给定了 {found}，但文件里有这些列，以文件为准", "{found} was given, but the file's own columns are used"),
    ("head_levels", "表头有 {found} 层", "the head has {found} levels"),
    ("totals", "略去 {found} 行合计、总计或小计：{more}", "{found} total rows were left out: {more}"),
    ("footnotes", "略去 {found} 行脚注：{more}", "{found} footnotes were left out: {more}"),
    ("repeated_head", "略去 {found} 行重复的表头或栏次：{more}", "{found} repeated heads or column numbers were left out: {more}"),
    ("columns_left_out", "略去此表没有的列：{found}", "columns that the table does not have were left out: {found}"),
    ("fields_absent", "文件里没有这些可以不填的列：{found}", "these optional columns are not in the file: {found}"),
    ("filled_down", "合并单元格的内容用于其下各行：{found}", "the contents of merged cells are used for the rows below: {found}"),
    ("hidden_column", "隐藏的列也已读取：{found}", "hidden columns were read too: {found}"),
    ("sheets_left_out", "没有读取的工作表：{found}", "sheets that were not read: {found}"),
    ("several_sheets", "{found} 个工作表的表头都符合，已依次读取：{more}", "the heads of {found} sheets match; read in turn: {more}"),
    ("blank_records", "略去 {found} 行没有数的记录：{more}", "{found} records without any number were left out: {more}"),
)
# fmt: on
_NOTE_DO = Text("如不对请改表后重新发送", "if that is wrong, change the file and send it again")

KINDS: dict[str, FindingKind] = {
    kind.name: kind
    for kind in (
        *_FILE,
        *_RECORD,
        *(FindingKind(f"lake.note.{name}", "note", Text(zh, en), _NOTE_DO) for name, zh, en in _NOTES),
    )
}

# What reading a contracts.toml can find; their sentences are written where they arise.
CONTRACT_KINDS: dict[str, Text] = {
    "contract.table": Text("表的声明不是一张 TOML 表", "a table is not declared as a TOML table"),
    "contract.key": Text("主键或分区里有不存在的字段", "the key or the partition names a field that is not there"),
    "contract.partition_by": Text("分区的粗细没有写对", "how finely a table is parted is not written as it should be"),
    "contract.was": Text("字段的旧名没有写对", "the old name of a field is not written as it should be"),
    "contract.example": Text("示例行里有不存在的字段", "the example row names a field that is not there"),
    "contract.freshness": Text("到达周期或其原因没有写对", "how often a feed arrives, or why only once, is not said"),
    "contract.spread": Text("宽表声明里有不存在的字段或代码", "the spread names a field or code that is not there"),
    "contract.type": Text("没有这种字段类型", "there is no such field type"),
    "contract.level": Text("分级不是 L1 至 L4", "the sensitivity is not one of L1 to L4"),
    "contract.levels": Text("没有这一级地区", "there is no such level of region"),
    "contract.unit": Text(
        "数值字段没有单位，或书面单位不能换算", "a number has no unit, or the written unit does not convert"
    ),
    "contract.float": Text("金额、面积、质量、时长用了浮点数", "money, area, mass or time in floating point"),
    "contract.codes": Text("代码字段没有列出取值", "a code field does not list its values"),
}
