"""What runs on the machine: host kernel, KVM, guests and user tasks, as programs that read like the code they model.

`machine` builds a world of CPUs, tasks, guests and interrupts; scenarios start there. `kernel` names the kernel's data, all of
it cells, and is the CPU as kernel code holds it; `boot` gives these cells their first values. `fpu` (the registers and their
owner), `sched`, `xstate` (what uses the registers where it can be interrupted) and `entry` follow the kernel functions that they
name, `invariants` is what must hold of it all, `adding` what a machine can be given, `kvm` is vcpu_run in the forms of the 2021
design mail, `guest` and `tasks` are what runs in VMs and processes.

The kernel's functions are routines: when one has returned, what it was replied on the way, and how often it was interrupted,
tells no two states apart any more. Loops that send an instruction again, or enter a guest again, `become` their next round.

Simplified here: KVM_RUN keeps the guest's state in the vCPU thread's own fpstate.

May import: `actors.machine`, `actors.runtime`, `protocol`.
"""

from actors.system.machine import Machine

__all__ = ["Machine"]
