"""A network of any cell in torch, from the step's own text: what autograd makes of it holds our gradients."""

from types import FunctionType

import numpy as np
import torch

FUNCTIONS = {name: getattr(torch, name) for name in ("tanh", "sigmoid", "relu", "exp", "log1p")}
FUNCTIONS["where"] = torch.where


def step_of(cls):
    """Return the step with torch's functions in place of ours."""
    return FunctionType(cls.step.__code__, {**cls.step.__globals__, **FUNCTIONS})


def leaves(net):
    return {name: torch.tensor(a, dtype=torch.float64, requires_grad=True) for name, a in net.parameters.items()}


def _one_step(net, direction, weights, x_t, states):
    cls, H = type(net.cell), net.hidden_size
    blocks, entered = dict.fromkeys(cls.blocks, 0.0), cls.entered()
    inputs = {"x": (x_t, "W_xh")} | {s: (states[s], f"W_{s}h") for s in cls.recurrent()} | {"b": (None, "b_h")}
    for name, (value, of) in inputs.items():
        if not entered[name]:
            continue
        W = weights[f"{direction.name}.{of}"]
        share = W.expand(len(x_t), -1) if value is None else value @ W
        for k, block in enumerate(entered[name]):
            blocks[block] = blocks[block] + share[:, k * H : (k + 1) * H]
    units = [weights[f"{direction.name}.{name}"] for name in cls.per_unit]
    constants = [torch.tensor(value, dtype=torch.float64) for value in net.cell.constants.values()]
    new = step_of(cls)(*blocks.values(), *states.values(), *units, *constants)
    return dict(zip(cls.states, new if isinstance(new, tuple) else (new,), strict=True))


def _direction(net, direction, weights, x, first, lengths):
    """Return all first states in the order of time, and the last states."""
    T, states, outputs = len(x), first, [None] * len(x)
    for t in reversed(range(T)) if direction.reverse else range(T):
        new = _one_step(net, direction, weights, x[t], states)
        if lengths is not None:
            inside = torch.tensor(t < lengths)[:, None]
            new = {name: torch.where(inside, a, states[name]) for name, a in new.items()}
        states, outputs[t] = new, next(iter(new.values()))
    return torch.stack(outputs), states


def run(net, weights, x, state, lengths=None):
    """Return y and the last states, {name: (directions, B, H)}, of tensors x (T, B, I) and state by name."""
    last, below = {name: [] for name in state}, x
    for layer in range(net.layers):
        sides = []
        for k, direction in [(k, direction) for k, direction in enumerate(net.directions) if direction.layer == layer]:
            out, states = _direction(net, direction, weights, below, {name: a[k] for name, a in state.items()}, lengths)
            sides.append(out)
            for name, a in states.items():
                last[name].append(a)
        below = torch.cat(sides, dim=2)
    y = below @ weights["W_hy"] + weights["b_y"] if net.output_size is not None else below
    if lengths is not None:
        y = y * torch.tensor(np.arange(len(x))[:, None] < lengths)[..., None]
    return y, {name: torch.stack(a) for name, a in last.items()}


def gradients(net, x, state, dy, dstate=None, lengths=None):
    """Return (y, {name: gradient}) of sum(y dy) + sum(last dstate): of weights, `dx`, `state.<name>`."""
    weights, x = leaves(net), torch.tensor(x, dtype=torch.float64, requires_grad=True)
    first = {name: torch.tensor(a, dtype=torch.float64, requires_grad=True) for name, a in state.asdict().items()}
    y, last = run(net, weights, x, first, lengths)
    loss = (y * torch.tensor(dy)).sum()
    if dstate is not None:
        loss = loss + sum((last[name] * torch.tensor(a)).sum() for name, a in dstate.asdict().items())
    leaf = weights | {"dx": x} | {f"state.{name}": a for name, a in first.items()}
    found = torch.autograd.grad(loss, list(leaf.values()), allow_unused=True)
    zero = {name: torch.zeros_like(a) for name, a in leaf.items()}
    return y.detach().numpy(), {n: (zero[n] if g is None else g).numpy() for n, g in zip(leaf, found, strict=True)}
