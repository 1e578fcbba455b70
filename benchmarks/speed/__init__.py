"""How fast tinyact is beside PyTorch, other autodiff libraries and NumPy by hand, and where its time goes."""
