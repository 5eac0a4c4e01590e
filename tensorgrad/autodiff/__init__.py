"""Derivatives: the backward sweep, the forward push, and the transforms made of them."""
