"""The search wing: in which order a world runs, and how one order is named, found again, and compared.

`tables` steps a world by look-ups on small integers. On them `sampling` runs a scenario many times (`sampled`), each time in
another order that one of the `strategies` chooses, until something is violated; `verification` goes through every order
(`proving`). Either can only find: what counts is a replay on Trio, which `recording` runs and writes down. `token` gives an
execution a name that fits on a command line, and `replay` goes from the name back to the same execution or says where it
parts from it. `results` are the answers of sampling, as values.

Nothing here knows what a CPU is: any race of any actors can be explored. Importing this package, `token`, `results` or
`strategies` does not import Trio; NumPy is imported where whole frontiers or many walks at once need it, and nowhere else.

May import: `actors.runtime`, `protocol`.
"""
