// A group of processes and its collectives, as group.cpp makes them.

#pragma once

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

#include <functional>
#include <vector>

extern "C" struct Group {
  c10::intrusive_ptr<c10d::ProcessGroup> processes;
  // Closes the connections, so that the other processes stop to wait.
  std::function<void()> close;
};

// Operations that were started, and what is left to do once they are done.
extern "C" struct Collective {
  std::vector<c10::intrusive_ptr<c10d::Work>> works;
  std::function<void()> complete;
};
