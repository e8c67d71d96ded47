"""The registers of extended state, and who owns them: what the scheduler and the way back to user mode need of the FPU core.

`xfd` keeps XFD and its per-CPU copy, `registers` saves and loads fpstates, `pkru` is the register that goes without one,
`switch` is what a context switch does, `init` what a CPU that comes up does. All of it runs with interrupts off, or under
fpregs_lock(). Follows arch/x86/kernel/fpu/{core,context,xstate,sched,init}.

May import: `actors.system.kernel`, `actors.machine`, `actors.runtime`, `protocol`.
"""
