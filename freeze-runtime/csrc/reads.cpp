// Which tensors the operations of a thread take, found by a callback before each of them.

#include "shim.h"

#include <ATen/record_function.h>

#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace {

// Tensors by the memory that they lie in, which views and detached tensors share, and those taken so far.
struct Watch {
  std::unordered_map<const c10::StorageImpl*, size_t> places;
  std::vector<uint8_t> is_read;
};

thread_local std::vector<Watch> watches;
thread_local at::CallbackHandle watching = 0;
// Whether something may have been read unseen: libtorch prints what a callback throws, and goes on.
thread_local bool has_failed = false;

void look(const at::Tensor& tensor) {
  if (!tensor.defined() || !tensor.has_storage()) return;
  const c10::StorageImpl* storage = tensor.storage().unsafeGetStorageImpl();
  for (Watch& watch : watches) {
    auto found = watch.places.find(storage);
    if (found != watch.places.end()) watch.is_read[found->second] = 1;
  }
}

void look_at_inputs(const at::RecordFunction& function) {
  for (const c10::IValue& input : function.inputs()) {
    if (input.isTensor()) {
      look(input.toTensor());
    } else if (input.isTensorList()) {
      for (const at::Tensor& tensor : input.toTensorVector()) look(tensor);
    } else if (input.isOptionalTensorList()) {
      for (const std::optional<at::Tensor>& tensor : input.toOptionalTensorVector()) {
        if (tensor) look(*tensor);
      }
    }
  }
}

std::unique_ptr<at::ObserverContext> watch_inputs(const at::RecordFunction& function) {
  try {
    look_at_inputs(function);
  } catch (...) {
    has_failed = true;
  }
  return nullptr;
}

}  // namespace

extern "C" {

// Begins to watch tensors. What was begun before goes on.
char* freeze_enter_watching(List tensors) {
  return guarded([&] {
    Watch watch;
    for (size_t i = 0; i < tensors.count; i++) {
      if (tensors.tensors[i]->has_storage()) {
        watch.places.emplace(tensors.tensors[i]->storage().unsafeGetStorageImpl(), i);
      }
    }
    watch.is_read.resize(tensors.count);
    watches.push_back(std::move(watch));
    if (watches.size() > 1) return;
    try {
      at::RecordFunctionCallback callback(watch_inputs);
      callback.needsInputs(true).scopes({at::RecordScope::FUNCTION});
      watching = at::addThreadLocalCallback(callback);
    } catch (...) {
      watches.pop_back();
      throw;
    }
  });
}

// Ends what was begun last, and tells of each of its tensors whether an operation took it.
char* freeze_leave_watching(uint8_t* is_read) {
  return guarded([&] {
    const Watch watch = std::move(watches.back());
    watches.pop_back();
    if (watches.empty()) at::removeCallback(watching);
    if (std::exchange(has_failed, false)) throw std::runtime_error("cannot find what operations read");
    std::copy(watch.is_read.begin(), watch.is_read.end(), is_read);
  });
}

}  // extern "C"
