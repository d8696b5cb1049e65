// The default random number generators: of the CPU, and of each accelerator that is in use.

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>

#include <cstdlib>
#include <mutex>
#include <string>

#include "shim.h"

namespace {

// How many accelerators there are.
c10::DeviceIndex accelerators() { return at::getAccelerator().has_value() ? at::accelerator::deviceCount() : 0; }

// The CPU is the first one, accelerators follow.
at::Device device_at(size_t place) {
  if (place == 0) return at::kCPU;
  return {at::getAccelerator(true).value(), static_cast<c10::DeviceIndex>(place - 1)};
}

bool is_there(at::Device device) {
  if (device.is_cpu()) return true;
  return at::getAccelerator() == device.type() && device.index() >= 0 && device.index() < accelerators();
}

// A generator of a GPU without a context would make one.
bool is_in_use(at::Device device) {
  return device.is_cpu() ||
      at::globalContext().getAcceleratorHooksInterface(device.type()).hasPrimaryContext(device.index());
}

}  // namespace

extern "C" {

char* freeze_generator_count(size_t* count) {
  return guarded([&] { *count = 1 + static_cast<size_t>(accelerators()); });
}

// The device and the state of a generator; a null state where it is not in use.
char* freeze_generator_state(size_t place, char** device_name, at::Tensor** state) {
  return guarded([&] {
    at::Device device = device_at(place);
    *state = nullptr;
    if (is_in_use(device)) {
      at::Generator generator = at::globalContext().defaultGenerator(device);
      std::lock_guard<std::mutex> lock(generator.mutex());
      *state = new at::Tensor(generator.get_state());
    }
    *device_name = message(device.str().c_str());
  });
}

// Gives generators their states, all of them or, if one of the states is none, no one. Devices that
// are not there are passed over.
char* freeze_set_generator_states(const char* const* devices, List states) {
  return guarded([&] {
    std::vector<at::Generator> generators;
    Tensors those;
    for (size_t i = 0; i < states.count; i++) {
      at::Device device{std::string(devices[i])};
      if (!is_there(device)) continue;
      at::Generator generator = at::globalContext().defaultGenerator(device);
      std::lock_guard<std::mutex> lock(generator.mutex());
      generator.clone().set_state(*states.tensors[i]);
      generators.push_back(generator);
      those.push_back(*states.tensors[i]);
    }
    for (size_t i = 0; i < generators.size(); i++) {
      std::lock_guard<std::mutex> lock(generators[i].mutex());
      generators[i].set_state(those[i]);
    }
  });
}

}  // extern "C"
