"""Kinds of recurrence: what each costs token by token, in chunks, and as transformers runs it."""

from flopbench.ops.recurrences.convolution import CausalConvolution
from flopbench.ops.recurrences.delta_rule import ChannelDeltaRule, DeltaRule
from flopbench.ops.recurrences.griffin import RgLru, ShiftedConvolution
from flopbench.ops.recurrences.lightning import Lightning
from flopbench.ops.recurrences.recurrence import FusedRecurrence, Recurrence
from flopbench.ops.recurrences.selective_scan import SelectiveScan
from flopbench.ops.recurrences.state_space import StateSpace
from flopbench.ops.recurrences.wkv import TokenShift, Wkv

__all__ = [
    "CausalConvolution",
    "ChannelDeltaRule",
    "DeltaRule",
    "FusedRecurrence",
    "Lightning",
    "Recurrence",
    "RgLru",
    "SelectiveScan",
    "ShiftedConvolution",
    "StateSpace",
    "TokenShift",
    "Wkv",
]
