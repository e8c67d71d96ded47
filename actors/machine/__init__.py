"""What there is: physical CPUs, their extended state, their MSRs, and how they are entered, left and interrupted.

`xstate` holds the rules of XCR0, XSS, XFD, XFD_ERR, AMX and the XSAVE family as pure functions. `state` is the value of one CPU's
cell, `processor` the device that handles instructions on it by the tables in `instructions`, `extended` (those of `xstate`, which
find privilege, mode and memory operand by `environment`, and whose outcomes are made steps in `results`), `vmx`, `intercepts`
(what leaves a guest) and `events`. `kasan` is what comes of an access to memory that is not there. `handle` is what a program
holds to send instructions to the CPU that it runs on. `model` says which CPU it is.

May import: `actors.runtime`, `protocol`, msgspec.
"""
