"""What runs on the machine: host kernel, KVM, guests and user tasks, as programs that read like the code they model.

`machine` builds a world of CPUs, tasks, guests and interrupts; scenarios start there. `kernel` names the kernel's data, all of
it cells, and is the CPU as kernel code holds it; `boot` gives these cells their first values. `fpu` (the registers and their
owner), `sched`, `xstate` (what uses the registers where it can be interrupted) and `entry` follow the kernel functions that they
name. `invariants` is what must hold of it all, `adding` what a machine can be given, `kvm` is vcpu_run in the forms of the 2021
design mail, `guest` and `tasks` are what runs in VMs and processes, and `fork` is how processes come about.

The kernel's functions are routines: when one has returned, what it was replied on the way, and how often it was interrupted,
tells no two states apart any more. Loops that send an instruction again, or enter a guest again, `become` their next round.

What follows a kernel function says so at the beginning of its docstring, and its lines stand in that function's order. The table
says which it is, in Linux 6.12, and which fixes the routine can be run without (`kernel.fixes`). What `kvm` follows is the 2021
mail's pseudo-code of a function that 6.12 has too.

==================================  ==================================  =================================  ============
routine                             follows                             file                               fixes
==================================  ==================================  =================================  ============
debug_fpu
  xstate_op_valid                   xstate_op_valid()                   arch/x86/kernel/fpu/xstate.c
entry.common
  exit_to_user_mode_prepare         exit_to_user_mode_prepare()         include/linux/entry-common.h
  exit_to_user_mode_loop            exit_to_user_mode_loop()            kernel/entry/common.c
  irqentry_exit                     irqentry_exit()                     kernel/entry/common.c
  syscall_exit_to_user_mode         syscall_exit_to_user_mode()         kernel/entry/common.c
entry.hotplug
  native_kick_ap                    native_kick_ap()                    arch/x86/kernel/smpboot.c
  start_secondary                   start_secondary()                   arch/x86/kernel/smpboot.c
  do_idle                           do_idle()                           kernel/sched/idle.c
  arch_cpu_idle_dead                native_play_dead()                  arch/x86/kernel/smpboot.c
entry.interrupts
  work_left                         irqentry_exit()                     kernel/entry/common.c
  timer_interrupt                   resched_curr()                      kernel/sched/core.c
entry.ipi
  ipi_source                        sysvec_call_function_single()       arch/x86/kernel/smp.c
entry.nmi
  nmi_enter                         __nmi_enter()                       include/linux/hardirq.h
  nmi_exit                          __nmi_exit()                        include/linux/hardirq.h
  perf_event_nmi_handler            perf_event_nmi_handler()            arch/x86/events/core.c
  do_machine_check                  do_machine_check()                  arch/x86/kernel/cpu/mce/core.c
entry.traps
  exc_device_not_available          exc_device_not_available()          arch/x86/kernel/traps.c
  handle_xfd_event                  handle_xfd_event()                  arch/x86/kernel/traps.c
  force_sig                         force_sig()                         kernel/signal.c
fork
  kernel_clone                      kernel_clone()                      kernel/fork.c
  _link                             copy_process()                      kernel/fork.c
  execve                            execve()                            fs/exec.c
fpu.init
  fpu__init_cpu_xstate              fpu__init_cpu_xstate()              arch/x86/kernel/fpu/xstate.c       10e4b5166df9
fpu.pkru
  x86_pkru_load                     x86_pkru_load()                     arch/x86/kernel/process_64.c
  pkru_write_default                pkru_write_default()                arch/x86/include/asm/pkru.h
fpu.registers
  save_fpregs_to_fpstate            save_fpregs_to_fpstate()            arch/x86/kernel/fpu/core.c
  os_xsave                          os_xsave()                          arch/x86/kernel/fpu/xstate.h
  os_xrstor                         os_xrstor()                         arch/x86/kernel/fpu/xstate.h
  restore_fpregs_from_fpstate       restore_fpregs_from_fpstate()       arch/x86/kernel/fpu/core.c
  ex_handler_fprestore              ex_handler_fprestore()              arch/x86/mm/extable.c              d5c8028b4788
  fpregs_state_valid                fpregs_state_valid()                arch/x86/kernel/fpu/context.h
  fpregs_activate                   fpregs_activate()                   arch/x86/kernel/fpu/context.h
  fpregs_deactivate                 __cpu_invalidate_fpregs_state()     arch/x86/kernel/fpu/context.h
  fpregs_mark_activate              fpregs_mark_activate()              arch/x86/kernel/fpu/core.c
  restore_fpregs_from_init_fpstate  restore_fpregs_from_init_fpstate()  arch/x86/kernel/fpu/core.c
  fpregs_restore_userregs           fpregs_restore_userregs()           arch/x86/kernel/fpu/context.h
  switch_fpu_return                 switch_fpu_return()                 arch/x86/kernel/fpu/core.c
fpu.switch
  switch_fpu_prepare                switch_fpu_prepare()                arch/x86/include/asm/fpu/sched.h
  switch_fpu_finish                 switch_fpu_finish()                 arch/x86/include/asm/fpu/sched.h
  fpu__drop                         fpu__drop()                         arch/x86/kernel/fpu/core.c
  fpstate_free                      fpstate_free()                      arch/x86/kernel/fpu/xstate.c
  tiles_in_use                      xfeatures_in_use()                  arch/x86/include/asm/fpu/xcr.h
  fpu_idle_fpregs                   fpu_idle_fpregs()                   arch/x86/kernel/fpu/core.c
fpu.xfd
  xfd_set_state                     xfd_set_state()                     arch/x86/kernel/fpu/xstate.h
  xfd_update_state                  xfd_update_state()                  arch/x86/kernel/fpu/xstate.h
invariants.stable
  preemptible                       preemptible()                       include/linux/preempt.h
  irq_fpu_usable                    irq_fpu_usable()                    arch/x86/kernel/fpu/core.c
  serves_softirq                    in_serving_softirq()                include/linux/preempt.h
kernel.layout
  size                              xstate_calculate_size()             arch/x86/kernel/fpu/xstate.c
  fpstate_init_user                 fpstate_init_user()                 arch/x86/kernel/fpu/core.c
kernel.preempt_count
  in_interrupt                      in_interrupt()                      include/linux/preempt.h
  in_hardirq                        in_hardirq()                        include/linux/preempt.h
  in_nmi                            in_nmi()                            include/linux/preempt.h
  in_task                           in_task()                           include/linux/preempt.h
kvm
  vcpu_run                          vmx_vcpu_run()                      arch/x86/kvm/vmx/vmx.c
  vcpu_run_irqs_on                  vmx_vcpu_run()                      arch/x86/kvm/vmx/vmx.c
sched.count
  preempt_disable                   preempt_disable()                   include/linux/preempt.h
  preempt_enable_no_resched         sched_preempt_enable_no_resched()   kernel/sched/sched.h
sched.idle
  do_idle                           do_idle()                           kernel/sched/idle.c
  cpuidle_idle_call                 cpuidle_idle_call()                 kernel/sched/idle.c
  intel_idle_xstate                 intel_idle_xstate()                 drivers/idle/intel_idle.c
  schedule_idle                     schedule_idle()                     kernel/sched/core.c
sched.preempt
  preempt_enable                    preempt_enable()                    include/linux/preempt.h
  preempt_schedule                  preempt_schedule()                  kernel/sched/core.c
  cond_resched                      cond_resched()                      include/linux/sched.h
  preempt_schedule_irq              preempt_schedule_irq()              kernel/sched/core.c
  local_bh_disable                  local_bh_disable()                  include/linux/bottom_half.h
  local_bh_enable                   local_bh_enable()                   include/linux/bottom_half.h
  fpregs_lock                       fpregs_lock()                       arch/x86/include/asm/fpu/api.h
  fpregs_unlock                     fpregs_unlock()                     arch/x86/include/asm/fpu/api.h
sched.schedule
  schedule                          schedule()                          kernel/sched/core.c
  __schedule                        __schedule()                        kernel/sched/core.c
  context_switch                    context_switch()                    kernel/sched/core.c
  do_exit                           do_exit()                           kernel/exit.c
sched.smp
  smp_call_function_single          smp_call_function_single()          kernel/smp.c
  smp_call_function_many            smp_call_function_many()            kernel/smp.c
  smp_call_function                 smp_call_function()                 kernel/smp.c
  _generic_exec_single              csd_lock()                          kernel/smp.c
  _csd_lock_wait                    csd_lock_wait()                     kernel/smp.c
  llist_add                         llist_add()                         include/linux/llist.h
  smp_send_reschedule               native_smp_send_reschedule()        arch/x86/kernel/smp.c
  flush_smp_call_function_queue     __flush_smp_call_function_queue()   kernel/smp.c
sched.softirq
  raise_softirq_irqoff              __raise_softirq_irqoff()            kernel/softirq.c
  irq_enter                         irq_enter_rcu()                     kernel/softirq.c
  irq_exit                          irq_exit_rcu()                      kernel/softirq.c
  do_softirq                        do_softirq()                        kernel/softirq.c
  __do_softirq                      __do_softirq()                      kernel/softirq.c
  handle_softirqs                   handle_softirqs()                   kernel/softirq.c
signals.delivery
  arch_do_signal_or_restart         arch_do_signal_or_restart()         arch/x86/kernel/signal.c
  get_signal                        get_signal()                        kernel/signal.c
  handle_signal                     handle_signal()                     arch/x86/kernel/signal.c
  setup_rt_frame                    setup_rt_frame()                    arch/x86/kernel/signal.c
  rt_sigreturn                      sys_rt_sigreturn()                  arch/x86/kernel/signal_64.c
signals.frame
  copy_fpstate_to_sigframe          copy_fpstate_to_sigframe()          arch/x86/kernel/fpu/signal.c
  xsave_to_user_sigframe            xsave_to_user_sigframe()            arch/x86/kernel/fpu/xstate.h
  save_xstate_epilog                save_xstate_epilog()                arch/x86/kernel/fpu/signal.c
signals.ptrace
  ptrace_stop                       ptrace_stop()                       kernel/signal.c
  ptrace_check_attach               ptrace_check_attach()               kernel/ptrace.c
  ptrace_resume                     ptrace_resume()                     kernel/ptrace.c
  xstateregs_set                    xstateregs_set()                    arch/x86/kernel/fpu/regset.c
  copy_uabi_to_xstate               copy_uabi_to_xstate()               arch/x86/kernel/fpu/xstate.c       814fb7bb7db5
signals.sigreturn
  fpu__restore_sig                  fpu__restore_sig()                  arch/x86/kernel/fpu/signal.c
  __fpu_restore_sig                 __fpu_restore_sig()                 arch/x86/kernel/fpu/signal.c
  check_xstate_in_sigframe          check_xstate_in_sigframe()          arch/x86/kernel/fpu/signal.c
  restore_fpregs_from_user          restore_fpregs_from_user()          arch/x86/kernel/fpu/signal.c       bbc55341b9c6
                                                                                                           d8778e393afa
  __restore_fpregs_from_user        __restore_fpregs_from_user()        arch/x86/kernel/fpu/signal.c       bbc55341b9c6
  xrstor_from_user_sigframe         xrstor_from_user_sigframe()         arch/x86/kernel/fpu/xstate.h
signals.sources
  send_signal                       kill()                              kernel/signal.c
  signal_source                     kill()                              kernel/signal.c
signals.uabi
  header_is_valid                   validate_user_xstate_header()       arch/x86/kernel/fpu/xstate.c
signals.uaccess
  put_user                          put_user()                          arch/x86/include/asm/uaccess.h
  get_user                          get_user()                          arch/x86/include/asm/uaccess.h
  clear_user                        clear_user()                        arch/x86/include/asm/uaccess_64.h
  fault_in_readable                 fault_in_readable()                 mm/gup.c
tasks
  ret_from_fork                     ret_from_fork()                     arch/x86/kernel/process.c
xstate.clear
  fpu__clear_user_states            fpu__clear_user_states()            arch/x86/kernel/fpu/core.c         388eff894d6b
xstate.clone
  fpu_clone                         fpu_clone()                         arch/x86/kernel/fpu/core.c
  fpstate_reset                     fpstate_reset()                     arch/x86/kernel/fpu/core.c
  fpu_flush_thread                  fpu_flush_thread()                  arch/x86/kernel/fpu/core.c
  fpu_reset_fpregs                  fpu_reset_fpregs()                  arch/x86/kernel/fpu/core.c
xstate.dynamic
  xfd_enable_feature                __xfd_enable_feature()              arch/x86/kernel/fpu/xstate.c
  fpstate_realloc                   fpstate_realloc()                   arch/x86/kernel/fpu/xstate.c
xstate.kernel_fpu
  irq_fpu_usable                    irq_fpu_usable()                    arch/x86/kernel/fpu/core.c
  kernel_fpu_begin                  kernel_fpu_begin()                  arch/x86/include/asm/fpu/api.h
  kernel_fpu_begin_mask             kernel_fpu_begin_mask()             arch/x86/kernel/fpu/core.c
  kernel_fpu_end                    kernel_fpu_end()                    arch/x86/kernel/fpu/core.c
xstate.permission
  fpu_xstate_prctl                  fpu_xstate_prctl()                  arch/x86/kernel/fpu/xstate.c
  xstate_get_group_perm             xstate_get_group_perm()             arch/x86/kernel/fpu/xstate.h
  xstate_request_perm               xstate_request_perm()               arch/x86/kernel/fpu/xstate.c
  _xstate_request_perm              __xstate_request_perm()             arch/x86/kernel/fpu/xstate.c
  user_size                         xstate_calculate_size()             arch/x86/kernel/fpu/xstate.c
  validate_sigaltstack              validate_sigaltstack()              arch/x86/kernel/fpu/xstate.c
  do_sigaltstack                    do_sigaltstack()                    kernel/signal.c
  fpu_inherit_perms                 fpu_inherit_perms()                 arch/x86/kernel/fpu/core.c
  fpu_init_guest_permissions        fpu_init_guest_permissions()        arch/x86/kernel/fpu/core.c
  spin_lock_irq                     spin_lock_irq()                     include/linux/spinlock.h
  spin_unlock_irq                   spin_unlock_irq()                   include/linux/spinlock.h
==================================  ==================================  =================================  ============

Simplified here: KVM_RUN keeps the guest's state in the vCPU thread's own fpstate. No supervisor component is modelled, so nothing
restores one. PKRU is switched where a machine is asked for it (`Machine(pkru=True)`), and is in no signal frame.

May import: `actors.machine`, `actors.runtime`, `protocol`.
"""

from actors.system.machine import Machine

__all__ = ["Machine"]
