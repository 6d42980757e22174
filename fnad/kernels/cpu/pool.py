"""Offsets in the memory of the pool of threads, counted in int64 words.

There is one pool in a process. The thread that divides a launch, its owner, writes what is to be done, then
the ticket; workers that see chunks left on the ticket take them one by one, and so does the owner. Words that
one thread writes while another one waits for them have a cache line of their own.
"""

LINE = 8
"""Words of a cache line."""

OWNED = 0
"""Whether a launch is being run; 0 or 1."""

TICKET = 1 * LINE
"""The chunks that nobody has taken yet: the number of the first, that of the last plus 1, and in the highest bits
the number of the launch, so that a ticket is never the same again and a late thread cannot take it for another."""

FIRST_BITS = 16
CHUNK_MASK = 2**FIRST_BITS - 1
LAUNCH_BITS = 2 * FIRST_BITS

FINISHED = 2 * LINE
"""Chunks that are done."""

OWNER_SLEEPS = 3 * LINE
"""Whether the owner waits on its lock for the last chunk."""

KERNEL, BUFFERS, PARAMS, EXTENT, CHUNK, CHUNKS, LAUNCH = range(4 * LINE, 4 * LINE + 7)
"""The work: the kernel and its arguments, the indices in a chunk, the number of chunks; launches so far."""

THREADS, STARTED, STOPPING, DIVIDE, PATIENCE, ACQUIRE, RELEASE, YIELD, OWNER_LOCK = range(5 * LINE, 5 * LINE + 9)
"""The wanted number of threads with the owner; whether workers have been started; whether they shall end; the
address of the pool's kernel, once it is compiled; how often a thread gives way to others before it sleeps; the
addresses of what locks, unlocks and gives way, and of the owner's lock."""

TO_DIVIDE, TO_SERVE, TO_STOP = 0, 1, 2
"""The tasks of the pool's kernel."""

STATUSES, MOST_CHUNKS = 7 * LINE, 64
"""The status of each chunk."""

LOOKS = 32
"""A thread's attempts to find work before it gives way."""

WORKERS, MOST_THREADS = STATUSES + MOST_CHUNKS, 256
SLEEPS, LOCK, WORKER_WORDS = 0, 1, LINE
"""A worker: whether it sleeps on its lock, and that lock's address."""

WORDS = WORKERS + MOST_THREADS * WORKER_WORDS
