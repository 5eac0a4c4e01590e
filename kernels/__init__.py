"""Fused kernels: numba for the CPU, CUDA C++ for the GPU. Imported as ``tensorgrad.kernels``.

The folder lies at the top level of the repository and is reached through the link ``tensorgrad/kernels``. Nothing in it
imports the rest of tensorgrad, and imports inside it are relative, so that it has one identity and one registry.
"""

if __name__ != "tensorgrad.kernels":
    raise ImportError(
        f"this package is tensorgrad.kernels, but it was imported as {__name__!r}: "
        "write `import tensorgrad.kernels`, and run doctests by the path `tensorgrad`, not `kernels`"
    )
