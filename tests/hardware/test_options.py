"""The section ``hardware`` of the settings."""

import pytest

from flopbench.errors import UsageError
from flopbench.hardware import HardwareOptions, Machine
from flopbench.plan.config import RunOptions, load_config
from flopbench.storage import Storage


def test_nothing_is_nothing():
    assert HardwareOptions().device() is None
    assert HardwareOptions().machine(Storage.of("bfloat16")) is None


def test_rates_replace_the_tables():
    gpu = HardwareOptions(
        gpu="h200", bandwidth_gbps=4000, memory_gb=120.5, peak_tflops=700
    ).device()
    assert (gpu.bandwidth, gpu.memory_bytes) == (4 * 10**12, 120_500_000_000)
    assert gpu.peak("bfloat16") == gpu.peak("float8") == 7 * 10**14
    assert gpu.l2_bytes == 60 * 2**20
    rates = "hardware.peak_tflops, hardware.bandwidth_gbps and hardware.memory_gb"
    assert gpu.source == f"{HardwareOptions(gpu='h200').device().source}; {rates}"


def test_rates_without_a_gpu():
    gpu = HardwareOptions(peak_tflops=100, bandwidth_gbps=1000).device()
    assert (gpu.peak("int8"), gpu.bandwidth, gpu.memory_bytes) == (10**14, 10**12, None)
    assert gpu.source == "hardware.peak_tflops and hardware.bandwidth_gbps"


def test_a_machine_computes_in_the_dtype_that_is_set():
    machine = HardwareOptions(gpu="a100", compute_dtype="tf32").machine(Storage.of("float32"))
    assert isinstance(machine, Machine)
    assert machine.compute_dtype == "tf32"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"peak_tflops": 5}, "hardware.bandwidth_gbps is missing"),
        ({"bandwidth_gbps": 5}, "hardware.peak_tflops is missing"),
        ({"memory_gb": 5}, "hardware.memory_gb needs hardware.gpu, or"),
        ({"price_per_hour": 5}, "hardware.price_per_hour needs hardware.gpu, or"),
        ({"measured_ms": {"decode": 1}}, "hardware.measured_ms needs hardware.gpu, or"),
        ({"gpu": "h200", "compute_dtype": "float4"}, "no peak for float4: set"),
        ({"gpu": "h2000"}, "did you mean 'h200'"),
    ],
)
def test_what_is_missing_or_cannot_be(values, message):
    with pytest.raises(UsageError, match=message):
        HardwareOptions(**values).device()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gpus": 2}, "gpus must be 1: work is not spread over GPUs, got 2"),
        ({"peak_tflops": 0}, "peak_tflops must be TFLOP/s above 0, got 0"),
        ({"bandwidth_gbps": float("nan")}, "bandwidth_gbps must be GB/s above 0, got nan"),
        ({"price_per_hour": -1.5}, "price_per_hour must be a price above 0, got -1.5"),
        ({"compute_dtype": "tf3"}, "unknown compute_dtype 'tf3': did you mean 'tf32'"),
        ({"price_per_hour": 1e300}, "price_per_hour must be at most 1,000,000,000, got 1e"),
        ({"measured_ms": 5}, "measured_ms must be a mapping of stages, such as"),
        ({"measured_ms": {"decode": "5"}}, "measured_ms.decode must be a number of milliseconds"),
    ],
)
def test_values_are_checked(values, message):
    with pytest.raises(ValueError, match=message):
        HardwareOptions(**values)


def test_settings_are_read_as_any_section():
    schema = {"hardware": HardwareOptions, "run": RunOptions}

    def read(*given):
        overrides = [f"hardware.{text}" for text in given]
        return load_config(schema, overrides=overrides).sections["hardware"]

    found = read("gpu=a100", "price_per_hour=2", "memory_gb=39.5", "measured_ms.decode=12.5")
    assert found == HardwareOptions(
        gpu="a100", price_per_hour=2, memory_gb=39.5, measured_ms={"decode": 12.5}
    )
    with pytest.raises(UsageError, match="hardware: gpus must be 1: work is not spread over GPUs"):
        read("gpus=2")
    with pytest.raises(UsageError, match=r"hardware\.peak_tflops must be a number or null, got"):
        read("peak_tflops=fast")
