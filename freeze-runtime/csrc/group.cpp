// Processes that train together: c10d's process group with gloo on the CPU and NCCL on GPUs, and its collective
// operations.
//
// A collective of the CPU is started, and then waited for in short turns, so that the caller can look in between
// whether the other processes still come.

#define USE_C10D_GLOO

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupWrapper.hpp>
#include <torch/csrc/distributed/c10d/debug.h>

#include <functional>
#include <map>

#include "group.h"
#include "shim.h"
#include "store.h"

namespace {

using Milliseconds = std::chrono::milliseconds;

// As much is sent at a time: PyTorch's own size of a bucket.
constexpr int64_t bucket_bytes = 25 * 1024 * 1024;

// Smaller tensors are sent together.
constexpr int64_t small_bytes = 1024 * 1024;

// The connections of a group, which only its subclasses see.
struct Connections : c10d::ProcessGroupGloo {
  static constexpr auto of = &Connections::contexts_;
};

int64_t bytes_of(const at::Tensor& tensor) { return tensor.numel() * static_cast<int64_t>(tensor.element_size()); }

// Some tensors of one device and type, one after the other.
struct Bucket {
  Tensors tensors;
  int64_t bytes = 0;
};

// Tensors of one device and type, in the order of the list.
std::vector<Tensors> buckets_of(const Tensors& tensors, int64_t largest) {
  std::map<std::tuple<at::DeviceType, at::DeviceIndex, at::ScalarType>, Bucket> open;
  std::vector<Tensors> buckets;
  for (const at::Tensor& tensor : tensors) {
    Bucket& bucket = open[{tensor.device().type(), tensor.device().index(), tensor.scalar_type()}];
    if (!bucket.tensors.empty() && bucket.bytes + bytes_of(tensor) > largest) {
      buckets.push_back(std::move(bucket.tensors));
      bucket = {};
    }
    bucket.tensors.push_back(tensor);
    bucket.bytes += bytes_of(tensor);
  }
  for (auto& [_, bucket] : open) buckets.push_back(std::move(bucket.tensors));
  return buckets;
}

int64_t count(const Tensors& tensors) {
  int64_t count = 0;
  for (const at::Tensor& tensor : tensors) count += tensor.numel();
  return count;
}

// Views into a flat tensor with the shapes of others.
Tensors views_into(const at::Tensor& flat, const Tensors& like) {
  Tensors views;
  int64_t start = 0;
  for (const at::Tensor& tensor : like) {
    views.push_back(flat.narrow(0, start, tensor.numel()).view(tensor.sizes()));
    start += tensor.numel();
  }
  return views;
}

// The bytes of a tensor, in its memory if they lie there one after the other.
at::Tensor bytes_in(const at::Tensor& tensor) { return tensor.detach().contiguous().view({-1}).view(at::kByte); }

}  // namespace

