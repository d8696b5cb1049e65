// A stand-in for gloo's header of this name: what ProcessGroupGloo.hpp names. The shim has such objects by
// shared pointers that libtorch makes, and closes their connections by libtorch's own function.

#pragma once

#include <chrono>
#include <memory>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
  void closeConnections();
};

namespace transport {
class UnboundBuffer {
 public:
  virtual ~UnboundBuffer();
};
}  // namespace transport

}  // namespace gloo
