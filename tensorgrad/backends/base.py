"""What every backend offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, final

import numpy as np

__all__ = ["Backend", "Device"]


@final
class Device:
    """A place for arrays: ``cpu``, ``cuda:0``, ``shapes``. Compares and hashes by value, also against its name.

    >>> import tensorgrad as tg
    >>> tg.zeros(2).device
    device('cpu')
    >>> tg.zeros(2).device == "cpu"
    True
    """

    __slots__ = ("index", "kind")

    def __init__(self, kind: str, index: int = 0) -> None:
        self.kind = kind
        self.index = index

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return str(self) == other or (self.index == 0 and self.kind == other)
        return isinstance(other, Device) and (self.kind, self.index) == (other.kind, other.index)

    def __hash__(self) -> int:
        return hash((self.kind, self.index))

    @property
    def type(self) -> str:
        """The kind under PyTorch's name for it: ``"cpu"``, ``"cuda"``, ``"shapes"``."""
        return self.kind

    def __str__(self) -> str:
        return f"{self.kind}:{self.index}" if self.kind == "cuda" else self.kind

    def __repr__(self) -> str:
        return f"device({str(self)!r})"


class Backend(ABC):
    """An array library and the services of its device. Subclasses are final.

    ``namespace`` is the library's own array namespace (``numpy``, ``cupy``). ``overrides`` holds, by op name, functions
    used instead of the namespace's, for what the library lacks or does differently; ``forward`` likewise, for the
    functions called on an op's way forward, which must return arrays and never scalars.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    has_values: ClassVar[bool] = True
    """False where arrays are shapes only."""

    @property
    @abstractmethod
    def namespace(self) -> Any:
        """The library's array namespace."""

    @property
    @abstractmethod
    def special(self) -> Any:
        """The library's special functions, imported on first use (``scipy.special``, ``cupyx.scipy.special``)."""

    @property
    @abstractmethod
    def array_type(self) -> type[Any]:
        """The type of the library's arrays."""

    @property
    def overrides(self) -> Mapping[str, Callable[..., Any]]:
        """Functions by op name, instead of the namespace's."""
        return {}

    def implement(self, name: str, op: Any) -> Callable[..., Any] | None:
        """This backend's own function for a name of the namespace ``m``, or None: the op's body or the library's then.

        ``op`` is the record in the op table, or None for what is no op.
        """
        return self.overrides.get(name)

    def attach(self, m: Any) -> None:  # noqa: B027
        """Called once with the raw namespace over this backend, for backends whose arrays compute through it."""

    def at(self, place: Any) -> AbstractContextManager[Any]:
        """``with backend.at(array_or_device): ...`` makes the device current that code over bare arrays is to run on.

        Ops find their device by themselves; what applies operators to bare arrays needs this. Raises DeviceError for
        a device that is not available.
        """
        return nullcontext()

    def forward(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function`` as the call path wants it: never returning a scalar where this is cheap to arrange."""
        return function

    @abstractmethod
    def asarray(self, obj: Any, dtype: Any = None, copy: bool | None = None, device: Device | None = None) -> Any:
        """``obj`` (array, nested sequence, scalar, or an array of another backend) as an array of this backend."""

    @abstractmethod
    def full(self, shape: tuple[int, ...], value: Any, dtype: Any, device: Device | None = None) -> Any:
        """A new array filled with one number."""

    @abstractmethod
    def to_numpy(self, array: Any) -> np.ndarray[Any, Any]:
        """The values on the host; waits for the device. Without a copy where the memory is the host's already."""

    @abstractmethod
    def device_of(self, array: Any) -> Device:
        """Where the array is."""

    @abstractmethod
    def devices(self) -> list[Device]:
        """The devices that can be used now; never raises."""

    @abstractmethod
    def synchronize(self, device: Device | None = None) -> None:
        """Wait until everything submitted has run."""

    @abstractmethod
    def memory_in_use(self, device: Device | None = None) -> int:
        """Bytes held by live arrays, as far as the library can tell."""

    @abstractmethod
    def memory_peak(self, device: Device | None = None) -> int:
        """The largest number of bytes that were held at once."""

    @abstractmethod
    def add_at(self, array: Any, index: Any, values: Any) -> None:
        """``array[index] += values`` where repeated indices accumulate, in a fixed order."""

    @abstractmethod
    def philox(self, state: Any, *, count: int) -> Any:
        """``count`` words (uint64) of the Philox4x64-10 stream that ``state`` names.

        ``state`` is an array of this backend, uint64[3]: the key's two words, and the block (of four words) to start
        from. It is read where it is: a device does not wait for the host. It serves the op ``random_words``.
        """

    @abstractmethod
    def advice(self) -> str | None:
        """The command that would make this backend usable here, or None if it is."""
