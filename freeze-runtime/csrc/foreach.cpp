// Optimizers that libtorch has no fused kernel for, by its multi-tensor operations, with the arithmetic of
// torch.optim's _single_tensor functions. Lion is that of Chen et al. 2023, with its authors' arithmetic.
//
// A complex parameter steps as two real ones.

#include <ATen/ops/_foreach_abs.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_addcdiv.h>
#include <ATen/ops/_foreach_addcmul.h>
#include <ATen/ops/_foreach_div.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_maximum.h>
#include <ATen/ops/_foreach_reciprocal.h>
#include <ATen/ops/_foreach_sign.h>
#include <ATen/ops/_foreach_sqrt.h>
#include <ATen/ops/_sparse_coo_tensor_unsafe.h>

#include <cmath>

#include "steps.h"

extern "C" {
struct AdamaxOptions {
  double lr, beta1, beta2, eps, weight_decay;
};

struct NAdamOptions {
  double lr, beta1, beta2, eps, weight_decay, momentum_decay;
  bool decoupled;
};

struct RAdamOptions {
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled;
};

struct LionOptions {
  double lr, beta1, beta2, weight_decay;
};
}

namespace {

// The tensors of a kind of optimizer state, or none if it has none of the kind.
Tensors state(List list, const Tensors& parameters) {
  Tensors all = collect(list);
  TORCH_CHECK(all.empty() || all.size() == parameters.size(), all.size(), " tensors for ", parameters.size(),
              " parameters");
  return all;
}

// A number that lies on the host, so that no step waits for a device.
float& on_host(const at::Tensor& number) {
  TORCH_CHECK(number.numel() == 1 && number.is_cpu() && number.scalar_type() == at::kFloat, "a step count of ",
              number.toString(), number.sizes());
  return *number.mutable_data_ptr<float>();
}

// Parameters that step together, with what a step reads and writes.
struct Chunk {
  Tensors parameters, gradients, firsts, seconds;
  // The number of this step, counted from 1, and NAdam's product of momenta before it.
  double step, product;

  // Adds weight decay to the gradients.
  void decay(double weight_decay) {
    if (weight_decay != 0) gradients = at::_foreach_add(gradients, parameters, weight_decay);
  }

  // Weight decay that is decoupled from the gradients.
  void decay_decoupled(double lr, double weight_decay) {
    if (weight_decay != 0) scale(parameters, 1 - lr * weight_decay);
  }

  void average(double beta1) { at::_foreach_lerp_(firsts, gradients, 1 - beta1); }

  void average_squares(double beta2) {
    scale(seconds, beta2);
    at::_foreach_addcmul_(seconds, gradients, gradients, 1 - beta2);
  }
};

// Calls `step` with stretches of parameters that have made the same number of steps, with the same product of momenta.
// Counts their steps, and sets the products to what `step` returns.
template <class Step>
void in_chunks(List of, List firsts, List seconds, List steps, List products, Step step) {
  Tensors all = parameters_of(of);
  Tensors counts = state(steps, all), all_products = state(products, all);
  auto values = [&](const Tensors& numbers) {
    std::vector<double> values(all.size(), 0);
    for (size_t i = 0; i < numbers.size(); i++) values[i] = on_host(numbers[i]);
    return values;
  };
  // As they were before any stretch of their parameter steps.
  const std::vector<double> count_of = values(counts), product_of = values(all_products);
  auto real = [](Tensors tensors) {
    for (at::Tensor& tensor : tensors) tensor = as_real(tensor);
    return tensors;
  };
  const Tensors first = real(state(firsts, all)), second = real(state(seconds, all)), grads = real(gradients(of));
  const std::vector<Stretch> stretches = stretches_of(all = real(all));
  const Tensors parameters = cut(all, stretches), all_gradients = cut(grads, stretches);
  const Tensors all_firsts = cut(first, stretches), all_seconds = cut(second, stretches);
  for (size_t start = 0, end = 0; start < stretches.size(); start = end) {
    const size_t most = end_of_chunk(parameters, start);
    Chunk chunk;
    chunk.step = count_of[stretches[start].parameter] + 1;
    chunk.product = product_of[stretches[start].parameter];
    for (end = start; end < most && count_of[stretches[end].parameter] + 1 == chunk.step &&
                      product_of[stretches[end].parameter] == chunk.product;
         end++) {
      chunk.parameters.push_back(parameters[end]);
      chunk.gradients.push_back(all_gradients[end]);
      if (!first.empty()) chunk.firsts.push_back(all_firsts[end]);
      if (!second.empty()) chunk.seconds.push_back(all_seconds[end]);
    }
    float product = step(chunk);
    for (size_t i = start; i < end; i++) {
      const size_t parameter = stretches[i].parameter;
      const bool is_last = i + 1 == stretches.size() || stretches[i + 1].parameter != parameter;
      if (is_last && !counts.empty()) on_host(counts[parameter]) = chunk.step;
      if (is_last && !all_products.empty()) on_host(all_products[parameter]) = product;
    }
  }
}

}  // namespace

