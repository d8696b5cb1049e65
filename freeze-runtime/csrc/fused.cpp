// The optimizer steps: libtorch's fused kernels, which tch does not bind, called as torch.optim does
// with fused=True, and RMSprop as torch.optim does with foreach=True.

#include <ATen/MemoryOverlap.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_addcdiv.h>
#include <ATen/ops/_foreach_addcmul.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_sqrt.h>
#include <ATen/ops/_foreach_sub.h>
#include <ATen/ops/_fused_adagrad.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty_like.h>

#include "steps.h"

extern "C" {
struct AdamOptions {
  double lr, beta1, beta2, eps, weight_decay;
  bool amsgrad, decoupled;
};

struct SgdOptions {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, is_first_step;
};

struct RmsPropOptions {
  double lr, alpha, eps, weight_decay, momentum;
  bool centered;
};

// The scale that gradients are to be divided by, and whether one of them is not finite, so that nothing moves;
// null for none.
struct Scaling {
  const at::Tensor *grad_scale, *found_inf;
};
}

namespace {

bool same_layout(const at::Tensor& a, const at::Tensor& b) {
  return a.strides() == b.strides() || (a.is_contiguous() && b.is_contiguous());
}

// What libtorch has arithmetic for: floating types of 8 bits and less are for storage alone.
bool has_arithmetic(at::ScalarType kind) {
  at::ScalarType real = c10::toRealValueType(kind);
  return real == at::kFloat || real == at::kDouble || real == at::kHalf || real == at::kBFloat16;
}

// Fails, saying what does not go with what, unless it fits.
void require_fit(bool fits, const char* what, const at::Tensor& other, const at::Tensor& parameter) {
  TORCH_CHECK(fits, what, " of ", other.toString(), other.sizes(), " on ", other.device(), ", ", other.layout(),
              ", does not go with a parameter of ", parameter.toString(), parameter.sizes(), " on ",
              parameter.device(), ", ", parameter.layout());
}

// The CPU kernels walk all tensors by pointer, as far as the parameter goes, and check nothing.
void require_like(const Tensors& parameters, const Tensors& others) {
  TORCH_CHECK(others.size() == parameters.size(), others.size(), " tensors for ", parameters.size(), " parameters");
  for (size_t i = 0; i < others.size(); i++) {
    const at::Tensor &parameter = parameters[i], &other = others[i];
    TORCH_CHECK(parameter.is_non_overlapping_and_dense() && same_kind(other, parameter) &&
                    same_layout(other, parameter),
                "a gradient or optimizer state of ", other.toString(), other.sizes(), other.strides(),
                " does not go with a parameter of ", parameter.toString(), parameter.sizes(), parameter.strides());
  }
}

Tensors states(List list, const Tensors& parameters) {
  Tensors all = collect(list);
  require_like(parameters, all);
  return all;
}

Tensors step_counts(List list, const Tensors& parameters) {
  TORCH_CHECK(list.count == parameters.size(), list.count, " step counts for ", parameters.size(), " parameters");
  Tensors steps = collect(list);
  for (size_t i = 0; i < steps.size(); i++) {
    TORCH_CHECK(steps[i].numel() == 1 && steps[i].scalar_type() == at::kFloat &&
                    steps[i].device() == parameters[i].device(),
                "a step count of ", steps[i].toString(), steps[i].sizes());
  }
  return steps;
}

void add(const Tensors& steps, float count) {
  // On the CPU `_foreach_add_` is one dispatch a tensor, which costs more than a small update.
  if (steps.front().is_cpu()) {
    for (const at::Tensor& step : steps) *step.mutable_data_ptr<float>() += count;
  } else {
    at::_foreach_add_(steps, count);
  }
}

using OptionalTensor = std::optional<at::Tensor>;

// A number that the kernels read by its pointer.
OptionalTensor number_beside(const at::Tensor* number, const Tensors& parameters) {
  if (!number) return std::nullopt;
  TORCH_CHECK(number->numel() == 1 && number->scalar_type() == at::kFloat && number->device() == parameters.front().device(),
              "a scale or flag of ", number->toString(), number->sizes(), " on ", number->device());
  return *number;
}

// Calls `update` with the scale and the flag, and counts the step unless the flag is set.
template <class Update>
void counted(const Tensors& steps, const Scaling& scaling, Update update) {
  OptionalTensor grad_scale = number_beside(scaling.grad_scale, steps);
  OptionalTensor found_inf = number_beside(scaling.found_inf, steps);
  add(steps, 1);
  try {
    update(grad_scale, found_inf);
  } catch (...) {
    add(steps, -1);
    throw;
  }
  if (!found_inf) return;
  if (found_inf->is_cpu()) {
    add(steps, -*found_inf->const_data_ptr<float>());
  } else {
    at::_foreach_sub_(steps, Tensors(steps.size(), *found_inf));
  }
}

// As torch.optim's _multi_tensor_rmsprop, which has the arithmetic of _single_tensor_rmsprop.
void rmsprop(at::TensorList parameters, at::TensorList gradients, at::TensorList square_avgs, at::TensorList grad_avgs,
             at::TensorList momentum_buffers, const RmsPropOptions& options) {
  Tensors decayed;
  if (options.weight_decay != 0) {
    decayed = at::_foreach_add(gradients, parameters, options.weight_decay);
    gradients = decayed;
  }
  scale(square_avgs, options.alpha);
  at::_foreach_addcmul_(square_avgs, gradients, gradients, 1 - options.alpha);
  Tensors avgs;
  if (options.centered) {
    at::_foreach_lerp_(grad_avgs, gradients, 1 - options.alpha);
    avgs = at::_foreach_addcmul(square_avgs, grad_avgs, grad_avgs, -1);
    at::_foreach_sqrt_(avgs);
  } else {
    avgs = at::_foreach_sqrt(square_avgs);
  }
  at::_foreach_add_(avgs, options.eps);
  if (options.momentum == 0) {
    at::_foreach_addcdiv_(parameters, gradients, avgs, -options.lr);
  } else {
    scale(momentum_buffers, options.momentum);
    at::_foreach_addcdiv_(momentum_buffers, gradients, avgs);
    at::_foreach_add_(parameters, momentum_buffers, -options.lr);
  }
}

}  // namespace

