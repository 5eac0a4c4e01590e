"""Tensor's methods that are more than a function of the namespace: NumPy's spelling, PyTorch's, and where they part.

Each module holds some, as plain functions of the tensor marked with ``@method``. ``attach`` gives them to Tensor.
"""
