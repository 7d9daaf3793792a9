"""Networks of the literature by name: cell, initialization, and what stays as it is drawn.

Numbers are standard deviations of normal weights; None is Glorot's. W_hh of `std` s has gain s sqrt(H). Biases are 0
but for an LSTM's forget gate. `make` scales W_hh to a spectral radius where one is asked for.
"""

from typing import NamedTuple

import numpy as np

from rnnkit._arguments import choice, generator, integer
from rnnkit.cells import Cell, as_cell
from rnnkit.networks.rnn import RNN


class Recipe(NamedTuple):
    """How a network begins."""

    source: str
    cell: str
    initializer: str = "gaussian"
    std: float | None = None
    spectral_radius: float | None = None
    input_std: float | None = None
    output_std: float | None = None
    forget_bias: float | None = None
    chrono: int | None = None
    parametrization: str | None = None
    frozen: tuple[str, ...] = ()


PASCANU = "Pascanu, Mikolov, Bengio 2013"
LE = "Le, Jaitly, Hinton 2015"
RECIPES = {
    "tanh": Recipe("Glorot, Bengio 2010, eq. 16", "tanh"),
    "tanh_frozen": Recipe("control: W_hh stays as it is drawn", "tanh", frozen=("l0.W_hh",)),
    "basic_tanh": Recipe(PASCANU, "tanh", std=0.1, input_std=0.1, output_std=0.1),
    "smart_tanh": Recipe(PASCANU, "tanh", "sparse", None, 0.95, 0.01, 0.01),
    "sigmoid": Recipe(PASCANU, "sigmoid", std=0.01, input_std=0.01, output_std=0.01),
    "sutskever": Recipe("Sutskever, Martens, Dahl, Hinton 2013", "tanh", "sparse", None, 1.1, 0.001),
    "relu": Recipe(f"{LE}: a ReLU net that begins at random", "relu", input_std=0.001),
    "irnn": Recipe(LE, "relu", "identity", input_std=0.001, output_std=0.001),
    "orthogonal": Recipe("Henaff, Szlam, LeCun 2016, with tanh", "tanh", "orthogonal"),
    "identity": Recipe("Henaff, Szlam, LeCun 2016, with tanh", "tanh", "identity"),
    "lt_orthogonal": Recipe("Henaff, Szlam, LeCun 2016: LT-ORNN", "ltrnn", "orthogonal"),
    "lt_identity": Recipe("Henaff, Szlam, LeCun 2016: LT-IRNN", "ltrnn", "identity"),
    "lstm": Recipe("Jozefowicz, Zaremba, Sutskever 2015, abstract", "lstm", forget_bias=1.0),
    "gru": Recipe("Cho et al. 2014, section 2.3", "gru"),
    "chrono": Recipe("Tallec, Ollivier 2018, eq. 16, for memories of up to 100 steps", "lstm", chrono=100),
    "peephole": Recipe("Gers, Schraudolph, Schmidhuber 2002", "peephole", forget_bias=1.0),
    "leaky": Recipe("Jaeger et al. 2007", "leaky"),
    "dale": Recipe("Song, Yang, Wang 2016: a rate network, each unit of one sign", "leaky", parametrization="dale"),
    "antisymmetric": Recipe("Chang, Chen, Haber, Chi 2019, eq. 12", "residual", parametrization="antisymmetric"),
    "orthogonal_kept": Recipe(
        "Lezcano-Casado, Martinez-Rubio 2019", "tanh", "orthogonal", parametrization="orthogonal"
    ),
    "indrnn": Recipe("Li et al. 2018", "indrnn"),
    "mingru": Recipe("Feng et al. 2024", "mingru"),
    "minlstm": Recipe("Feng et al. 2024", "minlstm"),
    "lru": Recipe("Orvieto et al. 2023, section 3", "lru"),
    "cornn": Recipe("Rusch, Mishra 2021", "cornn"),
}


def make(
    name: str,
    input_size: int,
    hidden_size: int,
    output_size: int,
    rng: np.random.Generator,
    *,
    cell: str | Cell | None = None,
    output: str = "last",
    spectral_radius: float | None = None,
    dtype: str = "float32",
) -> RNN:
    """Return an RNN of one layer, begun as the recipe says; arguments as of `rnnkit.RNN`. ValueError for a bad one.

    cell: in place of the recipe's own; what it has no weights for, W_hh or the bias of a gate that keeps, is left out.
    Weights that a recipe names `frozen` stay only in a training that is told: Protocol(frozen=RECIPES[name].frozen).
    """
    recipe, hidden_size = RECIPES[choice("name", name, RECIPES)], integer("hidden_size", hidden_size, 1)
    cell = as_cell(recipe.cell if cell is None else cell)
    if not cell.recurrent():
        recipe = recipe._replace(initializer="glorot", std=None, spectral_radius=None, parametrization=None)
    output_size, rng = integer("output_size", output_size, 1), generator("rng", rng)
    radius = recipe.spectral_radius if spectral_radius is None else spectral_radius
    net = RNN(
        input_size,
        hidden_size,
        output_size,
        cell=cell,
        output=output,
        initializer=recipe.initializer,
        spectral_radius=radius,
        gain=None if recipe.std is None or radius is not None else recipe.std * np.sqrt(hidden_size),
        forget_bias=recipe.forget_bias if cell.keeps else None,
        chrono=recipe.chrono if cell.keeps else None,
        parametrization=recipe.parametrization,
        dtype=dtype,
        seed=rng,
    )
    for weights, std in (("l0.W_xh", recipe.input_std), ("W_hy", recipe.output_std)):
        if std is not None:
            net.parameters[weights][:] = std * rng.standard_normal(net.parameters[weights].shape)
    return net
