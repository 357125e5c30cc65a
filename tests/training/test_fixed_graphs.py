"""The same outputs, only faster; where that cannot be had, the network itself."""

import pytest
import torch
from torch import nn

from shiftscope.training.models.fixed_graphs import with_fixed_graph


class Normalised(nn.Module):
    """A convolution and its normalization, pooled."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.norm.running_mean = torch.linspace(-1, 1, 4)
        self.norm.running_var = torch.linspace(0.5, 2, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        pooled: torch.Tensor = torch.relu(self.norm(self.convolution(images))).mean(dim=(2, 3))
        return pooled


class Branching(Normalised):
    """What it does depends on its input, which no graph holds."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found = super().forward(images)
        return found if len(images) > 1 else -found


class Refusing(Normalised):
    """It looks at what a graph does not know."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if torch.jit.is_tracing():
            raise TypeError("not by me")
        return super().forward(images)


def test_a_fixed_graph_gives_the_same_for_any_number_of_images() -> None:
    network = Normalised().eval().requires_grad_(False)
    fixed = with_fixed_graph(network, (4, 1, 16, 16))
    assert fixed is not network
    for count in (1, 3, 4, 9):
        images = torch.rand(count, 1, 16, 16)
        torch.testing.assert_close(fixed(images), network(images))


@pytest.mark.parametrize("kind", [Branching, Refusing])
def test_a_network_that_no_graph_holds_stays_as_it_is(kind: type[nn.Module]) -> None:
    network = kind().eval().requires_grad_(False)
    assert with_fixed_graph(network, (4, 1, 16, 16)) is network
