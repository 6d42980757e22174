"""Compiled functions: with guards.py and compiled.py the only joint of staging and compiler.

A function is staged and compiled once for each structure, shapes and dtypes of its arguments; a call
then flattens the arguments, looks the compiled Program up, runs it, and rebuilds the result. A compiled
function that meets traced values is staged as one equation, which keeps it compiled under ``grad`` and
which an outer ``jit`` takes apart; one that asks for values becomes part of what they are staged in.
"""

from __future__ import annotations

import inspect
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import update_wrapper
from types import MethodType
from typing import Any

import numpy as np

from fnad import config, tree
from fnad.checks import integers, is_integer, require_flag, require_function
from fnad.compiler.compile import compile_program
from fnad.dispatch.background import Pending
from fnad.dispatch.cache_info import CacheInfo, Compilation, Staging
from fnad.dispatch.call import derived
from fnad.dispatch.entries import Entry, Guarded, as_array, finished, leaves_of, outside_of, owned, run_entry, traced_of
from fnad.dispatch.guards import CHANGED, MOST_GUARDS, Branches, Guard, Recorder, Runaway, found, known_leaves
from fnad.dispatch.outside import Outside
from fnad.dispatch.pytrees import rebuilder
from fnad.dispatch.reading import Learned, Reading, only_read, staged_reading, static_of, with_static
from fnad.dispatch.signatures import Constant, Recent, Signature, Static, arguments, news, signature_of
from fnad.dispatch.turns import Turns
from fnad.errors import boundary, warn
from fnad.ir.program import prune
from fnad.runtime.cache import statistics
from fnad.runtime.cpu.executor import Misfit
from fnad.runtime.cuda import devices
from fnad.runtime.cuda.arrays import DeviceArray
from fnad.tracing.errors import AskedOutside
from fnad.tracing.staging import Staged, call_program, stage
from fnad.tracing.tracer import Tracer, value_type
from fnad.transforms.derived import OWN_DOC, Help, place_of

MOST_ENTRIES = 256
"""Signatures that a function keeps; the oldest goes first."""
MOST_REASONS = 256
"""Stagings whose reasons are kept."""
MOST_OTHERS = 8
"""For a signature, what is kept for the case that what is read from outside becomes again what it was."""
MANY_SIGNATURES = 32
"""Stagings for new signatures after which the user is told."""


