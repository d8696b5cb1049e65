// Optimizers that see a parameter as a matrix: Muon and Adafactor, with the arithmetic of torch.optim.
//
// Row slices of one parameter that are treated alike, one after another, are a run: one matrix. Each slice keeps
// a state of its own, so that runs may part and join.

#include <ATen/ops/addmm.h>
#include <ATen/ops/as_strided.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/matmul.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
#include <cmath>

#include "steps.h"

extern "C" {
struct MuonOptions {
  double lr, weight_decay, momentum, eps;
  uint32_t steps;
  bool nesterov, match_rms;
};

struct AdafactorOptions {
  double lr, weight_decay, beta2_decay, eps1, eps2, d;
};
}

namespace {

// The products of matrices have the types that are written here, whatever a forward pass may have.
struct WithoutAutocast {
  c10::impl::ExcludeDispatchKeyGuard guard{c10::autocast_dispatch_keyset};
};

// Slices that are one matrix, by their indices.
struct Run {
  size_t start, end;

  bool is_one() const { return end - start == 1; }

  Tensors of(const Tensors& all) const { return Tensors(all.begin() + start, all.begin() + end); }
};

// Calls `step` with each run: a slice that `follows` is in the run of the slice before it.
template <class Step>
void each_run(size_t count, const bool* follows, Step step) {
  for (size_t start = 0, end = 0; start < count; start = end) {
    end = start + 1;
    while (end < count && follows[end]) end++;
    step(Run{start, end});
  }
}

// Row slices as one tensor: a view where they lie one after another in memory, else a copy.
at::Tensor joined(const Tensors& slices) {
  const at::Tensor& first = slices.front();
  if (slices.size() == 1) return first;
  int64_t rows = 0;
  bool is_view = true;
  for (const at::Tensor& slice : slices) {
    is_view &= slice.is_alias_of(first) && slice.strides() == first.strides() &&
        slice.storage_offset() == first.storage_offset() + rows * first.stride(0);
    rows += slice.size(0);
  }
  if (!is_view) return at::cat(slices);
  std::vector<int64_t> sizes = first.sizes().vec();
  sizes[0] = rows;
  return at::as_strided(first, sizes, first.strides(), first.storage_offset());
}

// The rows of each slice in a tensor of the whole run.
Tensors split(const at::Tensor& whole, const Tensors& slices) {
  if (slices.size() == 1) return {whole};
  Tensors parts;
  int64_t row = 0;
  for (const at::Tensor& slice : slices) {
    parts.push_back(whole.narrow(0, row, slice.size(0)));
    row += slice.size(0);
  }
  return parts;
}

// As torch.optim's _zeropower_via_newtonschulz.
at::Tensor orthogonal(const at::Tensor& update, uint32_t steps, double eps) {
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315;
  bool is_tall = update.size(0) > update.size(1);
  // Always a copy: PyTorch has none in bfloat16, and then divides the momentum itself where there is no Nesterov.
  at::Tensor result = update.to(update.options().dtype(at::kBFloat16), false, true);
  if (is_tall) result = result.t();
  result.div_(at::linalg_vector_norm(result, 2).clamp_min(eps));
  for (uint32_t i = 0; i < steps; i++) {
    at::Tensor gram = at::matmul(result, result.t());
    at::Tensor polynomial = at::addmm(gram, gram, gram, b, c);
    result = at::addmm(result, polynomial, result, a);
  }
  return is_tall ? result.t() : result;
}

}  // namespace

