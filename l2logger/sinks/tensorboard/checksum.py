"""The checksum of large events, which takes plain Python a sixth of a second for a megabyte.

CRC-32C is linear: that of the whole is the exclusive or of those of its parts, as if zeros stood in the place of all else. So numpy
can join each part with its neighbour, all pairs at once, until one is left.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from tensorboardX.crc32c import CRC_TABLE
from tensorboardX.record_writer import masked_crc32c

if TYPE_CHECKING:
    import numpy

MIN_BYTES: Final = 4096
"""Below, numpy does not pay."""

_BLOCK_BYTES: Final = 2**20
_ONES: Final = 2**32 - 1
_WORD_BYTES: Final = 4


def masked(data: bytes) -> int:
    """Return the checksum of the content of an event, as it stands in a file."""
    if len(data) < MIN_BYTES:
        checksum: int = masked_crc32c(data)
        return checksum
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & _ONES


def crc32c(data: bytes) -> int:
    """Return CRC-32C, as in RFC 3720, of four bytes or more."""
    import numpy

    block_bytes = min(_BLOCK_BYTES, 1 << (len(data) - 1).bit_length())
    padding = -len(data) % block_bytes
    padded = bytearray(padding) + data  # Zeros before the first byte change nothing.
    for place in range(padding, padding + _WORD_BYTES):
        padded[place] ^= 0xFF  # which is the same as to begin with all ones
    crc = 0
    for begin in range(0, len(padded), block_bytes):
        words = numpy.frombuffer(padded, "<u4", block_bytes // _WORD_BYTES, begin).astype(numpy.uint32)
        words[0] ^= crc
        zeros = _WORD_BYTES
        while words.size > 1:
            words = _followed(words[0::2], zeros) ^ words[1::2]
            zeros *= 2
        crc = int(_followed(words, _WORD_BYTES)[0])
    return crc ^ _ONES


def _followed(crcs: "numpy.ndarray[Any, Any]", zeros: int) -> "numpy.ndarray[Any, Any]":
    """Return what becomes of checksums when `zeros`, a power of two, zero bytes follow."""
    table = _table(zeros)
    low = table[0][crcs & 0xFF] ^ table[1][crcs >> 8 & 0xFF]
    followed: numpy.ndarray[Any, Any] = low ^ table[2][crcs >> 16 & 0xFF] ^ table[3][crcs >> 24]
    return followed


@lru_cache
def _table(zeros: int) -> "numpy.ndarray[Any, Any]":
    """Return what becomes of each of the four bytes of a checksum, as an array of shape (4, 256) and type uint32."""
    import numpy

    if zeros > 1:
        return _followed(_table(zeros // 2), zeros // 2)
    byte = numpy.arange(256, dtype=numpy.uint32)
    return numpy.stack([numpy.array(CRC_TABLE, numpy.uint32), byte, byte << 8, byte << 16])
