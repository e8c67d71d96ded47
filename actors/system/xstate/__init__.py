"""What uses extended state from code that can be interrupted, under fpregs_lock() or with preemption off.

`kernel_fpu` is the kernel's own use of the registers, `dynamic` what happens when a task first uses a dynamic feature,
`permission` who may, `clone` what a child gets and what exec leaves, `clear` is initial state for user mode. Follows
arch/x86/kernel/fpu/{core,xstate}.c.

May import: `actors.system.sched`, `actors.system.fpu`, `actors.system.kernel`, `actors.machine`, `actors.runtime`, `protocol`.
"""