extern "C" {

char* freeze_muon(List parameters, List momentum_buffers, const bool* follows, MuonOptions options) {
  return guarded([&] {
    WithoutAutocast without_autocast;
    Tensors all = parameters_of(parameters), grads = gradients(parameters), buffers = collect(momentum_buffers);
    TORCH_CHECK(buffers.size() == all.size(), buffers.size(), " momentum buffers for ", all.size(), " parameters");
    each_run(all.size(), follows, [&](Run run) {
      Tensors updates;
      for (size_t i = run.start; i < run.end; i++) {
        TORCH_CHECK(all[i].dim() == 2, "muon takes matrices alone, not ", all[i].sizes());
        buffers[i].lerp_(grads[i], 1 - options.momentum);
        updates.push_back(options.nesterov ? grads[i].lerp(buffers[i], options.momentum) : buffers[i]);
      }
      at::Tensor update = orthogonal(run.is_one() ? updates.front() : at::cat(updates), options.steps, options.eps);
      double rows = update.size(0), columns = update.size(1);
      double ratio = options.match_rms ? 0.2 * std::sqrt(std::max(rows, columns)) : std::sqrt(std::max(1.0, rows / columns));
      Tensors slices = run.of(all), parts = split(update, slices);
      for (size_t i = 0; i < slices.size(); i++) {
        slices[i].mul_(number(1 - options.lr * options.weight_decay));
        slices[i].add_(parts[i], -options.lr * ratio);
      }
    });
  });
}

// Parameters of more than one dimension have a row_var and a col_var, the others a variance; each list has those
// of its parameters, in order. What is a sum over the columns of a run is kept by each of its slices.
char* freeze_adafactor(List parameters, List row_vars, List col_vars, List variances, List steps, const bool* follows, AdafactorOptions options) {
  return guarded([&] {
    WithoutAutocast without_autocast;
    Tensors all = parameters_of(parameters), grads = gradients(parameters);
    Tensors rows = collect(row_vars), columns = collect(col_vars), squares = collect(variances), counts = collect(steps);
    bool is_factored = all.front().dim() > 1;
    TORCH_CHECK(counts.size() == all.size() && rows.size() == columns.size() &&
                    (is_factored ? rows.size() : squares.size()) == all.size(),
                "incomplete states for ", all.size(), " parameters");
    auto [lr, weight_decay, beta2_decay, eps1, eps2, d] = options;
    each_run(all.size(), follows, [&, lr = lr, weight_decay = weight_decay, beta2_decay = beta2_decay, eps1 = eps1, eps2 = eps2, d = d](Run run) {
      Tensors slices = run.of(all), own_grads = run.of(grads);
      at::Tensor whole = joined(slices), gradient = joined(own_grads);
      double root = std::sqrt(static_cast<double>(whole.numel()));
      double size = std::max(eps2, at::linalg_vector_norm(whole, 2).item<double>() / root);
      std::vector<double> beta2s, rates;
      for (size_t i = run.start; i < run.end; i++) {
        TORCH_CHECK(counts[i].numel() == 1 && counts[i].is_cpu() && counts[i].scalar_type() == at::kFloat,
                    "a step count of ", counts[i].toString(), counts[i].sizes());
        double step = *counts[i].const_data_ptr<float>() + 1;
        beta2s.push_back(std::pow(step, beta2_decay));
        rates.push_back(size * std::min(lr, 1 / std::sqrt(step)));
        if (weight_decay != 0) all[i].mul_(number(1 - lr * weight_decay));
      }
      Tensors estimates;
      if (is_factored) {
        auto mean_square = [&](int64_t dim) {
          return at::linalg_vector_norm(gradient, 2, {dim}, true).square_().div_(gradient.size(dim));
        };
        // In a matrix, all slices share the columns.
        auto of_columns = [&](const at::Tensor& tensor) {
          return tensor.dim() == 2 ? Tensors(slices.size(), tensor) : split(tensor, slices);
        };
        Tensors row_means = split(mean_square(-1), slices), column_means = of_columns(mean_square(-2));
        Tensors own_rows = run.of(rows), own_columns = run.of(columns);
        for (size_t i = 0; i < slices.size(); i++) {
          own_rows[i].lerp_(row_means[i], beta2s[i]);
          own_columns[i].lerp_(column_means[i], beta2s[i]);
        }
        at::Tensor row_var = run.is_one() ? own_rows.front() : at::cat(own_rows);
        Tensors means = of_columns(row_var.mean(at::IntArrayRef{-2}, true).clamp_min_(eps1));
        for (size_t i = 0; i < slices.size(); i++) {
          estimates.push_back(at::matmul(own_rows[i], own_columns[i]).div_(means[i]));
        }
      } else {
        for (size_t i = 0; i < slices.size(); i++) {
          squares[run.start + i].lerp_(own_grads[i].mul(own_grads[i]), beta2s[i]);
          estimates.push_back(squares[run.start + i].clone());
        }
      }
      at::Tensor update = run.is_one() ? estimates.front() : at::cat(estimates);
      update.clamp_min_(eps1 * eps1).rsqrt_().mul_(gradient);
      double clip = std::max(1.0, at::linalg_vector_norm(update, 2).item<double>() / (root * d));
      Tensors parts = split(update, slices);
      for (size_t i = 0; i < slices.size(); i++) {
        slices[i].add_(parts[i], -rates[i] / clip);
        *counts[run.start + i].mutable_data_ptr<float>() += 1;
      }
    });
  });
}

}  // extern "C"
