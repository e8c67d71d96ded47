"""The numbers with which kernel functions say no, by name (include/uapi/asm-generic/errno-base.h, errno.h)."""

from enum import Enum


class Errno(Enum):
    """Why something is not done; a system call returns it negated."""

    EPERM = 1
    ENXIO = 6
    ENOMEM = 12
    EFAULT = 14
    EBUSY = 16
    EINVAL = 22
    ENOSPC = 28
    EOPNOTSUPP = 95
