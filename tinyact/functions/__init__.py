"""The operations: one class each, value and derivative side by side, and beside it the public function that applies it.

To read in this order: `arithmetic` and `elementwise`, `activation`, `shape` and `reduction`, `linear`, `softmax`,
`loss`; then the layers, `normalization`, `embedding`, `bilinear`, `windows` and what stands on them, `convolution` and
`pooling`. `comparison` has no derivatives, and `operand` is what all of them check before they start.
"""
