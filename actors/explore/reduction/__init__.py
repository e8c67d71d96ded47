"""Reduction: proving with a part of the orders, since most differ in nothing that anybody could see.

From a state it is enough to let a *group* of programs go on if nobody outside may ever touch what their next messages
touch while they rest. Whatever the others do first, the group's steps could as well have come before it. `persistent`
grows such groups, `search` is the search of `proving` that expands no more than one in each state, `rounds` repeats it
until what it relied on holds, and `shortening` makes what it finds as short as what is found without it.

What follows is why nothing is missed: no violated condition, failed program, deadlock or final state, and no
`sometimes`.

**Steps.** A step is a program at a node (see `tables.histories`), a message, and values of the cells that it looks at, of
those read to find them and to find whether it is enabled too. These values decide its outcomes. It *reads* all these cells,
*writes* the ones that an outcome changes, and *marks* each condition that looks at a cell or label that an outcome changes.
Two steps *meet* if one writes what the other reads or writes, or if both mark one condition (`touch`). Steps of two programs
that do not meet can be swapped: both stay enabled, or not, with the same outcomes, and lead to the same state; and each
condition takes the same values on the way, in the same order, since at most one of the two changes what it looks at. A spawn
writes the life of the child, a last step the program's own, and a join reads it; no more need be said of them.

**Groups.** Let G be programs such that no step that one of the others may take in future meets the next step of one of G: the
one that is enabled, or the one that waits (which then only reads). A run from here in which the first step of G is its i-th
can be rewritten to begin with that step. It is a next step, with the values of now, since nobody wrote what it looks at; for
the same reason a program of G that waits goes on waiting. In a run w without any step of G, each next step u of G is still
possible at its end, with u in front of it w is possible still, and what w alone shows to a condition, the state before u
shows too, or the one that u and w lead to. So expanding the enabled programs of G misses nothing that this state leads to, if
two dangers are met:

* *Ends.* A step that ends the world comes last, so nothing can be swapped behind it. A failing step ends it: no group is used
of which an enabled step may fail. The world also ends when all programs have ended that must; what background programs would
have done then is not done. So each group used has an unfinished required program, without which the others cannot end the
world; and if a step of the group may be the last one of its only required program, there must be no background program
outside, nor one who might spawn it. A condition `after` programs holds while one of them is in G and rests: what marks it
there is not counted. A broken condition ends the world or, if it is kept going, is not an end; either way it has been found.
* *Putting off.* If groups led round in a circle, the others would never have their turn. A state of which all chosen steps
lead to states of this level or of one before it is expanded whole. Else one leads to a later level; since there is a last
level, somebody's turn comes.

**Futures.** What a program may touch in future is not computed from its text, nor declared: a program may make up the name of
a cell, and what it does depends on replies. It is *assumed*, and the assumption is checked (`known`, `futures`). Of each node
is noted what its message touches on all values that it was ever pending on, enabled or not, in any state that the search went
through, and which nodes its outcomes lead to, a child's first one among them. The future of a node is what is noted of the
nodes that can be reached from it. The first round assumes that nothing is, and each next one that what has been noted by then
is all there is. A round counts only if at its end no future is larger than the one that was relied on.

This is enough though a part of the orders only is gone through. Suppose that a round counts, and that in some order that it
did not go through something happens that is not noted: a node's message is pending on values that were not noted. Take a
shortest run w after which that is so, of program p. All steps of w are noted, so their futures are no more than was relied
on, and what is said above of groups holds for w: the search goes through states s from each of which a rest of w leads to
such an event of p, at first all of w. If the rest has a step of the group chosen in s, that step is taken and the rest is
shorter. Else, if p is in the group, or the rest is empty, p is pending in s on those very values, since nobody wrote them;
they have been noted there. Else a step u of the group is taken. If it writes nothing that p's message looks at after the
rest, the event is the same behind u. If it does, the message's values behind u and the rest are others; but it looks at
something that u wrote there as well, which nothing noted of that node does (p is outside the group, so its future does not
meet u): that is not noted either. A run of the first kind shortens the rest, and those of the other kind lead on to later
levels, so in the end it has been noted: a contradiction. So all that can happen is noted, all futures are right, and the
argument above applies.

**What is stored.** A state that is left in one way only need not be stored (Behrmann, Larsen and Pelanek, "To store or not to
store"): coming there twice is only gone through twice. Circles pass a level of which all states are stored.

Sources: persistent sets are Godefroid's ("Partial-Order Methods for the Verification of Concurrent Systems", 1996), the
rule on whole levels is that of Bosnacki and Holzmann ("Improving Spin's partial-order reduction for breadth-first search", 2005).

May import: `actors.explore.proving`, `actors.explore.tables`, `actors.runtime`, `protocol`, numpy.
"""
