// What the steps of optimizers share.

#pragma once

#include <ATen/ops/_foreach_mul.h>

#include "shim.h"

inline bool same_kind(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() && a.device() == b.device();
}

inline Tensors parameters_of(List list) {
  TORCH_CHECK(list.count > 0, "no parameters");
  Tensors all = collect(list);
  for (const at::Tensor& parameter : all) {
    TORCH_CHECK(parameter.scalar_type() == all.front().scalar_type() && parameter.device() == all.front().device(),
                "parameters of ", parameter.toString(), " and ", all.front().toString(), " in one call");
  }
  return all;
}

// Multiplies as Python does. On the CPU `_foreach_mul_` would round the factor to the tensors' type.
inline void scale(at::TensorList tensors, double factor) {
  if (!tensors.empty() && tensors.front().is_cpu()) {
    for (const at::Tensor& tensor : tensors) tensor.mul_(number(factor));
  } else {
    at::_foreach_mul_(tensors, factor);
  }
}

// The products, as Python has them.
inline Tensors scaled(at::TensorList tensors, double factor) {
  if (tensors.empty() || !tensors.front().is_cpu()) return at::_foreach_mul(tensors, factor);
  Tensors products;
  for (const at::Tensor& tensor : tensors) products.push_back(tensor.mul(number(factor)));
  return products;
}

// The most bytes of parameters, more than one, that step together, so that temporary tensors stay small.
constexpr size_t most_bytes = 128 << 20;

// Where a chunk of parameters ends that step together, at `most_bytes`, and after one parameter on the CPU, where several at once gain nothing.
inline size_t end_of_chunk(const Tensors& parameters, size_t start) {
  size_t end = start + 1, bytes = parameters[start].nbytes();
  while (!parameters[start].is_cpu() && end < parameters.size() && bytes + parameters[end].nbytes() <= most_bytes) {
    bytes += parameters[end++].nbytes();
  }
  return end;
}
