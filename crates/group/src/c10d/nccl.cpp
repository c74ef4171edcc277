// c10d's NCCL group out of a libtorch_cuda that was loaded at run time. Its header wants those of
// CUDA and NCCL, so its constructors are found by name; the object is used as a Backend alone.
#include <dlfcn.h>

#include <cstring>

#include "group.hpp"

namespace {

using Options = c10::intrusive_ptr<c10d::Backend::Options>;
using Store = c10::intrusive_ptr<c10d::Store>;

// More than any release needs: 0x458 and 0xf8 bytes in 2.11.0. Both objects are freed by `operator
// delete`, whatever their size.
constexpr size_t ROOM = 1 << 14;

template <class F>
F* symbol(const char* name) {
  void* found = dlsym(RTLD_DEFAULT, name);
  TORCH_CHECK(found, "this libtorch has no NCCL (`cargo xtask setup --cuda` installs one)");
  return reinterpret_cast<F*>(found);
}

void* zeroed() {
  return std::memset(::operator new(ROOM), 0, ROOM);
}

constexpr char OPTIONS[] = "_ZN4c10d16ProcessGroupNCCL7OptionsC1Eb";

} // namespace

int group_nccl_loaded(void) {
  return twinview::guarded(-1, [] {
    symbol<void(void*, bool)>(OPTIONS);
    return 0;
  });
}

c10::intrusive_ptr<c10d::Backend> twinview::nccl(
    const Store& store, int rank, int size, std::chrono::milliseconds timeout) {
  auto make_options = symbol<void(void*, bool)>(OPTIONS);
  auto make = symbol<void(void*, Store, int, int, Options)>(
      "_ZN4c10d16ProcessGroupNCCLC1EN3c1013intrusive_ptrINS_5StoreENS1_6detail34intrusive_target_"
      "default_null_typeIS3_EEEEiiNS2_INS0_7OptionsENS5_IS8_EEEE");
  void* memory = zeroed();
  make_options(memory, false);
  auto options = Options::unsafe_steal_from_new(static_cast<c10d::Backend::Options*>(memory));
  options->timeout = timeout;
  memory = zeroed();
  try {
    make(memory, store, rank, size, options);
  } catch (...) {
    ::operator delete(memory);
    throw;
  }
  return c10::intrusive_ptr<c10d::Backend>::unsafe_steal_from_new(
      static_cast<c10d::Backend*>(memory));
}
