"""Jobs: their schema, their identity, their records on disk, and the processes that run them."""