class Jitted:
    """A function compiled by `fnad.jit`: called as it is, with compiled Programs, one for each signature.

    - ``cache_info()``: what is compiled, how often the function was staged and why; it can be printed.
    - ``function``: the function itself, which runs uncompiled.
    - ``fnad.explain(f)(*args)`` and ``fnad.show(f, stage)(*args)`` print what it is compiled to.

    Its options can be read: ``static_argnums``, ``static_argnames``, ``donate_argnums``, ``max_branches``,
    ``background``, ``device``.
    """

    def __init__(
        self, function: Callable[..., Any], static_argnums: Sequence[int], static_argnames: Sequence[str],
        donate_argnums: Sequence[int], max_branches: int = 32, background: bool = False, device: str | None = None,
    ) -> None:
        update_wrapper(self, function, OWN_DOC)
        self.function = function
        self.static_argnums, self.static_argnames = static_argnums, static_argnames
        self.donate_argnums = donate_argnums
        self.max_branches, self.background, self.device = max_branches, background, device
        self.entries: dict[Any, Entry | Guarded] = {}
        self._others: dict[Any, list[Entry | Guarded]] = {}  # of before what is read from outside has changed
        self._learned = Learned()
        self._recent = Recent()
        self._choice: Any = None
        self._count = itertools.count(1)
        self._signatures = 0
        self._history: deque[tuple[int, Staging]] = deque(maxlen=MOST_REASONS)  # with their numbers
        self._has_warned = self._has_warned_of_values = False
        self._turns = Turns()

    def __reduce__(self) -> Any:
        """Pickled as what it is made of, or by its name where it stands in the place of its function."""
        options = self.static_argnums, self.static_argnames, self.donate_argnums, self.max_branches, self.background
        return place_of(self) or (Jitted, (self.function, *options, self.device))

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else MethodType(self, instance)

    @boundary
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._choice is not config._present:  # a choice of devices that may lead elsewhere
            self._choice = config._present
            self._recent.forget()
        for match, entry, signature in self._recent.known:
            leaves = match(args, kwargs)
            if leaves is not None:
                break
        else:
            signature, leaves = self._signature(args, kwargs)
            entry = self._entry(signature, leaves)
        if entry.is_plain:
            if entry.read is None:
                return entry.restore(entry.compiled(owned(entry, leaves) if entry.donated else leaves))
            captured = entry.read(())
            if captured is not None:
                full = [*leaves, *captured]
                try:
                    return entry.restore(entry.compiled(owned(entry, full) if entry.donated else full))
                except Misfit:  # an array that is read from outside has got another shape or dtype where it lies
                    pass
        return self._run(entry, signature, leaves)

    def with_function(self, function: Callable[..., Any]) -> Jitted:
        """The same of another function."""
        options = self.static_argnums, self.static_argnames, self.donate_argnums, self.max_branches, self.background
        return Jitted(function, *options, self.device)

    def _signature(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Signature, list[Any]]:
        """What of the arguments decides the compiled code, and their leaves."""
        static = None
        if self.static_argnums or self.static_argnames:
            static, args, kwargs = self._without_static(args, kwargs)
        return signature_of(self.function, args, kwargs, static, self._runtime)

    def _runtime(self, leaves: Sequence[Any]) -> Any:
        """The device that a call runs on: the one asked for, or where an array is; ``None`` is the CPU."""
        wanted = "cuda" if self.device is None and DeviceArray in map(type, leaves) else self.device
        return devices.current() if devices.choose(wanted) == "cuda" else None

    def _run(self, entry: Entry | Guarded, signature: Signature, leaves: Sequence[Any]) -> Any:
        outside = outside_of(entry, signature, leaves)
        if outside is None:
            entry = self._changed(entry, signature, leaves)
            # What changes again at once, as by another thread, is as it was when the function was staged.
            outside = outside_of(entry, signature, leaves) or entry.watch.values()
        if type(entry) is Guarded:
            return self._run_guarded(entry, signature, leaves, outside)
        return run_entry(entry, leaves, found(entry.sources, outside))

    def _changed(self, entry: Entry | Guarded, signature: Signature, leaves: Sequence[Any]) -> Entry | Guarded:
        """What fits what is read from outside now: known from before, or staged."""
        others = self._others.setdefault(signature, [])
        for other in list(others):
            if outside_of(other, signature, leaves) is not None:
                self._replace(signature, other)
                return other
        changes = entry.watch.changes(Outside(self.function, static_of(signature, leaves)))
        reason = self._learned.note(changes)
        made = self._staged_anew(signature, leaves, f"{CHANGED}: {reason}" if reason else CHANGED)
        self._others[signature] = [made, entry, *[other for other in others if other is not entry]][:MOST_OTHERS]
        return made

    def _replace(self, signature: Signature, entry: Entry | Guarded) -> None:
        self.entries[signature] = entry
        self._recent.forget()

    def _run_guarded(
        self, entry: Guarded, signature: Signature, leaves: Sequence[Any], outside: dict[str, Any]
    ) -> Any:
        """Follow the answers to the leaf that is right for these arguments; without one, run Python."""
        is_traced = Tracer in map(type, leaves)
        known = known_leaves(leaves) if is_traced else leaves
        if known is None or is_traced and entry.branches.may_cut:
            return self._call_python(signature, leaves)
        try:
            leaf, _ = entry.branches.find(entry.arrays(known), outside)
            if leaf is None:
                leaf = self._extended(entry, signature, known, outside)
        except AskedOutside:
            return self._call_python(signature, leaves)
        if is_traced and (leaf is None or entry.branches.may_cut):
            return self._call_python(signature, leaves)
        if leaf is None:
            return self._interpreted(entry, signature, leaves)
        return run_entry(leaf, leaves, found(leaf.sources, outside))

    def _call_python(self, signature: Signature, leaves: Sequence[Any]) -> Any:
        """The plain function, whose questions then go to whoever stages the traced values that it meets."""
        args, kwargs = arguments(signature, leaves)
        return self.function(*args, **kwargs)

    def _interpreted(self, entry: Guarded, signature: Signature, leaves: Sequence[Any]) -> Any:
        values = entry.arrays(leaves)
        staged = stage(self._flat_function(signature, leaves, entry.traced), entry.types, values)
        return staged.restore(call_program(staged.program, [*values, *staged.captured]))

    def _extended(
        self, entry: Guarded, signature: Signature, leaves: Sequence[Any], outside: dict[str, Any]
    ) -> Entry | None:
        """Stage the branch of these arguments; ``None`` past the bound."""
        branches, arrays, reason = entry.branches, entry.arrays(leaves), ""

        def find() -> Entry | None:
            nonlocal reason
            leaf, reason = branches.find(arrays, outside)
            return leaf

        def make() -> Entry | None:
            why = reason
            if not branches.is_closed and branches.count() < self.max_branches:
                try:
                    leaf, recorder = self._stage_branch(branches, signature, leaves, reason)
                    recorder.keep(leaf)
                    self._warn_of_values([guard for guard, answer in recorder.path if guard.has_met_others(answer)])
                    return leaf
                except Runaway as runaway:
                    branches.is_closed, why = True, str(runaway)
            self._note(Staging(f"past the bound: {why}"))
            self._warn(why)
            return None

        return self._turns.take(branches, find, make)

    def _warn(self, reason: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            warn(
                f"jit: requires at most {self.max_branches} branches for a signature and {MOST_GUARDS} conditions in "
                f"each to be compiled, got more: {reason}. Results stay right, but other branches are interpreted at "
                "every call. Use np.where for a choice, raise max_branches, or leave jit off here."
            )

    def _warn_of_values(self, guards: Sequence[Guard]) -> None:
        if guards and not self._has_warned_of_values:
            self._has_warned_of_values = True
            warn(
                f"jit: requires values to stay in arrays, got {guards[0]}, which reads one: the function is staged "
                "anew for every other value. Use functions of fnad.numpy in the place of float(...), np.array(...) and "
                "SciPy's, wrap what has none by fnad.primitive, or leave jit off here."
            )

    def _note(self, staging: Staging) -> None:
        self._history.append((next(self._count), staging))

    def cache_info(self) -> CacheInfo:
        """How many signatures and branches are compiled, how often the function was staged and why; it can be printed.

        A reason says what is new: the argument whose shape or dtype differs from the most similar signature that is
        known, a static argument, a condition that came out otherwise for the first time, and on which line.
        """
        entries, numbered = list(self.entries.values()), tuple(self._history)
        stagings, history = numbered[-1][0] if numbered else 0, tuple([staging for _, staging in numbered])
        leaves = [leaf for entry in entries for _, leaf in leaves_of(entry)]
        guards = sum([e.branches.seconds() for e in entries if type(e) is Guarded])
        seconds = guards + sum([leaf.compiled.seconds for leaf in leaves if leaf.compiled is not None])
        reasons = tuple([staging.reason for staging in history])
        others = [d for leaf in leaves for d in derived(leaf.staged.program)]
        compilations = tuple([Compilation(what, c.seconds, c.kernels) for what, c in others])
        return CacheInfo(len(entries), len(leaves), stagings, reasons, seconds, history, compilations)

    def inspect(self, *args: Any, **kwargs: Any) -> list[tuple[list[tuple[Any, str]], Entry]] | None:
        """What the arguments' signature is compiled to, branch by branch, each with the guards and answers that lead to
        it; ``None`` where that is a part of what traced arguments belong to."""
        signature, leaves = self._signature(args, kwargs)
        entry = self._entry(signature, leaves)
        if type(entry) is Guarded:
            try:
                outside = outside_of(entry, signature, leaves)
                if outside is None:
                    entry = self._changed(entry, signature, leaves)
                elif Tracer not in map(type, leaves):
                    self._extended(entry, signature, leaves, outside)
            except AskedOutside:
                return None
        return [(path, finished(leaf)) for path, leaf in leaves_of(entry)]

    def _entry(self, signature: Signature, leaves: Sequence[Any]) -> Entry | Guarded:
        entry = self.entries.get(signature)
        if entry is None:
            return self._turns.take(
                signature, lambda: self.entries.get(signature),
                lambda: self._staged_anew(signature, leaves, self._reason(signature)),
            )
        self._recent.add(signature, entry)
        return entry

    def _reason(self, signature: Signature) -> str:
        """Why a signature is staged that is not known; a warning where this goes on and on."""
        what = news(self.function, signature, self.entries)
        self._signatures += 1
        if self._signatures == MANY_SIGNATURES + 1:
            warn(
                f"jit: requires few different signatures, got {self._signatures} for "
                f"{getattr(self.function, '__name__', 'a function')}, each of which is staged and compiled"
                f"{f'; the last one since {what}' if what else ''}. Pad arrays to a few sizes, or make numbers "
                "arguments that are not static. cache_info() has all the reasons."
            )
        return f"new signature: {what}" if what else "new signature"

    def _staged_anew(self, signature: Signature, leaves: Sequence[Any], reason: str) -> Entry | Guarded:
        """Stage and compile for a signature."""
        branches = Branches(signature.device)
        entry: Entry | Guarded
        try:
            entry, recorder = self._stage_branch(branches, signature, leaves, reason)
            is_guarded = bool(recorder.path)
            if is_guarded:
                recorder.keep(entry)
        except AskedOutside:
            is_guarded = True
        except Runaway as runaway:
            is_guarded = branches.is_closed = True
            self._warn(str(runaway))
        if is_guarded:
            traced = traced_of(leaves)
            entry = Guarded(tuple([value_type(leaves[i]) for i in traced]), traced, branches)
        # Whole steps of Python's own, since other threads may do the same.
        for oldest in list(self.entries)[: max(0, len(self.entries) - MOST_ENTRIES + 1)]:
            self.entries.pop(oldest, None)
            self._others.pop(oldest, None)
        self._replace(signature, entry)
        return entry

    def _stage_branch(
        self, branches: Branches, signature: Signature, leaves: Sequence[Any], reason: str
    ) -> tuple[Entry, Recorder]:
        """Stage and compile the way that Python goes for these arguments, and what it has asked on it."""
        started, before = time.perf_counter(), statistics()
        traced = traced_of(leaves)
        types = [value_type(leaves[i]) for i in traced]
        given = [leaves[i] for i in traced]
        values = [v if type(v) is Tracer else as_array(v, t.dtype, branches.runtime) for v, t in zip(given, types)]
        recorders: list[Recorder] = []

        def attempt(reading: Reading) -> Staged:
            recorders.append(Recorder(branches, reading, values))
            function = self._flat_function(signature, leaves, traced, reading)
            staged = stage(function, types, values, concretize=recorders[-1])
            if recorders[-1].runaway is not None:  # and the function has caught it
                raise recorders[-1].runaway
            return only_read(staged, len(types))

        try:
            staged, reading = staged_reading(self._learned, self.function, static_of(signature, leaves), attempt)
            entry = self._compile(staged, signature, leaves, recorders[-1])
            self._rebase(reading.settle(), reading)
            reading.tell()
            entry = self._let_watch(entry, reading, recorders[-1])
        finally:
            compiling = sum([recorder.seconds for recorder in recorders])
            seconds = time.perf_counter() - started - compiling
            self._note(Staging(reason, seconds, compiling, statistics() - before))
        return entry, recorders[-1]

    def _flat_function(
        self, signature: Signature, leaves: Sequence[Any], traced: Sequence[int], reading: Reading | None = None
    ) -> Callable[..., Any]:
        """The function of the leaves that are traced, with what is read from outside handed in."""

        def flat_function(*tracers: Tracer) -> Any:
            function, given, full = self.function, signature, list(leaves)
            if reading is not None:
                function, static = reading.handed()
                given, full = with_static(signature, leaves, static)
            for i, tracer in zip(traced, tracers):
                full[i] = tracer
            args, kwargs = arguments(given, full)
            return function(*args, **kwargs)

        return flat_function

    def _compile(self, staged: Staged, signature: Signature, leaves: Sequence[Any], recorder: Recorder) -> Entry:
        """What is kept of a staged function; where it is part of another one, that is what is compiled."""
        if recorder.path:
            staged = staged._replace(program=prune(staged.program))  # of what only the questions needed
        traced, runtime, program = traced_of(leaves), recorder.branches.runtime, staged.program
        donated = self._donated(traced, signature.treedef)
        kept = tuple([i for i in range(len(program.inputs)) if i not in donated]) if donated else ()
        is_part = Tracer in map(type, leaves) or Tracer in map(type, staged.captured)
        effectful = program.is_effectful
        make = Pending if self.background else compile_program
        is_run = (program.outputs or effectful) and not is_part
        compiled = make(program, donated, runtime, len(staged.captured)) if is_run else None
        plain = (np.ndarray,) if runtime is None else (np.ndarray, DeviceArray)
        given = [*leaves, *staged.captured]
        is_plain = all([type(leaf) in plain and leaf.dtype.isnative for leaf in given])
        is_plain = is_plain and compiled is not None and not effectful
        restore = rebuilder(staged.out_tree) if not staged.static_outputs else None
        restore = restore or staged.restore
        recorder.seconds += compiled.seconds if compiled is not None else 0.0
        return Entry(staged, traced, is_plain, donated, kept, effectful, compiled, restore, runtime)

    def _let_watch(self, entry: Entry, reading: Reading, recorder: Recorder) -> Entry:
        """Let a staged function, or the tree that it belongs to, watch what it reads from outside."""
        program, own = entry.staged.program, len(entry.traced)
        sources = reading.sources(program.inputs[own:], entry.staged.captured)
        recorder.branches.watch = reading.watch
        return entry.watching(reading.watch, sources)

    def _rebase(self, changes: dict[str, Any], reading: Reading) -> None:
        """Let what was staged before be right for what a staging itself has changed."""
        if not changes:
            return
        for signature, entry in list(self.entries.items()):
            if entry.watch is not None and entry.watch.changes(reading.watch.outside).keys() <= changes.keys():
                if type(entry) is Guarded:
                    entry.branches.watch = reading.watch
                else:
                    self.entries[signature] = entry.watching(reading.watch, entry.sources)
        self._recent.forget()

    def _donated(self, traced: Sequence[int], treedef: tree.TreeDef) -> tuple[int, ...]:
        """The inputs that belong to donated arguments."""
        if not self.donate_argnums:
            return ()
        args = treedef.children()[0].children()
        starts = np.cumsum([0, *(child.num_leaves for child in args)])
        leaves = {i for n in self.donate_argnums if n < len(args) for i in range(starts[n], starts[n + 1])}
        return tuple([position for position, i in enumerate(traced) if i in leaves])

    def _without_static(self, args: tuple, kwargs: dict) -> tuple[Static, tuple, dict]:
        numbers = {n % len(args) if -len(args) <= n < len(args) else n for n in self.static_argnums} if args else set()
        chosen = tuple([(i, Constant(a)) for i, a in enumerate(args) if i in numbers])
        named = tuple([(k, Constant(v)) for k, v in kwargs.items() if k in self.static_argnames])
        static = Static(chosen, named, tuple(kwargs) if named else ())
        rest = tuple([a for i, a in enumerate(args) if i not in numbers])
        return static, rest, {k: v for k, v in kwargs.items() if k not in self.static_argnames}


Jitted.__doc__ = Help(Jitted.__doc__, lambda jitted: inspect.cleandoc(Jitted.__doc__ or ""))  # type: ignore[assignment]


@boundary
def jit(
    function: Callable[..., Any] | None = None, *, static_argnums: int | Iterable[int] = (),
    static_argnames: str | Iterable[str] = (), donate_argnums: int | Iterable[int] = (), max_branches: int = 32,
    background: bool = False, device: str | None = None,
) -> Any:
    """Compile a function; it is staged at the first call for each structure, shapes and dtypes of its arguments.

    What the function reads from outside, as globals, closed-over variables and attributes of ``self``, is looked at in
    every call: arrays are read anew, and where anything else has changed the function is staged again. A number that
    has changed twice becomes an input. What cannot be seen to change is named by a warning. Leaves of the arguments
    that are neither arrays nor numbers are constants of the compiled code, and part of the signature.

    Python may ask for values: in ``if``, ``while``, ``assert``, ``range(int(n))``, ``float(x)``. The function is
    staged again when an answer is new, and each way that Python has gone is compiled as a branch of its own; a call
    evaluates the conditions by compiled code and takes the branch that is right for its arguments.

    Args:
        function: a pure function from pytrees to a pytree. Without it, ``jit`` is a decorator with options.
        static_argnums: positional arguments that are constants of the compiled code; they must be hashable.
        static_argnames: likewise keyword arguments.
        donate_argnums: positional arguments whose arrays are not used again after the call; results of equal
            shape and dtype may be written into their memory.
        max_branches: how many branches of a signature are compiled; past them, after one warning, the function is
            staged and interpreted at each call that takes another.
        background: whether calls are answered by NumPy until the code is compiled, which goes on beside them, so that
            nobody waits for the compiler. Then the bits of a result depend on when it is asked for: compiled code may
            round the last ones of floats otherwise. Off, equal arguments give equal bits.
        device: ``"cpu"``, ``"cuda"``, a device of ``fnad.devices()``, or ``"auto"``: a GPU where one works, else the
            CPU, and one line of log that says why. Without a GPU that works ``"cuda"`` runs on the CPU too, after one
            warning, or is an error where ``fnad.config.strict_device`` is set. Not given, it is where one of the
            arguments' arrays is, or ``fnad.default_device()``. What a compiled function calls runs where that function
            does.

    Returns:
        A function of the same arguments; its arrays are new (or donated) NumPy arrays, on a GPU `DeviceArray`, which
        stay there and may not be computed yet.

    Raises:
        TypeError: an argument's leaf is neither array nor hashable; a static argument is not hashable.
        ConcreteValueError: Python asks for a value that is not known, or for all values of a large array.
        CutGradientError: Python asks for a number on a path that is being differentiated.

    >>> import numpy as np
    >>> @jit
    ... def f(x):
    ...     return np.sum(x ** 2)
    >>> f(np.array([1.0, 2.0]))
    array(5.)
    >>> rates = {"step": 0.5}
    >>> scaled = jit(lambda x: rates["step"] * x)
    >>> first = scaled(2.0)
    >>> rates["step"] = 3.0
    >>> first, scaled(2.0)
    (array(1.), array(6.))
    >>> halve = jit(lambda n: n // 2 if n % 2 == 0 else 3 * n + 1)
    >>> halve(6), halve(7), halve(8), halve.cache_info().branches
    (array(3), array(22), array(4), 2)
    """
    static = integers("jit", "static_argnums", static_argnums)
    donated = integers("jit", "donate_argnums", donate_argnums)
    if not is_integer(max_branches) or max_branches < 1:
        raise ValueError(f"jit: requires max_branches to be a positive integer, got {max_branches!r:.60}. Try 32.")
    require_flag("jit", "background", background)
    if device is not None:
        devices.require_name(device)
    options = static, _names(static_argnames), donated, max_branches, bool(background), device
    if set(static) & set(donated):
        raise ValueError(
            f"jit: requires static and donated arguments to differ, got {static} and {donated}. Leave one of them out."
        )
    if function is None:
        return lambda f: jit(
            f, static_argnums=static, static_argnames=options[1], donate_argnums=donated, max_branches=max_branches,
            background=background, device=device,
        )
    require_function("jit", function)
    _require_parameters(function, static, options[1], donated)
    return Jitted(function, *options)


def _require_parameters(
    function: Callable[..., Any], static: Sequence[int], names: Sequence[str], donated: Sequence[int]
) -> None:
    """Raise for static or donated arguments that a function with a known signature does not have, or has twice."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return
    kinds = {p.kind for p in parameters}
    unknown = set(names) - {p.name for p in parameters}
    if unknown and inspect.Parameter.VAR_KEYWORD not in kinds:
        raise ValueError(f"jit: requires static_argnames of parameters, got {sorted(unknown)}. Check the spelling.")
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return
    count = sum([p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters])
    for what, numbers in (("static_argnums", static), ("donate_argnums", donated)):
        beyond = [n for n in numbers if not -count <= n < count]
        if beyond:
            raise ValueError(f"jit: requires {what} of parameters, got {beyond} of {count}. Count from 0.")
        integers("jit", what, [n % count for n in numbers])
    both = {n % count for n in static} & {n % count for n in donated}
    if both:
        raise ValueError(
            f"jit: requires static and donated arguments to differ, got {sorted(both)} as both. Leave one of them out."
        )


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)
    if not all([isinstance(name, str) for name in names]):
        raise TypeError(f"jit: requires static_argnames to be names, got {given!r:.60}. Use static_argnums.")
    return names
