"""The kernel's data, and the CPU as kernel code holds it: what every routine of the kernel stands on.

`data` names tasks, their fpstates and the per-CPU variables, `layout` says how large an fpstate is, `flags` what the bits of a
task are, `preempt_count` its fields, `errno` how a function says no. `mm` is user memory, `vmalloc` allocates fpstates, and
`kasan` says who uses one too late. `xstate_op` are the labels by which a routine tells what it is about to do, `warnings` what
it warns of. `fixes` are the commits that can be taken away, `mutants` the lines that can be. `cpu` is the CPU that a routine
runs on.

May import: `actors.machine`, `actors.runtime`, `protocol`.
"""
