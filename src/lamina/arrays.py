"""Which arrays there are, and how they move: NumPy here, CuPy on a GPU, or any other that speaks
NumPy's protocols (NEP 13 and NEP 18). The only file that imports CuPy.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from .errors import DeviceError, DTypeError

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"
DType: TypeAlias = "np.dtype[Any]"

CPU = "cpu"


def is_array(x: object) -> bool:
    """True for NumPy arrays and for whatever else answers to NumPy's protocols and has elements.

    A Variable answers too; it has no ``itemsize``, for its elements are those of its array.
    """
    return isinstance(x, np.ndarray) or (
        hasattr(x, "__array_ufunc__") and hasattr(x, "shape") and hasattr(x, "itemsize")
    )


def as_array(x: Any, what: str = "data") -> Array:
    """``x`` as an array: arrays as they are, numbers and nested lists as NumPy arrays.

    Args:
        x: an array, a number, or a rectangular nested list of numbers.
        what: names it in the error.
    Raises:
        DTypeError: for anything that is not made of numbers or bools, and for a list of Variables.
    """
    if not is_array(x) or isinstance(x, np.generic):
        if x is None or isinstance(x, (str, bytes, set, frozenset, dict)):
            raise DTypeError(f"{what} should be an array, a number or a list, got {_kind(x)}")
        if isinstance(x, (list, tuple)) and _holds_variables(x):
            raise DTypeError(
                f"{what}: a list of Variables would lose their gradients; make one of them with "
                "lamina.functions.stack or concatenate"
            )
        try:
            x = np.asarray(x)
        except ValueError as error:
            raise DTypeError(f"{what} should be a rectangular array: {error}") from None
    if x.dtype.kind not in "biufc":
        raise DTypeError(f"{what} should hold numbers or bools, got dtype {x.dtype}")
    return x


def _holds_variables(x: Any) -> bool:
    return any(
        _holds_variables(item) if isinstance(item, (list, tuple)) else hasattr(item, "backward")
        for item in x
    )


def _kind(x: object) -> str:
    return f"{type(x).__name__} {x!r:.60}"


def is_floating(dtype: DType) -> bool:
    """True for the dtypes that have derivatives: real and complex floating ones."""
    return dtype.kind in "fc"


def cupy() -> Any:
    """The CuPy module.

    Raises:
        DeviceError: if it is not installed.
    """
    try:
        import cupy  # pyright: ignore[reportMissingImports] (optional: the extra lamina[gpu])
    except ImportError as error:
        raise DeviceError(
            f"to_gpu: CuPy is needed to use a GPU and cannot be imported ({error}); "
            "install it with: pip install 'lamina[gpu]'"
        ) from None
    return cupy


def device_of(x: Any) -> str:
    """``"cpu"`` or ``"gpu:0"``: where the numbers of ``x`` lie."""
    number = getattr(getattr(x, "device", None), "id", None)  # CuPy's arrays name a device by id
    return CPU if number is None else f"gpu:{number}"


def to_numpy(x: Any) -> Array:
    """``x`` as a NumPy array; a NumPy array is given back as it is."""
    if isinstance(x, np.ndarray):
        return x
    if hasattr(x, "__cuda_array_interface__"):
        return cupy().asnumpy(x)
    return np.asarray(x)


def to_device(x: Any, device: str) -> Any:
    """``x`` on ``device`` (``"cpu"``, ``"gpu"`` or ``"gpu:1"``); as it is if it is there already.

    Raises:
        DeviceError: if CuPy is missing, or ``device`` is neither.
    """
    if device == CPU:
        return to_numpy(x)
    kind, _, number = device.partition(":")
    if kind != "gpu" or not (number or "0").isdigit():
        raise DeviceError(f"device should be 'cpu', 'gpu' or 'gpu:0', got {device!r}")
    module = cupy()
    with module.cuda.Device(int(number or 0)):
        return module.asarray(x)


def from_dlpack(x: Any) -> Array:
    """An array that shares the memory of another library's, through DLPack.

    Args:
        x: whatever has ``__dlpack__``: a PyTorch tensor, a JAX array, a CuPy array, a Variable.
    Returns:
        A NumPy array, or a CuPy array for memory on a GPU.
    """
    on_cpu = x.__dlpack_device__()[0] == 1  # kDLCPU
    return np.from_dlpack(x) if on_cpu else cupy().from_dlpack(x)
