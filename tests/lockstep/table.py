"""The table of steps: a template for each thing that a program may do. What stands in braces, `draw` fills in."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.lockstep.draw import CHOICES, Arguments, Unavailable

# Each side runs these lines first.
PRELUDE = """\
import copy, math, pickle
import numpy as np
from math import inf, nan
F = T.nn.functional
class Cube(T.autograd.Function):
    forward = staticmethod(lambda ctx, x: (ctx.save_for_backward(x), x * x * x)[1])
    backward = staticmethod(lambda ctx, grad: grad * 3 * ctx.saved_tensors[0] * ctx.saved_tensors[0])
class Pair(T.autograd.Function):
    forward = staticmethod(lambda ctx, x, y: (x + y, x - y))
    backward = staticmethod(lambda ctx, grad1, grad2: (grad1 + grad2, grad1 - grad2))
class Sign(T.autograd.Function):
    forward = staticmethod(lambda ctx, x: (x * 2, ctx.mark_non_differentiable(sign := x > 0), sign)[::2])
    backward = staticmethod(lambda ctx, grad, _: grad * 2)
class Residual(T.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inner, self.scale = T.nn.Linear(width, width), T.nn.Parameter(T.ones(width))
        self.register_buffer("count", T.zeros(()))
    def forward(self, x):
        self.count += 1
        return x + self.scale * self.inner(x).relu()
"""

CHOICES |= {
    "unary": [
        "neg", "abs", "exp", "log", "log1p", "expm1", "sqrt", "square", "reciprocal", "sin", "cos", "clone", "sigmoid",
        "tanh", "relu",
    ],
    "test": ["isnan", "isinf", "isfinite", "logical_not"],
    "arithmetic": ["add", "sub", "mul", "div", "pow"],
    "operator": ["+", "-", "*", "/", "**"],
    "comparison": ["eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or"],
    "compares": ["==", "!=", "<", "<=", ">", ">="],
    "bitwise": ["&", "|", "^"],
    "extreme": ["maximum", "minimum"],
    "reduce": ["sum", "prod", "max", "min", "all", "any", "argmax", "argmin", "mean", "var", "std"],
    "over_dims": ["sum", "mean", "var", "std", "all", "any"],
    "over_dim": ["sum", "prod", "max", "min", "argmax", "argmin", "mean", "all", "any"],
    "soft": ["softmax", "log_softmax"],
    "cast": ["float", "double", "long", "int", "bool"],
    "like": ["zeros_like", "ones_like"],
    "random_like": ["rand_like", "randn_like"],
    "made": ["zeros", "ones"],
    "drawn": ["rand", "randn"],
    "activation": [
        "celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish",
        "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus", "softshrink", "softsign", "tanh", "tanhshrink",
    ],
    "inplace_activation": [
        "celu", "elu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish", "relu", "relu6", "selu", "silu",
    ],
    "setting": [
        "elu({f}, 0.5)", "celu({f}, alpha=2.0)", "gelu({f}, approximate='tanh')", "hardshrink({f}, 0.25)",
        "hardtanh({f}, -0.5, 1.5)", "leaky_relu({f}, 0.25)", "softplus({f}, 2.0, 1.0)", "softshrink({f}, 0.75)",
        "threshold({f}, 0.5, -1.0)", "glu({wide}, {dim})", "prelu({f}, {operand})", "dropout({f}, 0.5, False)",
        "softmin({wide}, {dim})", "rrelu({f}, 0.25, 0.25, True)",
    ],
    "loss": ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "binary_cross_entropy_with_logits"],
    "module_kind": [
        "Sigmoid()", "Tanh()", "ReLU()", "LeakyReLU(0.25)", "PReLU()", "ELU()", "SELU()", "CELU()", "SiLU()", "Mish()",
        "GELU()", "Softplus()", "Softsign()", "LogSigmoid()", "Hardtanh()", "ReLU6()", "Hardsigmoid()", "Hardswish()",
        "Hardshrink()", "Softshrink()", "Tanhshrink()", "Threshold(0.5, -1.0)", "Softmax(-1)", "Softmin(-1)",
        "LogSoftmax(-1)", "Identity()", "Dropout(0.5).eval()", "ReLU(inplace=True)", "RReLU(0.25, 0.25)",
    ],
    "loss_kind": ["MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "KLDivLoss", "BCEWithLogitsLoss"],
    "init": [
        "uniform_({leaf})", "normal_({leaf})", "constant_({leaf}, 0.5)", "zeros_({leaf})", "ones_({leaf})",
        "xavier_uniform_({leaf})", "kaiming_normal_({leaf})", "kaiming_uniform_({leaf}, a=1.0)",
        "xavier_normal_({leaf})",
    ],
    "sgd": [
        "", "momentum=0.5", "momentum=0.5, nesterov=True", "momentum=0.5, dampening=0.25", "weight_decay=0.5",
        "maximize=True",
    ],
    "adam": [
        "", "betas=(0.5, 0.75)", "amsgrad=True", "weight_decay=0.5", "maximize=True", "eps=0.25",
        "weight_decay=0.5, decoupled_weight_decay=True",
    ],
    "function": ["lambda v: (v * v).sum()", "lambda v: v.exp().sum()", "lambda v: (v * v * v).mean()"],
    "mapping": ["lambda v: v * v", "lambda v: v.sin().sum(0)", "lambda v: (v * 2, v.exp())"],
    "hook": ["lambda grad: grad * 2", "lambda grad: None", "lambda grad: grad.clone()", "lambda grad: grad + 1"],
}  # fmt: skip

# How often a kind of step comes, and the steps; those that don't say what they make are given a name.
STEPS: list[tuple[int, list[str]]] = [
    (10, ["{literal}"]),
    (5, [
        "T.{made}({shape}, dtype={dtype})", "T.{made}({shape}, requires_grad=True)", "T.{like}({x})",
        "T.Tensor({shape}).zero_()", "T.{like}({x}, dtype={dtype})", "T.full({shape}, {number})",
        "T.full({shape}, {number}, dtype={dtype})", "T.full_like({x}, {number})", "T.arange({count})",
        "T.arange({number}, {number2}, {number3})", "T.eye({n}, {n2})", "T.arange({n}, dtype={dtype})",
        "T.linspace({number}, {number2}, {count})", "T.tensor([{number}, {number2}])",
        "T.linspace({n}, {n2}, {count}, dtype={dtype})", "T.{drawn}({shape}, dtype={floating})", "T.{random_like}({f})",
        "T.randint({n}, {shape})", "T.rand({shape}, generator=T.Generator().manual_seed({n}))", "{x}.to(T.short)",
        "T.randperm({count})", "T.empty({shape}).fill_({number})", "T.empty_like({x}).zero_()",
        "T.tensor({number}, dtype={dtype})", "T.as_tensor({x})", "T.as_tensor({x}, dtype={dtype})",
        "T.tensor({x}.tolist())", "T.from_numpy({x}.detach().numpy())", "T.tensor([[{single}, {number}]])",
        "T.FloatTensor([{number}, {number2}])", "T.DoubleTensor({n}, {n2}).zero_()", "T.LongTensor([{n}, {n2}])",
        "{x}.new_zeros({shape})", "{x}.new_ones({shape}, dtype={dtype})", "{x}.new_full({shape}, {number})",
        "{x}.new_empty({shape}).zero_()", "{x}.new_tensor([{n}, {n2}])", "T.zeros({shape}, device='cpu')",
    ]),
    (16, [
        "{f}.{unary}()", "{f}.{unary}()", "T.{unary}({x})", "-{x}", "abs({x})", "+{x}", "~{i}", "{x}.{test}()",
        "T.{test}({x})",
    ]),
    (20, [
        "{x} {operator} {other}", "{f} {operator} {other}", "{f} {operator} {f2}", "{number} {operator} {x}",
        "T.{arithmetic}({x}, {other})", "{x}.{arithmetic}({other})", "T.add({x}, {other}, alpha={number2})",
        "{x}.sub({other}, alpha={n})", "T.{extreme}({x}, {operand})", "{x}.{extreme}({operand})",
        "T.max({x}, {operand})", "{x}.clamp({number}, {number2})", "{x}.clamp(max={number})",
        "T.clamp({x}, {operand}, {operand2})", "T.clamp({x}, min={operand})",
        "T.where({x} > {number}, {operand}, {other})", "{x}.where({operand} > 0, {other})",
        "T.{comparison}({x}, {other})", "{x} {compares} {other}", "{i} {bitwise} {other}", "{x}.{comparison}({other})",
    ]),
    (8, [
        "{matrix} @ {factor}", "{wide} @ {factor}", "T.matmul({wide}, {factor})", "{matrix}.mm({factor})",
        "T.mm({matrix}, {factor})", "F.linear({vector}, {weight})", "F.linear({vector}, {weight}, {weight}[:, 0])",
    ]),
    (14, [
        "{x}.{reduce}()", "T.{reduce}({x})", "{x}.{over_dims}({dims})", "{x}.{over_dim}({dim}, keepdim={flag})",
        "{x}.sum({dims}, keepdim={flag}, dtype={dtype})", "{f}.var({dims}, correction={count})",
        "{f}.std({dim}, {flag})", "{f}.{soft}({dim})", "T.{soft}({f}, {dim}, dtype={floating})",
        "{x}.mean({dim}, dtype={floating})", "T.prod({x}, {dim}, dtype={dtype})", "T.allclose({x}, {operand})",
        "T.equal({x}, {operand})",
    ]),
    (18, [
        "{x}.reshape({sizes})", "{x}.view({sizes})", "T.reshape({x}, {sizes})", "{x}.view_as({twin})", "{x}.flatten()",
        "{x}.flatten({dim}, {dim2})", "{x}.squeeze()", "{x}.squeeze({dim})", "{x}.unsqueeze({dim})", "{x}.T",
        "{matrix}.t()", "{wide}.mT", "{x}.transpose({dim}, {dim2})", "{x}.permute({order})", "{x}.expand({expanded})",
        "{x}.unflatten({dim}, (-1, {n}))",
        "{x}.contiguous()", "{x}.expand_as({operand})", "T.cat([{wide}, {parts}], {dim})",
        "T.stack([{x}, {twin}], {dim})", "T.cat([{wide}, {wide}], 0)", "{x}.swapaxes({dim}, {dim2})", "{x}.detach()",
        "{x}.data", "{x}.clone()", "list({wide})", "reversed({wide})", "{x}[{index}]", "{x}[{index}]",
        "{wide}[{index}]", "{wide}[{index}]",
    ]),
    (8, [
        "{x}.to({dtype})", "{x}.{cast}()", "{x}.type_as({x2})", "{x}.to({x2})", "{x}.type({dtype})",
        "{x}.to('cpu', {dtype})", "{x}.to(T.device('cpu'))", "{x}.cpu()",
    ]),
    (6, [
        "{single}.item()", "{x}.tolist()", "{x}.detach().numpy().copy()", "{x}.numpy().copy()", "float({single})",
        "int({single})", "bool({x})", "len({x})", "{x}.shape", "{x}.size({dim})", "{x}.is_contiguous()", "{x}.type()",
        "{x}.stride() if {x}.is_contiguous() else None", "T.Size({shape}) + (2,)", "{number} in {x}", "repr({x})",
        "str({x})", "f'{{{x}}}'", "{x}.numel(), {x}.dim(), {x}.ndim, {x}.nelement()",
        "T.set_printoptions(precision={n}, sci_mode={flag})", "T.set_printoptions(profile='default')",
        "f'{{{single}:.2f}}'", "{x}.is_floating_point()", "[0, 1, 2, 3][{single}]", "{x}.retains_grad", "{x}.dtype",
        "T.is_grad_enabled()", "T.is_tensor({x}), T.numel({x}), T.is_floating_point({x})", "T.get_default_dtype()",
        "T.result_type({x}, {other})", "T.promote_types({x}.dtype, {dtype})", "T.finfo({floating}).eps",
        "{x}.get_device(), {x}.is_cpu, {x}.is_cuda", "str({x}.device)", "T.iinfo({dtype}).max",
    ]),
    (8, [
        "F.{activation}({f})", "F.{activation}({f})", "F.{setting}", "F.{setting}",
        "F.{inplace_activation}({f}, inplace=True)", "F.{soft}({vector}, {dim})",
        "F.dropout({f}, 1.0); T.manual_seed(0)", "F.dropout({f}, 0.0); T.manual_seed(0)", "F.{activation}({x})",
    ]),
    (5, [
        "F.{loss}({f}, {twin}, reduction={reduction})", "F.{loss}({f}, {operand})",
        "F.cross_entropy({scores}, {classes})",
        "F.cross_entropy({scores}, {classes}, reduction={reduction}, label_smoothing=0.25)",
        "F.cross_entropy({scores}, {scores}.softmax(-1).detach(), reduction={reduction})",
        "F.nll_loss({scores}, {classes}, reduction={reduction}, ignore_index=1)",
        "F.binary_cross_entropy({f}.clamp(0.0, 1.0), {twin}, reduction={reduction})",
        "F.huber_loss({f}, {twin}, delta=0.5)",
        "F.kl_div({f}, {twin}, log_target=True)", "F.smooth_l1_loss({f}, {twin}, beta=0.5)",
    ]),
    (16, [
        "{x}.{arithmetic}_({other})", "{target}.{arithmetic}_({other})", "{named} {operator}= {other}",
        "{named} {bitwise}= {other}", "{target}.add_({other}, alpha={n})", "{target}.sub_({other}, alpha=0.5)",
        "{target}.clamp_({number}, {number2})", "{target}.copy_({operand})", "{target}.fill_({number})", "{x}.zero_()",
        "{target}.fill_({single})", "{free}.uniform_()", "{free}.normal_(0.0, 0.5)", "{target}.uniform_(-1.0, 1.0)",
        "{target}[{index}] = {other}", "{target}[{index}] = {number}", "{x}[{index}] = {operand}",
        "{target}[{index}] {operator}= {number}", "{target}[{index}].mul_({number})", "{x}.data.mul_({number})",
        "{x}.detach().add_({number})", "{x}.data = {twin}", "{leaf}.grad = {twin}", "{leaf}.grad.mul_({number})",
        "{leaf}.grad = None", "{leaf}.grad.zero_()",
    ]),
    (7, [
        "{free}.requires_grad_()", "{free}.requires_grad_({flag})", "{free}.requires_grad = {flag}",
        "{x}.requires_grad_()", "{result}.requires_grad = {flag}", "{result}.retain_grad()", "{result}.retain_grad()",
        "{g}.retain_grad()", "T.set_grad_enabled({flag})", "del {name}", "{new} = {name}",
    ]),
    (5, [
        "{g}.register_hook({hook})", "{result}.register_hook({hook})", "{new} = []; {g}.register_hook({new}.append)",
        "{new} = {leaf}.register_hook({hook}); {new}.remove()",
        "{new} = []; {leaf}.register_post_accumulate_grad_hook({new}.append)",
        "{leaf}.register_post_accumulate_grad_hook(lambda x: (x.grad.mul_(2), None)[1])",
    ]),
    (18, [
        "{result}.sum().backward()", "{result}.sum().backward(retain_graph={flag})", "{result}.backward({upstream})",
        "{result}.backward({upstream}, retain_graph=True)", "{result}.sum().backward(inputs={inputs})",
        "{g}.backward()", "{result}.backward({upstream}, create_graph=True)", "{x}.backward({upstream})",
        "{result}.backward({upstream}, {flag}, {flag2}, inputs={inputs})",
        "T.autograd.backward([{result}, {g}.sum()], [{upstream}, None])",
        "T.autograd.backward([{result}.sum(), {result2}.mean()], retain_graph=True)",
    ]),
    (14, [
        "T.autograd.grad({result}.sum(), [{leaves}], allow_unused=True)",
        "T.autograd.grad({result}.sum(), [{leaves}], create_graph=True, allow_unused=True)",
        "T.autograd.grad({result}, [{sources}], {upstream}, retain_graph=True, allow_unused=True)",
        "T.autograd.grad({result}, [{sources}], {upstream}, create_graph=True, materialize_grads=True)",
        "T.autograd.grad({result}.sum(), {g})",
        "T.autograd.grad([{result}, {result2}.sum()], [{sources}], [{upstream}, None])",
        "T.autograd.grad(T.autograd.grad({g}.sum(), {leaf}, create_graph=True)[0].sum(), {leaf}, allow_unused=True)",
        "T.autograd.functional.jacobian({mapping}, {f})", "T.autograd.functional.hessian({function}, {f})",
        "T.autograd.functional.vjp({mapping}, {f})", "T.autograd.functional.hvp({function}, {f}, {twin})",
        "T.autograd.functional.vhp({function}, {f}, {twin})", "Cube.apply({f})", "Cube.apply({g})",
        "Pair.apply({f}, {twin})", "Sign.apply({f})", "T.autograd.functional.jvp(lambda v: v * v, {f}, {twin})",
    ]),
    (7, [
        "T.nn.Linear({n}, {n2})", "T.nn.Linear({n}, {n2}, bias={flag}, dtype={floating})", "T.nn.{module_kind}",
        "T.nn.Sequential(T.nn.Linear({n}, {n2}), T.nn.{module_kind})", "T.nn.Parameter({f})",
        "T.nn.Parameter({f}, {flag})", "T.nn.Sequential(T.nn.Linear(3, {n}), T.nn.{module_kind}, T.nn.Linear({n}, 2))",
        "T.manual_seed({n})", "Residual({n})", "T.nn.Sequential(Residual({n}), T.nn.{module_kind})",
        "T.nn.Sequential(T.nn.Linear(3, 2), T.nn.GLU())", "T.nn.ModuleList([T.nn.Linear({n}, {n2})])",
        "T.nn.ModuleDict({{'a': T.nn.Linear({n}, {n2})}})",
    ]),
    (12, ["{vector}.shape; {new} = {module_for}({vector})"]),
    (6, [
        "{module}.zero_grad()", "{module}.zero_grad(set_to_none={flag})", "{module}.eval()", "{module}.train({flag})",
        "{module}.requires_grad_({flag})", "{module}.double()", "{module}.float()", "{module}.to({floating})",
        "{module}.state_dict()", "{module}.load_state_dict({module2}.state_dict())", "copy.deepcopy({module})",
        "pickle.loads(pickle.dumps({module}))", "[name for name, _ in {module}.named_parameters()]", "repr({module})",
        "list({module}.parameters())", "len(list({module}.modules()))", "{module}.register_buffer('buffer', {x})",
        "{module}.register_parameter('extra', T.nn.Parameter({f}))", "list({module}.children())",
        "{module}.apply(lambda part: part.eval())", "{module}.append(T.nn.{module_kind})", "{module}[0]",
        "del {module}[0]", "{new} = []; {module}.register_forward_hook(lambda m, args, y: {new}.append(y))",
        "{module}.register_forward_hook(lambda m, args, y: y * 2)",
        "{module}.register_forward_pre_hook(lambda m, args: args)",
        "{new} = []; {module}.register_full_backward_hook(lambda m, given, arrived: {new}.append(arrived))",
        "T.nn.init.{init}", "{f}.shape; {new} = T.nn.{loss_kind}(reduction={reduction})({f}, {twin})",
        "T.nn.CrossEntropyLoss(reduction={reduction})({scores}, {classes})", "T.nn.NLLLoss()({scores}, {classes})",
        "T.nn.BCELoss(reduction={reduction})({f}.clamp(0.0, 1.0), {twin})",
    ]),
    (6, [
        "T.optim.SGD([{leaves}], lr=0.25, {sgd})", "T.optim.SGD({module}.parameters(), lr=0.25, {sgd})",
        "T.optim.Adam([{leaves}], lr=0.25, {adam})", "T.optim.Adam({module}.parameters(), lr=0.25, {adam})",
        "T.optim.SGD([{{'params': [{leaves}], 'lr': 0.5}}], lr=0.25, {sgd})",
    ]),
    (12, [
        "{optimizer}.step()", "{optimizer}.step()", "{optimizer}.step()", "{optimizer}.zero_grad()",
        "{optimizer}.state_dict()", "{optimizer}.zero_grad(set_to_none={flag})",
        "{optimizer}.param_groups[0]['lr'] = 0.125", "{optimizer}.param_groups[0]['weight_decay'] = 0.5",
        "{optimizer}.param_groups[0]['momentum'] = 0.5", "{optimizer}.state.clear()",
        "{optimizer}.add_param_group({{'params': [{leaf}], 'lr': 0.5}})",
        "{optimizer}.load_state_dict(copy.deepcopy({optimizer}.state_dict()))", "copy.deepcopy({optimizer})",
        "{optimizer}.load_state_dict({optimizer2}.state_dict())", "pickle.loads(pickle.dumps({optimizer}))",
        "repr({optimizer})",
        "[part.mul_(0.5) for state in {optimizer}.state.values() for part in state.values() if part is not None]",
        "{optimizer}.step(lambda: {result}.sum())",
    ]),
    (6, ["copy.deepcopy({x})", "copy.copy({x})", "pickle.loads(pickle.dumps({x}))", "copy.deepcopy([{x}, {leaf}])"]),
    (2, ["{x} + np.float32(0.5)", "{x} * np.int64(2)"]),
]  # fmt: skip

# In front of a step, and how often.
MODES = {"": 93, "with T.no_grad(): ": 6, "with T.enable_grad(): ": 1}


def draw_step(random: Random, names: dict[str, Any], fresh: str) -> str:
    """A line that suits what the program has made so far; what has a value is given the fresh name."""
    while True:
        (steps,) = random.choices([steps for _, steps in STEPS], [weight for weight, _ in STEPS])
        arguments = Arguments(random, names, fresh)
        try:
            line = random.choice(steps).format_map(arguments)
        except Unavailable:
            continue
        try:
            compile(line, "", "eval")
        except SyntaxError:
            pass
        else:
            line = f"{fresh} = {line}"
        (mode,) = random.choices(list(MODES), list(MODES.values()))
        return mode + line
