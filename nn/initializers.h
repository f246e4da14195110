#ifndef STATOR_NN_INITIALIZERS_H_
#define STATOR_NN_INITIALIZERS_H_

#include "nn/variables.h"

// First values of variables. Random ones come from counters, not from a generator's state: the same
// seed and name give the same value on every machine. A kernel's last two dimensions are its inputs
// and outputs; those in front are the window of a convolution.

namespace stator::nn {

Initializer Zeros();
Initializer Ones();
Initializer ConstantValue(float value);
// Uniform in ±sqrt(6 / (fan in + fan out)), which keeps variances where activations are linear
// around 0.
Initializer GlorotUniform();
// Normal with variance 2 / fan in, which keeps them through ReLU.
Initializer HeNormal();

}  // namespace stator::nn

#endif  // STATOR_NN_INITIALIZERS_H_