extern "C" {

char* freeze_require_gradients(List parameters) {
  return guarded([&] {
    for (size_t i = 0; i < parameters.count; i++) {
      const at::Tensor& parameter = *parameters.tensors[i];
      const at::Tensor& gradient = parameter.grad();
      TORCH_CHECK(has_arithmetic(parameter.scalar_type()), "no optimizer steps a parameter of ", parameter.toString());
      TORCH_CHECK(at::has_internal_overlap(parameter) != at::MemOverlap::Yes, "numbers of a parameter of ",
                  parameter.toString(), parameter.sizes(), " share memory, so that it cannot step");
      TORCH_CHECK(gradient.defined(), "a parameter without a gradient");
      // A sparse complex tensor has no view as real numbers.
      bool layout = gradient.layout() == at::kStrided || (gradient.is_sparse() && !parameter.is_complex());
      require_fit(layout && same_kind(gradient, parameter), "a gradient", gradient, parameter);
    }
  });
}

char* freeze_require_states(List parameters, List states, bool laid_out) {
  return guarded([&] {
    TORCH_CHECK(states.count == parameters.count, states.count, " tensors for ", parameters.count, " parameters");
    for (size_t i = 0; i < states.count; i++) {
      const at::Tensor &parameter = *parameters.tensors[i], &state = *states.tensors[i];
      bool fits = same_kind(state, parameter) && (!laid_out || same_layout(state, parameter));
      require_fit(fits, "optimizer state", state, parameter);
    }
  });
}

// Gradients in the memory layout of their parameters: copies where theirs is another, each in a tensor that
// is handed over.
char* freeze_laid_out_gradients(List parameters, at::Tensor** gradients) {
  return guarded([&] {
    Tensors all = ::gradients(parameters);
    for (size_t i = 0; i < all.size(); i++) {
      const at::Tensor& parameter = *parameters.tensors[i];
      if (!same_layout(all[i], parameter)) all[i] = at::empty_like(parameter).copy_(all[i]);
    }
    hand_over(all, gradients);
  });
}

char* freeze_fused_adam(List parameters, List gradients, List exp_avgs, List exp_avg_sqs, List max_exp_avg_sqs, List steps,
                        AdamOptions options, Scaling scaling) {
  return guarded([&] {
    Tensors all = parameters_of(parameters);
    Tensors grads = states(gradients, all);
    Tensors averages = states(exp_avgs, all);
    Tensors squares = states(exp_avg_sqs, all);
    Tensors maxima = options.amsgrad ? states(max_exp_avg_sqs, all) : Tensors();
    Tensors counts = step_counts(steps, all);
    auto update = options.decoupled ? at::_ops::_fused_adamw_::call : at::_ops::_fused_adam_::call;
    counted(counts, scaling, [&](const OptionalTensor& grad_scale, const OptionalTensor& found_inf) {
      update(all, grads, averages, squares, maxima, counts, options.lr, options.beta1, options.beta2,
             options.weight_decay, options.eps, options.amsgrad, false, grad_scale, found_inf);
    });
  });
}

char* freeze_fused_adagrad(List parameters, List gradients, List sums, List steps, AdagradOptions options,
                           Scaling scaling) {
  return guarded([&] {
    Tensors all = parameters_of(parameters);
    Tensors grads = states(gradients, all);
    Tensors squares = states(sums, all);
    Tensors counts = step_counts(steps, all);
    counted(counts, scaling, [&](const OptionalTensor& grad_scale, const OptionalTensor& found_inf) {
      at::_fused_adagrad_(all, grads, squares, counts, options.lr, options.lr_decay, options.weight_decay, options.eps,
                          false, grad_scale, found_inf);
    });
  });
}

char* freeze_fused_sgd(List parameters, List gradients, List momentum_buffers, SgdOptions options, Scaling scaling) {
  return guarded([&] {
    Tensors all = parameters_of(parameters);
    Tensors grads = states(gradients, all);
    Tensors buffers = options.momentum == 0 ? Tensors() : states(momentum_buffers, all);
    at::_fused_sgd_(all, grads, buffers, options.weight_decay, options.momentum, options.lr, options.dampening,
                    options.nesterov, false, options.is_first_step && !buffers.empty(),
                    number_beside(scaling.grad_scale, all), number_beside(scaling.found_inf, all));
  });
}

char* freeze_rmsprop(List parameters, List gradients, List square_avgs, List grad_avgs, List momentum_buffers, RmsPropOptions options) {
  return guarded([&] {
    Tensors all = parameters_of(parameters);
    Tensors grads = states(gradients, all);
    Tensors squares = states(square_avgs, all);
    Tensors averages = options.centered ? states(grad_avgs, all) : Tensors();
    Tensors buffers = options.momentum == 0 ? Tensors() : states(momentum_buffers, all);
    const std::vector<Stretch> stretches = stretches_of(all);
    for (Tensors* list : {&grads, &squares, &averages, &buffers, &all}) *list = cut(*list, stretches);
    for (size_t start = 0, end = 0; start < all.size(); start = end) {
      end = end_of_chunk(all, start);
      auto part = [&](const Tensors& list) {
        return list.empty() ? at::TensorList() : at::TensorList(list).slice(start, end - start);
      };
      rmsprop(part(all), part(grads), part(squares), part(averages), part(buffers), options);
    }
  });
}

}  // extern "C"
