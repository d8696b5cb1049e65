// Gradients of a scaled loss, with the operations of torch.amp.GradScaler. No value returns to the host.

#include <ATen/ops/_amp_foreach_non_finite_check_and_unscale.h>
#include <ATen/ops/_amp_update_scale.h>
#include <ATen/ops/view_as_real.h>

#include <map>

#include "shim.h"

extern "C" {

// Multiplies gradients of one device by a number, and sets the flag to 1 if one of them is not finite.
char* freeze_unscale(List gradients, const at::Tensor* inverse, const at::Tensor* found_inf) {
  return guarded([&] {
    std::map<at::ScalarType, Tensors> of_kind;
    for (const at::Tensor& gradient : collect(gradients)) {
      at::Tensor values = gradient.is_sparse() ? gradient._values() : gradient;
      if (values.is_complex()) values = at::view_as_real(values);
      of_kind[values.scalar_type()].push_back(values);
    }
    at::Tensor flag = *found_inf;
    for (const auto& [kind, all] : of_kind) at::_amp_foreach_non_finite_check_and_unscale_(all, flag, *inverse);
  });
}

char* freeze_update_scale(const at::Tensor* scale, const at::Tensor* growth_tracker, const at::Tensor* found_inf,
                          double growth_factor, double backoff_factor, int64_t growth_interval) {
  return guarded([&] {
    at::Tensor new_scale = *scale, tracker = *growth_tracker;
    at::_amp_update_scale_(new_scale, tracker, *found_inf, growth_factor, backoff_factor, growth_interval);
  });
}

}  // extern "C"
