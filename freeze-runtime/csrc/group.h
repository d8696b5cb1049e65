// A group of processes and its collectives, as group.cpp makes them.

#pragma once

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <functional>
#include <vector>

extern "C" struct Group {
  c10::intrusive_ptr<c10d::ProcessGroup> processes;
  // Closes the connections, so that the other processes stop to wait.
  std::function<void()> close;
};

// Operations that were started, and what is left to do once they are done.
extern "C" struct Collective {
  // Those of the host, for which it waits.
  std::vector<c10::intrusive_ptr<c10d::Work>> works;
  // Those of the GPU, after which its next operations run.
  std::vector<c10::intrusive_ptr<c10d::Work>> queued;
  std::function<void()> complete;

  void add(c10::intrusive_ptr<c10d::Work> work, const at::Tensor& of) {
    (of.is_cuda() ? queued : works).push_back(std::move(work));
  }
};

// Connects this process with others that have a GPU each. Nothing is sent yet.
c10::intrusive_ptr<c10d::Backend> nccl(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
                                       std::chrono::milliseconds timeout, int8_t gpu);
