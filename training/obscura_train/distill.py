"""Feature imitation: a network learns what its teacher sees, while it trains.

Labels name the objects of a picture; a teacher also says how sure it is, where it is almost wrong, and shows the features by which it knows. The
scores and boxes it would give enter the detection loss (losses.py); its last features are imitated through one 1x1 convolution a level, by
correlation, whatever their scale (Cao et al., PKD, 2022). Nothing of the teacher stays in the trained network.
"""
from torch import nn


def correlation(a, b):
    """Of each channel of two (B, C, h, w), over all pictures and places: (C,), -1..1."""
    a, b = (t.permute(0, 2, 3, 1).flatten(0, 2) for t in (a, b))       # no copies: channels come last in memory
    mean_a, mean_b = a.mean(0), b.mean(0)
    variances = (a.square().mean(0) - mean_a ** 2) * (b.square().mean(0) - mean_b ** 2)
    return ((a * b).mean(0) - mean_a * mean_b) * (variances.clamp(min=0) + 1e-12).rsqrt()


class Imitation(nn.Module):
    """Keeps the features of `net`'s last forward pass, and compares them with the teacher's."""

    def __init__(self, net, channels):
        """channels: of the teacher's features at each level."""
        super().__init__()
        self.adapters = nn.ModuleList([nn.Conv2d(tower.conv.out_channels, c, 1) for tower, c in zip(net.tower, channels)])
        self.seen = [None] * len(net.tower)
        for k, tower in enumerate(net.tower):
            tower.register_forward_hook(lambda _module, _input, output, k=k: self._keep(k, output))

    def _keep(self, k, output):
        if output.requires_grad:
            self.seen[k] = output

    def forward(self, features):
        """1 - correlation, averaged over channels and levels: 0..2."""
        loss = 0
        for adapter, mine, wanted in zip(self.adapters, self.seen, features):
            loss = loss + (1 - correlation(adapter(mine.float()), wanted.float())).mean()
        return loss / len(features)
