// A stand-in for gloo's header of this name. The shim has devices by shared pointers that libtorch makes.

#pragma once

namespace gloo::transport {
class Device;
}  // namespace gloo::transport
