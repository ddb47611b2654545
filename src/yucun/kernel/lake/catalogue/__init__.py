"""The catalogue of open data: draft, approved, open, withdrawn; versions that may be cited, in files that never change.

Examples
--------
>>> STEPS["open"].before, STEPS["open"].after
(('approved',), 'open')
>>> [domain.title.en for domain in SIX]
['Inclusive finance', 'Transport', 'Health', 'Market supervision', 'Social security', 'Culture and tourism']
"""

from yucun.kernel.lake.catalogue.catalogue import PLACE, Catalogue, Terms, Withheld
from yucun.kernel.lake.catalogue.declare import open_declared, read_open
from yucun.kernel.lake.catalogue.describing import (
    FILE_NAMES,
    FORM_OF_FILE,
    MEDIA_TYPES,
    Described,
    cite,
    say_codes,
    say_unit,
)
from yucun.kernel.lake.catalogue.model import (
    DOMAINS,
    FORMS,
    LICENCES,
    MOVES,
    OTHER,
    SIX,
    STATE_TITLES,
    STATES,
    TREATMENT_TITLES,
    Coverage,
    Domain,
    Form,
    Item,
    Licence,
    Move,
    MoveName,
    OpenFile,
    ReleaseFile,
    State,
    Subject,
    Treatment,
    Version,
)
from yucun.kernel.lake.catalogue.moves import STEPS, holds_persons, open_fields
from yucun.kernel.lake.catalogue.store import ORGAN
from yucun.kernel.lake.catalogue.subject import TableSubject, count_landings, cover

__all__ = [
    "DOMAINS",
    "FILE_NAMES",
    "FORMS",
    "FORM_OF_FILE",
    "LICENCES",
    "MEDIA_TYPES",
    "MOVES",
    "ORGAN",
    "OTHER",
    "PLACE",
    "SIX",
    "STATES",
    "STATE_TITLES",
    "STEPS",
    "TREATMENT_TITLES",
    "Catalogue",
    "Coverage",
    "Described",
    "Domain",
    "Form",
    "Item",
    "Licence",
    "Move",
    "MoveName",
    "OpenFile",
    "ReleaseFile",
    "State",
    "Subject",
    "TableSubject",
    "Terms",
    "Treatment",
    "Version",
    "Withheld",
    "cite",
    "count_landings",
    "cover",
    "holds_persons",
    "open_declared",
    "open_fields",
    "read_open",
    "say_codes",
    "say_unit",
]
