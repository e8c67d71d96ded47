"""The questions: one file each, runnable, readable, and pinned by its cases.

A scenario's docstring tells its story; its function builds the world and says what must hold. The code under test is in
`actors.system`, or here where it belongs to one question alone.

May import: `actors.system`, `actors.machine`, `actors.runtime`, `protocol`; never `actors.explore`.
"""
