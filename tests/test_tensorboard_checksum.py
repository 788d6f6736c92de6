"""The checksum of large events, beside published values and the one that tensorboardX takes."""

import random

import pytest
from tensorboardX.record_writer import masked_crc32c

from l2logger.sinks.tensorboard.checksum import MIN_BYTES, crc32c, masked

BLOCK = 2**20


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
        (b"123456789", 0xE3069283),
    ],
)
def test_it_is_the_one_of_the_standard(data, crc):
    """The first four are in RFC 3720, B.4."""
    assert crc32c(data) == crc


@pytest.mark.parametrize(
    "size", [MIN_BYTES - 1, MIN_BYTES, MIN_BYTES + 1, 9999, BLOCK - 1, BLOCK, BLOCK + 1, BLOCK + 4]
)
def test_it_is_that_of_tensorboardx_for_any_size(size):
    data = random.Random(size).randbytes(size)
    assert masked(data) == masked_crc32c(data)


def test_it_is_that_of_tensorboardx_for_several_blocks():
    data = bytes(BLOCK) + random.Random(0).randbytes(BLOCK + 77)
    assert masked(data) == masked_crc32c(data)
