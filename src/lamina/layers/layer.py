"""Layer: a block that holds Parameters, Buffers and other Layers, and turns inputs into outputs.

A Layer keeps no list of what it holds. What is registered is what its attributes are, now: each
Parameter, Buffer or Layer, and those inside lists, tuples and dicts, in the order in which the
attributes were assigned. So nothing can get out of step: assign, delete, append, and it shows.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any, Self

import numpy as np

from .. import random
from ..config import changed, current, using
from ..core import Variable
from ..errors import RegistrationError
from ..parameter import Buffer, Parameter
from . import registry, weights
from .calls import calls
from .explain import add_note
from .summary import Summary, build, summarise


class Layer(registry.Block):
    """A block of a network. Subclass it, assign Parameters and Layers, and write ``forward``.

    There is no backward to write: ``forward`` is made of operators, and they know theirs.

    Example:
        >>> from lamina.layers import Linear
        >>> class MLP(Layer):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.l1 = Linear(4, in_size=3)
        ...         self.l2 = Linear(2)
        ...     def forward(self, x):
        ...         return self.l2(self.l1(x))
        >>> model = MLP()
        >>> [name for name, _ in model.named_params()]
        ['l1/W', 'l1/b', 'l2/W', 'l2/b']
        >>> model(np.zeros((5, 3), np.float32)).shape
        (5, 2)
    """

    __slots__ = ("__dict__", "__weakref__", "_model", "owner")

    owner: Callable[[], Layer | None] | None  # a weak reference to the Layer that holds this one
    _model: int | None  # which model since the seed was set, for the random streams

    training = True
    """False after ``train(False)``: then calls run as under ``test_mode()``."""

    transposed: dict[str, tuple[str, ...]] = {}
    """By layout (such as ``"chainer"``): own Parameters that are stored transposed there."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self.owner = None
        self._model = None
        return self

    def __init__(self) -> None:
        pass

    def __init_subclass__(cls) -> None:
        for name, value in vars(cls).items():
            if isinstance(value, (Variable, Layer)):
                raise RegistrationError(
                    f"{cls.__name__}.{name} is a {type(value).__name__} of the class, shared by "
                    "all its instances: create it in __init__, as self." + name
                )

    # -- running -----------------------------------------------------------------------------

    def __call__(self, *inputs: Any, **kwargs: Any) -> Any:
        """Run ``forward``; whatever it returns is passed on as it is."""
        stack = calls.stack
        stack.append(self)
        try:
            if self.training and calls.observer is None and current().tracer is None:
                outputs = self.forward(*inputs, **kwargs)
            else:
                outputs = self._watched(inputs, kwargs)
        except BaseException as error:
            if len(stack) == 1:
                for parameter in calls.started:  # a first call that failed leaves no trace
                    parameter.forget()
            if isinstance(error, Exception):
                add_note(error, stack, inputs)
            raise
        finally:
            stack.pop()
            if not stack:
                calls.started.clear()
        if type(outputs) is Variable:
            outputs.origin = weakref.ref(self)
        return outputs

    def _watched(self, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run ``forward`` in prediction, or while somebody looks on."""
        if not self.training and current().train:
            with using(train=False):
                return self._watched(inputs, kwargs)
        tracer = current().tracer
        if tracer is not None:
            tracer.watch(registry.containers(self))
        if calls.observer is not None:
            return calls.observer(self, inputs, kwargs)
        return self.forward(*inputs, **kwargs)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Outputs from inputs: what a subclass defines."""
        raise NotImplementedError(f"{type(self).__name__} should define forward(self, ...)")

    def train(self, mode: bool = True) -> Layer:
        """Switch this Layer and all inside it to training, or with False to prediction."""
        if not isinstance(mode, bool):
            raise RegistrationError(f"train: mode should be True or False, got {mode!r}")
        for layer in (self, *self.layers()):
            layer.training = mode
        changed()
        return self

    def eval(self) -> Layer:
        """The same as ``train(False)``."""
        return self.train(False)

    # -- what it holds -----------------------------------------------------------------------

    def named_params(self) -> Iterator[tuple[str, Parameter]]:
        """Pairs such as ``("l1/W", parameter)``, in order of assignment, each Parameter once."""
        return registry.unique(self, Parameter)

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """Pairs of path and Buffer, each once."""
        return registry.unique(self, Buffer)

    def named_layers(self) -> Iterator[tuple[str, Layer]]:
        """Pairs of path and Layer for all Layers inside this one, outer before inner, each once."""
        return registry.unique(self, Layer)

    def params(self) -> Iterator[Parameter]:
        """All Parameters, in order of assignment, each once."""
        return (parameter for _, parameter in self.named_params())

    def buffers(self) -> Iterator[Buffer]:
        """All Buffers, in order of assignment, each once."""
        return (buffer for _, buffer in self.named_buffers())

    def layers(self) -> Iterator[Layer]:
        """All Layers inside this one, outer before inner, each once."""
        return (layer for _, layer in self.named_layers())

    def _flatten_params(self, params_dict: dict[str, Parameter], parent_key: str = "") -> None:
        """Add all Parameters to ``params_dict``, under ``parent_key/path``."""
        for path, parameter in self.named_params():
            params_dict[f"{parent_key}/{path}" if parent_key else path] = parameter

    def cleargrads(self) -> None:
        """Forget the gradients of all Parameters."""
        for parameter in registry.parameters(self):
            parameter._grad = None  # pyright: ignore[reportPrivateUsage] (each is a leaf)

    def freeze(self, glob: str = "*") -> list[str]:
        """Stop training the Parameters whose path matches, such as ``"l1/*"`` or ``"*/b"``.

        Args:
            glob: ``*`` stands for any characters, ``/`` among them; ``?`` for one.
        Returns:
            The paths that matched. Lazy Parameters stay frozen when they get their numbers.
        Raises:
            RegistrationError: if none matches.
        """
        return self._set_trained(glob, False)

    def unfreeze(self, glob: str = "*") -> list[str]:
        """Train the Parameters whose path matches again; as `freeze`."""
        return self._set_trained(glob, True)

    def _set_trained(self, glob: str, trained: bool) -> list[str]:
        named = dict(self.named_params())
        found = [path for path in named if fnmatchcase(path, glob)]
        if not found:
            raise RegistrationError(
                f"freeze: no parameter of {type(self).__name__} matches {glob!r}; "
                f"there are {', '.join(named) or 'none'}"
            )
        for path in found:
            named[path].requires_grad = trained
            if not trained:
                named[path].cleargrad()
        return found

    # -- devices -----------------------------------------------------------------------------

    def to_cpu(self) -> Layer:
        """Move Parameters, gradients and Buffers to main memory."""
        return self._to_device(lambda variable: variable.to_cpu())

    def to_gpu(self, device: int = 0) -> Layer:
        """Move Parameters, gradients and Buffers to a GPU; lazy ones will be made there.

        Raises:
            DeviceError: if CuPy is not installed.
        """
        return self._to_device(lambda variable: variable.to_gpu(device))

    def _to_device(self, move: Callable[[Variable], Variable]) -> Layer:
        for variable in (*self.params(), *self.buffers()):
            move(variable)
        return self

    # -- shapes ------------------------------------------------------------------------------

    def initialize(self, parameter: Parameter, shape: tuple[int, ...]) -> None:
        """Give a lazy Parameter its shape; undone if the call it happens in fails.

        For ``forward`` of a Layer that learns sizes from its input.
        """
        outermost = calls.stack[0] if calls.stack else self
        registry.adopt_all(outermost)  # names its random stream, also after a late append
        parameter.plan(shape)
        calls.started.append(parameter)

    def build(self, *inputs: Any) -> Layer:
        """Learn all sizes from the shapes of the inputs; nothing is computed.

        Args:
            *inputs: for each input of ``forward`` a shape, such as ``(32, 784)``, or an example
                array, whose numbers are not looked at.
        Raises:
            TraceError: if ``forward`` needs the numbers; then call it once instead.
        """
        build(self, inputs)
        return self

    def summary(self, *inputs: Any) -> Summary:
        """Parameters, output shapes, multiply-adds and activation memory, from shapes alone.

        Args:
            *inputs: as for `build`; without any, only what is known before a call.
        Returns:
            A table that prints, and shows as HTML in a notebook. The Layer stays as it was.
        """
        return summarise(self, inputs)

    # -- files -------------------------------------------------------------------------------

    def save_weights(
        self, path: Any, *, compress: bool = False, make_folders: bool = False
    ) -> None:
        """Write all Parameters and Buffers to a ``.npz`` file that ``numpy.load`` opens.

        The file is written beside its place and renamed, so that at any moment there is the old
        one or the new one, whole. It holds a SHA-256 of each array.

        Args:
            path: ``.npz`` is added to a name that does not end in it, here and in `load_weights`;
                or a binary file.
            compress: smaller by a few per cent for trained weights, and slower.
            make_folders: make the folders of the path that are missing.
        Raises:
            UninitializedError: if a Parameter has no numbers yet; all such are named.
            CheckpointWriteError: if the disk refuses; the old file is untouched.
        """
        weights.save(self, path, compress, make_folders)

    def load_weights(
        self,
        path: Any,
        strict: bool = True,
        *,
        quiet: bool = False,
        prefix: str = "",
        layout: str = "lamina",
    ) -> list[str]:
        """Read Parameters and Buffers from a ``.npz`` file: all of them, or none.

        Everything is checked before anything is changed. Arrays are filled in place, on their
        device. Floating numbers are cast to the Parameter's floating dtype, and the line says so;
        any other change of dtype is an error.

        Args:
            path: a file of lamina, of the seed's code, of DeZero or of Chainer.
            strict: names must be the same in both; False takes what both have, and says so.
            quiet: do not log one line a name, ``l1/W loaded``.
            prefix: read only names that begin so, without it, such as ``"updater/model:main/"``.
            layout: ``"chainer"`` for files with matrices of shape (out, in).
        Returns:
            The paths that were loaded.
        Raises:
            CheckpointError: the file is damaged, or is not safe to read.
            StateMismatchError: names, shapes or dtypes differ; all differences are listed.
        """
        return weights.load(self, path, strict, quiet, prefix, layout)

    # -- attributes --------------------------------------------------------------------------

    def __setattr__(self, key: str, value: Any) -> None:
        if key in Layer.__slots__:
            object.__setattr__(self, key, value)
            return
        registry.check_attribute(self, key, value)
        registry.leave(self, key, value)
        object.__setattr__(self, key, value)
        registry.adopt(self, value)

    def __delattr__(self, key: str) -> None:
        registry.leave(self, key)
        object.__delattr__(self, key)

    def path_of(self, held: Any) -> str:
        """The path of a Parameter, Buffer or Layer inside this one, from the outermost Layer."""
        path = registry.find(self, held)
        return path if self.owner is None else registry.full_path(self, path)

    def stream_of(self, parameter: Parameter) -> np.random.Generator:
        """The random numbers of a Parameter: a stream of its own, named by its full path."""
        root = registry.root_of(self)
        if root._model is None:
            root._model = random.count("model")
        path = registry.find(root, parameter)
        return random.stream(f"model{root._model}/{path}")

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "": self._model}  # no attribute has an empty name

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.owner = None
        self._model = state.pop("", None)
        vars(self).update(state)
        for value in state.values():
            registry.adopt(self, value)

    def __copy__(self) -> Layer:
        new = type(self).__new__(type(self))
        new._model = self._model
        vars(new).update(vars(self))
        return new

    def describe(self) -> str:
        """What was chosen for this Layer, as `repr` shows it in parentheses."""
        return ""

    def __repr__(self) -> str:
        return registry.tree(self)
