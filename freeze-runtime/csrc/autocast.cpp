// Autocast: which kind libtorch casts to in a thread, for the CPU and for CUDA together.

#include <ATen/autocast_mode.h>

#include "shim.h"

extern "C" {
struct Autocast {
  bool cpu, cuda, cache;
  int8_t cpu_kind, cuda_kind;
};
}

namespace {

void set(at::DeviceType device, bool enabled, int8_t kind) {
  at::autocast::set_autocast_enabled(device, enabled);
  at::autocast::set_autocast_dtype(device, static_cast<at::ScalarType>(kind));
}

}  // namespace

extern "C" {

// Enters a region and returns the state around it, as Python's torch.autocast does.
char* freeze_enter_autocast(bool enabled, int8_t kind, Autocast* before) {
  return guarded([&] {
    using namespace at::autocast;
    *before = {is_autocast_enabled(at::kCPU), is_autocast_enabled(at::kCUDA), is_autocast_cache_enabled(),
               static_cast<int8_t>(get_autocast_dtype(at::kCPU)), static_cast<int8_t>(get_autocast_dtype(at::kCUDA))};
    set(at::kCPU, enabled, enabled ? kind : before->cpu_kind);
    set(at::kCUDA, enabled, enabled ? kind : before->cuda_kind);
    set_autocast_cache_enabled(true);
    increment_nesting();
  });
}

// Leaves the region; weights that were cast in it are dropped with the outermost one.
char* freeze_leave_autocast(Autocast before) {
  return guarded([&] {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    set(at::kCPU, before.cpu, before.cpu_kind);
    set(at::kCUDA, before.cuda, before.cuda_kind);
    at::autocast::set_autocast_cache_enabled(before.cache);
  });
}

}  // extern "C"
