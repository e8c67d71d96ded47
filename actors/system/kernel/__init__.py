"""The kernel's data, and the CPU as kernel code holds it: what every routine of the kernel stands on.

`data` names tasks, their fpstates and the per-CPU variables, `flags` the bits of a task, `preempt_count` its fields; `fixes` are
the commits that can be taken away, `mutants` the lines that can be. `cpu` is the CPU that a routine runs on.

May import: `actors.machine`, `actors.runtime`, `protocol`.
"""
