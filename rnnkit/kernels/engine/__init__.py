"""One direction of one layer of any cell, forward and back through time."""