extern "C" {

char* freeze_adagrad(List parameters, List sums, List steps, AdagradOptions options) {
  return guarded([&] {
    in_chunks(parameters, sums, {}, steps, {}, [&](Chunk& chunk) {
      chunk.decay(options.weight_decay);
      double lr = options.lr / (1 + (chunk.step - 1) * options.lr_decay);
      at::_foreach_addcmul_(chunk.firsts, chunk.gradients, chunk.gradients, 1);
      Tensors roots = at::_foreach_sqrt(chunk.firsts);
      at::_foreach_add_(roots, options.eps);
      at::_foreach_addcdiv_(chunk.parameters, chunk.gradients, roots, -lr);
      return 0;
    });
  });
}

// A step of Adagrad by a sparse gradient, without weight decay: the rows that it has no numbers for stay.
char* freeze_sparse_adagrad(const at::Tensor* parameter, const at::Tensor* sum, const at::Tensor* step, AdagradOptions options) {
  return guarded([&] {
    at::Tensor gradient = parameter->grad().coalesce();
    at::Tensor indices = gradient._indices(), values = gradient._values();
    auto sparse = [&](const at::Tensor& numbers) {
      return at::_sparse_coo_tensor_unsafe(indices, numbers, gradient.sizes(), values.options().layout(at::kSparse), true);
    };
    float& count = on_host(*step);
    double lr = options.lr / (1 + count * options.lr_decay);
    sum->add_(sparse(values.pow(2)));
    at::Tensor roots = sum->sparse_mask(gradient)._values().sqrt_().add_(options.eps);
    parameter->add_(sparse(values.div(roots)), -lr);
    count += 1;
  });
}

char* freeze_adamax(List parameters, List exp_avgs, List exp_infs, List steps, AdamaxOptions options) {
  return guarded([&] {
    in_chunks(parameters, exp_avgs, exp_infs, steps, {}, [&](Chunk& chunk) {
      chunk.decay(options.weight_decay);
      chunk.average(options.beta1);
      scale(chunk.seconds, options.beta2);
      Tensors sizes = at::_foreach_abs(chunk.gradients);
      at::_foreach_add_(sizes, options.eps);
      at::_foreach_maximum_(chunk.seconds, sizes);
      double bias_correction = 1 - std::pow(options.beta1, chunk.step);
      at::_foreach_addcdiv_(chunk.parameters, chunk.firsts, chunk.seconds, -(options.lr / bias_correction));
      return 0;
    });
  });
}

char* freeze_nadam(List parameters, List exp_avgs, List exp_avg_sqs, List steps, List mu_products, NAdamOptions options) {
  return guarded([&] {
    in_chunks(parameters, exp_avgs, exp_avg_sqs, steps, mu_products, [&](Chunk& chunk) {
      auto [lr, beta1, beta2, eps, weight_decay, momentum_decay, decoupled] = options;
      if (decoupled) {
        chunk.decay_decoupled(lr, weight_decay);
      } else {
        chunk.decay(weight_decay);
      }
      auto momentum = [&, beta1 = beta1, decay = momentum_decay](double step) {
        return beta1 * (1 - 0.5 * std::pow(0.96, step * decay));
      };
      double mu = momentum(chunk.step), mu_next = momentum(chunk.step + 1);
      float product = static_cast<float>(chunk.product) * static_cast<float>(mu);
      chunk.average(beta1);
      chunk.average_squares(beta2);
      Tensors roots = at::_foreach_div(chunk.seconds, 1 - std::pow(beta2, chunk.step));
      at::_foreach_sqrt_(roots);
      at::_foreach_add_(roots, eps);
      double of_gradient = -lr * (1 - mu) / (1 - static_cast<double>(product));
      double of_average = -lr * mu_next / (1 - static_cast<double>(product) * mu_next);
      at::_foreach_addcdiv_(chunk.parameters, chunk.gradients, roots, of_gradient);
      at::_foreach_addcdiv_(chunk.parameters, chunk.firsts, roots, of_average);
      return product;
    });
  });
}

char* freeze_radam(List parameters, List exp_avgs, List exp_avg_sqs, List steps, RAdamOptions options) {
  return guarded([&] {
    in_chunks(parameters, exp_avgs, exp_avg_sqs, steps, {}, [&](Chunk& chunk) {
      auto [lr, beta1, beta2, eps, weight_decay, decoupled] = options;
      if (decoupled) {
        chunk.decay_decoupled(lr, weight_decay);
      } else {
        chunk.decay(weight_decay);
      }
      chunk.average(beta1);
      chunk.average_squares(beta2);
      double power = std::pow(beta2, chunk.step), bias_correction2 = 1 - power;
      double rho_inf = 2 / (1 - beta2) - 1;
      double rho = rho_inf - 2 * chunk.step * power / bias_correction2;
      Tensors update = at::_foreach_div(chunk.firsts, 1 - std::pow(beta1, chunk.step));
      scale(update, lr);
      // Before that, the variance of the squares is too large to divide by their root.
      if (rho > 5) {
        double rect = std::sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho));
        Tensors rates = at::_foreach_sqrt(chunk.seconds);
        at::_foreach_add_(rates, eps);
        at::_foreach_reciprocal_(rates);
        scale(rates, std::sqrt(bias_correction2));
        at::_foreach_mul_(update, rates);
        scale(update, rect);
      }
      at::_foreach_add_(chunk.parameters, update, -1);
      return 0;
    });
  });
}

