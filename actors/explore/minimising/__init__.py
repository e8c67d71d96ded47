"""Minimising: of all executions that end in the same violation, one that is easy to read.

An order of events is easy to read if few contexts alternate in it; so what counts is context switches first,
then asynchronous events, then steps (`order`). `identity` says which violations are the same. `cheapest` goes
through all executions in that order, but for those of which `waiting` knows that another one does as well, which
makes its answer exact; where there are too many states for that,
`shortening` changes the order that was found as long as that helps. `events` tells which steps are events, and
`playing` takes steps as they were wished for. `minimal` puts these together.

May import: `actors.runtime`, `protocol`, the rest of `actors.explore` but `explaining`.
"""
