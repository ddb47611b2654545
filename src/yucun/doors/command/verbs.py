"""All verbs of the command line, in the order in which a newcomer meets them."""

from __future__ import annotations

from pathlib import Path

from yucun.base.text import Text
from yucun.doors.command.catalogue import CATALOGUE_VERBS
from yucun.doors.command.feeds import FEED_VERBS
from yucun.doors.command.index import INDEX_RUN
from yucun.doors.command.replaying import REPLAY_VERBS
from yucun.doors.command.requesting import REQUEST_VERBS
from yucun.doors.command.rules import RULES_CONFORM
from yucun.doors.command.sample import SAMPLE
from yucun.doors.command.verb import Verb, Word

_CITY = Text("城市", "The city")
_NUMBERS = Text("数字", "Numbers")
_RECORDS = Text("记录", "Records")
_KEEPING = Text("保管", "Keeping")
_BUILDING = Text("扩展", "Building")

_HOST = Word("host", Text("监听地址", "address to listen on"), str, "127.0.0.1")
_PORT = Word("port", Text("端口；被占用时用下一个空闲端口", "port; the next free one if it is taken"), int, 8000)
_AS_OF = Word(
    "as_of", Text("按当时所知：日志序号、日期或时刻", "as it was known then: a journal seq, a day or an instant")
)
_INDICATOR = Word("indicator", Text("指标编号或名称", "id or title of an indicator"), str, ..., is_argument=True)
_REGION = Word(
    "region",
    Text("地区：名称（湖州）或代码（330500）", "region: name (Huzhou) or code (330500)"),
    str,
    ...,
    is_argument=True,
)
_PERIOD = Word(
    "period",
    Text(
        "时期：2021、2021年、2020年1-9月、2021Q3……；不写即最近一期",
        "period: 2021, 2021Q3, 2020-01..09 …; the newest, if left out",
    ),
    str,
    None,
    is_argument=True,
)

