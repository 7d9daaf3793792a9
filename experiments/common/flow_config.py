"""The keys of a driven net whose gradients are followed back: of gradient_flow, and of what measures as it does."""

from typing import Literal, Self

from common.cells import CellConfig, CellName
from pydantic import Field, model_validator

from rnnkit.runner.jobs.config import PositiveOrNone
from rnnkit.tasks.digits import read_digits

PIXELS = 64


class FlowConfig(CellConfig):
    """Keys of a job."""

    seq_len: int = Field(ge=1, le=1_000_000, description="an integer from 1 to 1000000")
    spectral_radius: PositiveOrNone
    gain: PositiveOrNone
    clip: PositiveOrNone
    clip_mode: Literal["norm", "value"] = Field(description="norm or value")
    hidden_size: int = Field(ge=1, le=4096, description="an integer from 1 to 4096")
    initializer: Literal["glorot", "gaussian", "orthogonal", "identity", "sparse"] = Field(
        description="glorot, gaussian, orthogonal, identity or sparse"
    )
    cell: CellName
    drive: Literal["noise", "digits"] = Field(description="noise or digits")
    drive_variance: float = Field(ge=0, le=1e6, description="a number from 0 to 1e6")
    batch_size: int = Field(ge=1, le=1024, description="an integer from 1 to 1024")
    replicates: int = Field(ge=1, le=100_000, description="an integer from 1 to 100000")
    dtype: Literal["float32", "float64"] = Field(description="float32 or float64")

    @model_validator(mode="after")
    def _combinations(self) -> Self:
        if "none" not in (self.spectral_radius, self.gain):
            raise ValueError(
                f"spectral_radius={self.spectral_radius} cannot be combined with gain={self.gain}: "
                "one of the two must be none"
            )
        self.check_scaling("spectral_radius", "gain")
        if self.drive == "digits":
            if not 2 <= self.seq_len <= PIXELS:
                raise ValueError(
                    f"seq_len must be an integer from 2 to {PIXELS} with drive=digits, the pixels of an image "
                    f"(the first is blank in all of them), got {self.seq_len}"
                )
            if self.drive_variance == 0:
                raise ValueError("drive_variance must be a number above 0 with drive=digits, got 0")
            try:
                read_digits()
            except ValueError as error:
                raise ValueError(f"drive=digits: {error}") from None
        return self
