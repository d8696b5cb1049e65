// Facts about libtorch and its devices.

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <torch/headeronly/version.h>

#include "shim.h"

extern "C" {

const char* freeze_libtorch_version() { return TORCH_VERSION; }

// Bytes of tensors that lie on an accelerator now; the allocator may have reserved more.
char* freeze_allocated_bytes(int8_t device_type, int8_t device_index, uint64_t* bytes) {
  return guarded([&] {
    auto allocator = at::getDeviceAllocator(static_cast<at::DeviceType>(device_type));
    auto total = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    *bytes = static_cast<uint64_t>(allocator->getDeviceStats(device_index).allocated_bytes[total].current);
  });
}

// Returns to the system what the allocator of accelerators keeps for later tensors.
char* freeze_release_cached(int8_t device_type) {
  return guarded([&] { at::getDeviceAllocator(static_cast<at::DeviceType>(device_type))->emptyCache(); });
}

char* freeze_allows_tf32(bool* matmul, bool* convolution) {
  return guarded([&] {
    *matmul = at::globalContext().allowTF32CuBLAS();
    *convolution = at::globalContext().allowTF32CuDNN();
  });
}

}  // extern "C"
