// Needs no header of CUDA and no library of it to link: c10 knows the GPU by a table of functions,
// which libtorch_cuda fills in when it is loaded.
#include <ATen/core/Tensor.h>
#include <ATen/ops/record_stream.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <string>

#include "shim.h"

static thread_local std::string last_error;

namespace {

constexpr auto CUDA = c10::DeviceType::CUDA;

template <class Body>
int guarded(Body body) {
  try {
    body();
    return 0;
  } catch (const c10::Error& error) {
    last_error = error.what_without_backtrace();
  } catch (const std::exception& error) {
    last_error = error.what();
  } catch (...) {
    last_error = "unknown exception";
  }
  return 1;
}

c10::impl::VirtualGuardImpl driver() {
  TORCH_CHECK(c10::impl::hasDeviceGuardImpl(CUDA), "libtorch has no CUDA loaded");
  return c10::impl::VirtualGuardImpl(CUDA);
}

c10::Device device(int gpu) {
  return c10::Device(CUDA, static_cast<c10::DeviceIndex>(gpu));
}

// A function of CUDA's runtime, which libtorch_cpu of the CUDA flavor needs too.
template <class Function>
Function runtime(const char* name) {
  driver();
  void* found = dlsym(RTLD_DEFAULT, name);
  TORCH_CHECK(found, "no ", name, " in the libraries that are loaded");
  return reinterpret_cast<Function>(found);
}

c10::DeviceAllocator& allocator() {
  driver();
  return *at::getDeviceAllocator(CUDA);
}

void check(int code, const char* function) {
  if (code != 0) {
    auto text = runtime<const char* (*)(int)>("cudaGetErrorString");
    TORCH_CHECK(false, function, ": ", text(code));
  }
}

} // namespace

const char* cuda_error(void) {
  return last_error.c_str();
}

int cuda_stream_new(int gpu, int64_t* id) {
  return guarded([&] { *id = driver().getStreamFromGlobalPool(device(gpu), false).id(); });
}

int cuda_stream_set(int gpu, int64_t id, int64_t* before) {
  return guarded([&] {
    auto stream = c10::Stream(c10::Stream::UNSAFE, device(gpu), id);
    *before = driver().exchangeStream(stream).id();
  });
}

int cuda_event_record(int gpu, void** event) {
  return guarded([&] {
    auto guard = driver();
    guard.record(event, guard.getStream(device(gpu)), device(gpu).index(),
                 c10::EventFlag::PYTORCH_DEFAULT);
  });
}

int cuda_event_block(void* event, int gpu) {
  return guarded([&] {
    auto guard = driver();
    guard.block(event, guard.getStream(device(gpu)));
  });
}

int cuda_event_is_done(void* event, int* done) {
  return guarded([&] { *done = driver().queryEvent(event); });
}

int cuda_event_wait(void* event) {
  return guarded([&] { driver().synchronizeEvent(event); });
}

void cuda_event_free(void* event, int gpu) {
  guarded([&] { driver().destroyEvent(event, device(gpu).index()); });
}

int cuda_record_stream(void* tensor, int gpu) {
  return guarded([&] {
    static_cast<at::Tensor*>(tensor)->record_stream(driver().getStream(device(gpu)));
  });
}

int cuda_page_lock(void* pages, size_t length) {
  return guarded([&] {
    auto lock = runtime<int (*)(void*, size_t, unsigned)>("cudaHostRegister");
    check(lock(pages, length, 0), "cudaHostRegister");
  });
}

int cuda_page_unlock(void* pages) {
  return guarded([&] {
    auto unlock = runtime<int (*)(void*)>("cudaHostUnregister");
    check(unlock(pages), "cudaHostUnregister");
  });
}

int cuda_peak_memory(int gpu, int64_t* bytes) {
  return guarded([&] {
    auto stats = allocator().getDeviceStats(device(gpu).index());
    constexpr auto ALL = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    *bytes = stats.allocated_bytes[ALL].peak;
  });
}

int cuda_reset_peak_memory(int gpu) {
  return guarded([&] { allocator().resetPeakStats(device(gpu).index()); });
}
