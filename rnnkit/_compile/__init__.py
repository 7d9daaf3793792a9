"""All that rests on Numba's internals, and nothing else: one page of what and why.

internals       what is not public, by name, and the versions of Numba it was tried in
self_test       tries it in every other version, once per installation
jit             the one door to `numba.njit`: options, the cache, loops made of text, functions of a user's file
cache           compiled kernels on disk, each checked before it is loaded (numba's own raises on a damaged file)
cache_folder    where they are kept, by a fingerprint of all that decides machine code
pointer_slots   code compiled once, called through a slot that holds its address (numba copies it into each caller)
forks           a fork waits until no thread compiles
simd            LLVM's own code: vectors, tiles, atomics, the flush of subnormals
"""
