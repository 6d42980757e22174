"""PTX instructions, each against NumPy or Python, on numbers with edges among them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from tests.cuda.ptx_kernels import handwritten, run
from tests.ptxsim import PtxError

N = 64
REGISTERS = {"i1": "rs", "u1": "rs", "i2": "rs", "u2": "rs", "i4": "r", "u4": "r", "i8": "rd", "u8": "rd"}
REGISTERS |= {"f4": "f", "f8": "fd"}
PTX_TYPES = {"i": "s", "u": "u", "f": "f"}
EDGES = [0.0, -0.0, 1.0, -1.5, 2.5, -3.5, np.inf, -np.inf, np.nan, 1e-42, 3e38, 1e10, -1e10, 0.5]


def ptx_type(dtype: str) -> str:
    return f"{PTX_TYPES[dtype[0]]}{8 * int(dtype[1:])}"


def samples(dtype: str) -> np.ndarray:
    """Three rows of numbers; pairs of edges are among their columns."""
    rng = np.random.default_rng(0)
    if dtype[0] == "f":
        x = (rng.standard_normal((3, N)) * 10).astype(dtype)
        edges = np.array(EDGES, dtype)
    else:
        least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
        x = rng.integers(least, most, (3, N), dtype, endpoint=True)
        x[:, ::3] >>= np.array(8 * int(dtype[1:]) - 5, dtype)
        edges = np.array([0, 1, 2, least, least + 1, most, most - 1, most // 3], dtype)
    k = len(edges)
    x[0, :k], x[1, :k], x[0, k : 2 * k], x[1, k : 2 * k] = edges, edges, edges, edges[::-1]
    return x


def results(code: str, dtype: str, out: str) -> tuple[np.ndarray, np.ndarray]:
    """The numbers, and what an instruction on registers {a}, {b}, {c} puts into {d}."""
    x, y = samples(dtype), np.zeros(N, out)
    kind, size = REGISTERS[dtype], int(dtype[1:])
    names = {name: f"%{kind}{10 + k}" for k, name in enumerate("abc")} | {"d": f"%{REGISTERS[out]}9"}
    lines = [f"mul.wide.u32 %rd3, %r0, {size};", "add.s64 %rd3, %rd3, %rd0;"]
    lines += [f"ld.global.{ptx_type(dtype)} %{kind}{10 + k}, [%rd3+{k * N * size}];" for k in range(3)]
    lines += [code.format(**names), f"mul.wide.u32 %rd4, %r0, {int(out[1:])};", "add.s64 %rd4, %rd4, %rd1;"]
    lines += [f"st.global.{ptx_type(out)} [%rd4], {names['d']};"]
    run(handwritten("", "\n".join(lines), 2), 1, N, x, y)
    return x, y


def check_integers(code: str, dtype: str, out: str, function: Callable[..., int]) -> None:
    """Compare with a function of Python integers a, b, c and the bits of the type."""
    bits = 8 * int(dtype[1:])
    x, y = results(code.replace("{t}", ptx_type(dtype)).replace("{w}", f"b{bits}"), dtype, out)
    size = int(out[1:])
    want = [function(*(int(n) for n in column), bits) % 2 ** (8 * size) for column in x.T]
    np.testing.assert_array_equal(y.view(f"u{size}"), np.array(want, f"u{size}"))


def quotient(a: int, b: int) -> int:
    """Rounded to zero; all ones where there is none."""
    return -1 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def reversed_bits(a: int, bits: int) -> int:
    return int(f"{a % 2**bits:0{bits}b}"[::-1], 2)


def leading(a: int, bits: int) -> int:
    """The highest bit that is unlike the sign; -1 if there is none."""
    return (~a if a < 0 else a).bit_length() - 1


OF_INTEGERS = {
    "add.{t} {d}, {a}, {b};": lambda a, b, c, w: a + b,
    "sub.{t} {d}, {a}, {b};": lambda a, b, c, w: a - b,
    "mul.lo.{t} {d}, {a}, {b};": lambda a, b, c, w: a * b,
    "mul.hi.{t} {d}, {a}, {b};": lambda a, b, c, w: a * b >> w,
    "mad.lo.{t} {d}, {a}, {b}, {c};": lambda a, b, c, w: a * b + c,
    "mad.hi.{t} {d}, {a}, {b}, {c};": lambda a, b, c, w: (a * b >> w) + c,
    "div.{t} {d}, {a}, {b};": lambda a, b, c, w: quotient(a, b),
    "rem.{t} {d}, {a}, {b};": lambda a, b, c, w: a if b == 0 else a - b * quotient(a, b),
    "min.{t} {d}, {a}, {b};": lambda a, b, c, w: min(a, b),
    "max.{t} {d}, {a}, {b};": lambda a, b, c, w: max(a, b),
    "and.{w} {d}, {a}, {b};": lambda a, b, c, w: a & b,
    "or.{w} {d}, {a}, {b};": lambda a, b, c, w: a | b,
    "xor.{w} {d}, {a}, {b};": lambda a, b, c, w: a ^ b,
    "not.{w} {d}, {a};": lambda a, b, c, w: ~a,
    "brev.{w} {d}, {a};": lambda a, b, c, w: reversed_bits(a, w),
    "setp.lt.{t} %p1, {a}, {b}; selp.{w} {d}, {a}, {c}, %p1;": lambda a, b, c, w: a if a < b else c,
    "setp.ge.{t} %p1, {a}, {b}; @!%p1 mov.{w} {d}, {b}; @%p1 mov.{w} {d}, {c};": lambda a, b, c, w: c if a >= b else b,
    "setp.eq.and.{t} %p1|%p2, {a}, {a}, 0; selp.{w} {d}, {a}, {c}, %p1;": lambda a, b, c, w: c,
    "cvt.u32.{t} %r3, {b}; shl.{w} {d}, {a}, %r3;": lambda a, b, c, w: a << b % 2**32 if b % 2**32 < w else 0,
    "cvt.u32.{t} %r3, {b}; shr.{t} {d}, {a}, %r3;": lambda a, b, c, w: a >> min(b % 2**32, w),
    "popc.{w} %r3, {a}; cvt.{t}.u32 {d}, %r3;": lambda a, b, c, w: (a % 2**w).bit_count(),
    "clz.{w} %r3, {a}; cvt.{t}.u32 {d}, %r3;": lambda a, b, c, w: w - (a % 2**w).bit_length(),
    "bfind.{t} %r3, {a}; cvt.{t}.s32 {d}, %r3;": lambda a, b, c, w: leading(a, w),
    "bfi.{w} {d}, {a}, {b}, 9, 11;": lambda a, b, c, w: b & ~(2047 << 9) | (a & 2047) << 9,
}


@pytest.mark.parametrize("dtype", ["i4", "u4", "i8", "u8"])
@pytest.mark.parametrize("code", OF_INTEGERS)
def test_integers(code: str, dtype: str) -> None:
    check_integers(code, dtype, dtype, OF_INTEGERS[code])


def signed(a: int, bits: int) -> int:
    return (a + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)


ODD = [
    ("neg.s32 {d}, {a};", "i4", "i4", lambda a, b, c, w: -a),
    ("neg.s64 {d}, {a};", "i8", "i8", lambda a, b, c, w: -a),
    ("abs.s32 {d}, {a};", "i4", "i4", lambda a, b, c, w: abs(a)),
    ("abs.s64 {d}, {a};", "i8", "i8", lambda a, b, c, w: abs(a)),
    ("bfe.u64 {d}, {a}, 5, 7;", "u8", "u8", lambda a, b, c, w: a >> 5 & 127),
    ("bfe.s64 {d}, {a}, 40, 7;", "i8", "i8", lambda a, b, c, w: signed(a >> 40, 7)),
    ("bfe.s32 {d}, {a}, 5, 7;", "i4", "i4", lambda a, b, c, w: signed(a >> 5, 7)),
    ("bfe.s32 {d}, {a}, 30, 7;", "i4", "i4", lambda a, b, c, w: a >> 30),
    ("bfe.u32 {d}, {a}, 30, 7;", "u4", "u4", lambda a, b, c, w: a >> 30),
    ("bfe.u32 {d}, {a}, 3, 0;", "u4", "u4", lambda a, b, c, w: 0),
    ("bfi.b32 {d}, {a}, {b}, 28, 60;", "u4", "u4", lambda a, b, c, w: b & (1 << 28) - 1 | a << 28),
    ("mul.wide.s32 {d}, {a}, {b};", "i4", "i8", lambda a, b, c, w: a * b),
    ("mul.wide.u32 {d}, {a}, {b};", "u4", "u8", lambda a, b, c, w: a * b),
    ("mul.wide.s16 {d}, {a}, {b};", "i2", "i4", lambda a, b, c, w: a * b),
    ("cvt.s64.s32 %rd5, {c}; mad.wide.s32 {d}, {a}, {b}, %rd5;", "i4", "i8", lambda a, b, c, w: a * b + c),
    ("cvt.s64.s8 {d}, {a};", "i4", "i8", lambda a, b, c, w: signed(a, 8)),
    ("cvt.u64.u16 {d}, {a};", "u4", "u8", lambda a, b, c, w: a % 2**16),
    ("cvt.s16.s8 {d}, {a};", "i2", "i2", lambda a, b, c, w: signed(a, 8)),
    ("cvt.s32.s64 {d}, {a};", "i8", "i4", lambda a, b, c, w: a),
    ("mov.b32 {d}, {a};", "i4", "i4", lambda a, b, c, w: a),
    ("mov.b16 {d}, {a};", "i1", "i2", lambda a, b, c, w: a),
    ("mov.b16 {d}, {a};", "u1", "u2", lambda a, b, c, w: a),
    ("mov.b64 {d}, {{{a}, {b}}};", "u4", "u8", lambda a, b, c, w: a | b << 32),
    ("mov.b64 {{%r3, %r4}}, {a}; mov.b32 {d}, %r4;", "u8", "u4", lambda a, b, c, w: a >> 32),
    ("lop3.b32 {d}, {a}, {b}, {c}, 0x96;", "u4", "u4", lambda a, b, c, w: a ^ b ^ c),
    ("lop3.b32 {d}, {a}, {b}, {c}, 0xCA;", "u4", "u4", lambda a, b, c, w: a & b | ~a & c),
    ("shf.l.wrap.b32 {d}, {a}, {b}, {c};", "u4", "u4", lambda a, b, c, w: (a | b << 32) << c % 32 >> 32),
    ("shf.r.wrap.b32 {d}, {a}, {b}, {c};", "u4", "u4", lambda a, b, c, w: (a | b << 32) >> c % 32),
    ("shf.r.clamp.b32 {d}, {a}, {b}, {c};", "u4", "u4", lambda a, b, c, w: (a | b << 32) >> min(c, 32)),
    ("shf.l.clamp.b32 {d}, {a}, {b}, {c};", "u4", "u4", lambda a, b, c, w: (a | b << 32) << min(c, 32) >> 32),
    ("add.cc.u32 %r3, {a}, {b}; addc.u32 {d}, {a}, 0;", "u4", "u4", lambda a, b, c, w: a + (a + b >> 32)),
    ("mad.lo.cc.u32 %r3, {a}, {b}, {c}; madc.hi.u32 {d}, {a}, {b}, 0;", "u4", "u4", lambda a, b, c, w: a * b + c >> 32),
    ("setp.hi.u32 %p1, {a}, {b}; selp.b32 {d}, 1, 0, %p1;", "u4", "u4", lambda a, b, c, w: int(a > b)),
    ("setp.ls.u32 %p1, {a}, {b}; selp.b32 {d}, 1, 0, %p1;", "u4", "u4", lambda a, b, c, w: int(a <= b)),
    ("{{ .reg .b32 %r9; .reg .b32 t; mov.b32 %r9, 7; add.u32 t, %r9, {a}; mov.b32 %r8, t; }} mov.b32 {d}, %r8;",
     "u4", "u4", lambda a, b, c, w: a + 7),
]


@pytest.mark.parametrize(("code", "dtype", "out", "function"), ODD, ids=[case[0] for case in ODD])
def test_integers_of_one_type(code: str, dtype: str, out: str, function: Callable[..., int]) -> None:
    check_integers(code, dtype, out, function)


def permuted(a: int, b: int, c: int) -> int:
    both, result = a | b << 32, 0
    for i in range(4):
        digit = c >> 4 * i & 15
        byte = both >> 8 * (digit & 7) & 255
        result |= (byte if digit < 8 else 255 * (byte >> 7)) << 8 * i
    return result


def test_bytes_are_permuted() -> None:
    check_integers("prmt.b32 {d}, {a}, {b}, {c};", "u4", "u4", lambda a, b, c, w: permuted(a, b, c))
    check_integers("prmt.b32 {d}, {a}, {b}, 0x5410;", "u4", "u4", lambda a, b, c, w: permuted(a, b, 0x5410))


OF_FLOATS = {
    "add.rn.{t} {d}, {a}, {b};": lambda a, b, c: a + b,
    "sub.{t} {d}, {a}, {b};": lambda a, b, c: a - b,
    "mul.rn.{t} {d}, {a}, {b};": lambda a, b, c: a * b,
    "div.rn.{t} {d}, {a}, {b};": lambda a, b, c: a / b,
    "sqrt.rn.{t} {d}, {a};": lambda a, b, c: np.sqrt(a),
    "rcp.rn.{t} {d}, {a};": lambda a, b, c: 1 / a,
    "neg.{t} {d}, {a};": lambda a, b, c: -a,
    "abs.{t} {d}, {a};": lambda a, b, c: abs(a),
    "copysign.{t} {d}, {a}, {b};": lambda a, b, c: np.copysign(b, a),
    "min.{t} {d}, {a}, {b};": lambda a, b, c: np.fmin(a, b),
    "max.{t} {d}, {a}, {b};": lambda a, b, c: np.fmax(a, b),
    "cvt.rni.{t}.{t} {d}, {a};": lambda a, b, c: np.rint(a),
    "cvt.rzi.{t}.{t} {d}, {a};": lambda a, b, c: np.trunc(a),
    "cvt.rmi.{t}.{t} {d}, {a};": lambda a, b, c: np.floor(a),
    "cvt.rpi.{t}.{t} {d}, {a};": lambda a, b, c: np.ceil(a),
}
COMPARISONS = {
    "eq": lambda a, b: a == b, "ne": lambda a, b: (a != b) & ~nan(a, b), "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b,
    "equ": lambda a, b: (a == b) | nan(a, b), "neu": lambda a, b: a != b, "ltu": lambda a, b: ~(a >= b),
    "leu": lambda a, b: ~(a > b), "gtu": lambda a, b: ~(a <= b), "geu": lambda a, b: ~(a < b),
    "num": lambda a, b: ~nan(a, b), "nan": lambda a, b: nan(a, b),
}


def nan(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.isnan(a) | np.isnan(b)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("code", OF_FLOATS)
def test_floats(code: str, dtype: str) -> None:
    x, y = results(code.replace("{t}", ptx_type(dtype)), dtype, dtype)
    with np.errstate(all="ignore"):
        want = OF_FLOATS[code](*x)
    np.testing.assert_array_equal(y, want.astype(dtype))
    if code[:3] not in ("min", "max"):
        signed = ~np.isnan(want)
        np.testing.assert_array_equal(np.signbit(y)[signed], np.signbit(want)[signed])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("comparison", COMPARISONS)
def test_comparisons_of_floats(comparison: str, dtype: str) -> None:
    code = f"setp.{comparison}.{ptx_type(dtype)} %p1, {{a}}, {{b}}; selp.b32 {{d}}, 1, 0, %p1;"
    x, y = results(code, dtype, "u4")
    np.testing.assert_array_equal(y, COMPARISONS[comparison](x[0], x[1]))


CLASSES = {
    "finite": np.isfinite, "infinite": np.isinf, "number": lambda a: ~np.isnan(a), "notanumber": np.isnan,
    "normal": lambda a: np.isfinite(a) & (abs(a) >= np.finfo(a.dtype).tiny),
    "subnormal": lambda a: (a != 0) & (abs(a) < np.finfo(a.dtype).tiny),
}


@pytest.mark.parametrize("name", CLASSES)
def test_classes_of_floats(name: str) -> None:
    x, y = results(f"testp.{name}.f32 %p1, {{a}}; selp.b32 {{d}}, 1, 0, %p1;", "f4", "u4")
    np.testing.assert_array_equal(y, CLASSES[name](x[0]))


CONVERSIONS = [
    ("cvt.rn.f32.s32", "i4", "f4"), ("cvt.rn.f32.u64", "u8", "f4"), ("cvt.rn.f64.s64", "i8", "f8"),
    ("cvt.rn.f32.f64", "f8", "f4"), ("cvt.f64.f32", "f4", "f8"), ("cvt.rn.f32.u8", "u1", "f4"),
]


@pytest.mark.parametrize(("name", "dtype", "out"), CONVERSIONS, ids=[case[0] for case in CONVERSIONS])
def test_conversions_to_floats(name: str, dtype: str, out: str) -> None:
    x, y = results(f"{name} {{d}}, {{a}};", dtype, out)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(y, x[0].astype(out))


OF_NAN = [("f4", "i4", 0), ("f4", "u4", 0), ("f4", "i8", -(2**63)), ("f8", "i4", -(2**31)), ("f8", "u8", 2**63)]


@pytest.mark.parametrize(("dtype", "out", "nan_is"), OF_NAN)
def test_conversions_to_integers(dtype: str, out: str, nan_is: int) -> None:
    x, y = results(f"cvt.rzi.{ptx_type(out)}.{ptx_type(dtype)} {{d}}, {{a}};", dtype, out)
    limits = np.iinfo(out)
    for number, got in zip(x[0], y):
        if np.isnan(number):
            assert got == nan_is
        else:
            nearest = float(np.clip(np.trunc(number), float(limits.min), float(limits.max)))
            assert got == min(max(int(nearest), limits.min), limits.max)


def test_products_are_fused_and_rounded_once() -> None:
    x, y = results("fma.rn.f64 {d}, {a}, {b}, {c};", "f8", "f8")
    finite = np.isfinite(x).all(0)
    want = [math.fsum([float(a) * float(b), float(c)]) for a, b, c in x.T[finite]]
    np.testing.assert_allclose(y[finite], want, rtol=1e-15)
    one, tiny = np.full(1, 1 + 2.0**-12, "f4"), np.zeros(1, "f4")
    code = "ld.global.f32 %f0, [%rd0]; fma.rn.f32 %f1, %f0, %f0, 0fBF800000; st.global.f32 [%rd1], %f1;"
    run(handwritten("", code, 2), 1, 1, one, tiny)
    assert tiny[0] == np.float32(2.0**-11 + 2.0**-24)


def test_results_that_are_flushed_and_saturated() -> None:
    x, y = results("mul.ftz.f32 {d}, {a}, 0f3F800000;", "f4", "f4")
    np.testing.assert_array_equal(y, np.where(abs(x[0]) < np.finfo("f4").tiny, 0, x[0]))
    x, y = results("add.sat.f32 {d}, {a}, 0f00000000;", "f4", "f4")
    np.testing.assert_array_equal(y, np.clip(np.nan_to_num(x[0], nan=0, posinf=2, neginf=-2), 0, 1))


def test_directed_rounding() -> None:
    x, y = results("add.rz.f32 {d}, {a}, {b};", "f4", "f4")
    with np.errstate(invalid="ignore"):
        exact = x[0].astype("f8") + x[1]
    finite = np.isfinite(exact) & (abs(exact) < 3e38)
    assert (abs(y[finite].astype("f8")) <= abs(exact[finite])).all()
    np.testing.assert_allclose(y[finite], exact[finite], rtol=1.3e-7)


def test_pairs_of_floats() -> None:
    x = np.random.default_rng(0).standard_normal((3, 2 * N)).astype("f4")
    y = np.zeros(2 * N, "f4")
    code = "mul.wide.u32 %rd3, %r0, 8; add.s64 %rd4, %rd3, %rd0; add.s64 %rd5, %rd3, %rd1;"
    code += "".join(f"ld.global.b64 %rd{10 + k}, [%rd4+{8 * N * k}];" for k in range(3))
    code += "fma.rn.f32x2 %rd9, %rd10, %rd11, %rd12; st.global.b64 [%rd5], %rd9;"
    run(handwritten("", code, 2), 1, N, x, y)
    np.testing.assert_allclose(y, x[0] * x[1] + x[2], rtol=1e-5, atol=1e-6)


def test_tables_in_the_module() -> None:
    table = ".global .align 4 .b8 table[8] = {1, 0, 0, 0, 2, 0, 0, 128};\n.const .align 4 .f32 half[1] = {0f3F000000};"
    code = "ld.global.u32 %r1, [table+4]; st.global.u32 [%rd0], %r1;"
    code += "ld.const.f32 %f0, [half]; st.global.f32 [%rd0+4], %f0;"
    y = np.zeros(2, np.uint32)
    run(handwritten("", code, 1, table), 1, 1, y)
    assert y[0] == 2 + 128 * 2**24 and y[1:].view(np.float32)[0] == 0.5
    with pytest.raises(PtxError, match="read-only variable changed by store"):
        run(handwritten("", "st.global.u32 [table], %r0;", 1, table), 1, 1, y)
    with pytest.raises(PtxError, match="out-of-bounds load"):
        run(handwritten("", "ld.global.u32 %r1, [table+8]; st.global.u32 [%rd0], %r1;", 1, table), 1, 1, y)


@pytest.mark.parametrize(("kind", "bits"), [("b32", 32), ("b64", 64)])
def test_compare_and_swap(kind: str, bits: int) -> None:
    y = np.full(2, 7, f"u{bits // 8}")
    r = "%r" if bits == 32 else "%rd"
    code = f"atom.global.cas.{kind} {r}9, [%rd0], 7, 9; atom.acq_rel.gpu.global.cas.{kind} {r}9, [%rd0], 7, 11;"
    run(handwritten("", f"{code} st.global.{kind} [%rd0+{bits // 8}], {r}9;", 1), 1, 1, y)
    assert y.tolist() == [9, 9]


def test_switches_and_loops() -> None:
    """The sum of the numbers below the thread's, the odd ones negated."""
    code = """
    mov.u32 %r1, 0; mov.u32 %r2, 0;
$again:
    setp.ge.u32 %p1, %r1, %r0;
    @%p1 bra $end;
    and.b32 %r3, %r1, 1;
    setp.eq.u32 %p2, %r3, 0;
    @!%p2 sub.u32 %r2, %r2, %r1;
    @%p2 add.u32 %r2, %r2, %r1;
    add.u32 %r1, %r1, 1;
    bra.uni $again;
$end:
    mul.wide.u32 %rd3, %r0, 4; add.s64 %rd3, %rd3, %rd0;
    st.global.u32 [%rd3], %r2;"""
    y = np.zeros(N, np.int32)
    run(handwritten("", code, 1), 1, N, y)
    assert y.tolist() == [sum(-k if k % 2 else k for k in range(i)) for i in range(N)]


def test_a_trap_is_an_error() -> None:
    with pytest.raises(PtxError, match="trap in block 0"):
        run(handwritten("", "setp.eq.u32 %p1, %r0, 3; @%p1 trap;"), 1, N, np.zeros(1), np.zeros(1), np.zeros(1))
