"""What NVIDIA's assembler makes of PTX: registers, memory, and the instructions of the machine code."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

LABEL = re.compile(r"\s*(\.L_\w+):")
OPERATION = re.compile(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P[0-9T]+\s+)?([A-Z][A-Z0-9._]+)(.*)")
JUMP = re.compile(r"`\((\.L_\w+)\)")
SHARED_VECTOR = re.compile(r"(?:ld|st)(?:\.volatile)?\.shared\.v(\d)\.\w(\d+)")
SHARED_ARRAY = re.compile(r"\.shared\s+\.align\s+(\d+)\s+\.b8\s+([\w$.]+)")


@dataclass(frozen=True)
class Machine:
    """A kernel as machine code. `stack`, `spills` and `shared` are bytes; spills are stores and loads together."""

    registers: int
    stack: int
    spills: int
    shared: int
    instructions: Counter[str]
    """How often each operation stands in the code, by its whole name, as LDG.E.128."""
    loops: tuple[Counter[str], ...]
    """The operations between each backward jump and its target."""
    text: str

    def count(self, prefix: str) -> int:
        """How many operations start so."""
        return count(self.instructions, prefix)


def count(instructions: Counter[str], prefix: str) -> int:
    """How many operations start so."""
    return sum(n for name, n in instructions.items() if name.startswith(prefix))


def tool(name: str) -> str | None:
    """The path of ptxas or nvdisasm: those of the nvidia wheels, or else of the system."""
    wheels = Path(sysconfig.get_paths()["purelib"]) / "nvidia"
    places = (wheels / folder / name for folder in ("cu13/bin", "cuda_nvcc/bin", "cuda_nvdisasm/bin"))
    return next((str(path) for path in places if path.exists()), shutil.which(name))


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a tool; its own words where it fails."""
    path = tool(name)
    if path is None:
        raise FileNotFoundError(f"{name} is neither in the nvidia wheels nor on the PATH")
    done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr or done.stdout}")
    return done


def assemble(ptx: str, arch: int) -> Machine:
    """The machine code of PTX for an architecture, as 80 or 100."""
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder, "kernel.ptx"), Path(folder, "kernel.cubin")
        source.write_text(ptx)
        report = run("ptxas", "-v", "-O3", f"-arch=sm_{arch}", source, "-o", binary).stderr
        text = run("nvdisasm", "-c", binary).stdout

    def number(pattern: str) -> int:
        return sum(map(int, re.findall(pattern, report)))

    operations, loops = read(text)
    return Machine(
        number(r"Used (\d+) registers"), number(r"(\d+) bytes stack"), number(r"(\d+) bytes spill"),
        number(r"(\d+) bytes smem"), Counter(operations), tuple(loops), text,
    )


def read(text: str) -> tuple[list[str], list[Counter[str]]]:
    """The operations of a disassembly in order, and those of its loops."""
    operations: list[str] = []
    jumps: list[tuple[int, str]] = []
    labels: dict[str, int] = {}
    for line in text.splitlines():
        if label := LABEL.match(line):
            labels[label[1]] = len(operations)
        elif operation := OPERATION.search(line):
            if operation[1].startswith("BRA") and (target := JUMP.search(operation[2])):
                jumps.append((len(operations), target[1]))
            operations.append(operation[1])
    loops = [(labels[name], at) for at, name in jumps if labels.get(name, at + 1) <= at]
    return operations, [Counter(operations[first : last + 1]) for first, last in loops]


def rules(ptx: str) -> list[str]:
    """What is wrong with the PTX of a float32 kernel: arithmetic in float64, local memory, or shared arrays that are
    aligned to less than the vectors in them."""
    wrong = []
    if ".f64" in ptx:
        wrong.append("float64 arithmetic: an untyped literal makes float32 into it")
    if re.search(r"\b(ld|st)\.local", ptx):
        wrong.append("local memory: an array is indexed by what is not known, or is too large for registers")
    widest = max((int(n) * int(width) // 8 for n, width in SHARED_VECTOR.findall(ptx)), default=0)
    wrong += [
        f"{name}: aligned to {alignment} bytes, with vectors of {widest}: pass alignment={widest}"
        for alignment, name in SHARED_ARRAY.findall(ptx) if int(alignment) < widest
    ]
    return wrong
