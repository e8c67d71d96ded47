"""preempt_count: one word for each CPU, whose fields say in what the code that runs is nested (include/linux/preempt.h).

Bits 7:0 count preempt_disable(), 15:8 softirqs, 19:16 hard interrupts, 23:20 NMIs. Serving a softirq counts one in its field,
local_bh_disable() two, so that bit 8 alone says which it is. The word is the CPU's; it needs no saving at a
context switch, since every task switches with 1, and is switched back to with 1. The idle task never has less.
"""

PREEMPT_OFFSET = 1
SOFTIRQ_OFFSET = 1 << 8
SOFTIRQ_DISABLE_OFFSET = 2 * SOFTIRQ_OFFSET
HARDIRQ_OFFSET = 1 << 16
NMI_OFFSET = 1 << 20

PREEMPT_MASK = 0xFF
SOFTIRQ_MASK = 0xFF << 8
HARDIRQ_MASK = 0xF << 16
NMI_MASK = 0xF << 20

BH_DISABLED = SOFTIRQ_MASK & ~SOFTIRQ_OFFSET
"""What local_bh_disable() counts, without the bit of a softirq that is served."""


def in_interrupt(count: int) -> bool:
    """in_interrupt(): an NMI, a hard interrupt or a softirq is being served, or softirqs are disabled."""
    return bool(count & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_MASK))


def in_hardirq(count: int) -> bool:
    """in_hardirq(): a hard interrupt is being served."""
    return bool(count & HARDIRQ_MASK)


def in_nmi(count: int) -> bool:
    """in_nmi(): an NMI is being served."""
    return bool(count & NMI_MASK)


def in_task(count: int) -> bool:
    """in_task(): no NMI, hard interrupt or softirq is being served."""
    return not count & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET)