VERBS: tuple[Verb, ...] = (
    Verb(
        "up",
        Text(
            "打开城市：装载、检查、服务；再次打开只需几秒",
            "open the city: load, check, serve; a second time takes seconds",
        ),
        "city:open_up",
        _CITY,
        (
            Word("no_serve", Text("除提供服务外全部做完", "do all but serving"), bool, False),
            Word(
                "full",
                Text(
                    "新建城市时造出全部模拟居民（湖州 340.7 万人）",
                    "begin a new city with all its made-up residents (3,407,000 in Huzhou)",
                ),
                bool,
                False,
            ),
            Word(
                "residents",
                Text(
                    "新建城市时造多少模拟居民；0 为不造", "begin a new city with so many made-up residents; 0 for none"
                ),
                int,
                30_000,
            ),
            _HOST,
            _PORT,
        ),
        ("up", "up --no-serve --data ./huzhou", "up --full --data ./whole"),
    ),
    Verb(
        "serve",
        Text("提供网页和接口", "serve the pages and the API"),
        "city:serve",
        _CITY,
        (_HOST, _PORT),
        ("serve --port 8080",),
    ),
    Verb(
        "check",
        Text(
            "核对一切：声明、日志链、湖文件、重建、逐个重算每个数",
            "check everything: declarations, journal chain, lake files, rebuild, every number worked out again",
        ),
        "keeping:check",
        _CITY,
        (),
        ("check",),
    ),
    Verb(
        "value",
        Text("一个数", "one number"),
        "numbers:value",
        _NUMBERS,
        (_INDICATOR, _REGION, _PERIOD, _AS_OF),
        ("value prosperity.urban_rural_ratio 湖州 2021",),
    ),
    Verb(
        "series",
        Text("一个数随时间的变化，只连同口径的时期", "a number through time; only comparable periods in one series"),
        "numbers:series",
        _NUMBERS,
        (_INDICATOR, _REGION, _AS_OF),
        ("series prosperity.urban_rural_ratio 湖州",),
    ),
    Verb(
        "why",
        Text(
            "一个数从哪里来：定义、组成、记录、文件、核对",
            "where a number comes from: definition, parts, records, files, checks",
        ),
        "numbers:why",
        _NUMBERS,
        (
            Word("indicator", _INDICATOR.meaning, str, None, is_argument=True),
            Word("region", _REGION.meaning, str, None, is_argument=True),
            _PERIOD,
            _AS_OF,
            Word(
                "random",
                Text(
                    "随机取 N 个数，由链上点名的记录重算并双向核对",
                    "take N numbers at random, work each out again from the records that its chain names, and check both ways",
                ),
                int,
                0,
                metavar="N",
            ),
            Word("seed", Text("随机种子", "seed of the choice"), int, 1),
        ),
        ("why prosperity.urban_rural_ratio 湖州 2021", "why --random 1000 --seed 1"),
    ),
    Verb(
        "list",
        Text("列出 indicators、tables、regions 或 services", "list indicators, tables, regions or services"),
        "numbers:list_all",
        _NUMBERS,
        (
            Word(
                "what",
                Text("indicators、tables、regions、services", "indicators, tables, regions, services"),
                str,
                ...,
                is_argument=True,
            ),
            Word("find", Text("只列含有这些字的", "only those with these words")),
        ),
        ("list indicators", "list regions --find 织里"),
    ),
    Verb(
        "load",
        Text(
            "报送一个文件：读、查、落库；坏行进隔离区并说明原因",
            "send a file: read, check, land; bad rows go to quarantine with the reason",
        ),
        "records:load",
        _RECORDS,
        (
            Word(
                "source",
                Text(
                    "文件、目录或通配符（CSV、Excel、Parquet、JSON 行），或 sqlite:路径#表、postgresql://…#表",
                    "files, folders or patterns (CSV, Excel, Parquet, JSON lines), or sqlite:PATH#TABLE, postgresql://…#TABLE",
                ),
                list[str],
                (),
                is_argument=True,
            ),
            Word("table", Text("表名，如 prosperity.income", "the table, e.g. prosperity.income"), str, ""),
            Word(
                "set",
                Text(
                    "文件中没有的字段：字段=值，可多次", "what the file has no column for: field=value; may be repeated"
                ),
                list[str],
                (),
                metavar="FIELD=VALUE",
            ),
            Word(
                "correct",
                Text("作为更正：不同的值取代原有的", "as a correction: other values replace those held"),
                bool,
                False,
            ),
            Word(
                "bulk",
                Text(
                    "在子进程里按大文件装载（超过 64 MB、Parquet、JSON 行与数据库表自动如此）",
                    "load in a child process (as is done beyond 64 MB, with Parquet, JSON lines and databases)",
                ),
                bool,
                False,
            ),
            Word("memory", Text("子进程可用的内存，默认 4GB", "memory of the child process, 4GB by default"), str, ""),
            Word("resume", Text("继续中断的装载", "go on with loads that were stopped"), bool, False),
            Word("cancel", Text("取消中断的装载", "cancel loads that were stopped"), bool, False),
        ),
        (
            "load income.xlsx --table prosperity.income --set period=2021",
            "load 'hub/*.parquet' --table hub.visit --memory 6GB",
            "load sqlite:hub.db#visits --table hub.visit",
            "load --resume",
        ),
    ),
    Verb(
        "trace",
        Text("一条记录影响了哪些数", "which numbers a record moved"),
        "records:trace",
        _RECORDS,
        (
            Word(
                "file",
                Text(
                    "送来的文件，或其哈希（可只写开头）",
                    "the file that was sent, or its hash (its beginning is enough)",
                ),
                str,
                ...,
                is_argument=True,
            ),
            Word(
                "record",
                Text("记录号，从表头下第一行的 1 数起", "record number, counted from 1 below the head"),
                int,
                ...,
                is_argument=True,
            ),
        ),
        ("trace income.xlsx 3",),
    ),
    Verb(
        "rebuild",
        Text("由日志重建账本并比对状态哈希", "apply the journal to fresh books and compare the state hashes"),
        "keeping:rebuild",
        _KEEPING,
        (
            Word(
                "into",
                Text(
                    "保留到这个账本网址，可由 SQLite 换到 PostgreSQL",
                    "keep them under this URL; so SQLite becomes PostgreSQL",
                ),
            ),
        ),
        ("rebuild", "rebuild --into postgresql://localhost/huzhou"),
    ),
    Verb(
        "backup",
        Text("把整座城市备份到一个空目录", "copy the whole city into an empty folder"),
        "keeping:backup",
        _KEEPING,
        (Word("to", Text("目录", "the folder"), Path, ..., is_argument=True),),
        ("backup ./saved",),
    ),
    Verb(
        "restore",
        Text(
            "由备份恢复一座城市；现有的城市不会被覆盖",
            "bring a city back from a backup; a city that is there is not overwritten",
        ),
        "keeping:restore",
        _KEEPING,
        (Word("source", Text("备份目录", "folder of the backup"), Path, ..., is_argument=True),),
        ("restore ./saved --data ./again",),
    ),
    Verb(
        "place boundaries",
        Text("给城市带来标准地图的边界（GeoJSON）", "bring a standard map's boundaries (GeoJSON) to the city"),
        "records:bring_boundaries",
        _BUILDING,
        (
            Word("file", Text("GeoJSON 文件", "a GeoJSON file"), Path, ..., is_argument=True),
            Word(
                "system", Text("坐标系，文件未写明时为 GCJ-02", "coordinate system; GCJ-02 where the file does not say")
            ),
        ),
        ("place boundaries counties.geojson",),
    ),
    Verb(
        "new-service",
        Text("写一个能通过全部检查的新服务目录", "write the folder of a new service that passes every check"),
        "building:new_service",
        _BUILDING,
        (
            Word("name", Text("服务编号，小写英文", "id of the service, lower-case"), str, ..., is_argument=True),
            Word(
                "into",
                Text(
                    "写到哪个目录（默认本程序的 services）",
                    "folder to write into (default: this program's own services)",
                ),
                Path,
            ),
        ),
        ("new-service eldercare",),
    ),
    Verb(
        "bench",
        Text("与同类并排测速（需在仓库内）", "measure speed beside peers (within the repository)"),
        "building:bench",
        _BUILDING,
        (Word("names", Text("只测这些", "only these"), list[str], (), is_argument=True),),
    ),
    *REPLAY_VERBS,
    *CATALOGUE_VERBS,
    *FEED_VERBS,
    *REQUEST_VERBS,
    INDEX_RUN,
    RULES_CONFORM,
    SAMPLE,
)
