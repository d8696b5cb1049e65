// Running statistics, and the graphs of the batch norms that use them.
//
// libtorch's batch_norm moves running statistics in training without counting it as a change, and its
// graph holds them in training too, though the backward pass of a training pass does not read them.
// So restoring them would either spoil the backward pass of a training pass (if it counts as a change)
// or be missed by that of an evaluation pass (if it does not). Here it always counts where values may
// differ, and batch_norm gets, in their place,
//
// - in training, an alias with a version of its own, so that its graph notices no change;
// - in evaluation, while the values are those that a tuner holds, the copy that the tuner restores
//   from: a training pass that moves them does not change what the backward pass reads.
//
// An evaluation pass through statistics that a training pass has moved holds these themselves. Its
// backward pass is right until they are restored, and from then on libtorch's own error.

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/batch_norm_native.h>
#include <torch/library.h>

#include <mutex>
#include <optional>
#include <unordered_map>

#include "shim.h"

namespace {

struct Held {
  at::Tensor values;  // what is restored
  int64_t version;    // of the statistic when it had these values
  bool is_moved;      // by a training pass of batch_norm since then

  bool is_in(const at::Tensor& statistic) const {
    return !is_moved && statistic._version() == version && statistic.device() == values.device() &&
        statistic.scalar_type() == values.scalar_type();
  }
};

using Statistic = std::optional<at::Tensor>;

std::mutex lock;
// Never destroyed, since other threads may be running when the program ends.
auto& held = *new std::unordered_map<const c10::TensorImpl*, Held>;

bool is_defined(const Statistic& statistic) { return statistic.has_value() && statistic->defined(); }

Statistic in_training(const Statistic& statistic) {
  if (!is_defined(statistic)) return statistic;
  std::lock_guard<std::mutex> guard(lock);
  auto entry = held.find(statistic->unsafeGetTensorImpl());
  if (entry != held.end()) entry->second.is_moved = true;
  return at::Tensor(statistic->variable_data());
}

Statistic in_evaluation(const Statistic& statistic) {
  if (!is_defined(statistic) || !at::GradMode::is_enabled()) return statistic;
  std::lock_guard<std::mutex> guard(lock);
  auto entry = held.find(statistic->unsafeGetTensorImpl());
  bool is_held = entry != held.end() && entry->second.is_in(*statistic);
  return is_held ? Statistic(entry->second.values) : statistic;
}

at::Tensor batch_norm(
    const at::Tensor& input, const std::optional<at::Tensor>& weight, const std::optional<at::Tensor>& bias,
    const Statistic& mean, const Statistic& variance, bool training, double momentum, double eps, bool cudnn) {
  auto statistic = training ? in_training : in_evaluation;
  return at::native::batch_norm(
      input, weight, bias, statistic(mean), statistic(variance), training, momentum, eps, cudnn);
}

}  // namespace

// The operation has no kernels of its own, so nothing is replaced: it is composed of others everywhere.
TORCH_LIBRARY_IMPL(aten, AutogradCPU, library) { library.impl("batch_norm", batch_norm); }
TORCH_LIBRARY_IMPL(aten, AutogradCUDA, library) { library.impl("batch_norm", batch_norm); }
TORCH_LIBRARY_IMPL(aten, AutogradMPS, library) { library.impl("batch_norm", batch_norm); }
TORCH_LIBRARY_IMPL(aten, AutogradOther, library) { library.impl("batch_norm", batch_norm); }

extern "C" {

char* freeze_hold(List statistics, List values) {
  return guarded([&] {
    TORCH_CHECK(statistics.count == values.count, "each statistic must have a value");
    std::lock_guard<std::mutex> guard(lock);
    for (size_t i = 0; i < statistics.count; i++) {
      const at::Tensor& statistic = *statistics.tensors[i];
      held[statistic.unsafeGetTensorImpl()] = {*values.tensors[i], statistic._version(), false};
    }
  });
}

char* freeze_release(List statistics, List values) {
  return guarded([&] {
    TORCH_CHECK(statistics.count == values.count, "each statistic must have a value");
    std::lock_guard<std::mutex> guard(lock);
    for (size_t i = 0; i < statistics.count; i++) {
      auto entry = held.find(statistics.tensors[i]->unsafeGetTensorImpl());
      // Another tuner may hold it by now.
      if (entry != held.end() && entry->second.values.is_same(*values.tensors[i])) held.erase(entry);
    }
  });
}

char* freeze_moved(List statistics, bool* moved) {
  return guarded([&] {
    std::lock_guard<std::mutex> guard(lock);
    for (size_t i = 0; i < statistics.count; i++) {
      auto entry = held.find(statistics.tensors[i]->unsafeGetTensorImpl());
      moved[i] = entry != held.end() && entry->second.is_moved;
    }
  });
}

char* freeze_restore(List statistics, List values) {
  return guarded([&] {
    TORCH_CHECK(statistics.count == values.count, "each statistic must have a value");
    Tensors changed, unchanged, changed_values, unchanged_values;
    std::lock_guard<std::mutex> guard(lock);
    for (size_t i = 0; i < statistics.count; i++) {
      const at::Tensor& statistic = *statistics.tensors[i];
      auto entry = held.find(statistic.unsafeGetTensorImpl());
      bool is_held = entry != held.end() && entry->second.is_in(statistic);
      (is_held ? unchanged : changed).push_back(statistic);
      (is_held ? unchanged_values : changed_values).push_back(*values.tensors[i]);
    }
    if (!changed.empty()) at::_foreach_copy_(changed, changed_values);
    if (!unchanged.empty()) {
      // In case that they were written to in a way that does not count as a change either.
      at::AutoDispatchBelowADInplaceOrView unnoticed;
      at::_foreach_copy_(unchanged, unchanged_values);
    }
    for (const at::Tensor& statistic : changed) {
      auto entry = held.find(statistic.unsafeGetTensorImpl());
      if (entry != held.end()) entry->second = {entry->second.values, statistic._version(), false};
    }
  });
}

}  // extern "C"
