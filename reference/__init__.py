"""What tests and benchmarks measure tinyact by: the mathematics of the activations, and errors in the last place."""
