"""Attributes that are set once."""


class Fixed:
    """Attributes named in FIXED are set once: weights and traces are laid out by them."""

    FIXED: tuple[str, ...] = ()

    def __setattr__(self, name: str, value: object) -> None:
        if name in self.FIXED and self.__dict__.get(name, value) is not value:  # itself again: `net.flat *= 2`
            raise AttributeError(f"{name} of {self!r} cannot be replaced: change weights in place, net.flat[:] = ...")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in self.FIXED:
            raise AttributeError(f"{name} of {self!r} cannot be deleted")
        super().__delattr__(name)
