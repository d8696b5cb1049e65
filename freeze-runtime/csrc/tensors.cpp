// Many tensors at once: facts, identities, gradients.

#include <ATen/ops/_foreach_copy.h>

#include <cstdlib>

#include "shim.h"

extern "C" {
struct Facts {
  int8_t device_type, device_index, kind;
  bool has_gradient, has_dense_gradient, has_fused_adam, has_fused_sgd, has_fused_adagrad, has_rmsprop;
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

}  // namespace

extern "C" {

void freeze_free_message(char* text) {
  if (text != out_of_memory) free(text);
}

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
                  gradient.defined() && gradient.layout() == at::kStrided,
                  laid_out && has_fused_adam(device.type(), kind),
                  laid_out && has_fused_sgd(device.type(), kind),
                  laid_out && device.is_cpu() && has_fused_adam(device.type(), kind),
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

// 0 for strided memory, 1 for another layout, 2 for memory that has conjugates or negatives.
char* freeze_layouts(List tensors, uint8_t* layouts) {
  return guarded([&] {
    for (size_t i = 0; i < tensors.count; i++) {
      const at::Tensor& tensor = *tensors.tensors[i];
      layouts[i] = tensor.layout() != at::kStrided || !tensor.has_storage() ? 1
          : tensor.is_conj() || tensor.is_neg()                             ? 2
                                                                            : 0;
    }
  });
}

char* freeze_drop_gradients(List parameters) {
  return guarded([&] {
    for (size_t i = 0; i < parameters.count; i++) parameters.tensors[i]->mutable_grad().reset();
  });
}

// Copies each tensor into another one of its shape, which may have another type.
char* freeze_copy_all(List to, List from) {
  return guarded([&] {
    TORCH_CHECK(to.count == from.count, "each tensor must have one to copy from");
    if (to.count > 0) at::_foreach_copy_(collect(to), collect(from));
  });
}

char* freeze_copy_without_waiting(List to, List from) {
  return guarded([&] {
    TORCH_CHECK(to.count == from.count, "each tensor must have a source");
    for (size_t i = 0; i < to.count; i++) to.tensors[i]->copy_(*from.tensors[i], true);
  });
}

char* freeze_set_gradient(const at::Tensor* tensor, const at::Tensor* gradient) {
  return guarded([&] { tensor->mutable_grad() = *gradient; });
}

}  // extern "C"
