// A store, as store.cpp makes it and group.cpp uses it.

#pragma once

#include <torch/csrc/distributed/c10d/Store.hpp>

extern "C" struct Store {
  c10::intrusive_ptr<c10d::Store> it;
};
