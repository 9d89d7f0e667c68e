"""Numbers as people read them."""

import pytest

from flopbench.text import si


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.96, "1 kB"),
        (1000, "1 kB"),
        (123_456, "123.5 kB"),
        (6_671_008_256, "6.671 GB"),
        (10**18, "1 EB"),
        (1.944 * 10**23, "194.4 ZB"),
    ],
)
def test_sizes_have_decimal_prefixes(value, text):
    assert si(value, "B") == text
