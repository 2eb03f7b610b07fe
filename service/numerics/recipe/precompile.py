"""Make the machine code of all levels of x86-64, for an image to carry: python -m service.numerics.recipe.precompile.

What is compiled is what the known answers meet on this machine. Code for a level that this CPU lacks is only made:
to run it would end the process. On another architecture there is nothing to make.
"""

import os
import pickle
import platform
import subprocess
import sys

# In this order: the first decides what Numba compiles for.
from service.numerics.recipe import backend, numba_backend, numba_orthogonal
from service.numerics.recipe.compiling import kernels_of
from service.numerics.recipe.known_answers import arithmetic_is_exact
from service.numerics.recipe.levels import FEATURES, LEVELS

X86_64 = ("x86_64", "amd64")
MODULES = (numba_backend, numba_orthogonal)


def main() -> None:
    """Compile for every level, in a process for each; exit with an error where this machine's own code is wrong."""
    if sys.argv[1:] == ["signatures"]:
        _compile(pickle.load(sys.stdin.buffer))  # noqa: S301 - of the process that started this one
        return
    if platform.machine().lower() not in X86_64:
        sys.stdout.write(f"{platform.machine()} has no levels: its code is compiled where it runs\n")
        return
    if not arithmetic_is_exact():
        sys.exit("This machine's arithmetic does not give the known answers of the recipe.")
    signatures = pickle.dumps(_signatures())
    for level in LEVELS:
        environment = os.environ | {"NUMBA_CPU_NAME": level, "NUMBA_CPU_FEATURES": FEATURES}
        command = [sys.executable, "-m", "service.numerics.recipe.precompile", "signatures"]
        subprocess.run(command, env=environment, input=signatures, check=True)  # noqa: S603 - this very program
        sys.stdout.write(f"{backend.BACKEND} for {level}\n")


def _signatures() -> dict[str, list[object]]:
    """Return the types of arguments that each kernel has met so far."""
    return {name: list(kernel.signatures) for name, kernel in kernels_of(*MODULES).items()}


def _compile(signatures: dict[str, list[object]]) -> None:
    kernels = kernels_of(*MODULES)
    for name, kinds in signatures.items():
        for kind in kinds:
            kernels[name].compile(kind)


if __name__ == "__main__":
    main()
