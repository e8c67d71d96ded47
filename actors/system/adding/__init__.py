"""What a `Machine` can be given, a topic a file: each is a part of the builder, and what it adds follows the kernel elsewhere.

`base` is what all of them build on, `tasks` adds tasks and threads, `interrupts` what interrupts a CPU, `moving` what moves tasks
and takes CPUs away, `signals` signals, frames and ptrace, `invariants` the
conditions that must hold of every kernel.

May import: all of `actors.system` but `actors.system.machine`.
"""
