"""How far activations and their derivatives are off in the last place, beside PyTorch."""
