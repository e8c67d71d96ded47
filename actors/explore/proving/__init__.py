"""Every order of events: breadth-first search over the tables, whole frontiers at a time.

`lookup` finds table entries for many rows at once, `by_node` those of one program, `expansion` its moves, `decisions` the
conditions, `fingerprints` numbers states and `seen` remembers them; `search` goes level by level and `paths`
leads back from a state to the first. NumPy is imported here and nowhere else in the package.

May import: `actors.explore.tables`, `actors.runtime`, `protocol`, numpy.
"""
