"""Activations in numpy against Keras' own and its gradients."""

import numpy as np
import pytest

from localcloud.bqml.network import training
from localcloud.bqml.network.activation import ACTIVATIONS

pytestmark = pytest.mark.covers("DNN_CLASSIFIER")

VALUES = np.array([[-7.5, -1.0, -0.25], [0.3, 2.0, 7.5]])


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_an_activation_is_what_keras_trains_with(name):
    keras, _ = training._libraries()

    mine = ACTIVATIONS[name].apply(VALUES)

    theirs = training._activated(keras, name, keras.ops.convert_to_tensor(VALUES))
    assert np.allclose(mine, np.asarray(theirs), atol=1e-6)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_a_gradient_goes_back_through_an_activation(name):
    keras, jax = training._libraries()
    given = ACTIVATIONS[name].apply(VALUES)
    factors = np.arange(1.0, given.size + 1).reshape(given.shape)

    mine = ACTIVATIONS[name].back(factors, given)

    def total(values):
        return (training._activated(keras, name, values) * factors).sum()

    assert np.allclose(mine, np.asarray(jax.grad(total)(VALUES.astype("float32"))), atol=1e-3)
