"""Writes the weights between two checkpoints of one network.

    python3 -m obscura_train.average NEW OLD OUT [--share 0.5]

After a short run on other data the weights halfway between before and after are often better than both (Wortsman et al., Robust fine-tuning, 2021):
what the run learnt stays, and little of what came before is lost.
"""
import argparse

import torch


def average(new, old, share):
    """share of `new`, the rest of `old`; counters are `new`'s."""
    return {k: share * v.float() + (1 - share) * old[k].float() if v.is_floating_point() else v for k, v in new.items()}


def kept(state):
    """What of a checkpoint goes along with its weights: the adapters to the teacher's features. Made anew, they pull the
    features about until they have learnt (with a weight of 4 for half an hour, in the eleventh run)."""
    return {k: state[k] for k in ("imitation",) if k in state}


def main():
    p = argparse.ArgumentParser(prog="obscura_train.average")
    p.add_argument("new")
    p.add_argument("old")
    p.add_argument("out")
    p.add_argument("--share", type=float, default=0.5, help="of the new weights")
    a = p.parse_args()
    new, old = (torch.load(path, map_location="cpu") for path in (a.new, a.old))
    if new["task"] != old["task"]:
        p.error(f"{a.new} is of {new['task']}, {a.old} of {old['task']}")
    weights = average(new["ema"], old["ema"], a.share)
    torch.save(dict(kept(new), ema=weights, model=weights, it=new["it"], task=new["task"]), a.out)


if __name__ == "__main__":
    main()
