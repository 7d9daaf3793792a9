"""What the loops of a cell read and write: derived from its step.

Forward, a step turns blocks and states into new states, and saves what its backward pass would have to compute again by
an exponential. Back, it turns the gradients of the new states into those of blocks, states and trained numbers.
"""

from dataclasses import dataclass, field

from rnnkit.cells.cell import Cell
from rnnkit.cells.derivatives import vector_jacobian
from rnnkit.cells.expressions import Expression, reach
from rnnkit.cells.symbolic import Symbolic, symbolic

SLOW = ("tanh", "sigmoid", "exp", "log1p")  # worth saving: an exponential or a logarithm


@dataclass
class Plan:
    """The expressions of a cell's two loops.

    adjoints     dL/d(new states), as the steps after it hand them back
    totals       all of dL/d(new state), of an LSTM's c with the path through h; None where that is the adjoint
    of_blocks, of_states, of_units   dL/d(blocks, states before, per_unit); None where there is no path
    saved        what the backward pass reads besides states, adjoints and per_unit: activations, blocks as they are;
                 first one for each block, as long as there are, in the order of the blocks. What is made of new
                 states alone, as an LSTM's tanh(c), is computed again: to store it costs as much
    """

    cell: type[Cell]
    symbolic: Symbolic = field(init=False)
    adjoints: list[Expression] = field(init=False)
    totals: list[Expression | None] = field(init=False)
    of_blocks: list[Expression | None] = field(init=False)
    of_states: list[Expression | None] = field(init=False)
    of_units: list[Expression | None] = field(init=False)
    saved: list[Expression] = field(init=False)

    def __post_init__(self) -> None:
        """Derive all from the step."""
        cell, self.symbolic = self.cell, symbolic(self.cell)
        self.adjoints = [self.symbolic.graph.leaf(f"dL/d{name}") for name in cell.states]
        self.of_blocks, self.of_states, self.of_units = (
            vector_jacobian(self.symbolic.outputs, self.adjoints, [self.symbolic.arguments[name] for name in names])
            for names in (cell.blocks, cell.states, cell.per_unit)
        )
        found = vector_jacobian(self.symbolic.outputs, self.adjoints, self.symbolic.outputs)
        arguments = {e.number for e in self.symbolic.arguments.values()}
        self.totals = [
            None if output.number in arguments or total.number == adjoint.number else total
            for output, adjoint, total in zip(self.symbolic.outputs, self.adjoints, found, strict=True)
        ]
        self.saved = self._saved()

    def gradients(self) -> list[Expression]:
        """Return all that the backward pass computes."""
        found = (*self.of_blocks, *self.of_states, *self.of_units, *self.totals)
        return [e for e in found if e is not None]

    def _saved(self) -> list[Expression]:
        new = {e.number for e in self.symbolic.outputs}
        slow = [e for e in reach(self.gradients()) if e.op in SLOW and e.number not in new and not self._again(e)]
        needed = {e.number for e in reach(self.gradients(), stop=[*slow, *self.symbolic.outputs])}
        kept = [e for e in slow if e.number in needed]
        blocks = [self.symbolic.arguments[name] for name in self.cell.blocks]
        own = [next((e for e in kept if e.args[0] is block), None) for block in blocks]
        own = [block if block.number in needed else e for e, block in zip(own, blocks, strict=True)]
        taken = {e.number for e in own if e is not None}
        rest = iter([e for e in kept if e.number not in taken])
        return [e for e in (next(rest, None) if e is None else e for e in own) if e is not None] + list(rest)

    def _again(self, e: Expression) -> bool:
        """Return whether an expression is made of new states alone."""
        leaves = [a for a in reach([e], stop=self.symbolic.outputs) if a.op == "leaf"]
        new = {output.number for output in self.symbolic.outputs}
        return all(leaf.number in new or leaf.value in self.cell.constants for leaf in leaves)
