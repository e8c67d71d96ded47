"""The words that actors exchange and records are written in: data without behaviour.

Registers, instructions, replies, handles, trace records and tokens are frozen msgspec structs and enumerations. Names and
numbers are those of Intel's Software Developer's Manual. Nothing here decides anything: the rules of the hardware live in
`actors.machine`, those of the software in `actors.system`, and how a message travels in `actors.runtime`.

May import: msgspec and the standard library, nothing of this project outside `protocol`.
"""
