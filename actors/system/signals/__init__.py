"""Signals and ptrace: what saves a task's extended state to user memory, loads it from there, or writes it from outside.

========================  ==========================================================  ==============================
module                    kernel functions                                            fixes that are switches
========================  ==========================================================  ==============================
`delivery`                arch_do_signal_or_restart, handle_signal, setup_rt_frame,
                          rt_sigreturn (arch/x86/kernel/signal.c)
`frame`                   copy_fpstate_to_sigframe, xsave_to_user_sigframe
                          (arch/x86/kernel/fpu/signal.c)
`sigreturn`               fpu__restore_sig, restore_fpregs_from_user (the same)       bbc55341b9c6, d8778e393afa
`xstate.clear`            fpu__clear_user_states (fpu/core.c)                         388eff894d6b
`ptrace`                  ptrace_stop, ptrace_check_attach, ptrace_resume,
                          xstateregs_set (kernel/ptrace.c, fpu/regset.c)
`uabi`                    copy_uabi_to_xstate (fpu/xstate.c)                          814fb7bb7db5
`uaccess`                 clear_user, get_user, put_user, fault_in_readable
`sources`                 send_signal, and a kill() from outside
========================  ==========================================================  ==============================

What a signal costs in user memory is an area (`kernel.mm`), which a sibling thread may unmap at any step. The handler is user
code, and runs inline in the program that took the signal: rt_sigreturn comes back to the way to user mode that delivered it,
and goes on there, which is what its own way back would do.

Left out: sigcontext and the words beside the XSAVE area, alternate stacks, FX and FSAVE frames, PKRU; there is one signal.

May import: `actors.system.entry`, `actors.system.xstate`, `actors.system.sched`, `actors.system.fpu`, `actors.system.kernel`,
`actors.machine`, `actors.runtime`, `protocol`.
"""
