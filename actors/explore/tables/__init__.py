"""The table driver: exploring by look-ups on small integers, once each step has been met.

`interning` numbers the values of cells, `histories` the local states of programs, which `places` name; `layout` makes columns of
both, so that a state is a row of integers; `steps` remembers what each message comes to, and `passages` whether it waits at a
gate; `judging` decides conditions on rows; `tables` puts them together, and `graph` links the states that have been met.

May import: `actors.runtime`, `protocol`. It knows nothing of CPUs.
"""
