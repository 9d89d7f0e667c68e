"""The hook: a counter per peer."""

from __future__ import annotations

from flopbench import VendorCounter, hookimpl
from flopbench_peer_counters.fvcore import Fvcore
from flopbench_peer_counters.hooked import Thop, Torchinfo
from flopbench_peer_counters.patched import Calflops, Deepspeed
from flopbench_peer_counters.ptflops import Ptflops, PtflopsAten


@hookimpl
def flopbench_vendor_counters() -> list[type[VendorCounter]]:
    """Contribute the peers."""
    return [Fvcore, Calflops, Deepspeed, Ptflops, PtflopsAten, Thop, Torchinfo]
