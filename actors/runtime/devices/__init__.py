"""Ready devices: what concurrent programs share, without any CPU.

Each file holds one device: its messages, its rules, and the awaitable calls that programs use.
"""

from actors.runtime.devices.choice import Choice
from actors.runtime.devices.lock import Lock
from actors.runtime.devices.mailbox import Mailbox
from actors.runtime.devices.run_queue import RunQueue
from actors.runtime.devices.variable import Variable

__all__ = ["Choice", "Lock", "Mailbox", "RunQueue", "Variable"]
