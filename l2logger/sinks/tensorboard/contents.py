"""What stands under a tag at a step: numbers, texts, histograms and pictures."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

_STRING: Final = 7  # DT_STRING
_SCALARS: Final = "scalars"
_DATA_CLASS_SCALAR: Final = b"\x20\x01"
"""A field of ``SummaryMetadata``, number 4, that the messages of tensorboardX do not have. Without it, TensorBoard's default loader
forgets the description."""

_TRACE: Final = 5e-324
"""Of an empty bucket at an end. Where that has nothing at all, TensorBoard's two loaders draw the others each in its own wrong way."""


class Described(NamedTuple):
    """A point of a curve that says what the curve is about. TensorBoard looks at the first point only.

    Attributes:
        value: The number.
        description: Markdown.
    """

    value: float
    description: str

    def fill(self, message: Any) -> None:
        """Put this into `message`, a ``Summary.Value``. All contents but plain numbers do that."""
        message.simple_value = self.value
        message.metadata.MergeFromString(_DATA_CLASS_SCALAR)
        message.metadata.plugin_data.plugin_name = _SCALARS
        message.metadata.summary_description = self.description


class Text(NamedTuple):
    """Markdown."""

    text: str

    def fill(self, message: Any) -> None:
        message.metadata.plugin_data.plugin_name = "text"
        message.tensor.dtype = _STRING
        message.tensor.string_val.append(self.text.encode(errors="backslashreplace"))


class Histogram(NamedTuple):
    """How many values are in each of several buckets.

    Attributes:
        counts: Of each bucket.
        edges: Between the buckets and at both ends, one more.
        num: How many values there are, those outside of all buckets included.
        sum: Of all values.
        sum_squares: Of all values.
    """

    counts: Sequence[int]
    edges: Sequence[float]
    num: int
    sum: float
    sum_squares: float

    def fill(self, message: Any) -> None:
        histogram = message.histo
        histogram.bucket.extend(self.counts)
        for end in (0, -1):
            histogram.bucket[end] = self.counts[end] or _TRACE
        histogram.min, histogram.max = self.edges[0], self.edges[-1]
        histogram.bucket_limit.extend(self.edges[1:])
        histogram.num, histogram.sum, histogram.sum_squares = self.num, self.sum, self.sum_squares


class Picture(NamedTuple):
    """An image, or an animated one.

    Attributes:
        data: A file of the type PNG or GIF.
        width: In pixels.
        height: In pixels.
        channels: 1 for grey and 3 for colours, one more with alpha.
    """

    data: bytes
    width: int
    height: int
    channels: int

    def fill(self, message: Any) -> None:
        image = message.image
        image.width, image.height, image.colorspace = self.width, self.height, self.channels
        image.encoded_image_string = self.data


class Figure(Picture):
    """A figure. TensorBoard shows it as an image."""


class Video(Picture):
    """A video, as an animated image."""


Content = float | Text | Described | Histogram | Picture

Value = tuple[str, Content]
"""A tag, and what stands under it."""

GROUPS: Final[dict[type, str]] = {
    float: _SCALARS,
    Described: _SCALARS,
    Text: "text",
    Histogram: "histograms",
    Picture: "images",
    Figure: "figures",
    Video: "videos",
}
"""What can stand under one tag. Of several groups TensorBoard would show the one that came first, or mix them."""
