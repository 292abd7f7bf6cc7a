"""Limits alone, and filters where the system has them: what is left where nothing better can be had."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from envlock.isolation.execution import execute
from envlock.isolation.interface import LIMITED, Announce, Guarantee, Order
from envlock.isolation.system_call_filter import NETWORK, OTHER_PROCESSES, SHARED_KERNEL_STATE, forbid
from envlock.isolation.system_calls import forbid_new_privileges

name = "limits"


def enter(order: Order, announce: Announce) -> NoReturn:
    """Run the command with a home of its own."""
    found: frozenset[Guarantee] = frozenset()
    if sys.platform == "linux":
        forbid_new_privileges()
        found = bar_by_filter(())
    announce(LIMITED | found)
    execute(order.command, order.home)


def bar_by_filter(calls: Sequence[str]) -> frozenset[Guarantee]:
    """Bar the network, other processes and *calls*; returns what that gives, which is nothing on some kernels."""
    try:
        forbid((*SHARED_KERNEL_STATE, *NETWORK, *OTHER_PROCESSES, *calls))
    except OSError:
        return frozenset()
    return frozenset({"no-network"})
