"""Explaining: why one execution goes wrong, by running others like it.

`windows` moves stretches of one program against another, and finds between which two steps the others have to fall,
and the smallest move that passes. `outcomes` does the same for what the hardware chooses; where neither helps,
`passing` finds an order of the same events that passes and goes with the execution the longest, or says that none
passes. `needs` counts the events that there have to be. `slicing` finds the steps on the way from the cause to the
`symptom`, with `facts` (what would a device have done?), `control` (what would a program have sent?) and `leaves`
(which part of a value?). `trials` plays other orders, and `explain` puts all into the record of the execution.

Nothing in here is guessed: each answer comes from an execution, or a search that went through all of them. What
takes too long is left out.

May import: `actors.runtime`, `protocol`, the rest of `actors.explore`.
"""
