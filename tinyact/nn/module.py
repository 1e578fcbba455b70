"""Module: a part of a network, which knows its parameters, buffers and submodules because they are its attributes."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, NoReturn, ParamSpec, Protocol, TypeVar

from tinyact.autograd import no_grad
from tinyact.autograd.hooks import RemovableHandle
from tinyact.device import DeviceLike
from tinyact.dtype import float32, float64
from tinyact.functions.operand import destination
from tinyact.nn.hooks import BackwardHook, BackwardPreHook, ForwardHook, call_with_hooks, has_hooks
from tinyact.nn.hooks import register_module_forward_hook as register_module_forward_hook
from tinyact.nn.hooks import register_module_forward_pre_hook as register_module_forward_pre_hook
from tinyact.nn.hooks import register_module_full_backward_hook as register_module_full_backward_hook
from tinyact.nn.hooks import register_module_full_backward_pre_hook as register_module_full_backward_pre_hook
from tinyact.nn.parameter import Parameter
from tinyact.tensor import Tensor

if TYPE_CHECKING:
    from typing_extensions import Self

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class _HasForward(Protocol[P, R]):
    """Tells type checkers that calling a module is calling its ``forward``."""

    @property
    def forward(self) -> Callable[P, R]: ...


class Module:
    """The base of all layers and networks: a subclass makes its parts in ``__init__`` and uses them in ``forward``.

    Attributes:
        training: whether it is in training mode (see `train`).

    Example:
        >>> import tinyact
        >>> from tinyact import nn
        >>> class Scale(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.factor = nn.Parameter(tinyact.tensor(3.0))
        ...
        ...     def forward(self, input):
        ...         return self.factor * input
        >>> scale = Scale()
        >>> scale(tinyact.tensor([1.0, 2.0]))
        tensor([3., 6.], grad_fn=<MulBackward0>)
        >>> [name for name, parameter in scale.named_parameters()]
        ['factor']
    """

    def __init__(self) -> None:
        self.training = True
        self._parameters: dict[str, Parameter | None] = {}
        self._buffers: dict[str, Tensor | None] = {}
        self._modules: dict[str, Module | None] = {}
        self._non_persistent_buffers_set: set[str] = set()
        self._forward_pre_hooks: dict[int, ForwardHook] = {}
        self._forward_hooks: dict[int, ForwardHook] = {}
        self._backward_pre_hooks: dict[int, BackwardPreHook] = {}
        self._backward_hooks: dict[int, BackwardHook] = {}

    # --- the call ------------------------------------------------------------------------------------------------

    def _missing_forward(self, *input: Any) -> NoReturn:
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # A variable to the type checker, so that a subclass is free in the arguments of its own.
    forward: Callable[..., Any] = _missing_forward

    def __call__(self: _HasForward[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if has_hooks(self):
            return call_with_hooks(self, args, kwargs)
        return self.forward(*args, **kwargs)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(module, args)`` before every ``forward``; what it returns, if not None, replaces the args.

        Args:
            hook: the function.
            prepend: whether it is called before the hooks that are there already.
            with_kwargs: whether it is ``hook(module, args, kwargs)``, and returns both or None.

        Returns:
            A handle whose ``remove()`` takes the hook away again.
        """
        return RemovableHandle(self._forward_pre_hooks, ForwardHook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(module, args, output)`` after every ``forward``; what it returns, if not None, is the output.

        Args:
            hook: the function.
            prepend: whether it is called before the hooks that are there already.
            with_kwargs: whether it is ``hook(module, args, kwargs, output)``.
            always_call: whether it is called also when ``forward`` raises an exception; the output is None then.

        Returns:
            A handle whose ``remove()`` takes the hook away again.
        """
        return RemovableHandle(self._forward_hooks, ForwardHook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: BackwardPreHook, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(module, grad_output)`` when the gradients of the module's outputs are known.

        ``grad_output`` is a tuple, with None for what has no gradient; a tuple that the hook returns replaces it.

        Args:
            hook: the function.
            prepend: whether it is called before the hooks that are there already.

        Returns:
            A handle whose ``remove()`` takes the hook away again.
        """
        return RemovableHandle(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: BackwardHook, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(module, grad_input, grad_output)`` when the gradients of the module's inputs are known.

        Both are tuples, with None for what has no gradient; a tuple that it returns replaces ``grad_input``.

        Args:
            hook: the function.
            prepend: whether it is called before the hooks that are there already.

        Returns:
            A handle whose ``remove()`` takes the hook away again.
        """
        return RemovableHandle(self._backward_hooks, hook, prepend)

    # --- its parts are its attributes ----------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._unregister(name, self._registry("_parameters", "parameters"))
            self.register_parameter(name, value)
        elif isinstance(value, Module) and name not in vars(self).get("_parameters", ()):
            modules = self._registry("_modules", "module")
            self._unregister(name, modules)
            modules[name] = value
        elif not self._replaced(name, value):
            object.__setattr__(self, name, value)

    def _replaced(self, name: str, value: Any) -> bool:
        """Whether the name is registered and so now stands for the value, None or a new buffer."""
        for registry, (kind, expected) in _REGISTRIES.items():
            registered = vars(self).get(registry, ())
            if name in registered:
                if value is not None and not (registry == "_buffers" and isinstance(value, Tensor)):
                    raise TypeError(f"cannot assign '{_kind(value)}' as {kind} '{name}' ({expected} or None expected)")
                registered[name] = value
                return True
        return False

    def __getattr__(self, name: str) -> Any:
        # Called only for what is no ordinary attribute.
        attributes = self.__dict__
        for registry in _REGISTRIES:
            if registry in attributes and name in attributes[registry]:
                return attributes[registry][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        for registry in _REGISTRIES:
            if name in vars(self).get(registry, ()):
                self._unregister(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        parts = [name for registry in _REGISTRIES for name in vars(self).get(registry, ())]
        # The numbers of a Sequential's modules can't be written as attributes.
        return sorted({*object.__dir__(self), *(name for name in parts if name.isidentifier())})

    def _registry(self, registry: str, what: str) -> dict[str, Any]:
        try:
            parts: dict[str, Any] = vars(self)[registry]
        except KeyError:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call") from None
        return parts

    def _unregister(self, name: str, keep: dict[str, Any] | None = None) -> None:
        """Forget what the name stood for, except in this registry, where it keeps its place in the order."""
        for registered in (vars(self), *(vars(self)[registry] for registry in _REGISTRIES)):
            if registered is not keep:
                registered.pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Adds a parameter, as assigning it to an attribute does; None is a place for one that is not there.

        Raises:
            TypeError: if it is no Parameter, or the name no string.
            KeyError: if the name is empty, has a dot or stands for something else.
            ValueError: if the parameter is no leaf.
        """
        parameters = self._registry("_parameters", "parameter")
        self._check_name("parameter", name, parameters)
        if not isinstance(param, Parameter | None):
            raise TypeError(
                f"cannot assign '{_kind(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To "
                f"express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Adds a tensor that is part of the module but not learned.

        Args:
            name: the attribute.
            tensor: the tensor; None is a place for one that is not there.
            persistent: whether it belongs to `state_dict`.

        Raises:
            TypeError: if it is no tensor, or the name no string.
            KeyError: if the name is empty, has a dot or stands for something else.
        """
        buffers = self._registry("_buffers", "buffer")
        self._check_name("buffer", name, buffers)
        if not isinstance(tensor, Tensor | None):
            raise TypeError(
                f"cannot assign '{_kind(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Adds a submodule, as assigning it to an attribute does.

        Raises:
            TypeError: if it is no Module, or the name no string.
            KeyError: if the name is empty, has a dot or stands for something else.
        """
        modules = self._registry("_modules", "module")
        self._check_name("module", name, modules)
        modules[name] = as_module(module)

    def register_module(self, name: str, module: Module | None) -> None:
        """`add_module` by its other name."""
        self.add_module(name, module)

    def _check_name(self, kind: str, name: str, registered: dict[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {_kind(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in registered:
            raise KeyError(f"attribute '{name}' already exists")

    # --- finding them --------------------------------------------------------------------------------------------

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, its own and (unless ``recurse`` is False) its submodules', each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their names, such as ``"0.weight"``; a shared one by its first name only."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, as `parameters`."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their names, as `named_parameters`."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def _named(self, registry: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        yielded: set[Tensor] = set()
        for path, module in modules:
            for name, tensor in vars(module)[registry].items():
                if tensor is not None and tensor not in yielded:
                    if remove_duplicate:
                        yielded.add(tensor)
                    yield _joined(path, name), tensor

    def children(self) -> Iterator[Module]:
        """The submodules right below this one, each once."""
        return (child for _, child in self.named_children())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The submodules right below this one with their names, each once."""
        yielded: set[Module] = set()
        for name, child in self._modules.items():
            if child is not None and child not in yielded:
                yielded.add(child)
                yield name, child

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it with their paths, such as ``"layers.0"``.

        Args:
            memo: modules to leave out, to which all that were found are added.
            prefix: the path of this module.
            remove_duplicate: whether a shared module comes by its first path only.
        """
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                yield from child.named_modules(memo, _joined(prefix, name), remove_duplicate)

    def get_submodule(self, target: str) -> Module:
        """The module at a path, such as ``"layers.0"``; itself for the empty one.

        Raises:
            AttributeError: if there is none.
        """
        module = self
        for name in target.split(".") if target else ():
            module = module._part(name, Module, "an nn.Module")
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path, such as ``"layers.0.weight"``.

        Raises:
            AttributeError: if there is none.
        """
        path, _, name = target.rpartition(".")
        parameter: Parameter = self.get_submodule(path)._part(name, Parameter, "an nn.Parameter")
        return parameter

    def _part(self, name: str, kind: type, what: str) -> Any:
        if not hasattr(self, name):
            raise AttributeError(f"{self._get_name()} has no attribute `{name}`")
        part = getattr(self, name)
        if not isinstance(part, kind):
            raise AttributeError(f"`{name}` is not {what}")
        return part

    # --- its state -----------------------------------------------------------------------------------------------

    def state_dict(self, *, prefix: str = "") -> OrderedDict[str, Tensor]:
        """All parameters and persistent buffers by name, detached but in the same memory.

        Args:
            prefix: stands before every name.

        Example:
            >>> import tinyact
            >>> list(tinyact.nn.Linear(2, 1).state_dict())
            ['weight', 'bias']
        """
        return OrderedDict((prefix + name, tensor.detach()) for name, tensor in self._state())

    def _state(self) -> Iterator[tuple[str, Tensor]]:
        for path, module in self.named_modules(remove_duplicate=False):
            for name, tensor in (*module._parameters.items(), *module._buffers.items()):
                if tensor is not None and name not in module._non_persistent_buffers_set:
                    yield _joined(path, name), tensor

    def load_state_dict(self, state_dict: Mapping[str, Tensor], strict: bool = True) -> IncompatibleKeys:
        """Copies the values of another `state_dict` into the parameters and buffers.

        All is checked before anything is changed; only an interrupt can leave it half done.

        Args:
            state_dict: tensors by name.
            strict: whether names that are missing or not known here are errors.

        Returns:
            ``missing_keys`` and ``unexpected_keys``.

        Raises:
            TypeError: if it is no mapping.
            RuntimeError: naming all that is missing, unexpected, of another shape, no tensor or not to be written to.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        own = dict(self._state())
        keys = IncompatibleKeys(
            [name for name in own if name not in state_dict], [name for name in state_dict if name not in own]
        )
        errors = []
        for which, names in (("Missing", keys.missing_keys), ("Unexpected", keys.unexpected_keys)):
            if strict and names:
                quoted = ", ".join(f'"{name}"' for name in names)
                errors.append(f"{which} key(s) in state_dict: {quoted}. ")
        values = {name: state_dict[name] for name in own if name in state_dict}
        errors += filter(None, (_misfit(name, own[name], value) for name, value in values.items()))
        if errors:
            raise RuntimeError("\n\t".join([f"Error(s) in loading state_dict for {self._get_name()}:", *errors]))
        with no_grad():
            for name, value in values.items():
                own[name].copy_(value)
        return keys

    def train(self, mode: bool = True) -> Self:
        """Puts it and all below it into training mode, in which `Dropout` drops.

        Raises:
            ValueError: if the mode is no bool.
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Puts it and all below it into evaluation mode."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients of all parameters, or sets them to zero."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad = None if set_to_none else parameter.grad.detach().zero_()

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Sets whether gradients with respect to its parameters are wanted."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Calls ``fn`` with every module below it and then with itself."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def to(self, *args: Any, device: DeviceLike = None, dtype: Any = None, non_blocking: bool = False) -> Self:
        """Converts all floating parameters (with their gradients) and buffers.

        Args:
            args: a floating dtype, a device, both, or a tensor of that dtype.
            device, dtype: the same by name; the device must be the CPU.
            non_blocking: accepted for PyTorch's sake, and without effect.

        Raises:
            TypeError: if that is no floating dtype.
        """
        target = destination(args, device, dtype)
        if target is None:
            return self
        if not target.is_floating_point:
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={target}"
            )
        for parameter in self.parameters():
            for tensor in (parameter, parameter.grad):
                if tensor is not None and tensor.is_floating_point():
                    tensor.data = tensor.data.to(target)
        for module in self.modules():
            for name, buffer in module._buffers.items():
                if buffer is not None and buffer.is_floating_point():
                    module._buffers[name] = buffer.to(target)
        return self

    def cpu(self) -> Self:
        """Itself: its parameters are on the CPU."""
        return self

    def cuda(self, device: DeviceLike = None) -> Self:
        """Raises AssertionError: there is no CUDA."""
        return self.to("cuda")

    def float(self) -> Self:
        """Converts all floating parameters and buffers to float32."""
        return self.to(float32)

    def double(self) -> Self:
        """Converts all floating parameters and buffers to float64."""
        return self.to(float64)

    # --- its printed form ----------------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What `repr` shows of the module's settings; for subclasses to say."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        return self._tree(extra.split("\n") if extra else [], [f"({n}): {m!r}" for n, m in self._modules.items()])

    def _tree(self, extra: list[str], children: list[str]) -> str:
        if not children and len(extra) <= 1:
            return f"{self._get_name()}({''.join(extra)})"
        inside = "\n".join(["", *extra, *children]).replace("\n", "\n  ")
        return f"{self._get_name()}({inside}\n)"


class FunctionModule(Module):
    """A public function as a module: its settings are given once, its tensors with every call.

    Attributes:
        function: the function; the module's documentation is made of its.
        settings: the names of its arguments that are attributes of the module, and arguments of the constructor.
    """

    function: ClassVar[Callable[..., Tensor]]
    settings: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, function: Callable[..., Tensor] | None = None) -> None:
        super().__init_subclass__()
        if function is not None:
            cls.function = staticmethod(function)
            own = {*vars(cls).get("__annotations__", ()), *_arguments(cls.__init__)}
            cls.settings = tuple(name for name in _arguments(function) if name in own)
            cls.__doc__ = _documentation(function, vars(cls).get("__doc__"), cls.settings)

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.settings}


def _arguments(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's arguments; `inspect.signature` of all of them would slow down the import."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _documentation(function: Callable[..., Tensor], own: str | None, settings: tuple[str, ...]) -> str:
    """The function's docstring for its module: with the arguments that are settings, or with the module's own.

    What else the module's own docstring says stands in front of it.
    """
    summary, own = (f"{own}\n\n    ", None) if own and not own.startswith("Args:") else ("", own)
    mathematics, _, rest = (function.__doc__ or "").partition("    Args:\n")
    arguments, blank, others = rest.partition("\n\n")
    if own is None:
        items = [item.partition(":") for item in re.split(r"^ {8}(?=\S)", arguments, flags=re.M)]
        words = {", ".join(name for name in names.split(", ") if name in settings): text for names, _, text in items}
        lines = [f"        {names}:{text.rstrip()}" for names, text in words.items() if names]
        own = "\n".join(["Args:", *lines]) + f"{blank}{others.rstrip()}" if lines else others.strip()
    return (
        f"{summary}{mathematics.rstrip()}\n\n"
        f"    As a module: `nn.functional.{function.__name__}`, whose settings are given once.\n\n    {own}\n    "
    )


class IncompatibleKeys(NamedTuple):
    """What `Module.load_state_dict` found missing in the state, and unexpected."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if self.missing_keys or self.unexpected_keys:
            return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"
        return "<All keys matched successfully>"


# Where each kind of part is kept, and what PyTorch's errors call it.
_REGISTRIES = {
    "_parameters": ("parameter", "torch.nn.Parameter"),
    "_modules": ("child module", "torch.nn.Module"),
    "_buffers": ("buffer", "torch.nn.Buffer, torch.Tensor"),
}


def as_module(value: Any) -> Module | None:
    """The value, if it can stand where a module is expected.

    Raises:
        TypeError: if it is neither a Module nor None.
    """
    if not isinstance(value, Module | None):
        raise TypeError(f"{_kind(value)} is not a Module subclass")
    return value


def _kind(value: Any) -> str:
    return str(value.type()) if isinstance(value, Tensor) else type(value).__name__


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _misfit(name: str, own: Tensor, value: Any) -> str | None:
    """Why a value can't be loaded, or None if it can."""
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{name}", expected torch.Tensor or Tensor-like object from checkpoint '
            f"but received {type(value)}"
        )
    if value.shape != own.shape:
        return (
            f"size mismatch for {name}: copying a param with shape {value.shape} from checkpoint, the shape in current "
            f"model is {own.shape}."
        )
    if not own.array.flags.writeable:
        return (
            f'While copying the parameter named "{name}": its memory can\'t be written to, or its elements share some.'
        )
    return None
