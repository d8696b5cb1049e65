// Tensors looked at and handled many at once: facts, identities, gradients, copies.

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/_foreach_clamp_max.h>
#include <ATen/ops/_foreach_clamp_min.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>

#include <cstdlib>

#include "shim.h"

extern "C" {
struct Facts {
  int8_t device_type, device_index, kind;
  bool has_gradient, has_fused_adam, has_fused_sgd, has_rmsprop;
};

struct Identity {
  uintptr_t tensor, storage;
  size_t bytes;
};
}

namespace {

bool has_fused_adam(at::DeviceType device, at::ScalarType kind) {
  bool single_or_half = kind == at::kFloat || kind == at::kHalf;
  if (device == at::kMPS) return single_or_half;
  return (device == at::kCPU || device == at::kCUDA) &&
      (single_or_half || kind == at::kDouble || kind == at::kBFloat16);
}

// On the CPU, the SGD kernel does not write parameters of half precision:
// https://github.com/pytorch/pytorch/issues/191763
bool has_fused_sgd(at::DeviceType device, at::ScalarType kind) {
  return has_fused_adam(device, kind) && !(device == at::kCPU && at::isReducedFloatingType(kind));
}

Tensors clippable(List parameters) {
  Tensors all = gradients(parameters);
  for (const at::Tensor& gradient : all) {
    TORCH_CHECK(gradient.layout() == at::kStrided, "clipping does not take sparse gradients, as in PyTorch");
  }
  return all;
}

}  // namespace

extern "C" {

void freeze_free_message(char* message) { free(message); }

char* freeze_facts(List parameters, Facts* facts) {
  return guarded([&] {
    for (size_t i = 0; i < parameters.count; i++) {
      const at::Tensor& parameter = *parameters.tensors[i];
      const at::Tensor& gradient = parameter.grad();
      const at::Device device = parameter.device();
      const at::ScalarType kind = parameter.scalar_type();
      bool laid_out = gradient.defined() && gradient.layout() == at::kStrided && parameter.is_non_overlapping_and_dense();
      facts[i] = {static_cast<int8_t>(device.type()),
                  device.index(),
                  static_cast<int8_t>(kind),
                  gradient.defined(),
                  laid_out && has_fused_adam(device.type(), kind),
                  laid_out && has_fused_sgd(device.type(), kind),
                  laid_out && at::isFloatingType(kind)};
    }
  });
}

char* freeze_identities(List tensors, Identity* identities) {
  return guarded([&] {
    for (size_t i = 0; i < tensors.count; i++) {
      const at::Tensor& tensor = *tensors.tensors[i];
      identities[i] = {reinterpret_cast<uintptr_t>(tensor.unsafeGetTensorImpl()),
                       reinterpret_cast<uintptr_t>(tensor.storage().data()), tensor.storage().nbytes()};
    }
  });
}

char* freeze_drop_gradients(List parameters) {
  return guarded([&] {
    for (size_t i = 0; i < parameters.count; i++) parameters.tensors[i]->mutable_grad().reset();
  });
}

char* freeze_set_gradient(const at::Tensor* tensor, const at::Tensor* gradient) {
  return guarded([&] { tensor->mutable_grad() = *gradient; });
}

char* freeze_gradient_norm(List parameters, double* norm) {
  return guarded([&] {
    *norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(clippable(parameters)))).item<double>();
  });
}

char* freeze_scale_gradients(List parameters, double factor) {
  return guarded([&] { at::_foreach_mul_(clippable(parameters), factor); });
}

char* freeze_clamp_gradients(List parameters, double bound) {
  return guarded([&] {
    Tensors all = clippable(parameters);
    if (!all.empty() && all.front().is_cpu()) {
      for (at::Tensor& gradient : all) gradient.clamp_(-bound, bound);
    } else {
      at::_foreach_clamp_min_(all, -bound);
      at::_foreach_clamp_max_(all, bound);
    }
  });
}

char* freeze_put_back(List targets, List sources) {
  return guarded([&] {
    // A graph that waits for its backward pass holds running statistics that it does not read;
    // below this guard it does not notice that they changed, and goes through.
    at::AutoDispatchBelowADInplaceOrView unnoticed;
    at::_foreach_copy_(collect(targets), collect(sources));
  });
}

}  // extern "C"
