"""vmrace's own packages: how actors run, what they model, and in which order they are tried.

Two wings stand on one ground. `runtime` is the ground; `machine` and `system` are the model wing, `explore` is the search
wing; they never import each other. `observe` draws records, whatever made them. `cli` joins all of them.
"""
