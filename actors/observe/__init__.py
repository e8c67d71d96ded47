"""What a person sees: an execution as a chart, as a narration, and as the lines that stand below it.

Everything is drawn from a `protocol.records.Record`, whatever made it, and nobody is asked anything. The
output is plain text of at most 75 columns, to be pasted into a commit message or a mail.

    chart       the interleaving: one row a step, one indentation a context
    report      what is violated, what it needs, what was modelled, how to see it again
    narration   every step in one line, for `run`

May import: `protocol`.
"""
