"""The command line: where the model wing and the search wing meet, and nothing is decided.

`app` knows the commands and their options, `entry` prints answers and turns every error into one line.
`commands` does what they say about one scenario, with `actors.explore`, and writes it with `actors.observe`; `listing` tells
what there is, `conform` compares recorded vectors with the model. What a command gives back is an
`answers.Answer`: text or one JSON object, and the exit status.
`interrupt` makes Ctrl-C a request, `progress` is for terminals, `process` keeps Python from looking for garbage at its end.

Importing this package imports neither Trio nor anything else that takes long; the commands do.

May import: everything but `actors.testing`, which alone imports it, for the words of answers.
"""

from actors.cli.entry import main

__all__ = ["main"]
