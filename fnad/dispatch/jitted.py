"""Compiled functions, whose calls take four steps: look up, stage, compile, run.

A function is staged (stage.py) and compiled (compile.py) once for each structure, shapes and dtypes of its arguments;
a call then flattens the arguments, looks the compiled Program up, runs it, and rebuilds the result. A compiled
function that meets traced values is staged as one equation, which keeps it compiled under ``grad`` and
which an outer ``jit`` takes apart; one that asks for values becomes part of what they are staged in.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import update_wrapper
from types import MethodType
from typing import Any, NamedTuple

from fnad import config
from fnad.dispatch.cache_info import CacheInfo, History, Staging, Timer
from fnad.dispatch.call import derived
from fnad.dispatch.compile import compile_branch
from fnad.dispatch.constants import Constant, Static
from fnad.dispatch.entries import Entry, Guarded, branches_of, finished, outside_of, owned, run_entry, traced_of
from fnad.dispatch.guards import MOST_GUARDS, Branches, Recorder, TooManyGuards, found, known_leaves
from fnad.dispatch.outside import Outside
from fnad.dispatch.reading import Learned, Reading
from fnad.dispatch.signatures import Recent, Signature, arguments, news, signature_of, static_of
from fnad.dispatch.single_flight import SingleFlight
from fnad.dispatch.stage import flat_function, stage_branch
from fnad.errors import boundary
from fnad.runtime.cpu.executor import Misfit
from fnad.runtime.cpu.runtime import CPU
from fnad.runtime.cuda import devices
from fnad.runtime.cuda.arrays import DeviceArray
from fnad.tracing.errors import NotConcrete
from fnad.tracing.staging import call_program, stage
from fnad.tracing.tracer import Tracer, value_type
from fnad.transforms.derived import OWN_DOC, Help, place_of

MOST_ENTRIES = 256
"""Signatures that a function keeps; the oldest goes first."""
MOST_OTHERS = 8
"""For a signature, what is kept for the case that what is read from outside becomes again what it was."""
CHANGED = "what is read from outside has changed"


class Options(NamedTuple):
    """The options of ``jit``."""

    static_argnums: tuple[int, ...] = ()
    static_argnames: tuple[str, ...] = ()
    donate_argnums: tuple[int, ...] = ()
    donate_argnames: tuple[str, ...] = ()
    max_branches: int = 32
    background: bool = False
    device: str | None = None


class Jitted:
    """A function compiled by `fnad.jit`: called as it is, with compiled Programs, one for each signature.

    - ``cache_info()``: what is compiled, how often the function was staged and why; it can be printed.
    - ``function``: the function itself, which runs uncompiled.
    - ``fnad.explain(f)(*args)`` and ``fnad.show(f, stage)(*args)`` print what it is compiled to.

    Its options can be read: ``static_argnums``, ``static_argnames``, ``donate_argnums``, ``donate_argnames``,
    ``max_branches``, ``background``, ``device``.
    """

    def __init__(self, function: Callable[..., Any], options: Options = Options()) -> None:
        update_wrapper(self, function, OWN_DOC)
        self.function = function
        self.options = options
        self.static_argnums, self.static_argnames, self.donate_argnums, self.donate_argnames, *others = options
        self.max_branches, self.background, self.device = others
        self.entries: dict[Any, Entry | Guarded] = {}
        self._others: dict[Any, list[Entry | Guarded]] = {}  # of before what is read from outside has changed
        self._learned = Learned()
        self._recent = Recent()
        self._choice: Any = None
        self._history = History()
        self._staging = SingleFlight()

    def __reduce__(self) -> Any:
        """Pickled as what it is made of, or by its name where it stands in the place of its function."""
        return place_of(self) or (type(self), (self.function, self.options))

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else MethodType(self, instance)

    @boundary
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._choice is not config.present:  # a choice of devices that may lead elsewhere
            self._choice = config.present
            self._recent.forget()
        for match, entry, signature, static in self._recent.known:
            inputs = match(args, kwargs)
            if inputs is not None:
                break
        else:
            entry, signature, leaves = self._look_up(args, kwargs)
            inputs, static = [leaves[i] for i in entry.traced], static_of(signature)
        if entry.is_plain:
            if entry.read is None:
                return entry.restore(entry.compiled.run(owned(entry, inputs) if entry.donated else inputs))
            captured = entry.read(static)
            if captured is not None:
                full = [*inputs, *captured]
                try:
                    return entry.restore(entry.compiled.run(owned(entry, full) if entry.donated else full))
                except Misfit:  # an array that is read from outside has got another shape or dtype where it lies
                    pass
        return self._run(entry, signature, signature.with_constants(inputs))

    def with_function(self, function: Callable[..., Any]) -> Jitted:
        """The same of another function."""
        return Jitted(function, self.options)

    # Look up

    def _look_up(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Entry | Guarded, Signature, Sequence[Any]]:
        """The entry for the arguments, staged and compiled where it is new, their signature and leaves."""
        signature, leaves = self._signature(args, kwargs)
        entry = self.entries.get(signature)
        if entry is not None:
            self._recent.add(signature, entry)
            return entry, signature, leaves
        entry = self._staging.do(
            signature, lambda: self.entries.get(signature),
            lambda: self._make(signature, leaves, self._reason(signature)),
        )
        return entry, signature, leaves

    def _signature(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Signature, list[Any]]:
        """The signature of the arguments, and their leaves."""
        static = None
        if self.static_argnums or self.static_argnames:
            static, args, kwargs = self._without_static(args, kwargs)
        return signature_of(self.function, args, kwargs, static, self._runtime)

    def _runtime(self, leaves: Sequence[Any]) -> Any:
        """The device that a call runs on: the one asked for, or where an array is."""
        wanted = "cuda" if self.device is None and DeviceArray in map(type, leaves) else self.device
        return devices.current() if devices.choose(wanted) == "cuda" else CPU

    def _without_static(self, args: tuple, kwargs: dict) -> tuple[Static, tuple, dict]:
        numbers = {n % len(args) if -len(args) <= n < len(args) else n for n in self.static_argnums} if args else set()
        chosen = tuple([(i, Constant(a)) for i, a in enumerate(args) if i in numbers])
        named = tuple([(k, Constant(v)) for k, v in kwargs.items() if k in self.static_argnames])
        static = Static(chosen, named, tuple(kwargs) if named else ())
        rest = tuple([a for i, a in enumerate(args) if i not in numbers])
        return static, rest, {k: v for k, v in kwargs.items() if k not in self.static_argnames}

    def _reason(self, signature: Signature) -> str:
        """The reason to stage an unknown signature."""
        what = news(self.function, signature, self.entries)
        self._history.note_signature(self.function, what)
        return f"new signature: {what}" if what else "new signature"

    # Stage and compile

    def _make(self, signature: Signature, leaves: Sequence[Any], reason: str) -> Entry | Guarded:
        """Stage and compile for a signature."""
        branches = Branches(signature.device)
        entry: Entry | Guarded
        try:
            entry, recorder = self._make_branch(branches, signature, leaves, reason)
            is_guarded = bool(recorder.path)
            if is_guarded:
                recorder.keep(entry)
        except NotConcrete:
            is_guarded = True
        except TooManyGuards as runaway:
            is_guarded = branches.is_closed = True
            self._tell_of_branches(str(runaway))
        if is_guarded:
            traced = traced_of(leaves)
            entry = Guarded(tuple([value_type(leaves[i]) for i in traced]), traced, branches)
        # Whole steps of Python's own, since other threads may do the same.
        for oldest in list(self.entries)[: max(0, len(self.entries) - MOST_ENTRIES + 1)]:
            self.entries.pop(oldest, None)
            self._others.pop(oldest, None)
        self._replace(signature, entry)
        return entry

    def _make_branch(
        self, branches: Branches, signature: Signature, leaves: Sequence[Any], reason: str
    ) -> tuple[Entry, Recorder]:
        """Stage and compile the branch that Python takes for these arguments."""
        timer = Timer()
        try:
            branch = stage_branch(self.function, signature, leaves, branches, self._learned, timer)
            donate = (*self.donate_argnums, *self.donate_argnames)
            entry = compile_branch(branch, signature, leaves, donate, self.background)
            self._rebase(branch.reading.settle(), branch.reading)
            branch.reading.tell()
            branches.watch = branch.reading.watch
            sources = branch.reading.sources(entry.staged.program.inputs[len(entry.traced) :], entry.staged.captured)
            return entry.watching(branch.reading.watch, sources), branch.recorder
        finally:
            self._history.note(timer.staging(reason))

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

    def _changed(self, entry: Entry | Guarded, signature: Signature, leaves: Sequence[Any]) -> Entry | Guarded:
        """The entry that fits what is read from outside now: known, or staged."""
        others = self._others.setdefault(signature, [])
        for other in list(others):
            if outside_of(other, signature) is not None:
                self._replace(signature, other)
                return other
        changes = entry.watch.changes(Outside(self.function, static_of(signature)))
        reason = self._learned.note(changes)
        made = self._make(signature, leaves, f"{CHANGED}: {reason}" if reason else CHANGED)
        self._others[signature] = [made, entry, *[other for other in others if other is not entry]][:MOST_OTHERS]
        return made

    def _replace(self, signature: Signature, entry: Entry | Guarded) -> None:
        self.entries[signature] = entry
        self._recent.forget()

    def _extended(
        self, entry: Guarded, signature: Signature, leaves: Sequence[Any], outside: dict[str, Any]
    ) -> Entry | None:
        """Stage the branch of these arguments; ``None`` past the bound."""
        branches, arrays, reason = entry.branches, entry.arrays(leaves), ""

        def find() -> Entry | None:
            nonlocal reason
            branch, reason = branches.find(arrays, outside)
            return branch

        def make() -> Entry | None:
            why = reason
            if not branches.is_closed and branches.count() < self.max_branches:
                try:
                    branch, recorder = self._make_branch(branches, signature, leaves, reason)
                    recorder.keep(branch)
                    self._history.tell_of_values([g for g, answer in recorder.path if g.has_met_others(answer)])
                    return branch
                except TooManyGuards as runaway:
                    branches.is_closed, why = True, str(runaway)
            self._history.note(Staging(f"past the bound: {why}"))
            self._tell_of_branches(why)
            return None

        return self._staging.do(branches, find, make)

    def _tell_of_branches(self, reason: str) -> None:
        self._history.tell_of_branches(reason, self.max_branches, MOST_GUARDS)

    # Run

    def _run(self, entry: Entry | Guarded, signature: Signature, leaves: Sequence[Any]) -> Any:
        outside = outside_of(entry, signature)
        if outside is None:
            entry = self._changed(entry, signature, leaves)
            # What changes again at once, as by another thread, is as it was when the function was staged.
            outside = outside_of(entry, signature) or entry.watch.values()
        if type(entry) is Guarded:
            return self._run_guarded(entry, signature, leaves, outside)
        return run_entry(entry, leaves, found(entry.sources, outside))

    def _run_guarded(
        self, entry: Guarded, signature: Signature, leaves: Sequence[Any], outside: dict[str, Any]
    ) -> Any:
        """Follow the guards to the branch that is right for these arguments; without one, run Python."""
        is_traced = Tracer in map(type, leaves)
        known = known_leaves(leaves) if is_traced else leaves
        if known is None or is_traced and entry.branches.may_cut:
            return self._call_python(signature, leaves)
        try:
            branch, _ = entry.branches.find(entry.arrays(known), outside)
            if branch is None:
                branch = self._extended(entry, signature, known, outside)
        except NotConcrete:
            return self._call_python(signature, leaves)
        if is_traced and (branch is None or entry.branches.may_cut):
            return self._call_python(signature, leaves)
        if branch is None:
            return self._interpreted(entry, signature, leaves)
        return run_entry(branch, leaves, found(branch.sources, outside))

    def _call_python(self, signature: Signature, leaves: Sequence[Any]) -> Any:
        """The plain function, whose guards are then those of whoever stages the traced values that it meets."""
        args, kwargs = arguments(signature, leaves)
        return self.function(*args, **kwargs)

    def _interpreted(self, entry: Guarded, signature: Signature, leaves: Sequence[Any]) -> Any:
        values = entry.arrays(leaves)
        staged = stage(flat_function(self.function, signature, leaves, entry.traced), entry.types, values)
        return staged.restore(call_program(staged.program, [*values, *staged.captured]))

    # What is kept

    def cache_info(self) -> CacheInfo:
        """The number of compiled signatures and branches, and of stagings, with their reasons; it can be printed.

        A reason says what is new: the argument whose shape or dtype differs from the most similar signature that is
        known, a static argument, a condition that came out otherwise for the first time, and on which line.
        """
        entries = list(self.entries.values())
        branches = [branch for entry in entries for _, branch in branches_of(entry)]
        guards = sum([entry.branches.seconds() for entry in entries if type(entry) is Guarded])
        seconds = [branch.compiled.seconds if branch.compiled is not None else 0.0 for branch in branches]
        others = [d for branch in branches for d in derived(branch.staged.program)]
        return self._history.summary(len(entries), seconds, guards, others)

    def inspect(self, *args: Any, **kwargs: Any) -> list[tuple[list[tuple[Any, str]], Entry]] | None:
        """The branches that the arguments' signature is compiled to, each with the guards and answers that lead to
        it; ``None`` where that is a part of what traced arguments belong to."""
        entry, signature, leaves = self._look_up(args, kwargs)
        if type(entry) is Guarded:
            try:
                outside = outside_of(entry, signature)
                if outside is None:
                    entry = self._changed(entry, signature, leaves)
                elif Tracer not in map(type, leaves):
                    self._extended(entry, signature, leaves, outside)
            except NotConcrete:
                return None
        return [(path, finished(branch)) for path, branch in branches_of(entry)]


Jitted.__doc__ = Help(Jitted.__doc__, lambda jitted: inspect.cleandoc(Jitted.__doc__ or ""))  # type: ignore[assignment]
