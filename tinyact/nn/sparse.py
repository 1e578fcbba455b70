"""Layers whose inputs are indices."""

from __future__ import annotations

from typing import Any

from tinyact.autograd import no_grad
from tinyact.creation import empty
from tinyact.device import DeviceLike, check_device
from tinyact.functions.embedding import padding_row, refuse_sparse
from tinyact.nn import functional as F
from tinyact.nn import init
from tinyact.nn.module import FunctionModule
from tinyact.nn.parameter import Parameter
from tinyact.tensor import Tensor

__all__ = ["Embedding"]


class Embedding(FunctionModule, function=F.embedding):
    """Args:
        num_embeddings: how many rows the table has.
        embedding_dim: their width.
        padding_idx: a row that is 0 at first and gets no gradient.
        max_norm: rows that are looked up and longer than that are shortened to it, in place, before.
        norm_type: p of the norm that measures their length.
        scale_grad_by_freq: whether gradients are divided by how often their row was looked up.
        sparse: must be False: there are no sparse gradients.
        device: the CPU, or nothing.
        dtype: of the table, the default dtype if left out.

    Attributes:
        weight: the table, shape (num_embeddings, embedding_dim).

    Example:
        >>> import tinyact
        >>> tinyact.nn.Embedding(10, 3)(tinyact.tensor([[1, 2], [4, 9]])).shape
        torch.Size([2, 2, 3])
    """

    weight: Parameter

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        device: DeviceLike = None,
        dtype: Any = None,
        *,
        _weight: Tensor | None = None,
        _freeze: bool = False,
    ) -> None:
        super().__init__()
        check_device(device)
        refuse_sparse(sparse)
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = None if padding_idx is None else padding_row(padding_idx, num_embeddings)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        if _weight is None:
            self.weight = Parameter(empty(num_embeddings, embedding_dim, dtype=dtype), not _freeze)
            self.reset_parameters()
        else:
            if _weight.shape != (num_embeddings, embedding_dim):
                raise AssertionError("Shape of weight does not match num_embeddings and embedding_dim")
            self.weight = Parameter(_weight, not _freeze)

    def reset_parameters(self) -> None:
        """Draws new rows from the normal distribution; that of the padding is 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """A layer with this table.

        Args:
            embeddings: the table, shape (num_embeddings, embedding_dim), whose memory it shares.
            freeze: whether it is not learned further.
            padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse: as for `Embedding`.

        Raises:
            AssertionError: if the table is no matrix.
        """
        if embeddings.ndim != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, width = embeddings.shape
        settings = padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse
        return cls(rows, width, *settings, _weight=embeddings, _freeze=freeze)

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        defaults = {"padding_idx": None, "max_norm": None, "norm_type": 2, "scale_grad_by_freq": False}
        settings = {name: getattr(self, name) for name in defaults}
        others = [f", {name}={value}" for name, value in settings.items() if value != defaults[name]]
        return f"{self.num_embeddings}, {self.embedding_dim}{''.join(others)}"
