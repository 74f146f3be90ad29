#!/usr/bin/python3
"""Runs a command as on a kernel that lacks a feature: lacking.py landlock|seccomp COMMAND ARGUMENT...

A system call filter, which the command and all below it inherit, answers as such a kernel does. Made with libseccomp, which the program links anyway.
"""
import ctypes
import errno
import os
import sys

SCMP_ACT_ALLOW, SCMP_CMP_EQ, PR_SET_SECCOMP = 0x7fff0000, 4, 22


class Comparison(ctypes.Structure):
    _fields_ = [('argument', ctypes.c_uint), ('operator', ctypes.c_int), ('a', ctypes.c_uint64), ('b', ctypes.c_uint64)]


def refuse(lib, context, name, code, *comparisons):
    number = lib.seccomp_syscall_resolve_name(name)
    assert number >= 0, name
    array = (Comparison * len(comparisons))(*comparisons)
    assert lib.seccomp_rule_add_array(context, 0x00050000 | code, number, len(comparisons), array) == 0, name


def main():
    lib = ctypes.CDLL('libseccomp.so.2')
    lib.seccomp_init.restype = ctypes.c_void_p
    lib.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(Comparison)]
    lib.seccomp_load.argtypes = [ctypes.c_void_p]
    context = lib.seccomp_init(SCMP_ACT_ALLOW)
    if sys.argv[1] == 'landlock':
        for name in (b'landlock_create_ruleset', b'landlock_add_rule', b'landlock_restrict_self'):
            refuse(lib, context, name, errno.ENOSYS)
    else:
        refuse(lib, context, b'seccomp', errno.ENOSYS)
        refuse(lib, context, b'prctl', errno.EINVAL, Comparison(0, SCMP_CMP_EQ, PR_SET_SECCOMP, 0))
    assert lib.seccomp_load(context) == 0
    os.execv(sys.argv[2], sys.argv[2:])


main()
