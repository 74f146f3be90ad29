"""Muon: momentum whose update is made orthogonal, so that every direction of a layer's weights is learnt at one pace (Jordan et al., 2024).

A convolution's weights count as a matrix of outputs by inputs times kernel. Updates have the size that AdamW's would have (Liu et al., Muon is Scalable for
LLM Training, 2025), so that both take the same learning rate.
"""
import torch
import torch.distributed as dist

NEWTON_SCHULZ = 3.4445, -4.7750, 2.0315     # a x + b x^3 + c x^5 drives all singular values to about 1
ITERATIONS = 5
ADAM_SIZE = 0.2         # root mean square of AdamW's updates, usually


def orthogonal(matrix):
    """The nearest matrix, roughly, with equal singular values: (R, C) to (R, C).

    Each round multiplies x by a polynomial of x x', which commute with each other: so the rounds need x x' only, the smaller side squared."""
    a, b, c = NEWTON_SCHULZ
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / (x.norm() + 1e-7)
    gram, product, one = x @ x.T, None, torch.eye(len(x), dtype=x.dtype, device=x.device)
    for _ in range(ITERATIONS):
        step = a * one + b * gram + c * gram @ gram
        product = step if product is None else step @ product
        gram = step @ gram @ step
    x = product @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


def sum_over_processes(tensors):
    flat = torch.cat([t.flatten() for t in tensors])
    dist.all_reduce(flat)
    return [part.view_as(t) for part, t in zip(flat.split([t.numel() for t in tensors]), tensors)]


class Muon(torch.optim.Optimizer):
    """For weights of two or more dimensions, other than a network's last layers'."""

    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        """Of several processes, each makes every n-th update orthogonal, and all add all."""
        rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            updates = [torch.zeros_like(p) for p in params]
            for k, p in enumerate(params):
                mean = self.state[p].setdefault("momentum", torch.zeros_like(p))
                mean.lerp_(p.grad, 1 - group["momentum"])
                if k % world == rank:
                    wanted = p.grad.lerp(mean, group["momentum"]).flatten(1)        # Nesterov's
                    updates[k] += orthogonal(wanted).mul_(ADAM_SIZE * max(wanted.shape) ** 0.5).view_as(p)
            if world > 1:
                updates = sum_over_processes(updates)
            for p, update in zip(params, updates):
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"])
