"""What a machine can be given, by topic: the builder methods that `actors.system.Machine` is put together from.

`invariants` adds the conditions that must hold of every kernel.

May import: everything in `actors.system` but `machine`; `actors.machine`, `actors.runtime`, `protocol`.
"""
