// Gradient clipping, with the operations of torch.nn.utils.clip_grad. No value returns to the host,
// unless gradients lie on several devices and the first of them on the CPU.

#include <ATen/ops/_foreach_clamp_max.h>
#include <ATen/ops/_foreach_clamp_min.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <c10/core/DynamicCast.h>

#include "shim.h"

namespace {

Tensors clippable(List parameters) {
  Tensors all = gradients(parameters);
  for (const at::Tensor& gradient : all) {
    TORCH_CHECK(gradient.layout() == at::kStrided, "clipping does not take sparse gradients, as in PyTorch");
  }
  return all;
}

}  // namespace

extern "C" {

// The L2 norm of each gradient, as tensors on their device; if precise, in single precision at least.
char* freeze_gradient_norms(List parameters, bool is_precise, at::Tensor** norms) {
  return guarded([&] {
    Tensors all = clippable(parameters);
    const bool is_half = !all.empty() && at::elementSize(all.front().scalar_type()) < 4;
    std::optional<at::ScalarType> type;
    if (is_precise && is_half) type = at::kFloat;
    hand_over(at::_foreach_norm(all, 2, type), norms);
  });
}

// The norm of norms, and the factor that brings it to a maximum: 1 where it is below that.
char* freeze_total_norm(List norms, double max, at::Tensor** norm_and_factor) {
  return guarded([&] {
    Tensors all = collect(norms);
    for (at::Tensor& one : all) one = one.to(all.front().device());
    at::Tensor total = at::linalg_vector_norm(at::stack(all));
    // Python's `max / (total + 1e-6)`, which is computed in this way.
    at::Tensor coefficient = total.add(number(1e-6)).reciprocal().mul(number(max));
    hand_over({total, at::clamp(coefficient, std::nullopt, 1.0)}, norm_and_factor);
  });
}

char* freeze_scale_gradients(List parameters, const at::Tensor* factor) {
  return guarded([&] {
    Tensors all = clippable(parameters);
    if (all.empty()) return;
    // Where reading the factor costs nothing, multiplying by 1 is left out.
    if (factor->is_cpu() && c10::fetch_and_cast<double>(factor->scalar_type(), factor->const_data_ptr()) == 1) return;
    at::_foreach_mul_(all, factor->to(all.front().device()));
  });
}

char* freeze_require_clippable(List parameters) {
  return guarded([&] { clippable(parameters); });
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

}  // extern "C"
