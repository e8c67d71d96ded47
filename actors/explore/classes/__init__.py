"""One execution of every Mazurkiewicz class: depth-first search with sleep sets.

Two neighbouring steps of an execution may change places if neither writes what the other reads or writes; executions
that such swaps turn into each other are one class, and end in the same state. `dependence` says which steps of
a state may, `search` runs one of each class, and counts them.

**What is independent.** The footprint is the declared one: the cells that a step reads, those that were read to find it,
those that it may write, and those that its ending or its spawn changes. Independence is that of one state (Katz and Peled's
conditional traces): footprints may differ from state to state. A step that ends the world with a violation or an error
depends on every other: what is left undone then is part of what the execution is. So does one that ends it otherwise, if
there are background programs that might be stopped by that. So do two steps that end it together, since which of them does is
what their order decides. Each outcome of a step is a transition of its own, and two of one program are dependent.

**Why exactly one.** Sleep sets (Godefroid, 1990) keep asleep, behind a transition, all those that were tried before it
and are independent of it: an execution that begins with one of these, later, is in a class that has been
run. No class is run twice then, none is left out, and no state either: sleep sets save transitions, not states. So
conditions are decided in every state that there is, `sometimes` too, and since all executions of one class
have the same length, the shortest violated one of them is a shortest counterexample. A prefix at whose end
everything enabled is asleep is *blocked*: it was begun for nothing, and belongs to a class that is counted already.

A world in which a state leads back to itself has endless executions and no finite number of classes; the search
says so, and stops.

May import: `actors.explore.tables`, `actors.runtime`, `protocol`. It knows nothing of CPUs.
"""
