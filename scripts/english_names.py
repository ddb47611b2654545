"""Names of regions in English letters: Hanyu Pinyin for the proper name, a translated word for its kind.

Pinyin follows the rules for place names: syllables joined, a mark before a syllable that begins with a vowel
(Si'an), ``ü`` kept (Lüshan), and a one-syllable name joined with its kind (余村 is Yucun Village).
"""

from __future__ import annotations

from pypinyin import Style, lazy_pinyin

# Readings that the dictionary misses: names of places, and characters used there in their local sense.
READINGS = {
    "乐清": "yue qing",
    "丽水": "li shui",
    "台州": "tai zhou",
    "重兆": "chong zhao",
    "朝阳": "chao yang",
    "民乐": "min le",
    "米行": "mi hang",
    "上莘": "shang xin",
    "卜": "bu",
    "弄": "long",
    "晟": "sheng",
    "都": "du",
    "长": "chang",
}

# Ending in Chinese, and what it says in English; the first that fits is taken.
KINDS = {
    "province": (("省", ""),),
    "city": (("市", ""),),
    "county": (
        ("畲族自治县", " She Autonomous County"),
        ("县", " County"),
        ("区", " District"),
        ("市", " City"),
    ),
    "town": (("街道", " Sub-district"), ("镇", " Town"), ("乡", " Township")),
    "village": (
        ("林场生活区", " Forest Farm Living Area"),
        ("社区居委会", " Community"),
        ("居民委员会", " Community"),
        ("居委会", " Community"),
        ("社区", " Community"),
        ("村村委会", " Village"),
        ("村委会", " Village"),
        ("村", " Village"),
    ),
}


def spell(name: str) -> str:
    """Write a Chinese name as one word in Pinyin without tones."""
    syllables: list[str] = []
    while name:
        known = next((part for part in READINGS if name.startswith(part)), None)
        if known:
            syllables += READINGS[known].split()
            name = name[len(known) :]
            continue
        stop = min((name.find(part) for part in READINGS if part in name), default=len(name))
        syllables += lazy_pinyin(name[:stop], style=Style.NORMAL, v_to_u=True, errors="exception")
        name = name[stop:]
    joined = syllables[0]
    for syllable in syllables[1:]:
        joined += ("'" if syllable[0] in "aeo" else "") + syllable
    return joined.capitalize()


def name_in_english(name: str, level: str) -> str:
    """Translate a region's name.

    Examples
    --------
    >>> name_in_english("吴兴区", "county"), name_in_english("泗安镇", "town")
    ('Wuxing District', "Si'an Town")
    >>> name_in_english("余村村委会", "village"), name_in_english("月河社区居委会", "village")
    ('Yucun Village', 'Yuehe Community')
    """
    for ending, english in KINDS[level]:
        if name.endswith(ending):
            proper = name.removesuffix(ending)
            if len(proper) == 1 and ending.startswith("村"):
                proper += "村"
            return spell(proper) + english
    raise ValueError(f"{name}: no known ending for a {level}; add one to KINDS")
