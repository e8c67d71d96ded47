"""The search wing: in which order a world runs, and how one order is named, found again, and compared.

`strategies` make the choices, `sampling` runs a scenario under one of them until something is violated, on tables
or on Trio (`sampled`),
`recording` runs one execution and writes it down, `token` gives an execution a name that fits on a command
line, and `replay` goes from the name back to the same execution or says where it parts from it. `results` are
the answers, as values.

Nothing here knows what a CPU is: any race of any actors can be explored. Importing this package, `token`,
`results` or `strategies` does not import Trio; `recording`, `sampling` and `replay` do.

May import: `actors.runtime`, `protocol`.
"""
