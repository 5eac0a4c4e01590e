"""The data of the engine: tensors, nodes, state, errors. No mathematics lives here."""
