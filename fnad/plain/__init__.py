"""Plain NumPy in functions that are being staged.

While one is, the functions of NumPy and `math` that no traced value can dispatch have stand-ins in their modules, which
answer for them where a traced value is in the arguments. What a traced value is written to is made traced when the
function is staged again, and a traced index reads an ordinary array. Other threads, and what has no traced value in it,
see NumPy as it is.

stand_ins.py is what stands for a function, modules.py puts it there and takes it away, making.py has the functions that
make arrays, numbers.py those of `math` and `cmath`, scipys.py SciPy's, items.py the indices, and surroundings.py brings
it all together.
"""

from fnad.plain import surroundings as surroundings
