"""The networks: plain 3x3 and 1x1 convolutions, ReLU, residual adds and nearest-neighbour upsampling.

Channels are multiples of 16 and every layer maps onto one oneDNN convolution with fused bias, ReLU and add, which is why there are no depthwise
convolutions, no attention and no pooling here.
"""
import torch
import torch.nn.functional as F
from torch import nn

STRIDES = (8, 16, 32)
PROTO_STRIDE = 4

CONFIGS = {
    "identity": dict(nc=2, widths=(16, 32, 48, 80, 112), depths=(0, 2, 4, 3), neck=48),
    "scene": dict(nc=2, widths=(16, 32, 48, 96, 160), depths=(0, 2, 4, 5), neck=48, masks=16),
}


class ConvBN(nn.Module):
    """Convolution, batch normalization (folded away on export), ReLU."""

    def __init__(self, c_in, c_out, kernel=3, stride=1, act=True):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(c_out, momentum=0.03)
        self.act = nn.ReLU(inplace=True) if act else nn.Identity()

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.a = ConvBN(channels, channels)
        self.b = ConvBN(channels, channels, act=False)
        nn.init.zeros_(self.b.bn.weight)        # nothing is added at first, so that a network can grow by blocks

    def forward(self, x):
        return F.relu(x + self.b(self.a(x)))


def upsample(x):
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class Net(nn.Module):
    """Anchor-free detector, with instance masks where `masks` > 0.

    widths: channels at strides 2, 4, 8, 16, 32; depths: residual blocks at strides 4, 8, 16, 32; neck: channels of the feature pyramid.

    forward(x: (B, 3, H, W), H and W multiples of 32) returns, for each stride s of STRIDES,
        cls[i]  (B, nc, H/s, W/s)     logits
        box[i]  (B, 4, H/s, W/s)      distances left, top, right, bottom from the cell's centre, in units of s, never negative
    and with masks also
        coef[i] (B, masks, H/s, W/s)
        proto   (B, masks, H/4, W/4)  mask = sigmoid(coef . proto) inside the box.
    """

    def __init__(self, nc, widths, depths, neck, masks=0):
        super().__init__()
        w = widths
        self.nc, self.masks = nc, masks
        self.stem = ConvBN(3, w[0], 3, 2)
        self.stages = nn.ModuleList([
            nn.Sequential(ConvBN(w[i], w[i + 1], 3, 2), *[Residual(w[i + 1]) for _ in range(depth)])
            for i, depth in enumerate(depths)])
        self.lat = nn.ModuleList([ConvBN(c, neck, 1) for c in w[2:]])
        self.td = nn.ModuleList([ConvBN(neck, neck) for _ in range(2)])
        self.down = nn.ModuleList([ConvBN(neck, neck, 3, 2) for _ in range(2)])
        self.out = nn.ModuleList([ConvBN(neck, neck) for _ in range(3)])
        self.tower = nn.ModuleList([ConvBN(neck, neck) for _ in range(3)])
        self.cls = nn.ModuleList([nn.Conv2d(neck, nc, 1) for _ in range(3)])
        self.box = nn.ModuleList([nn.Conv2d(neck, 4, 1) for _ in range(3)])
        for head, bias in ((self.cls, -4.6), (self.box, 1.0)):      # a score of .01 and boxes of two cells to begin with
            for m in head:
                nn.init.constant_(m.bias, bias)
                nn.init.normal_(m.weight, std=0.01)
        if masks:
            self.coef_tower = nn.ModuleList([nn.Sequential(ConvBN(neck, neck), Residual(neck)) for _ in range(3)])
            self.coef = nn.ModuleList([nn.Conv2d(neck, masks, 1) for _ in range(3)])
            self.body = nn.Sequential(*[Residual(neck) for _ in range(3)])
            self.p2 = ConvBN(w[1], neck, 1)
            self.proto = nn.Sequential(ConvBN(neck, neck), nn.Conv2d(neck, masks, 1))

    def freeze(self, part):
        """Takes a part out of training. "early": the layers up to stride 4, which cost a fifth of a step and are soon learnt. "detection": all but
        the masks' branch, so that scores and boxes stay as they are."""
        if part == "early":
            nn.ModuleList([self.stem, self.stages[0]]).requires_grad_(False).eval()
        elif part == "detection":
            self.requires_grad_(False).eval()
            nn.ModuleList([self.coef_tower, self.coef, self.body, self.p2, self.proto]).requires_grad_(True).train()

    def pyramid(self, x):
        """Features at stride 4 (backbone only), and at strides 8, 16, 32 (after the neck)."""
        x = self.stem(x)
        c = []
        for stage in self.stages:
            x = stage(x)
            c.append(x)
        p5 = self.lat[2](c[3])
        p4 = self.td[1](self.lat[1](c[2]) + upsample(p5))
        p3 = self.td[0](self.lat[0](c[1]) + upsample(p4))
        n4 = self.out[1](p4 + self.down[0](p3))
        n5 = self.out[2](p5 + self.down[1](n4))
        return c[0], p3, (self.out[0](p3), n4, n5)

    def forward(self, x):
        c2, p3, levels = self.pyramid(x)
        towers = [tower(p) for tower, p in zip(self.tower, levels)]
        cls = [head(t) for head, t in zip(self.cls, towers)]
        box = [F.relu(head(t)) for head, t in zip(self.box, towers)]
        if not self.masks:
            return cls, box
        coef = [head(tower(p)) for head, tower, p in zip(self.coef, self.coef_tower, levels)]
        return cls, box, coef, self.proto(self.p2(c2) + upsample(self.body(p3)))


def build(task):
    return Net(**CONFIGS[task])


def load(path, device="cpu"):
    """The averaged weights of a checkpoint, ready for inference: (task, network, checkpoint)."""
    checkpoint = torch.load(path, map_location=device)
    net = build(checkpoint["task"])
    net.load_state_dict(checkpoint["ema"])
    return checkpoint["task"], net.float().to(device).eval(), checkpoint


def count_flops(net, height=640, width=640):
    """Multiplications and additions of the convolutions for one picture."""
    total = 0

    def count(module, _inputs, output):
        nonlocal total
        total += 2 * module.weight.numel() * output.shape[2] * output.shape[3]

    hooks = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, nn.Conv2d)]
    net.eval()
    with torch.no_grad():
        net(torch.zeros(1, 3, height, width))
    for hook in hooks:
        hook.remove()
    return total
