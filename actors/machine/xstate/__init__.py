"""Extended processor state, as pure functions from one register state to the next.

Source: Intel SDM volume 1, chapter 13 (XSAVE feature set, 13.14 XFD) and chapter 18 (AMX), and what silicon adds.

* `components`: sizes and names of the state components.
* `registers`: XState, the registers of one logical CPU: XCR0, XSS, XFD, XFD_ERR, in-use bits and contents.
* `xcr0`: what XSETBV accepts. `msr`: what WRMSR accepts, and what setting XFD may do. `xfd`: when #NM is raised.
* `tiles`: the AMX instructions. `xsave`: XSAVES and XRSTORS of tile state.

What is not here yet: the rest of the XSAVE family, and components other than TILECFG, TILEDATA and the hypothetical one of
`mail_2021`; asking for them is #UD. The modified optimisation is not modelled: XSAVES writes all that is in use.

May import: `protocol`, `actors.machine.model`, msgspec. No actor, no I/O.
"""
