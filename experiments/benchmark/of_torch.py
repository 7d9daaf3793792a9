"""Forward + BPTT by PyTorch: `nn.RNN`, `nn.LSTM`, `nn.GRU` and autograd. A run returns (dW_xh, dW_hh, db_h, dh_0)."""

import torch

LEARNING_RATE, MAX_NORM = 0.01, 1.0
KINDS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def module_of(kind, net):
    """Return a module with the weights of a net."""
    (I, G), H = net.W_xh.shape, net.h_0.shape[1]  # noqa: E741
    module = KINDS[kind](I, H, dtype=torch.from_numpy(net.x).dtype)
    with torch.no_grad():
        module.weight_ih_l0.copy_(torch.from_numpy(net.W_xh.T.copy()))
        module.weight_hh_l0.copy_(torch.from_numpy(net.W_hh.T.copy()))
        module.bias_ih_l0.copy_(torch.from_numpy(net.b_h[:G]))
        module.bias_hh_l0.zero_()
        module.bias_hh_l0[G - len(net.b_h[G:]) :] = torch.from_numpy(net.b_h[G:])  # of a GRU's n
    return module


def gradients(kind, net):
    """Return the runs by name."""
    module, x, last = module_of(kind, net), torch.from_numpy(net.x), torch.from_numpy(net.last)
    h_0, G = torch.from_numpy(net.h_0)[None].clone().requires_grad_(), net.W_xh.shape[1]
    state, more = (h_0, torch.zeros_like(h_0)) if kind == "lstm" else h_0, len(net.b_h) - G

    def with_threads(threads):
        def run():
            torch.set_num_threads(threads)
            module.zero_grad()
            h_0.grad = None
            (module(x, state)[0][-1] * last).sum().backward()
            db = torch.cat([module.bias_ih_l0.grad, module.bias_hh_l0.grad[G - more :]])
            return module.weight_ih_l0.grad.T, module.weight_hh_l0.grad.T, db, h_0.grad[0]

        return run

    return {f"threads={threads}": with_threads(threads) for threads in (1, 2)}


def training(nets, updates):
    """Return trainings of one net after the other: `nn.RNN`, `clip_grad_norm_`, `SGD`. A run returns all W_hh."""

    def train(net):
        module, x, target = module_of("rnn", net), torch.from_numpy(net.x), torch.from_numpy(net.last)
        module.bias_hh_l0.requires_grad_(False)
        optimizer, h_0 = torch.optim.SGD(module.parameters(), lr=LEARNING_RATE), torch.from_numpy(net.h_0)[None]
        for _ in range(updates):
            optimizer.zero_grad()
            (0.5 * ((module(x, h_0)[1][0] - target) ** 2).sum() / x.shape[1]).backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), MAX_NORM)
            optimizer.step()
        return module.weight_hh_l0.detach().T

    def with_threads(threads):
        def run():
            torch.set_num_threads(threads)
            return (torch.stack([train(net) for net in nets]),)

        return run

    return {f"threads={threads}": with_threads(threads) for threads in (1, 2)}
