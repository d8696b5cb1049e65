// The key-value store through which the processes of a group agree: c10d's TCPStore.

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "shim.h"
#include "store.h"

namespace {

std::vector<std::string> strings(const char* const* keys, size_t count) { return {keys, keys + count}; }

void hand_over(const std::vector<uint8_t>& bytes, char** text) {
  *text = message(std::string(bytes.begin(), bytes.end()).c_str());
}

std::vector<uint8_t> bytes(const char* text) { return {text, text + strlen(text)}; }

}  // namespace

extern "C" {

// Connects to the store at an address, and serves it there first if `serves`.
char* freeze_store_open(const char* host, uint16_t port, bool serves, uint64_t timeout_ms, Store** store) {
  return guarded([&] {
    c10d::TCPStoreOptions options;
    options.port = port;
    options.isServer = serves;
    options.waitWorkers = false;
    options.timeout = std::chrono::milliseconds(timeout_ms);
    *store = new Store{c10::make_intrusive<c10d::TCPStore>(host, options)};
  });
}

// The same store, in which all keys start with `prefix`.
char* freeze_store_within(const Store* store, const char* prefix, Store** within) {
  return guarded([&] { *within = new Store{c10::make_intrusive<c10d::PrefixStore>(prefix, store->it)}; });
}

void freeze_store_close(Store* store) { delete store; }

char* freeze_store_set(const Store* store, const char* key, const char* value) {
  return guarded([&] { store->it->set(key, bytes(value)); });
}

// Sets a key that has no value yet; otherwise it keeps its value.
char* freeze_store_set_first(const Store* store, const char* key, const char* value) {
  return guarded([&] { store->it->compareSet(key, bytes(""), bytes(value)); });
}

// Whether all of these keys are set.
char* freeze_store_has(const Store* store, const char* const* keys, size_t count, bool* has) {
  return guarded([&] { *has = store->it->check(strings(keys, count)); });
}

// The values of keys that are set.
char* freeze_store_get(const Store* store, const char* const* keys, size_t count, char** values) {
  return guarded([&] {
    const auto all = store->it->multiGet(strings(keys, count));
    for (size_t i = 0; i < count; i++) hand_over(all.at(i), &values[i]);
  });
}

char* freeze_store_delete(const Store* store, const char* key) {
  return guarded([&] { store->it->deleteKey(key); });
}

}  // extern "C"
