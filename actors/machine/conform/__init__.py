"""Recorded behaviour of real CPUs, read from vector files and compared with the model.

`reader` opens a file, plain or compressed, and gives its lines; `lines` says what a line is and tells the three kinds apart
(`hardware` for one instruction on a real CPU, `ops` for what the sequences are made of); `numbers` and `blobs` are the
spellings of numbers and bytes. `run` executes a line on the model and names the first field that differs.

What a file says is not trusted: it comes from anywhere, and each line is decoded strictly into types. A field that is not
known, lacks, or cannot be right is refused with the file and the line, since a comparison that is quietly left out would look
like agreement.

May import: `actors.machine`, `actors.runtime`, `protocol`, msgspec.
"""
