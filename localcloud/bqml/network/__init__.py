"""Dense neural networks: Keras trains them on JAX, numpy scores and explains with what it fitted.

Whoever wants a fitted network as something else, such as a file of another format, finds its
numbers in `Layers.dense`, in order, with `Layers.activation` between them.
"""
