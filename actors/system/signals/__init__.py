"""Signals and ptrace: what saves a task's extended state to user memory, loads it from there, or writes it from outside.

`delivery` is the way to a handler and back, `frame` what is written for it, `sigreturn` what is loaded from there, `ptrace` what
a tracer writes. `uaccess` and `uabi` are what these need of user memory and of its format, `sources` who sends signals, `users`
user code that takes them.

What a signal costs in user memory is an area (`kernel.mm`), which a sibling thread may unmap at any step. The handler is user
code, and runs inline in the program that took the signal: rt_sigreturn comes back to the way to user mode that delivered it,
and goes on there, which is what its own way back would do.

Left out: sigcontext and the words beside the XSAVE area, alternate stacks, FX and FSAVE frames, PKRU; there is one signal.

May import: `actors.system.entry`, `actors.system.xstate`, `actors.system.sched`, `actors.system.fpu`, `actors.system.kernel`,
`actors.machine`, `actors.runtime`, `protocol`.
"""