char* freeze_lion(List parameters, List exp_avgs, LionOptions options) {
  return guarded([&] {
    in_chunks(parameters, exp_avgs, {}, {}, {}, [&](Chunk& chunk) {
      chunk.decay_decoupled(options.lr, options.weight_decay);
      Tensors update = scaled(chunk.firsts, options.beta1);
      at::_foreach_add_(update, scaled(chunk.gradients, 1 - options.beta1));
      at::_foreach_sign_(update);
      at::_foreach_add_(chunk.parameters, update, -options.lr);
      scale(chunk.firsts, options.beta2);
      at::_foreach_add_(chunk.firsts, chunk.gradients, 1 - options.beta2);
      return 0;
    });
  });
}

// The bytes of temporary tensors of a step in chunks, one like each stretch of a chunk, each of which an allocator may
// round up to 512 bytes.
char* freeze_chunk_scratch(List parameters, size_t* bytes) {
  return guarded([&] {
    const Tensors all = collect(parameters);
    const Tensors stretches = cut(all, stretches_of(all));
    size_t most = 0;
    for (size_t start = 0, end = 0; start < stretches.size(); start = end) {
      end = end_of_chunk(stretches, start);
      size_t own = 0;
      for (size_t i = start; i < end; i++) own += (stretches[i].nbytes() + 511) / 512 * 512;
      most = std::max(most, own);
    }
    *bytes = most;
  });
}

}  // extern "C"