extern "C" {

// Joins the other processes, which do the same. `size` is at least 2; `gpu` is below 0 on the CPU.
char* freeze_group_new(const Store* store, int32_t rank, int32_t size, uint64_t timeout_ms, int8_t gpu, Group** group) {
  return guarded([&] {
    c10d::setDebugLevelFromEnvironment();
    const bool is_checked = c10d::debug_level() == c10d::DebugLevel::Detail;
    const Milliseconds timeout(timeout_ms);
    std::vector<c10::intrusive_ptr<c10d::ProcessGroupGloo>> all;
    auto gloo = [&](const char* prefix) -> c10::intrusive_ptr<c10d::Backend> {
      auto own = c10::make_intrusive<c10d::PrefixStore>(prefix, store->it);
      auto options = c10d::ProcessGroupGloo::Options::create_default(timeout);
      all.push_back(c10::make_intrusive<c10d::ProcessGroupGloo>(own, rank, size, options));
      return all.back();
    };
    auto checked = [&](c10::intrusive_ptr<c10d::Backend> backend, const char* prefix) {
      if (is_checked) backend = c10::make_intrusive<c10d::ProcessGroupWrapper>(backend, gloo(prefix));
      return backend;
    };
    auto processes = c10::make_intrusive<c10d::ProcessGroup>(store->it, rank, size);
    c10::intrusive_ptr<c10d::Backend> gpus;
    if (gpu >= 0) {
      gpus = nccl(store->it, rank, size, timeout, gpu);
      auto backend = checked(gpus, "freeze/checks of nccl");
      processes->setBackend(at::kCUDA, c10d::ProcessGroup::NCCL, backend);
    }
    auto backend = checked(gloo("freeze/gloo"), "freeze/checks");
    processes->setBackend(at::kCPU, c10d::ProcessGroup::GLOO, backend);
    processes->setDefaultBackend(c10d::ProcessGroup::GLOO);
    auto close = [all, gpus] {
      for (const auto& gloo : all) {
        for (const auto& context : gloo.get()->*Connections::of) context->closeConnections();
      }
      if (gpus) gpus->abort();
    };
    *group = new Group{processes, close};
  });
}

// Fails if gloo has no network interface to use.
char* freeze_group_require_interface(uint64_t timeout_ms) {
  return guarded([&] { c10d::ProcessGroupGloo::Options::create_default(Milliseconds(timeout_ms)); });
}

void freeze_group_free(Group* group) { delete group; }

// Closes the connections: operations fail in the other processes.
char* freeze_group_close(const Group* group) {
  return guarded([&] { group->close(); });
}

// Waits for a collective for some time, and completes it once its operations on the host are done; those of a
// GPU are done before its next ones.
char* freeze_collective_wait(Collective* collective, uint64_t timeout_ms, bool* is_done) {
  return guarded([&] {
    *is_done = false;
    for (const auto& work : collective->works) {
      try {
        work->wait(Milliseconds(timeout_ms));
      } catch (...) {
        if (work->isCompleted()) throw;
        return;
      }
    }
    for (const auto& work : collective->queued) work->wait();
    collective->complete();
    *is_done = true;
  });
}

void freeze_collective_free(Collective* collective) { delete collective; }

// Starts to count in how many processes each parameter has a gradient.
char* freeze_group_start_count(const Group* group, List parameters, int32_t* counts, Collective** collective) {
  return guarded([&] {
    at::Tensor map = at::zeros({static_cast<int64_t>(parameters.count)}, at::kInt);
    int32_t* places = map.data_ptr<int32_t>();
    for (size_t i = 0; i < parameters.count; i++) places[i] = parameters.tensors[i]->grad().defined();
    Tensors tensors{map};
    auto started = std::make_unique<Collective>();
    started->add(group->processes->allreduce(tensors), map);
    started->complete = [map, counts] { memcpy(counts, map.const_data_ptr(), map.nbytes()); };
    *collective = started.release();
  });
}

// Starts to average the gradients of parameters over all processes. One that has no gradient here counts
// as zeros, and has one afterwards.
char* freeze_group_start_average(const Group* group, List parameters, Collective** collective) {
  return guarded([&] {
    const Tensors all = collect(parameters);
    Tensors gradients;
    for (const at::Tensor& parameter : all) {
      const at::Tensor& gradient = parameter.grad();
      gradients.push_back(gradient.defined() ? gradient : at::zeros_like(parameter));
    }
    auto started = std::make_unique<Collective>();
    // As DistributedDataParallel does: first divided, so that a sum of half precision does not overflow.
    const at::Tensor share = number(1.0 / group->processes->getSize());
    Tensors parts;
    for (const at::Tensor& gradient : gradients) parts.push_back(as_real(gradient));
    std::vector<std::pair<Tensors, Tensors>> copies;
    for (const Tensors& bucket : buckets_of(parts, bucket_bytes)) {
      at::Tensor flat = at::empty({count(bucket)}, bucket.front().options());
      Tensors views = views_into(flat, bucket);
      for (size_t i = 0; i < bucket.size(); i++) at::mul_out(views[i], bucket[i], share);
      Tensors tensors{flat};
      started->add(group->processes->allreduce(tensors), flat);
      copies.emplace_back(bucket, views);
    }
    started->complete = [all, gradients, copies] {
      for (const auto& [to, from] : copies) {
        for (size_t i = 0; i < to.size(); i++) to[i].copy_(from[i]);
      }
      for (size_t i = 0; i < all.size(); i++) {
        if (!all[i].grad().defined()) all[i].mutable_grad() = gradients[i];
      }
    };
    *collective = started.release();
  });
}

// Starts to copy each tensor of a process, its root, to the others, bit for bit.
char* freeze_group_start_broadcast(const Group* group, List list, const int32_t* roots, Collective** collective) {
  return guarded([&] {
    auto started = std::make_unique<Collective>();
    const int rank = group->processes->getRank();
    auto send = [&](at::Tensor bytes, int32_t root) {
      c10d::BroadcastOptions options;
      options.rootRank = root;
      Tensors tensors{std::move(bytes)};
      started->add(group->processes->broadcast(tensors, options), tensors.front());
    };
    std::map<int32_t, Tensors> small;
    std::vector<std::pair<at::Tensor, at::Tensor>> copies;
    const Tensors all = collect(list);
    for (size_t i = 0; i < all.size(); i++) {
      const at::Tensor& tensor = all[i];
      if (tensor.numel() == 0) continue;
      at::Tensor bytes = bytes_in(as_real(tensor));
      if (roots[i] != rank) copies.emplace_back(as_real(tensor).detach(), bytes);
      if (bytes_of(tensor) < small_bytes) {
        small[roots[i]].push_back(bytes);
      } else {
        send(bytes, roots[i]);
      }
    }
    std::vector<std::pair<at::Tensor, Tensors>> joined;
    for (const auto& [root, tensors] : small) {
      for (const Tensors& bucket : buckets_of(tensors, bucket_bytes)) {
        at::Tensor flat = at::cat(bucket);
        send(flat, root);
        if (root != rank) joined.emplace_back(flat, bucket);
      }
    }
    started->complete = [copies, joined] {
      for (const auto& [flat, bucket] : joined) {
        Tensors views = views_into(flat, bucket);
        for (size_t i = 0; i < bucket.size(); i++) bucket[i].copy_(views[i]);
      }
      for (const auto& [tensor, bytes] : copies) {
        if (tensor.const_data_ptr() == bytes.const_data_ptr()) {
          tensor.unsafeGetTensorImpl()->bump_version();
        } else {
          tensor.copy_(bytes.view(tensor.scalar_type()).view(tensor.sizes()));
        }
      }
    };
    *collective = started.release();
  });
}

// Which gradient each parameter has, and how often it was changed; zeros without one.
char* freeze_gradient_versions(List parameters, uint64_t* gradients, uint64_t* versions) {
  return guarded([&] {
    for (size_t i = 0; i < parameters.count; i++) {
      const at::Tensor& gradient = parameters.tensors[i]->grad();
      gradients[i] = gradient.defined() ? reinterpret_cast<uintptr_t>(gradient.unsafeGetTensorImpl()) : 0;
      versions[i] = gradient.defined() ? gradient._version() : 0;
    }
  });
}

}  // extern "C"
