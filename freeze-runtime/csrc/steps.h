// What the steps of optimizers share.

#pragma once

#include <ATen/ops/_foreach_mul.h>

#include <algorithm>

#include "shim.h"

struct AdagradOptions {
  double lr, lr_decay, weight_decay, eps;
};

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

// The most bytes of a parameter, or of parameters, that step together, so that temporary tensors stay small.
inline size_t most_bytes(const at::Tensor& parameter) {
  return static_cast<size_t>(parameter.is_cpu() ? 16 : 128) << 20;
}

// A stretch of a parameter along a dimension, or all of it where `length` is 0.
struct Stretch {
  size_t parameter;
  int64_t dimension, start, length;

  at::Tensor of(const at::Tensor& tensor) const {
    return length == 0 ? tensor : tensor.narrow(dimension, start, length);
  }
};

// Parameters in stretches of at most `most_bytes`, in order.
inline std::vector<Stretch> stretches_of(const Tensors& parameters) {
  std::vector<Stretch> all;
  all.reserve(parameters.size());
  for (size_t i = 0; i < parameters.size(); i++) {
    const at::Tensor& parameter = parameters[i];
    const size_t bytes = parameter.nbytes(), most = most_bytes(parameter);
    if (bytes <= most) {
      all.push_back({i, 0, 0, 0});
      continue;
    }
    // The first dimension is cut if that is enough, since stretches of it lie in one piece.
    int64_t dimension = 0;
    for (int64_t other = 1; other < parameter.dim() && bytes / parameter.size(dimension) > most; other++) {
      if (parameter.size(other) > parameter.size(dimension)) dimension = other;
    }
    const int64_t size = parameter.size(dimension);
    int64_t length = std::max<int64_t>(1, most / (bytes / size));
    // So that kernels see whole vectors, as they do in the whole parameter.
    if (length > 64) length -= length % 64;
    for (int64_t start = 0; start < size; start += length) {
      all.push_back({i, dimension, start, std::min(length, size - start)});
    }
  }
  return all;
}

// The stretches of the tensors of a list that has one for each parameter, or none.
inline Tensors cut(const Tensors& list, const std::vector<Stretch>& stretches) {
  Tensors all;
  if (list.empty()) return all;
  all.reserve(stretches.size());
  for (const Stretch& stretch : stretches) all.push_back(stretch.of(list[stretch.parameter]));
  return all;
}

// Where a chunk of stretches ends that step together, at `most_bytes`, and after one on the CPU, where several at
// once gain nothing.
inline size_t end_of_chunk(const Tensors& all, size_t start) {
  size_t end = start + 1, bytes = all[start].nbytes();
  const size_t most = most_bytes(all[start]);
  while (!all[start].is_cpu() && end < all.size() && bytes + all[end].nbytes() <= most) {
    bytes += all[end++].nbytes();
  }
  return end;
}
