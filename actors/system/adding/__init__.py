"""What can be added to a machine, topic by topic: each a class that `Machine` inherits.

May import: all of `actors.system` but `machine`.
"""
