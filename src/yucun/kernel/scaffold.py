"""A new service: writes a folder of the one shape that passes the suite over all services, to be changed from there."""

from __future__ import annotations

from pathlib import Path

from yucun.base.errors import DeclarationError, Finding
from yucun.base.text import Text
from yucun.kernel.service import NAME

_README = """# {title}

**Whom it serves.** Say who opens its page, and which question they want answered in ten seconds.

**What it rests on.** Name the document.

**The one number it must move.** `{name}.reported`: the share of regions that have reported.

```
office's file ──► {name}.report ──► {name}.reported ──► cockpits/{name}.toml
```

**What it will not do.** It refuses nobody anything, and it ranks nobody for a burden.
"""

_PACKAGE = '"""{title}: say in one line what this service is for."""\n'

_SERVICE = """title = {{ zh = "{name}", en = "{title}" }}
meaning = {{ zh = "用一句话写明这项服务做什么。", en = "Say in one sentence what this service does." }}
one_number = "reported"
rests_on = {{ zh = "写明所依据的文件", en = "name the document that it rests on" }}
publishes = ["report"]
consumes = []
screens = ["{name}"]
"""

_CONTRACTS = """# The tables of the service: what each promises. The keys are explained in docs/how-to.

[report]
title = {{ zh = "报送情况", en = "Reports" }}
meaning = {{ zh = "每个地区每月一行：应报多少，已报多少。", en = "One row for each region and month: how many were due, how many came." }}
owner = {{ zh = "牵头部门", en = "the bureau in charge" }}
key = ["region", "period"]
partition = "period"
freshness = {{ every = "month", due_days = 10 }}
licence = {{ zh = "内部使用", en = "internal use" }}
example = {{ region = "330500", period = "2022-04", due = 20, reported = 18 }}

[report.fields.region]
type = "region"
title = {{ zh = "地区", en = "region" }}
level = "L1"

[report.fields.period]
type = "period"
title = {{ zh = "月份", en = "month" }}
level = "L1"

[report.fields.due]
type = "integer"
title = {{ zh = "应报数", en = "due" }}
level = "L1"
unit = "record"
range = [0, 1000000]

[report.fields.reported]
type = "integer"
title = {{ zh = "已报数", en = "reported" }}
level = "L1"
unit = "record"
range = [0, 1000000]
"""

_INDICATORS = """# The numbers of the service. The keys are explained in docs/how-to/define-a-number.md.

[reported]
kind = "ratio"
numerator = {{ table = "report", field = "reported", take = "sum" }}
denominator = {{ table = "report", field = "due", take = "sum" }}
title = {{ zh = "报送率", en = "Share reported" }}
meaning = {{ zh = "已报数除以应报数。", en = "How many came over how many were due." }}
unit = "bp"
direction = "higher"
levels = ["province", "city", "county", "town", "village"]
periods = ["month"]
smallest_cell = {{ published = {{ zh = "只计报送份数，不涉及个人", en = "counts reports, not persons" }} }}
check = [{{ kind = "recount" }}, {{ kind = "bounds", low = 0, high = 100 }}]
"""

_COCKPIT = """title = {{ zh = "{name}", en = "{title}" }}
levels = ["city", "county"]

[opening.sentence]
words = {{ zh = "{{place}}{{period}}报送率 {{share}}。", en = "{{share}} of what was due in {{place}} came in {{period}}." }}

[opening.sentence.slots]
share = {{ indicator = "{name}.reported", form = "number_with_unit" }}
period = {{ indicator = "{name}.reported", form = "period" }}

[[sections]]
title = {{ zh = "报送", en = "Reports" }}
shape = "tiles"

[[sections.tiles]]
indicator = "{name}.reported"
period = "current"
"""

_EXAMPLES = """# Examples: given, when, then. Each is landed, computed and asked in a test.

[first]
title = {{ zh = "报送率", en = "Share reported" }}
clause = {{ zh = "写明所依据的条款", en = "name the clause that it shows" }}
given = {{ zh = "湖州 2022 年 4 月应报 20 份，已报 18 份", en = "in April 2022 Huzhou owed 20 reports and 18 came" }}
when = {{ zh = "问 2022 年 4 月的报送率", en = "the share reported in April 2022 is asked for" }}
then = {{ zh = "90.0%", en = "90.0%" }}

[[first.tables]]
table = "report"
rows = '''
region,period,due,reported
330500,2022-04,20,18
'''

[[first.asks]]
number = "reported"
region = "330500"
period = "2022-04"
decimals = 1
is = "90.0"
"""

_FILES: dict[str, str] = {
    "README.md": _README,
    "__init__.py": _PACKAGE,
    "service.toml": _SERVICE,
    "contracts.toml": _CONTRACTS,
    "indicators.toml": _INDICATORS,
    "cockpits/{name}.toml": _COCKPIT,
    "examples.toml": _EXAMPLES,
}


def write_service(name: str, folder: Path) -> list[Path]:
    """Write the folder of a new service.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and underscores; it becomes the folder's name.
    folder : Path
        Where the services lie.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    DeclarationError
        If the name is none, or a service of that name is there already; then nothing is written.
    """
    home = folder / name
    if not NAME.fullmatch(name):
        raise DeclarationError(
            Finding(
                "service.name",
                "new-service",
                name[:120],
                NAME.pattern,
                Text(
                    "服务名应为小写字母、数字和下划线，如 eldercare",
                    "a service is named in lower-case letters, digits and underscores, like eldercare",
                ),
            )
        )
    if home.exists():
        raise DeclarationError(
            Finding(
                "service.exists",
                name,
                name,
                "a new name",
                Text(f"已有名为「{name}」的服务", f"there is a service called '{name}' already"),
            )
        )
    title = name.replace("_", " ").capitalize()
    written = []
    for pattern, text in _FILES.items():
        path = home / pattern.format(name=name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(name=name, title=title), encoding="utf-8")
        written.append(path)
    return written
