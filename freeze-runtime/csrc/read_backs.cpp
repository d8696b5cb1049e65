// Counts the values that the calling thread reads back from tensors, each of which waits for a GPU if it lies there.

#include <ATen/record_function.h>

#include <string_view>

#include "shim.h"

namespace {

thread_local uint64_t read_backs = 0;
thread_local int regions = 0, fused_kernels = 0;
thread_local at::CallbackHandle counting = 0;

// On the CPU, libtorch's fused kernels read their step counts there.
bool is_fused_kernel(const at::RecordFunction& function) {
  return std::string_view(function.name()).substr(0, 13) == "aten::_fused_";
}

bool reads_back(const at::RecordFunction& function) {
  std::string_view name = function.name();
  if (name != "aten::copy_") {
    return name == "aten::_local_scalar_dense" || name == "aten::equal" || name == "aten::nonzero";
  }
  auto inputs = function.inputs();
  return inputs.size() > 1 && inputs[0].isTensor() && inputs[1].isTensor() && inputs[0].toTensor().is_cpu() &&
      !inputs[1].toTensor().is_cpu();
}

std::unique_ptr<at::ObserverContext> count_begun(const at::RecordFunction& function) {
  if (is_fused_kernel(function)) {
    fused_kernels++;
  } else if (fused_kernels == 0 && reads_back(function)) {
    read_backs++;
  }
  return nullptr;
}

void count_ended(const at::RecordFunction& function, at::ObserverContext*) {
  if (is_fused_kernel(function)) fused_kernels--;
}

}  // namespace

extern "C" {

// Enters a region in which values are counted, and returns how many have been.
char* freeze_enter_counting(uint64_t* before) {
  return guarded([&] {
    *before = read_backs;
    if (regions == 0) {
      at::RecordFunctionCallback callback(count_begun, count_ended);
      callback.needsInputs(true).scopes({at::RecordScope::FUNCTION});
      counting = at::addThreadLocalCallback(callback);
    }
    regions++;
  });
}

// Leaves the region, and returns how many have been counted.
char* freeze_leave_counting(uint64_t* after) {
  return guarded([&] {
    *after = read_backs;
    if (--regions == 0) at::removeCallback(counting);
  });
}

}  // extern "C"
