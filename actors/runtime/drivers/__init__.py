"""The Trio drivers: every program and every device is a task in a nursery, with a mailbox between them.

`actors` holds the devices' tasks, which serve any number of executions of one world. `controlled` parks every
program at each message and releases exactly one; `free` parks nobody and writes a log. Both leave the meaning
of a step to `Execution`.
"""
