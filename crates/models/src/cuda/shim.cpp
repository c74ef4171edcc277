// Needs no header of CUDA and no library of it to link: c10 knows the GPU by a table of functions,
// which libtorch_cuda fills in when it is loaded.
#include <ATen/core/Tensor.h>
#include <ATen/ops/record_stream.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <memory>
#include <string>
#include <tuple>
#include <utility>

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

// A function of the libraries that are loaded: of CUDA's runtime, which libtorch_cpu of the CUDA
// flavor needs too, or of libtorch_cuda.
template <class Function>
Function symbol(const char* name) {
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
    auto text = symbol<const char* (*)(int)>("cudaGetErrorString");
    TORCH_CHECK(false, function, ": ", text(code));
  }
}

using Pool = std::pair<unsigned long long, unsigned long long>;

// at::cuda::CUDAGraph, whose header needs those of CUDA, by the names of its members.
class Graph {
 public:
  Graph() {
    symbol<void (*)(void*, bool)>("_ZN2at4cuda9CUDAGraphC1Eb")(room_, false);
  }

  ~Graph() {
    if (recording_) {
      guarded([&] { end(); });
    }
    symbol<void (*)(void*)>("_ZN2at4cuda9CUDAGraphD1Ev")(room_);
  }

  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  void begin(Pool pool) {
    auto begin = symbol<void (*)(void*, Pool, int)>(
        "_ZN2at4cuda9CUDAGraph13capture_beginESt4pairIyyE21cudaStreamCaptureMode");
    begin(room_, pool, THREAD_LOCAL);
    recording_ = true;
  }

  void end() {
    recording_ = false;
    symbol<void (*)(void*)>("_ZN2at4cuda9CUDAGraph11capture_endEv")(room_);
  }

  Pool pool() {
    return symbol<Pool (*)(void*)>("_ZN2at4cuda9CUDAGraph4poolEv")(room_);
  }

  void replay() {
    symbol<void (*)(void*)>("_ZN2at4cuda9CUDAGraph6replayEv")(room_);
  }

 private:
  // cudaStreamCaptureModeThreadLocal: other threads may use the GPU meanwhile.
  static constexpr int THREAD_LOCAL = 1;
  bool recording_ = false;
  // It has about 150 bytes.
  alignas(16) char room_[1024];
};

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
    auto lock = symbol<int (*)(void*, size_t, unsigned)>("cudaHostRegister");
    check(lock(pages, length, 0), "cudaHostRegister");
  });
}

int cuda_page_unlock(void* pages) {
  return guarded([&] {
    auto unlock = symbol<int (*)(void*)>("cudaHostUnregister");
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

int cuda_graph_begin(const uint64_t* pool, void** graph) {
  return guarded([&] {
    auto made = std::make_unique<Graph>();
    made->begin(Pool(pool[0], pool[1]));
    *graph = made.release();
  });
}

int cuda_graph_end(void* graph, uint64_t* pool) {
  return guarded([&] {
    auto recorded = static_cast<Graph*>(graph);
    recorded->end();
    std::tie(pool[0], pool[1]) = recorded->pool();
  });
}

int cuda_graph_replay(void* graph) {
  return guarded([&] { static_cast<Graph*>(graph)->replay(); });
}

void cuda_graph_free(void* graph) {
  delete static_cast<Graph*>(graph);
}
