// What tch does not bind: libtorch's fused optimizer steps, its multi-tensor calls, and the
// gradient slot of a tensor. The arithmetic follows torch.optim with fused=True and
// torch.nn.utils.clip_grad_*.
//
// A function returns null, or a message that the caller gives back to freeze_free_message.

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_clamp_max.h>
#include <ATen/ops/_foreach_clamp_min.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

extern "C" {
struct List {
  const at::Tensor* const* tensors;
  size_t count;
};

struct Facts {
  int8_t device_type, device_index, kind;
  bool has_gradient, has_fused_kernel;
};

struct Identity {
  uintptr_t tensor, storage;
  size_t bytes;
};

struct AdamOptions {
  double lr, beta1, beta2, eps, weight_decay;
  bool amsgrad, decoupled;
};

struct SgdOptions {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, is_first_step;
};
}

namespace {

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

bool fused_kernels_take(at::DeviceType device, at::ScalarType kind) {
  bool single_or_half = kind == at::kFloat || kind == at::kHalf;
  bool floating = single_or_half || kind == at::kDouble || kind == at::kBFloat16;
  return device == at::kMPS ? single_or_half : floating && (device == at::kCPU || device == at::kCUDA);
}

Tensors collect(List list) {
  Tensors tensors;
  tensors.reserve(list.count);
  for (size_t i = 0; i < list.count; i++) tensors.push_back(*list.tensors[i]);
  return tensors;
}

Tensors gradients(List parameters) {
  Tensors gradients;
  gradients.reserve(parameters.count);
  for (size_t i = 0; i < parameters.count; i++) gradients.push_back(parameters.tensors[i]->grad());
  return gradients;
}

bool same_layout(const at::Tensor& a, const at::Tensor& b) {
  return a.strides() == b.strides() || (a.is_contiguous() && b.is_contiguous());
}

// The CPU kernels walk all tensors by pointer, as far as the parameter goes, and check nothing.
void require_like(const Tensors& parameters, const Tensors& others) {
  TORCH_CHECK(others.size() == parameters.size(), others.size(), " tensors for ", parameters.size(), " parameters");
  for (size_t i = 0; i < others.size(); i++) {
    const at::Tensor &parameter = parameters[i], &other = others[i];
    TORCH_CHECK(parameter.is_non_overlapping_and_dense() && other.sizes() == parameter.sizes() &&
                    same_layout(other, parameter) && other.scalar_type() == parameter.scalar_type() &&
                    other.device() == parameter.device(),
                "a gradient or optimizer state of ", other.toString(), other.sizes(), other.strides(),
                " does not go with a parameter of ", parameter.toString(), parameter.sizes(), parameter.strides());
  }
}

Tensors states(List list, const Tensors& parameters) {
  Tensors all = collect(list);
  require_like(parameters, all);
  return all;
}

// Gradients in the memory layout of their parameters, copied where theirs is another.
Tensors laid_out_gradients(List list, const Tensors& parameters) {
  Tensors all = gradients(list);
  for (size_t i = 0; i < all.size(); i++) {
    if (!same_layout(all[i], parameters[i])) all[i] = at::empty_like(parameters[i]).copy_(all[i]);
  }
  require_like(parameters, all);
  return all;
}

Tensors advance(List list, const Tensors& parameters) {
  TORCH_CHECK(list.count > 0 && list.count == parameters.size(), list.count, " step counts for ", parameters.size(), " parameters");
  Tensors steps = collect(list);
  for (size_t i = 0; i < steps.size(); i++) {
    TORCH_CHECK(steps[i].numel() == 1 && steps[i].scalar_type() == at::kFloat &&
                    steps[i].device() == parameters[i].device(),
                "a step count of ", steps[i].toString(), steps[i].sizes());
  }
  // On the CPU `_foreach_add_` is one dispatch a tensor, which costs more than a small update.
  if (parameters.front().is_cpu()) {
    for (const at::Tensor& step : steps) *step.mutable_data_ptr<float>() += 1;
  } else {
    at::_foreach_add_(steps, 1);
  }
  return steps;
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
      bool fused = gradient.defined() && gradient.layout() == at::kStrided &&
          parameter.is_non_overlapping_and_dense() && fused_kernels_take(device.type(), parameter.scalar_type());
      facts[i] = {static_cast<int8_t>(device.type()), device.index(), static_cast<int8_t>(parameter.scalar_type()),
                  gradient.defined(), fused};
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

char* freeze_fused_adam(List parameters, List exp_avgs, List exp_avg_sqs, List max_exp_avg_sqs, List steps,
                        AdamOptions options) {
  return guarded([&] {
    Tensors all = collect(parameters);
    Tensors gradients = laid_out_gradients(parameters, all);
    Tensors averages = states(exp_avgs, all);
    Tensors squares = states(exp_avg_sqs, all);
    Tensors maxima = options.amsgrad ? states(max_exp_avg_sqs, all) : Tensors();
    Tensors counts = advance(steps, all);
    auto update = options.decoupled ? at::_ops::_fused_adamw_::call : at::_ops::_fused_adam_::call;
    update(all, gradients, averages, squares, maxima, counts, options.lr, options.beta1, options.beta2,
           options.weight_decay, options.eps, options.amsgrad, false, {}, {});
  });
}

char* freeze_fused_sgd(List parameters, List momentum_buffers, SgdOptions options) {
  return guarded([&] {
    Tensors all = collect(parameters);
    Tensors gradients = laid_out_gradients(parameters, all);
    Tensors buffers = options.momentum == 0 ? Tensors() : states(momentum_buffers, all);
    at::_fused_sgd_(all, gradients, buffers, options.weight_decay, options.momentum, options.lr, options.dampening,
                    options.nesterov, false, options.is_first_step);
  });
}

char* freeze_drop_gradients(List parameters) {
  return guarded([&] {
    for (size_t i = 0; i < parameters.count; i++) parameters.tensors[i]->mutable_grad().reset();
  });
}

char* freeze_gradient_norm(List parameters, double* norm) {
  return guarded([&] {
    *norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients(parameters)))).item<double>();
  });
}

char* freeze_scale_gradients(List parameters, double factor) {
  return guarded([&] { at::_foreach_mul_(gradients(parameters), factor); });
}

char* freeze_clamp_gradients(List parameters, double bound) {
  return guarded([&] {
    Tensors all = gradients(parameters);
    at::_foreach_clamp_min_(all, -bound);
    at::_foreach_clamp_max_(all, bound);
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
