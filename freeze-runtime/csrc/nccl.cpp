// NCCL, which connects processes with a GPU each, where the headers of CUDA and NCCL were found.

#ifdef FREEZE_NCCL
#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <c10/core/impl/VirtualGuardImpl.h>

#include "group.h"

#ifdef FREEZE_NCCL

c10::intrusive_ptr<c10d::Backend> nccl(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
                                       std::chrono::milliseconds timeout, int8_t gpu) {
  auto own = c10::make_intrusive<c10d::PrefixStore>("freeze/nccl", store);
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  auto made = c10::make_intrusive<c10d::ProcessGroupNCCL>(own, rank, size, options);
  // Otherwise, what names no device would be made on the first GPU by all processes.
  c10::impl::VirtualGuardImpl(at::kCUDA).setDevice(at::Device(at::kCUDA, gpu));
  return made;
}

#else

c10::intrusive_ptr<c10d::Backend> nccl(const c10::intrusive_ptr<c10d::Store>&, int, int, std::chrono::milliseconds,
                                       int8_t) {
  throw std::runtime_error("NCCL was not built");
}

#endif

extern "C" {

// Whether this library has NCCL.
bool freeze_has_nccl() {
#ifdef FREEZE_NCCL
  return true;
#else
  return false;
#endif
}

}  // extern "C"
