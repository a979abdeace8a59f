"""Every error that lamina raises on purpose.

::

    LaminaError
    ├─ ShapeError (ValueError)            shapes that do not fit
    ├─ DTypeError (TypeError)             a dtype or a kind of object that does not fit
    ├─ RangeError (ValueError)            a number outside its range: a label, a ratio, a size
    ├─ DeviceError (RuntimeError)         CuPy missing, or arrays on two devices
    ├─ DependencyError (ImportError)      an optional package that is not installed
    ├─ RegistrationError (AttributeError, TypeError)   an attribute a Layer cannot take
    ├─ UninitializedError (RuntimeError)  a lazy Parameter asked for data that it does not have yet
    ├─ ConfigError (ValueError)           a configuration, or words of a command, not understood
    ├─ GraphError (RuntimeError)          backward asked of something that cannot give it
    │  ├─ InPlaceError                    data changed between forward and backward
    │  ├─ BackwardTwiceError              the graph was already freed
    │  └─ TraceError                      numbers asked of an array that is not there yet
    │     └─ UnsteadyError                a step that did another thing when it was heard again
    ├─ ProgramError (ValueError)          a program that is none: its text, or what a pass made
    ├─ NonFiniteError (FloatingPointError)  NaN or infinity, with `using(debug=True)`
    ├─ StateMismatchError (KeyError)      names, shapes or dtypes of a file and a model differ
    ├─ CheckpointError (ValueError)       a file that is unreadable, damaged or unsafe
    │  ├─ CorruptFileError                damaged: truncated, bits flipped, not an archive at all
    │  │  └─ ChecksumError                an array whose SHA-256 is not the one recorded
    │  ├─ UnsafeFileError                 pickled objects, escaping names, encryption
    │  └─ LimitError                      larger than the limits allow
    ├─ WorkerError (RuntimeError)         a worker of a Loader failed, ended or was killed
    ├─ SourceError (OSError)              data that is nowhere, or cannot be downloaded
    ├─ CheckpointWriteError (OSError)     the disk refused; the old file is untouched
    └─ GradientError (AssertionError)     `lamina.check`: a derivative or a value that is wrong

Each also inherits the built-in shown, so ``except ValueError`` works. ``StateMismatchError`` is a
``CheckpointError`` too: loading a file raises no other family.
"""

from __future__ import annotations


class LaminaError(Exception):
    """The root: everything lamina raises on purpose."""


class ShapeError(LaminaError, ValueError):
    """Shapes that do not fit one another."""


class DTypeError(LaminaError, TypeError):
    """A dtype, or a kind of object, that an operation cannot take."""


class RangeError(LaminaError, ValueError):
    """A number outside its range: a label, a ratio, a size, an axis."""


class DeviceError(LaminaError, RuntimeError):
    """CuPy is missing, or arrays of one operation are on two devices."""


class DependencyError(LaminaError, ImportError):
    """An optional package is needed and cannot be imported; the message says how to install it."""


class RegistrationError(LaminaError, AttributeError, TypeError):
    """An attribute that a Layer cannot take: a reserved name, a cycle, an array."""


class UninitializedError(LaminaError, RuntimeError):
    """A lazy Parameter was asked for its data before its shape was known."""


class ConfigError(LaminaError, ValueError):
    """A configuration, or words of the command line, that cannot be understood.

    Attributes:
        problems: one sentence for each, with its place.
    """

    def __init__(self, message: str, problems: tuple[str, ...] = ()):
        super().__init__(message)
        self.problems = problems or (message,)


class GraphError(LaminaError, RuntimeError):
    """``backward`` was asked of something that cannot give it."""


class InPlaceError(GraphError):
    """The data of a Variable was changed between forward and backward."""


class BackwardTwiceError(GraphError):
    """The graph was already walked and freed."""


class TraceError(GraphError):
    """Numbers were asked of an array that is not there yet."""


class UnsteadyError(TraceError):
    """A step did another thing when it was heard again: as a program it would be frozen."""


class ProgramError(LaminaError, ValueError):
    """A program that is none: its text cannot be read, or a pass made it wrong."""


class NonFiniteError(LaminaError, FloatingPointError):
    """NaN or infinity came out of an operator while ``using(debug=True)``."""


class CheckpointError(LaminaError, ValueError):
    """A file that cannot be read, is damaged, or is not safe to read."""


class StateMismatchError(CheckpointError, KeyError):
    """Names, shapes or dtypes of a file and of a model differ; nothing was changed.

    Attributes:
        missing: names the model has and the file has not.
        unexpected: names the file has and the model has not.
        different: one line for each name whose shape or dtype differs.
    """

    def __init__(
        self,
        message: str,
        missing: tuple[str, ...] = (),
        unexpected: tuple[str, ...] = (),
        different: tuple[str, ...] = (),
    ):
        super().__init__(message)
        self.missing = missing
        self.unexpected = unexpected
        self.different = different

    def __str__(self) -> str:  # KeyError would print the repr, on one line
        return str(self.args[0])


class CorruptFileError(CheckpointError):
    """A damaged file: truncated, bits flipped, or not an archive at all."""


class ChecksumError(CorruptFileError):
    """An array whose SHA-256 is not the one recorded when it was written."""


class UnsafeFileError(CheckpointError):
    """Pickled objects, names that leave the archive, encrypted or linked members."""


class LimitError(CheckpointError):
    """Larger, deeper or more strongly compressed than the limits allow."""


class CheckpointWriteError(LaminaError, OSError):
    """The disk refused a write; the file that was there before is untouched."""


class WorkerError(LaminaError, RuntimeError):
    """A worker of a Loader failed, ended before its time, was killed or did not start.

    Attributes:
        pid: of the process; None for a thread.
        signal: that killed it, such as ``"SIGKILL"``; None if it was none.
        exit_code: of a process that ended by itself.
        sample: index of the sample in whose making an exception was raised, where that is known.
        traceback: of that exception, as text.
    """

    def __init__(
        self,
        message: str,
        pid: int | None = None,
        signal: str | None = None,
        exit_code: int | None = None,
        sample: int | None = None,
        traceback: str | None = None,
    ):
        super().__init__(message)
        self.pid = pid
        self.signal = signal
        self.exit_code = exit_code
        self.sample = sample
        self.traceback = traceback


class SourceError(LaminaError, OSError):
    """Data that was found in no place where it may be, or cannot be downloaded whole."""


class GradientError(LaminaError, AssertionError):
    """``lamina.check``: a derivative or a value that is wrong."""
