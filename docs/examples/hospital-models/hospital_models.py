"""Our own network, loss and augmentation, for outlines on slices."""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot


def block(channels, width, stride=1):
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
    )


class OutlineNet(nn.Module):
    """Half the size and back again, with one way around."""

    def __init__(self, channels, outputs):
        super().__init__()
        self.early = block(channels, 16)
        self.inner = nn.Sequential(block(16, 32, stride=2), block(32, 32), nn.Upsample(scale_factor=2))
        self.last = nn.Sequential(block(16 + 32, 16), nn.Conv2d(16, outputs, 1))

    def forward(self, images):
        early = self.early(images)
        return self.last(torch.cat([early, self.inner(early)], dim=1))


def outline_net(plan):
    """The plan says how many channels come in; background and each class go out."""
    return OutlineNet(3 if plan.colour else 1, 1 + max(1, len(plan.classes)))


def overlap_loss(plan):
    """1 minus the overlap of each class, and a tenth of the cross-entropy; targets are masks (n, 1, y, x)."""

    def loss(outputs, targets):
        share = outputs.softmax(dim=1)
        truth = one_hot(targets[:, 0], outputs.shape[1]).movedim(-1, 1)
        common = (share * truth).sum(dim=(0, 2, 3))
        overlap = (2 * common + 1) / ((share + truth).sum(dim=(0, 2, 3)) + 1)
        return 1 - overlap.mean() + 0.1 * cross_entropy(outputs, targets[:, 0])

    return loss


def flips(plan):
    """Mirror about half of the images with their masks, and make each a little lighter or darker."""

    def augment(images, masks, rng):
        mirrored = torch.from_numpy(rng.random(len(images)) < 0.5)
        images[mirrored], masks[mirrored] = images[mirrored].flip(-1), masks[mirrored].flip(-1)
        light = torch.from_numpy(rng.uniform(0.9, 1.1, (len(images), 1, 1, 1)).astype(np.float32))
        return (images * light).clamp(0, 1), masks

    return augment
