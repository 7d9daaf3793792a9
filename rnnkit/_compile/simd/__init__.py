"""The one door to vector code: what LLVM does not make of plain loops, written in its own vector types.

Each function is written twice: in Python, which says what it does, and as code of LLVM, which every CPU can run. The
code of `tile`, `rows` and `transpose` is outlined: compiled once, not in each kernel that calls it
(`rnnkit._compile.pointer_slots`).
"""
