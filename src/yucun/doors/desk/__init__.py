"""The duty desk behind pages and API: which cases a reader may see, what they may do to them, and hearing of changes.

It knows kinds of case, moves and clocks, and no service: whatever a service declares in ``cases.toml`` can be worked
on here. What only the service can say (a title, whom a matter belongs to) it says in ``pages/desk.py``.
"""
