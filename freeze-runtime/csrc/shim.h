// What the parts of the shim share.
//
// A function of the shim returns null, or a message that the caller gives back to
// freeze_free_message. No exception leaves it, and nothing in it records gradients.

#pragma once

#include <ATen/ScalarOps.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/view_as_real.h>

#include <cstring>
#include <vector>

extern "C" struct List {
  const at::Tensor* const* tensors;
  size_t count;
};

using Tensors = std::vector<at::Tensor>;

// What there is to say when not even a message can be allocated. It is never freed.
inline char out_of_memory[] = "out of memory";

inline char* message(const char* text) {
  char* copy = strdup(text);
  return copy ? copy : out_of_memory;
}

// Hands tensors over: all of them, or none if memory runs out.
inline void hand_over(const Tensors& tensors, at::Tensor** places) {
  size_t done = 0;
  try {
    for (; done < tensors.size(); done++) places[done] = new at::Tensor(tensors[done]);
  } catch (...) {
    while (done > 0) delete places[--done];
    throw;
  }
}

template <class Body>
char* guarded(Body body) {
  try {
    at::NoGradGuard no_grad;
    body();
    return nullptr;
  } catch (const c10::Error& error) {
    return message(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return message(error.what());
  } catch (...) {
    return message("an exception that is not a std::exception");
  }
}

// A number as Python passes it to an operation: the result keeps the tensor's type, and the number its
// precision. (`mul_` with a Scalar rounds it to the tensor's type first: 0.99 is 0.98828 in bfloat16.)
inline at::Tensor number(double value) { return at::native::wrapped_scalar_tensor(value); }

// A tensor of real numbers in the memory of a complex one: what every kernel and every process can add.
inline at::Tensor as_real(const at::Tensor& tensor) {
  return tensor.is_complex() ? at::view_as_real(tensor.resolve_conj()) : tensor;
}

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
