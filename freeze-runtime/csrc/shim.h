// What the parts of the shim share.
//
// A function of the shim returns null, or a message that the caller gives back to
// freeze_free_message. No exception leaves it, and nothing in it records gradients.

#pragma once

#include <ATen/ScalarOps.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include <cstring>
#include <vector>

extern "C" struct List {
  const at::Tensor* const* tensors;
  size_t count;
};

using Tensors = std::vector<at::Tensor>;

template <class Body>
char* guarded(Body body) {
  try {
    at::NoGradGuard no_grad;
    body();
    return nullptr;
  } catch (const c10::Error& error) {
    return strdup(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return strdup(error.what());
  } catch (...) {
    return strdup("an exception that is not a std::exception");
  }
}

// A number as Python passes it to an operation: the result keeps the tensor's type, and the number its
// precision. (`mul_` with a Scalar rounds it to the tensor's type first: 0.99 is 0.98828 in bfloat16.)
inline at::Tensor number(double value) { return at::native::wrapped_scalar_tensor(value); }

inline Tensors collect(List list) {
  Tensors tensors;
  tensors.reserve(list.count);
  for (size_t i = 0; i < list.count; i++) tensors.push_back(*list.tensors[i]);
  return tensors;
}

inline Tensors gradients(List parameters) {
  Tensors gradients;
  gradients.reserve(parameters.count);
  for (size_t i = 0; i < parameters.count; i++) gradients.push_back(parameters.tensors[i]->grad());
  return gradients;
}
