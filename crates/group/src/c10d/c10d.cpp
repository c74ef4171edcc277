// Store, group and collectives.
#define USE_C10D_GLOO
#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/headeronly/version.h>

#include <cstdlib>

#include "group.hpp"

// c10d's classes are laid out as in these headers and no others.
static_assert(
    TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR == 11,
    "expected libtorch 2.11; without the feature c10d any libtorch will do");

using std::chrono::milliseconds;
using twinview::guarded;
using twinview::tensor;

static thread_local std::string last_error;

void twinview::set_error(const char* message) {
  last_error = message;
}

const char* group_error(void) {
  return last_error.c_str();
}

void group_prepare(void) {
  // Once: the environment must not change while another thread reads it.
  static std::once_flag once;
  twinview::numeric_names();
  std::call_once(once, [] {
    setenv("TORCH_CPP_LOG_LEVEL", "FATAL", /*overwrite=*/0);
    // c10d's record of collectives is one for the process, and is written without a lock: groups of
    // two threads damage it.
    if (!getenv("TORCH_NCCL_TRACE_BUFFER_SIZE")) {
      setenv("TORCH_FR_BUFFER_SIZE", "0", /*overwrite=*/0);
    }
    c10::initLogging();
  });
}

group_store* group_store_tcp(const char* host, uint16_t port, int listen, int64_t timeout_ms) {
  return guarded(static_cast<group_store*>(nullptr), [&] {
    c10d::TCPStoreOptions options;
    options.port = port;
    options.isServer = listen != 0;
    options.multiTenant = true;
    options.waitWorkers = false;
    options.timeout = milliseconds(timeout_ms);
    return new group_store{c10::make_intrusive<c10d::TCPStore>(host, options)};
  });
}

int group_store_set(group_store* store, const char* key, const uint8_t* bytes, uint64_t length) {
  return guarded(-1, [&] {
    store->store->set(key, std::vector<uint8_t>(bytes, bytes + length));
    return 0;
  });
}

int64_t group_store_get(group_store* store, const char* key, uint8_t* bytes, uint64_t room) {
  return guarded(int64_t{-1}, [&] {
    auto value = store->store->get(std::string(key));
    std::copy_n(value.begin(), std::min<uint64_t>(room, value.size()), bytes);
    return static_cast<int64_t>(value.size());
  });
}

int group_store_has(group_store* store, const char* key) {
  return guarded(-1, [&] { return static_cast<int>(store->store->check({key})); });
}

uint16_t group_store_port(group_store* store) {
  return store->store->getPort();
}

void group_store_free(group_store* store) {
  delete store;
}

// Of each kind of group its own keys.
static c10::intrusive_ptr<c10d::Store> keys(group_store* store, const char* prefix) {
  return c10::make_intrusive<c10d::PrefixStore>(prefix, store->store);
}

group_group* group_gloo(
    group_store* store, int rank, int size, int64_t timeout_ms, const char* address) {
  return guarded(static_cast<group_group*>(nullptr), [&] {
    using Gloo = c10d::ProcessGroupGloo;
    auto timeout = milliseconds(timeout_ms);
    auto options =
        address ? Gloo::Options::create(timeout) : Gloo::Options::create_default(timeout);
    if (address) {
      options->devices.push_back(Gloo::createDeviceForHostname(address));
    }
    auto group = std::make_unique<group_group>();
    group->backend = c10::make_intrusive<Gloo>(keys(store, "gloo"), rank, size, options);
    return group.release();
  });
}

group_group* group_nccl(group_store* store, int rank, int size, int64_t timeout_ms) {
  return guarded(static_cast<group_group*>(nullptr), [&] {
    auto group = std::make_unique<group_group>();
    group->backend = twinview::nccl(keys(store, "nccl"), rank, size, milliseconds(timeout_ms));
    return group.release();
  });
}

void group_free(group_group* group) {
  delete group;
}

int group_all_reduce(group_group* group, void* pointer) {
  return guarded(-1, [&] {
    std::vector<at::Tensor> tensors{tensor(pointer)};
    group->backend->allreduce(tensors)->wait();
    return 0;
  });
}

int group_broadcast(group_group* group, void* pointer, int root) {
  return guarded(-1, [&] {
    std::vector<at::Tensor> tensors{tensor(pointer)};
    c10d::BroadcastOptions options;
    options.rootRank = root;
    group->backend->broadcast(tensors, options)->wait();
    return 0;
  });
}

int group_all_gather(group_group* group, void* out, void* in) {
  return guarded(-1, [&] {
    group->backend->_allgather_base(tensor(out), tensor(in))->wait();
    return 0;
  });
}

int group_barrier(group_group* group, int64_t timeout_ms) {
  return guarded(-1, [&] {
    c10d::BarrierOptions options;
    options.timeout = milliseconds(timeout_ms);
    group->backend->monitoredBarrier(options, /*waitAllRanks=*/true);
    return 0;
  });
}

int group_failed(group_group* group) {
  std::lock_guard<std::mutex> lock(group->mutex);
  twinview::set_error(group->failure.c_str());
  return !group->failure.empty();
}
