"""Executions by the thousand: where strategies stand, and the ways in which what they choose is carried out.

`position` is all that a strategy sees, whoever runs the execution: `rows` on the step tables, `coroutines` on
live programs, with Trio or without, `columns` thousands of random walks at once with NumPy. `draws` is where
randomness comes from, `counting` counts executions. The same seed and number are the same execution on all of
them, for every strategy that looks at nothing but the execution.

May import: `actors.runtime`, `actors.explore.tables`, `protocol`. Only `columns` imports NumPy.
"""
