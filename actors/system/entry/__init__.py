"""Into the kernel and out of it: exceptions, interrupts, system calls, and what is done on the way back to user mode.

`common` follows kernel/entry/common.c, `traps` arch/x86/kernel/traps.c. `interrupts`, `nmi` and `ipi` are the sources of
interrupts, `hotplug` takes CPUs away and brings them back.

May import: `actors.system.xstate`, `actors.system.sched`, `actors.system.fpu`, `actors.system.kernel`, `actors.machine`,
`actors.runtime`, `protocol`.
"""
